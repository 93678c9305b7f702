// What a text file is cut into before anything is parsed: lines, or the documents and array elements of JSON.
import { Buffer } from 'node:buffer';

export interface Span {
  /**
   * - `whole`;
   * - `cut`: the file ends here, and nothing says that the span is complete;
   * - `too_large`: `bytes` are its beginning, the rest was passed over;
   * - `open_array`: the file ends before the array that began at `offset` does.
   */
  readonly kind: 'whole' | 'cut' | 'too_large' | 'open_array';
  /** In the text, from the byte order mark's end on. */
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface Splitter {
  push(chunk: Buffer): Iterable<Span>;
  end(): Iterable<Span>;
}

/** Bytes of a span that began in an earlier chunk, up to the bound. */
export class HeldBytes {
  #parts: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(part: Buffer): void {
    this.#parts.push(part);
    this.#length += part.length;
  }

  /** What was held, and `last`. */
  take(last: Buffer): Buffer {
    if (this.#length === 0) return last;
    const bytes = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    return bytes;
  }
}

/** Lines end in LF; a CR before it stays in the span. The last one is `cut` unless it is empty. */
export class LineSplitter implements Splitter {
  readonly #maxBytes: number;
  readonly #maxBadBytes: number;
  readonly #held = new HeldBytes();
  #chunkOffset = 0;
  #lineOffset = 0;
  #isSkipping = false;

  constructor(maxBytes: number, maxBadBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxBadBytes = maxBadBytes;
  }

  *push(chunk: Buffer): Iterable<Span> {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const span = this.#close(chunk.subarray(start, end), 'whole');
      if (span !== undefined) yield span;
      start = end + 1;
      this.#lineOffset = this.#chunkOffset + start;
    }
    this.#chunkOffset += chunk.length;
    const rest = chunk.subarray(start);
    if (this.#isSkipping || rest.length === 0) return;
    if (this.#held.length + rest.length <= this.#maxBytes) {
      this.#held.add(rest);
      return;
    }
    yield this.#tooLarge(rest);
    this.#isSkipping = true;
  }

  *end(): Iterable<Span> {
    if (this.#isSkipping || this.#held.length === 0) return;
    const span = this.#close(Buffer.alloc(0), 'cut');
    if (span !== undefined) yield span;
  }

  #close(last: Buffer, kind: 'whole' | 'cut'): Span | undefined {
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return undefined;
    }
    if (this.#held.length + last.length > this.#maxBytes) return this.#tooLarge(last);
    return { kind, offset: this.#lineOffset, bytes: this.#held.take(last) };
  }

  #tooLarge(last: Buffer): Span {
    const bytes = this.#held.take(last).subarray(0, this.#maxBadBytes);
    return { kind: 'too_large', offset: this.#lineOffset, bytes };
  }
}
