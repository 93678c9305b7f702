// Sums of windows against arithmetic in whole numbers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { exactSum } from '../support/exactNumbers.js';
import { deviceOf, minuteMs } from './plans.js';

function windowSum(values: readonly number[]): number {
  const device = deviceOf({ definitions: { all: { kind: 'tumbling', sizeMs: minuteMs } } });
  for (const value of values) device.add(0, [value]);
  return device.openWindows()[0]!.metrics[0]!.sum!;
}

describe('the sum of a window', () => {
  const cases: readonly (readonly [values: readonly number[], sum: number])[] = [
    [Array.from({ length: 10 }, () => 0.1), 1],
    [[1e16, 1, -1e16], 1],
    [[1e100, 1, -1e100, 2 ** -1074], 1],
    [[2 ** 53, 1, 2 ** -60], 2 ** 53 + 2],
    [[2 ** 53, 1, -(2 ** -60)], 2 ** 53],
    [[2 ** 53, 1], 2 ** 53],
    [[0.1, -0.1], 0],
    [[5e-324, 5e-324, -0], 1e-323],
  ];
  for (const [values, sum] of cases) {
    it(`of ${values.length > 4 ? `${values.length} times ${values[0]}` : values.join(', ')} is ${sum}`, () => {
      assert.equal(windowSum(values), sum);
      assert.equal(windowSum(values.toReversed()), sum);
      assert.equal(exactSum(values), sum);
    });
  }

  it('is the double nearest to the exact sum, for values of any magnitude in any order', () => {
    const random = seededRandom(7);
    let plainlyWrong = 0;
    for (let run = 0; run < 300; run++) {
      const spread = [4, 60, 900][run % 3]!;
      const values = Array.from({ length: 1 + Math.floor(random.next() * 30) }, () => {
        const value = (random.next() - 0.5) * 2 ** Math.floor((random.next() - 0.5) * 2 * spread);
        return spread < 100 && random.next() < 0.2 ? Math.fround(value) : value;
      });
      if (run % 2 === 0) values.push(...values.slice(0, 5).map((value) => -value));
      const sum = exactSum(values);
      assert.equal(windowSum(values), sum, `run ${run}`);
      assert.equal(windowSum(values.toSorted()), sum, `run ${run}`);
      if (values.reduce((total, value) => total + value, 0) !== sum) plainlyWrong++;
    }
    assert.ok(plainlyWrong > 40, `${plainlyWrong} sums that plain addition gets wrong`);
  });
});
