// What the durable-functions library does differently from what one would expect, and the app's code therefore must not do.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const folder = join(import.meta.dirname, '..', '..', 'functions');
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

/** Bodies of the generators, which are the orchestrators. */
const orchestrators = sources.flatMap(({ name, text }) =>
  [...text.matchAll(/function\*[^{]*\{/g)].map(({ index, 0: head }) => ({
    name,
    body: blockAt(text, index + head.length),
  })),
);

/** From behind an opening brace to the one that closes it. */
function blockAt(text: string, start: number): string {
  let depth = 1;
  let at = start;
  for (; at < text.length && depth > 0; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}') depth--;
  }
  return text.slice(start, at - 1);
}

function assertNowhere(
  pattern: RegExp,
  texts: readonly { readonly name: string; readonly text: string }[],
): void {
  const found = texts.filter(({ text }) => pattern.test(text)).map(({ name }) => name);
  assert.deepEqual(found, []);
}

const bodies = orchestrators.map(({ name, body }) => ({ name, text: body }));

describe('orchestrators', () => {
  it('are found by this test', () => {
    const names = new Set(orchestrators.map(({ name }) => name));
    assert.deepEqual([...names].sort(), ['autoLoader.ts', 'maintainTables.ts', 'publishResults.ts']);
  });

  it('are generators that await nothing: an async one fails, and whatever is awaited is not in the history', () => {
    assertNowhere(/async function\*/, sources);
    assertNowhere(/\bawait\b|\bPromise\b/, bodies);
  });

  it('take no time, chance or state but from their context', () => {
    assertNowhere(
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\brandomUUID\b|\bgetApp\b|\bprocess\b/,
      bodies,
    );
  });

  it('yield no task a second time inside another compound, which would run it twice', () => {
    assertNowhere(/Task\.any\b/, bodies);
  });

  it('ask for nothing that needs the app, the network or a lock', () => {
    assertNowhere(/callHttp|\bfetch\b|df\.lock/, bodies);
  });
});

describe('entities', () => {
  const entity = sources.filter(({ text }) => text.includes('df.app.entity'));

  it('answer once and set their state once in an operation, after everything that may fail', () => {
    assert.deepEqual(
      entity.map(({ name }) => name),
      ['deviceShard.ts'],
    );
    for (const { text } of entity) {
      assert.equal([...text.matchAll(/df\.return\(/g)].length, 1);
      assert.equal([...text.matchAll(/df\.setState\(/g)].length, 1);
      assert.ok(text.indexOf('df.setState(') > text.indexOf('session.run('));
      assert.ok(text.indexOf('df.setState(') > text.indexOf('df.return('));
    }
  });

  it('do no I/O, send no signals of their own and never destroy themselves', () => {
    assertNowhere(/\bawait\b|\basync\b|getApp|signalEntity|destructOnExit|\bfetch\b/, entity);
  });
});

describe('clients', () => {
  it('send no input that the library would drop: 0, false, an empty text', () => {
    assertNowhere(/signalEntity\([^)]*,\s*(0|false|''|null)\s*\)/, sources);
  });

  it('name entities by keys that need no encoding, since the library does none', () => {
    for (const { name, text } of sources) {
      for (const { 1: key } of text.matchAll(/new df\.EntityId\('[^']*',\s*([^)]+\)?)\)/g)) {
        assert.equal(key, 'String(shard)', name);
      }
    }
  });
});
