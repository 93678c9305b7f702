// Looking into JSON text: bounds of elements, values by path, nesting.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { elementSpans, nestsDeeper, sourceAt } from '../../shared/events/jsonSource.js';

describe('elementSpans', () => {
  it('finds the elements between any white space', () => {
    const text = ' [ 1 ,"a,]\\"" ,\n{"b":[1,{"c":"}"}]},[ ], null,-1.5e3]\t';
    const spans = elementSpans(text);
    const elements = Array.from({ length: spans.length / 2 }, (_, index) =>
      text.slice(spans[2 * index], spans[2 * index + 1]),
    );
    assert.deepEqual(elements, ['1', '"a,]\\""', '{"b":[1,{"c":"}"}]}', '[ ]', 'null', '-1.5e3']);
  });

  it('finds none in an empty array', () => assert.deepEqual(elementSpans(' [ ] '), []));
});

describe('sourceAt', () => {
  const text = '[{"a":{"b" : 1.0 ,"c":"\\\\"},"d\\u0065":-0.0,"a.b":[1e5 , 2],"f":{"g":true}}]';
  const cases: readonly (readonly [keys: readonly string[], source: string | undefined])[] = [
    [['a', 'b'], '1.0'],
    [['a', 'c'], '"\\\\"'],
    [['de'], '-0.0'],
    [['a.b'], '[1e5 , 2]'],
    [['f'], '{"g":true}'],
    [['f', 'g'], 'true'],
    [['x'], undefined],
    [['a', 'b', 'c'], undefined],
    [['a.b', '0'], undefined],
  ];
  for (const [keys, source] of cases) {
    it(`finds ${keys.join(' > ')}`, () => assert.equal(sourceAt(text, 1, keys), source));
  }
});

describe('nestsDeeper', () => {
  const cases: readonly (readonly [text: string, depth: number])[] = [
    ['5', 0],
    ['"[[[["', 0],
    ['"\\"[[["', 0],
    ['"\\\\"[', 1],
    ['{"a":[[],[],[{}]]}', 4],
    ['[],[],[],[]', 1],
    ['[[[', 3],
    ['["unclosed [[[[', 1],
    ['["unclosed \\', 1],
  ];
  for (const [text, depth] of cases) {
    it(`says that ${text} has ${depth} levels`, () => {
      assert.ok(!nestsDeeper(text, depth));
      if (depth > 0) assert.ok(nestsDeeper(text, depth - 1));
    });
  }

  it('takes time in proportion to the text', () => {
    const started = performance.now();
    for (const text of [
      '"\\'.repeat(1_000_000),
      '\\"'.repeat(1_000_000),
      `"${'\\\\'.repeat(1_000_000)}`,
      '[[]'.repeat(1_000_000),
    ]) {
      nestsDeeper(text, 10);
    }
    assert.ok(performance.now() - started < 2_000);
  });
});
