import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  canonicalPath,
  commitPath,
  dataFileName,
  decodePath,
  encodePath,
  isAbsolutePath,
} from '../../shared/delta/paths.js';

describe('paths in the log', () => {
  /** Name of the object -> `add.path`, as Spark writes it. */
  const spelled: readonly [string, string][] = [
    ['part-00000-c000.snappy.parquet', 'part-00000-c000.snappy.parquet'],
    ['p=US%2FEast/x', 'p=US%252FEast/x'],
    ['p=Serbia%2Fsrb%25/x', 'p=Serbia%252Fsrb%2525/x'],
    ['p=100%2525/x', 'p=100%252525/x'],
    ['p=M\u00fcnchen/x', 'p=M\u00fcnchen/x'],
    ['p=a b/x', 'p=a%20b/x'],
    ['p=\u{1f600}/x', 'p=\u{1f600}/x'],
    ['p=a+b&c;d,e$f@g~h!/x', 'p=a+b&c;d,e$f@g~h!/x'],
    ['p=2024-01-01 10%3A00%3A00/x', 'p=2024-01-01%2010%253A00%253A00/x'],
    ['a"<>#?[\\]^`{|}b', 'a%22%3C%3E%23%3F%5B%5C%5D%5E%60%7B%7C%7Db'],
    ['a\tb\u007fc', 'a%09b%7Fc'],
  ];
  for (const [name, path] of spelled) {
    it(`spell ${JSON.stringify(name)} as ${JSON.stringify(path)}, and back`, () => {
      assert.equal(encodePath(name), path);
      assert.equal(decodePath(path), name);
    });
  }

  it('are decoded exactly once, whatever the writer encoded', () => {
    assert.equal(decodePath('p=M%C3%BCnchen/x%2Dy'), 'p=M\u00fcnchen/x-y');
    assert.equal(decodePath('p=US%252FEast'), 'p=US%2FEast');
  });

  it('have one canonical spelling', () => {
    for (const path of ['p=M%C3%BCnchen/a%2Db%20c', 'p=M\u00fcnchen/a-b%20c', 'p=M\u00fcnchen/a-b c']) {
      assert.equal(canonicalPath(path), 'p=M\u00fcnchen/a-b%20c');
    }
    assert.equal(canonicalPath('p=US%252FEast'), 'p=US%252FEast');
    assert.equal(canonicalPath('100%'), '100%');
  });

  it('that are broken or lead out of the table are errors', () => {
    assert.throws(() => decodePath('a%zz'), { code: 'DELTA_LOG_CORRUPT', message: /a%zz/ });
    for (const path of ['/a/b', 's3://bucket/a', 'file:/a', 'abfss://c@a.dfs.core.windows.net/x']) {
      assert.equal(isAbsolutePath(path), true, path);
      assert.throws(() => decodePath(path), { code: 'DELTA_PROTOCOL_UNSUPPORTED' });
    }
    assert.equal(isAbsolutePath('p=a:b/x'), false);
  });
});

describe('names of files', () => {
  it('of the log have twenty digits', () => {
    assert.equal(commitPath(0), '_delta_log/00000000000000000000.json');
    assert.equal(commitPath(123_456), '_delta_log/00000000000000123456.json');
  });

  it('of data say their codec', () => {
    assert.equal(dataFileName('u', 'zstd'), 'part-00000-u-c000.zstd.parquet');
    assert.equal(dataFileName('u', 'none'), 'part-00000-u-c000.parquet');
  });
});
