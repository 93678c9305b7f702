// Bytes of a stream, taken in lengths that a binary format asks for.
import { Buffer } from 'node:buffer';

export class ByteQueue {
  readonly #source: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);
  #offset = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Of the next byte, from the start of the stream. */
  get offset(): number {
    return this.#offset;
  }

  /** What is there; `fill` makes it longer. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** False when the stream ends before there are `length` bytes. */
  async fill(length: number): Promise<boolean> {
    const parts = [this.#bytes];
    let filled = this.#bytes.length;
    while (filled < length) {
      const next = await this.#source.next();
      if (next.done) break;
      parts.push(next.value);
      filled += next.value.length;
    }
    if (parts.length > 1) this.#bytes = Buffer.concat(parts);
    return filled >= length;
  }

  take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    this.#offset += taken.length;
    return taken;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
