// Numbers beyond a double's reach, and multiplication without binary dust.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { decimalMultiplier, doubleOf, isJsonNumber } from '../../shared/events/decimal.js';

describe('isJsonNumber', () => {
  for (const text of [
    '0',
    '-0',
    '1',
    '-12',
    '1.0',
    '0.5',
    '1e5',
    '1E+5',
    '1.5e-10',
    '12345678901234567890',
  ]) {
    it(`takes ${text}`, () => assert.ok(isJsonNumber(text)));
  }
  for (const text of [
    '',
    '+1',
    '01',
    '.5',
    '5.',
    '1e',
    '0x10',
    'NaN',
    'Infinity',
    ' 1',
    '1 ',
    '1_000',
    '1,5',
    '１',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.ok(!isJsonNumber(text)));
  }
});

describe('doubleOf', () => {
  const kept: readonly (readonly [text: string, value: number])[] = [
    ['0.1', 0.1],
    ['0.10', 0.1],
    ['0.10000000000000001', 0.1],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', 9_007_199_254_740_992],
    ['9007199254740994', 9_007_199_254_740_994],
    ['1e300', 1e300],
    ['1000e297', 1e300],
    ['-1.7976931348623157e308', -Number.MAX_VALUE],
    ['5e-324', 5e-324],
    ['0e999', 0],
    ['-0.000', -0],
    [`1${'0'.repeat(22)}`, 1e22],
  ];
  for (const [text, value] of kept) {
    it(`of ${text} is ${value}`, () => assert.ok(Object.is(doubleOf(text), value)));
  }
  const lost = [
    '9007199254740993',
    '-9007199254740993',
    '12345678901234567890123',
    '1e400',
    '-1e400',
    '1e-400',
  ];
  for (const text of [...lost, `0.${'0'.repeat(400)}1`]) {
    it(`of ${text.slice(0, 30)} does not exist`, () => assert.ok(Number.isNaN(doubleOf(text))));
  }
});

describe('decimalMultiplier', () => {
  const products: readonly (readonly [value: number, factor: number, product: number])[] = [
    [0.57, 100, 57],
    [0.94, 100, 94],
    [0.29, 100, 29],
    [1.005, 1000, 1005],
    [1.1, 1.1, 1.21],
    [0.1, 3, 0.3],
    [25, 0.01, 0.25],
    [-0.57, 100, -57],
    [0.57, -100, -57],
    [1e-7, 10, 1e-6],
    [1.5e300, 100, 1.5e302],
    [123_456_789, 987_654_321, 121_932_631_112_635_260],
    [5e-324, 0.1, 0],
    [1e308, 100, Number.POSITIVE_INFINITY],
  ];
  for (const [value, factor, product] of products) {
    it(`${value} times ${factor} is ${product}`, () =>
      assert.equal(decimalMultiplier(factor)(value), product));
  }

  it('shifts every fraction of up to four digits exactly', () => {
    const multiply = decimalMultiplier(100);
    for (let tenThousandths = 0; tenThousandths <= 10_000; tenThousandths++) {
      assert.equal(multiply(tenThousandths / 10_000), tenThousandths / 100);
    }
  });

  it('agrees with whole-number arithmetic for random decimals', () => {
    const random = seededRandom(5);
    for (let round = 0; round < 2_000; round++) {
      const left = Math.floor(random.next() * 1e6);
      const right = 1 + Math.floor(random.next() * 1e6);
      assert.equal(decimalMultiplier(right / 1000)(left / 1000), Number(`${left * right}e-6`));
    }
  });
});
