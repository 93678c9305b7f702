// Pure. What is kept of one metric's values in a piece of a window. Nothing in it depends on the order of delivery.
import { addToSum, mergeSums, roundedSum } from './exactSum.js';
import type { MetricValues } from './values.js';

const noValues: MetricValues = {
  count: 0,
  sum: null,
  avg: null,
  min: null,
  max: null,
  first: null,
  last: null,
  range: null,
};

export class MetricAggregate {
  count = 1;
  min: number;
  max: number;
  first: number;
  last: number;
  firstMicros: number;
  lastMicros: number;
  /** See exactSum.ts. */
  readonly partials: number[] = [];

  constructor(eventTimeMicros: number, value: number) {
    this.min = value;
    this.max = value;
    this.first = value;
    this.last = value;
    this.firstMicros = eventTimeMicros;
    this.lastMicros = eventTimeMicros;
    addToSum(this.partials, value);
  }

  add(eventTimeMicros: number, value: number): void {
    this.count++;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.#keepFirst(eventTimeMicros, value);
    this.#keepLast(eventTimeMicros, value);
    addToSum(this.partials, value);
  }

  absorb(other: MetricAggregate): void {
    this.count += other.count;
    if (other.min < this.min) this.min = other.min;
    if (other.max > this.max) this.max = other.max;
    this.#keepFirst(other.firstMicros, other.first);
    this.#keepLast(other.lastMicros, other.last);
    mergeSums(this.partials, other.partials);
  }

  copy(): MetricAggregate {
    const copy = new MetricAggregate(this.firstMicros, this.first);
    copy.count = this.count;
    copy.min = this.min;
    copy.max = this.max;
    copy.last = this.last;
    copy.lastMicros = this.lastMicros;
    copy.partials.length = 0;
    copy.partials.push(...this.partials);
    return copy;
  }

  /** The smallest of the values at the earliest time, whichever came first. */
  #keepFirst(eventTimeMicros: number, value: number): void {
    if (eventTimeMicros > this.firstMicros) return;
    if (eventTimeMicros === this.firstMicros && value >= this.first) return;
    this.firstMicros = eventTimeMicros;
    this.first = value;
  }

  #keepLast(eventTimeMicros: number, value: number): void {
    if (eventTimeMicros < this.lastMicros) return;
    if (eventTimeMicros === this.lastMicros && value <= this.last) return;
    this.lastMicros = eventTimeMicros;
    this.last = value;
  }
}

export function metricValues(aggregate: MetricAggregate | undefined): MetricValues {
  if (aggregate === undefined) return noValues;
  const { count, min, max, first, last } = aggregate;
  const sum = roundedSum(aggregate.partials);
  // Stays finite, since results pass through JSON.
  const range = Math.min(max - min, Number.MAX_VALUE);
  return { count, sum, avg: sum / count, min, max, first, last, range };
}
