// Pure. Which sequence numbers of a partition are in a state already, as intervals.
import { numbersOf, unreadable } from './stateReader.js';

const version = 1;
/** Keeps a state small that gets odd intervals only. */
const mostIntervals = 1000;

/** Whole numbers, kept as the fewest intervals that cover them. */
export class IntervalSet {
  /** [from, to, from, to, ...], both inclusive, ascending, no two adjacent. */
  readonly #bounds: number[];
  #closedGaps: number;

  constructor() {
    this.#bounds = [];
    this.#closedGaps = 0;
  }

  /** @throws TributaryError STATE_UNREADABLE when `state` is nothing that `encode` of this or an earlier version wrote */
  static decode(state: unknown): IntervalSet {
    const [stateVersion, closedGaps = 0, ...lengths] = numbersOf(state, 'an interval set');
    if (stateVersion !== version) throw unreadable('an interval set', `version ${stateVersion}`);
    const set = new IntervalSet();
    set.#closedGaps = closedGaps;
    let bound = 0;
    for (const length of lengths) {
      bound += length;
      set.#bounds.push(bound);
    }
    if (set.#bounds.length % 2 !== 0) throw unreadable('an interval set', 'an odd number of bounds');
    return set;
  }

  /** [version, closedGaps, first bound, distance to the next, ...] */
  encode(): readonly number[] {
    const state = [version, this.#closedGaps];
    let before = 0;
    for (const bound of this.#bounds) {
      state.push(bound - before);
      before = bound;
    }
    return state;
  }

  /** Numbers that never came may count as being here: beyond 1,000 intervals the lowest gap was closed, this many times. */
  get closedGaps(): number {
    return this.#closedGaps;
  }

  get intervalCount(): number {
    return this.#bounds.length / 2;
  }

  has(number: number): boolean {
    const index = this.#firstEndingAtOrAfter(number);
    const from = this.#bounds[index];
    return from !== undefined && from <= number;
  }

  /** Both inclusive. */
  add(from: number, to: number): void {
    if (!(from <= to)) throw new RangeError(`An interval from ${from} to ${to} holds no number.`);
    const bounds = this.#bounds;
    const begin = this.#firstEndingAtOrAfter(from - 1);
    let end = begin;
    while (end < bounds.length && bounds[end]! <= to + 1) end += 2;
    const joinedFrom = end > begin ? Math.min(from, bounds[begin]!) : from;
    const joinedTo = end > begin ? Math.max(to, bounds[end - 1]!) : to;
    bounds.splice(begin, end - begin, joinedFrom, joinedTo);
    if (bounds.length > 2 * mostIntervals) {
      bounds.splice(1, 2);
      this.#closedGaps++;
    }
  }

  /** Index in `bounds` of the first interval that ends at or after the number; its length when there is none. */
  #firstEndingAtOrAfter(number: number): number {
    let low = 0;
    let high = this.#bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bounds[2 * middle + 1]! < number) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }
}
