// Pure. BOOLEAN: bit-packed PLAIN, RLE, or (never seen, but lawful) a dictionary.
import type { ColumnValues } from '../columns.js';
import { Encoding } from '../format.js';
import type { ByteReader } from './byteReader.js';
import { readHybrid } from './hybrid.js';
import { type ColumnSink, expectEnd, unsupportedEncoding } from './sink.js';

export class BooleanSink implements ColumnSink {
  readonly #values: Uint8Array;

  constructor(rowCount: number) {
    this.#values = new Uint8Array(rowCount);
  }

  readDictionary(): void {
    throw unsupportedEncoding(Encoding.PLAIN_DICTIONARY);
  }

  readValues(reader: ByteReader, encoding: number, count: number, at: number): void {
    if (count === 0) return;
    if (encoding === Encoding.PLAIN) {
      const bits = reader.take(Math.ceil(count / 8));
      expectEnd(reader);
      for (let index = 0; index < count; index++) {
        this.#values[at + index] = (bits[index >> 3]! >> (index & 7)) & 1;
      }
    } else if (encoding === Encoding.RLE) {
      reader.skip(4); // length of the runs, which are the rest of the page
      readHybrid(reader, 1, this.#values, at, at + count);
    } else {
      throw unsupportedEncoding(encoding);
    }
  }

  spread(validity: Uint8Array, at: number, rowCount: number, presentCount: number): void {
    let source = at + presentCount;
    for (let row = at + rowCount - 1; row >= at; row--) {
      this.#values[row] = validity[row] === 1 ? this.#values[--source]! : 0;
    }
  }

  finish(validity: Uint8Array | undefined): ColumnValues {
    const values = this.#values;
    return validity === undefined ? { kind: 'numbers', values } : { kind: 'numbers', values, validity };
  }
}
