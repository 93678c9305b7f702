// Pure. The least and the greatest text of a column, found on its UTF-8 bytes while they are in a page.
import type { Bounds } from '../statistics.js';
import { compareBytes } from './text.js';

/** A candidate points into the page; `settle` copies it before the page's memory is used again. */
interface Candidate {
  bytes: Uint8Array;
  start: number;
  end: number;
}

export class TextBounds {
  #min: Candidate | undefined;
  #max: Candidate | undefined;

  observe(bytes: Uint8Array, start: number, end: number): void {
    const min = this.#min;
    const max = this.#max;
    if (min === undefined || max === undefined) {
      this.#min = { bytes, start, end };
      this.#max = { bytes, start, end };
    } else if (compareBytes(bytes, start, end, min.bytes, min.start, min.end) < 0) {
      pointAt(min, bytes, start, end);
    } else if (compareBytes(bytes, start, end, max.bytes, max.start, max.end) > 0) {
      pointAt(max, bytes, start, end);
    }
  }

  settle(): void {
    if (this.#min !== undefined) settleCandidate(this.#min);
    if (this.#max !== undefined) settleCandidate(this.#max);
  }

  bounds(): Bounds | undefined {
    this.settle();
    if (this.#min === undefined || this.#max === undefined) return undefined;
    return { kind: 'utf8', min: this.#min.bytes, max: this.#max.bytes };
  }
}

function pointAt(candidate: Candidate, bytes: Uint8Array, start: number, end: number): void {
  candidate.bytes = bytes;
  candidate.start = start;
  candidate.end = end;
}

function settleCandidate(candidate: Candidate): void {
  const own = candidate.bytes.slice(candidate.start, candidate.end);
  pointAt(candidate, own, 0, own.length);
}
