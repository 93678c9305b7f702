// Pure. Tumbling and sliding windows. Readings are kept by pane: a stretch that no window begins or ends in. So a reading
// is added once, however many windows it is in, and a window is joined from its panes when it closes.
import { joinPieces, Piece } from './piece.js';
import type { PlannedWindow, SlidingShape } from './plan.js';
import type { Series, Span } from './series.js';

export class SlidingSeries implements Series {
  readonly window: PlannedWindow;
  readonly pieces: Piece[];
  readonly #metricCount: number;
  readonly #sizeMicros: number;
  readonly #slideMicros: number;
  readonly #offsetMicros: number;
  /** From a window's begin to the end of an earlier one; 0 when they coincide. */
  readonly #remainderMicros: number;

  constructor(window: PlannedWindow, shape: SlidingShape, pieces: readonly Piece[], metricCount: number) {
    this.window = window;
    this.pieces = [...pieces];
    this.#metricCount = metricCount;
    this.#sizeMicros = shape.sizeMicros;
    this.#slideMicros = shape.slideMicros;
    this.#offsetMicros = shape.offsetMicros;
    this.#remainderMicros = shape.sizeMicros % shape.slideMicros;
  }

  add(eventTimeMicros: number, values: readonly (number | null)[]): void {
    const paneMicros = this.#paneStart(eventTimeMicros);
    let index = this.pieces.length;
    // From the newest, since most readings come in order.
    while (index > 0 && this.pieces[index - 1]!.firstMicros >= paneMicros) index--;
    let piece = this.pieces[index];
    if (piece === undefined || this.#paneStart(piece.firstMicros) !== paneMicros) {
      piece = new Piece(eventTimeMicros, this.#metricCount);
      this.pieces.splice(index, 0, piece);
    }
    piece.add(eventTimeMicros, values);
  }

  spans(afterMicros: number, throughMicros: number, most: number): readonly Span[] {
    const spans: Span[] = [];
    let beforeMicros = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < this.pieces.length; index++) {
      const paneMicros = this.#paneStart(this.pieces[index]!.firstMicros);
      // Windows whose first pane is this one: they begin after the pane before, and end after this one begins.
      const earliest = Math.max(beforeMicros, paneMicros - this.#sizeMicros, afterMicros - this.#sizeMicros);
      let startMicros = this.#windowStart(earliest) + this.#slideMicros;
      for (; startMicros <= paneMicros; startMicros += this.#slideMicros) {
        if (startMicros + this.#sizeMicros > throughMicros || spans.length === most) return spans;
        spans.push(this.#span(startMicros, index));
      }
      beforeMicros = paneMicros;
    }
    return spans;
  }

  drop(watermarkMicros: number): void {
    let kept = 0;
    while (kept < this.pieces.length) {
      const lastStart = this.#windowStart(this.pieces[kept]!.firstMicros);
      if (lastStart + this.#sizeMicros > watermarkMicros) break;
      kept++;
    }
    if (kept > 0) this.pieces.splice(0, kept);
  }

  #span(startMicros: number, fromIndex: number): Span {
    const endMicros = startMicros + this.#sizeMicros;
    const join = () => {
      let toIndex = fromIndex;
      while (toIndex < this.pieces.length && this.pieces[toIndex]!.firstMicros < endMicros) toIndex++;
      return joinPieces(this.pieces.slice(fromIndex, toIndex));
    };
    return { startMicros, endMicros, join };
  }

  /** Begin of the last window that begins at or before the time. Floors, also before 1970. */
  #windowStart(micros: number): number {
    const into = (micros - this.#offsetMicros) % this.#slideMicros;
    return micros - (into < 0 ? into + this.#slideMicros : into);
  }

  #paneStart(micros: number): number {
    const startMicros = this.#windowStart(micros);
    const endOfEarlier = startMicros + this.#remainderMicros;
    return micros < endOfEarlier ? startMicros : endOfEarlier;
  }
}
