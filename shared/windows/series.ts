// Pure. The open windows of one definition.
import type { Piece } from './piece.js';
import type { PlannedWindow } from './plan.js';

/** A window and the readings in it. */
export interface Span {
  readonly startMicros: number;
  readonly endMicros: number;
  readonly piece: Piece;
}

export interface Series {
  readonly window: PlannedWindow;
  /** Ascending by time. */
  readonly pieces: readonly Piece[];
  /** @param watermarkMicros after this reading, which is at or after the watermark before it */
  add(eventTimeMicros: number, values: readonly (number | null)[], watermarkMicros: number): void;
  /** Windows whose end is after `afterMicros` and at most `throughMicros`, ascending. */
  spans(afterMicros: number, throughMicros: number): readonly Span[];
  /** Forgets the readings that are in no window with an end after the watermark. */
  drop(watermarkMicros: number): void;
}
