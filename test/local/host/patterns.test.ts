import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseBlobPath } from '../../../local/host/blobPath.js';
import { setCookieText } from '../../../local/host/cookies.js';
import { globPattern } from '../../../local/host/globPattern.js';
import { parseTimeSpan } from '../../../local/host/timeSpan.js';

describe("the glob in package.json's main", () => {
  const cases: readonly [glob: string, matching: readonly string[], other: readonly string[]][] = [
    [
      'dist/functions/*.js',
      ['dist/functions/a.js'],
      ['dist/functions/a.js.map', 'dist/functions/b/a.js', 'xdist/functions/a.js'],
    ],
    ['./dist/functions/*.js', ['dist/functions/a.js'], []],
    [
      'dist/{index.js,functions/*.js}',
      ['dist/index.js', 'dist/functions/a.js'],
      ['dist/other.js', 'dist/functions/index.ts'],
    ],
    ['**/*.mjs', ['a.mjs', 'x/y/a.mjs'], ['a.js']],
    ['src/**', ['src/a', 'src/b/c.js'], ['lib/a']],
    ['file?.js', ['file1.js'], ['file.js', 'file/.js']],
    ['a+(b).js', ['a+(b).js'], ['aab.js']],
  ];
  for (const [glob, matching, other] of cases) {
    it(`${glob} matches what it should`, () => {
      const pattern = globPattern(glob);
      for (const path of matching) assert.match(path, pattern);
      for (const path of other) assert.doesNotMatch(path, pattern);
    });
  }
});

describe('the path of a blob trigger', () => {
  it('captures parts of the name', () => {
    const path = parseBlobPath('f', 'landing/{stream}/{name}.json');
    assert.equal(path.container, 'landing');
    assert.deepEqual(path.match('iot/a/b.json'), { stream: 'iot/a', name: 'b' });
    assert.equal(path.match('iot/b.csv'), undefined);
  });

  it('narrows the listing to what stands before the first capture', () => {
    assert.equal(parseBlobPath('f', 'landing/2026/in-{name}').prefix, '2026/in-');
    assert.equal(parseBlobPath('f', 'landing/{name}').prefix, '');
  });

  it('takes doubled braces for braces and everything else literally', () => {
    const path = parseBlobPath('f', 'landing/{{a}}.(x)+{name}');
    assert.deepEqual(path.match('{a}.(x)+1'), { name: '1' });
    assert.equal(path.match('{a}x(x)+1'), undefined);
  });

  it('without a pattern means every blob', () => {
    assert.deepEqual(parseBlobPath('f', 'landing').match('any/thing'), {});
  });

  it('needs a container', () => {
    assert.throws(() => parseBlobPath('landed', '{container}/{name}'), /"landed" has no valid container/);
  });
});

describe('a cookie', () => {
  it('becomes a Set-Cookie text with what the app set, and no SameSite for "none"', () => {
    assert.equal(setCookieText({ name: 'a', value: 'x; y', sameSite: 'none' }), 'a=x%3B%20y; Path=/');
    assert.equal(
      setCookieText({
        name: 'a',
        value: 'b',
        domain: { value: 'example.com' },
        path: { value: '/api' },
        expires: { value: { seconds: 0 } },
        secure: { value: true },
        httpOnly: { value: true },
        sameSite: 'explicitNone',
        maxAge: { value: 60 },
      }),
      'a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60; Domain=example.com; Path=/api; Secure; HttpOnly; SameSite=None',
    );
  });
});

describe('a TimeSpan', () => {
  it('is read to milliseconds', () => {
    assert.equal(parseTimeSpan('00:00:01'), 1000);
    assert.equal(parseTimeSpan('1.02:03:04.5'), 93_784_500);
    assert.equal(parseTimeSpan('00:01'), 60_000);
    assert.equal(parseTimeSpan('00:00:00.0000001'), 0);
  });

  it('is nothing else', () => {
    for (const text of ['', '5', '24:00:00', '00:60:00', '00:00:60', '-00:00:01', '5m']) {
      assert.equal(parseTimeSpan(text), undefined, text);
    }
  });
});
