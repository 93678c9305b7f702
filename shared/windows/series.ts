// Pure. The open windows of one definition.
import type { Piece } from './piece.js';
import type { PlannedWindow } from './plan.js';

/** A window and the readings in it. */
export interface Span {
  readonly startMicros: number;
  readonly endMicros: number;
  /** Takes time, so only windows that are asked for are joined; before the series changes. */
  join(): Piece;
}

export interface Series {
  readonly window: PlannedWindow;
  /** Ascending by time. */
  readonly pieces: readonly Piece[];
  /** @param watermarkMicros after this reading, which is at or after the watermark before it */
  add(eventTimeMicros: number, values: readonly (number | null)[], watermarkMicros: number): void;
  /** The first `most` windows whose end is after `afterMicros` and at most `throughMicros`, ascending. No two end at one time. */
  spans(afterMicros: number, throughMicros: number, most: number): readonly Span[];
  /** Forgets the readings that are in no window with an end after the watermark. */
  drop(watermarkMicros: number): void;
}
