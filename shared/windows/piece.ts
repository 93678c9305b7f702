// Pure. Readings that are in the same windows of one definition, aggregated.
import { MetricAggregate } from './metricAggregate.js';

/** A reading is in exactly one piece of each definition; a window is one piece, or several that follow each other. */
export class Piece {
  messageCount = 0;
  firstMicros: number;
  lastMicros: number;
  /** In the order of the plan's metrics; undefined where no reading has the metric. */
  readonly metrics: (MetricAggregate | undefined)[];

  /** Without readings as yet. */
  constructor(eventTimeMicros: number, metricCount: number) {
    this.firstMicros = eventTimeMicros;
    this.lastMicros = eventTimeMicros;
    this.metrics = new Array<MetricAggregate | undefined>(metricCount).fill(undefined);
  }

  add(eventTimeMicros: number, values: readonly (number | null)[]): void {
    this.messageCount++;
    if (eventTimeMicros < this.firstMicros) this.firstMicros = eventTimeMicros;
    if (eventTimeMicros > this.lastMicros) this.lastMicros = eventTimeMicros;
    for (let index = 0; index < this.metrics.length; index++) {
      const value = values[index];
      if (value === null || value === undefined) continue;
      const aggregate = this.metrics[index];
      // Adding 0 makes 0 of -0, which JSON cannot say.
      if (aggregate === undefined) this.metrics[index] = new MetricAggregate(eventTimeMicros, value + 0);
      else aggregate.add(eventTimeMicros, value + 0);
    }
  }

  absorb(other: Piece): void {
    this.messageCount += other.messageCount;
    if (other.firstMicros < this.firstMicros) this.firstMicros = other.firstMicros;
    if (other.lastMicros > this.lastMicros) this.lastMicros = other.lastMicros;
    for (let index = 0; index < this.metrics.length; index++) {
      const added = other.metrics[index];
      if (added === undefined) continue;
      const aggregate = this.metrics[index];
      if (aggregate === undefined) this.metrics[index] = added.copy();
      else aggregate.absorb(added);
    }
  }
}

/** The pieces as one; they stay as they are. */
export function joinPieces(pieces: readonly Piece[]): Piece {
  const [first] = pieces;
  if (first === undefined) throw new RangeError('A window without readings has no piece.');
  if (pieces.length === 1) return first;
  const joined = new Piece(first.firstMicros, first.metrics.length);
  for (const piece of pieces) joined.absorb(piece);
  return joined;
}
