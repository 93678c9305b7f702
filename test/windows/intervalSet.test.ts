// Which sequence numbers were seen: the fewest intervals, bounded.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import { IntervalSet } from '../../shared/windows/index.js';

function setOf(...intervals: readonly (readonly [from: number, to: number])[]): IntervalSet {
  const set = new IntervalSet();
  for (const [from, to] of intervals) set.add(from, to);
  return set;
}

describe('an interval set', () => {
  it('has the numbers of its intervals, bounds included', () => {
    const set = setOf([5, 7], [20, 20]);
    assert.deepEqual(
      [4, 5, 7, 8, 19, 20, 21].map((number) => set.has(number)),
      [false, true, true, false, false, true, false],
    );
  });

  it('joins intervals that touch or overlap', () => {
    assert.deepEqual(setOf([0, 9], [10, 19]).encode(), [1, 0, 0, 19]);
    assert.deepEqual(setOf([10, 19], [0, 9]).encode(), [1, 0, 0, 19]);
    assert.deepEqual(setOf([0, 2], [10, 12], [20, 22], [2, 20]).encode(), [1, 0, 0, 22]);
    assert.deepEqual(setOf([0, 9], [3, 4]).encode(), [1, 0, 0, 9]);
    assert.deepEqual(setOf([0, 9], [11, 12]).encode(), [1, 0, 0, 9, 2, 1]);
  });

  it('refuses an interval without numbers', () => {
    assert.throws(() => setOf([3, 2]), RangeError);
    assert.throws(() => setOf([Number.NaN, 2]), RangeError);
  });

  it('is the same as a set of numbers, for random intervals, also through JSON', () => {
    const random = seededRandom(3);
    for (let run = 0; run < 50; run++) {
      let set = new IntervalSet();
      const numbers = new Set<number>();
      for (let step = 0; step < 20; step++) {
        const from = Math.floor(random.next() * 100);
        const to = from + Math.floor(random.next() * 6);
        set.add(from, to);
        for (let number = from; number <= to; number++) numbers.add(number);
        set = IntervalSet.decode(JSON.parse(JSON.stringify(set.encode())));
      }
      for (let number = -1; number < 110; number++) assert.equal(set.has(number), numbers.has(number));
      const begins = [...numbers].filter((number) => !numbers.has(number - 1));
      assert.equal(set.intervalCount, begins.length);
    }
  });

  it('closes its lowest gap beyond 1,000 intervals, and counts that', () => {
    const set = new IntervalSet();
    for (let index = 0; index < 1001; index++) set.add(10 * index, 10 * index);
    assert.equal(set.intervalCount, 1000);
    assert.equal(set.closedGaps, 1);
    assert.ok(set.has(5));
    assert.ok(!set.has(15));
    const again = IntervalSet.decode(set.encode());
    assert.deepEqual([again.closedGaps, again.intervalCount, again.has(5)], [1, 1000, true]);
  });

  it('reads the state that version 1 wrote', () => {
    const set = IntervalSet.decode([1, 2, 100, 49, 51, 0]);
    assert.equal(set.closedGaps, 2);
    assert.deepEqual(
      [99, 100, 149, 150, 199, 200, 201].map((number) => set.has(number)),
      [false, true, true, false, false, true, false],
    );
  });

  it('refuses what no version wrote', () => {
    for (const state of [null, {}, [], [2, 0], [1, 0, 5], [1, 0, '5', 0], [1, null]]) {
      assert.throws(
        () => IntervalSet.decode(state),
        (error) => error instanceof TributaryError && error.code === 'STATE_UNREADABLE',
        JSON.stringify(state),
      );
    }
  });
});
