// Pure. Session windows, the same whatever the order of delivery, although they are cut at a greatest size.
//
// What the sessions are: take the readings by event time; a reading joins the session of the one before it when it is less
// than the gap after that one and less than the greatest size after the session's first; otherwise it begins a session.
//
// Why aggregates suffice, though a late reading may join two sessions and so move a cut: a session's begin is settled once
// the watermark has reached it, since nothing earlier can come. pipeline.ts is held to a greatest size above the allowed
// lateness, so by the time that any reading lies beyond a begin plus the greatest size, that begin is settled. Hence at any
// time only one cut matters: that of the last settled session, which late readings may yet join to what follows it. Readings
// before and after that cut are kept in pieces of their own, and sessions are put together from pieces when asked for.
import { joinPieces, Piece } from './piece.js';
import type { PlannedWindow, SessionShape } from './plan.js';
import type { Series, Span } from './series.js';

/** Pieces `from` to `to` (exclusive) are one session. */
interface Session {
  readonly from: number;
  readonly to: number;
  readonly startMicros: number;
  readonly endMicros: number;
}

export class SessionSeries implements Series {
  readonly window: PlannedWindow;
  readonly pieces: Piece[];
  readonly #metricCount: number;
  readonly #gapMicros: number;
  readonly #maxSizeMicros: number;

  constructor(window: PlannedWindow, shape: SessionShape, pieces: readonly Piece[], metricCount: number) {
    this.window = window;
    this.pieces = [...pieces];
    this.#metricCount = metricCount;
    this.#gapMicros = shape.gapMicros;
    this.#maxSizeMicros = shape.maxSizeMicros;
  }

  add(eventTimeMicros: number, values: readonly (number | null)[], watermarkMicros: number): void {
    const { pieces } = this;
    const { from: settledFrom, cutMicros } = this.#lastSettled(watermarkMicros);
    let from = pieces.length;
    // From the newest, since most readings come in order.
    while (from > settledFrom && pieces[from - 1]!.lastMicros + this.#gapMicros > eventTimeMicros) from--;
    if (eventTimeMicros >= cutMicros) {
      while (from < pieces.length && pieces[from]!.firstMicros < cutMicros) from++;
    }
    let to = from;
    while (to < pieces.length && this.#joins(pieces[to]!, eventTimeMicros, cutMicros)) to++;
    if (from === to) pieces.splice(from, 0, new Piece(eventTimeMicros, this.#metricCount));
    else if (to - from > 1) pieces.splice(from, to - from, joinPieces(pieces.slice(from, to)));
    pieces[from]!.add(eventTimeMicros, values);
  }

  spans(afterMicros: number, throughMicros: number, most: number): readonly Span[] {
    const spans: Span[] = [];
    for (let from = 0; from < this.pieces.length; ) {
      const session = this.#session(from);
      if (session.endMicros > throughMicros || spans.length === most) break;
      if (session.endMicros > afterMicros) {
        const join = () => joinPieces(this.pieces.slice(session.from, session.to));
        spans.push({ startMicros: session.startMicros, endMicros: session.endMicros, join });
      }
      from = session.to;
    }
    return spans;
  }

  drop(watermarkMicros: number): void {
    let kept = 0;
    while (kept < this.pieces.length) {
      const session = this.#session(kept);
      if (session.endMicros > watermarkMicros) break;
      kept = session.to;
    }
    if (kept > 0) this.pieces.splice(0, kept);
  }

  /** Whether a piece that is not too early for a reading takes it. */
  #joins(piece: Piece, eventTimeMicros: number, cutMicros: number): boolean {
    const isNear = piece.firstMicros - this.#gapMicros < eventTimeMicros;
    return isNear && piece.firstMicros >= cutMicros === eventTimeMicros >= cutMicros;
  }

  /**
   * The last session with a settled begin: the index of its first piece, and where it must end at the latest. No reading to
   * come belongs to an earlier one. Index 0 and infinity when there is none.
   */
  #lastSettled(watermarkMicros: number): { readonly from: number; readonly cutMicros: number } {
    let settledFrom = 0;
    let cutMicros = Number.POSITIVE_INFINITY;
    for (let from = 0; from < this.pieces.length; ) {
      const { startMicros, to } = this.#session(from);
      if (startMicros > watermarkMicros) break;
      settledFrom = from;
      cutMicros = startMicros + this.#maxSizeMicros;
      from = to;
    }
    return { from: settledFrom, cutMicros };
  }

  #session(from: number): Session {
    const { pieces } = this;
    const startMicros = pieces[from]!.firstMicros;
    const cutMicros = startMicros + this.#maxSizeMicros;
    let lastMicros = pieces[from]!.lastMicros;
    let to = from + 1;
    for (; to < pieces.length; to++) {
      const piece = pieces[to]!;
      if (piece.firstMicros - lastMicros >= this.#gapMicros || piece.lastMicros >= cutMicros) break;
      lastMicros = piece.lastMicros;
    }
    return { from, to, startMicros, endMicros: Math.min(lastMicros + this.#gapMicros, cutMicros) };
  }
}
