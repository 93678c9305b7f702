// Pure. BYTE_ARRAY and FIXED_LEN_BYTE_ARRAY, as text or as bytes.
import type { ColumnValues } from '../columns.js';
import { Encoding } from '../format.js';
import { type ByteReader, damagedPage } from './byteReader.js';
import { readDeltaByteArrays, readDeltaLengthByteArrays } from './delta.js';
import { type ColumnSink, isDictionaryEncoding, readIndices, unsupportedEncoding } from './sink.js';

type Decode<T> = (bytes: Uint8Array, start: number, end: number) => T;

/** @param fixedLength bytes of every value; undefined where each value has a length of its own */
export function textSink(rowCount: number, fixedLength: number | undefined): ColumnSink {
  return new ByteArraySink(rowCount, fixedLength, decodeText, (values) => ({ kind: 'text', values }));
}

export function bytesSink(rowCount: number, fixedLength: number | undefined): ColumnSink {
  const copy: Decode<Uint8Array> = (bytes, start, end) => bytes.slice(start, end);
  return new ByteArraySink(rowCount, fixedLength, copy, (values) => ({ kind: 'bytes', values }));
}

/** Keeps a byte order mark, which is a character of the text like any other. */
function decodeText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

class ByteArraySink<T> implements ColumnSink {
  readonly #values: (T | null)[];
  #dictionary: T[] | undefined;

  constructor(
    rowCount: number,
    private readonly fixedLength: number | undefined,
    private readonly decode: Decode<T>,
    private readonly toColumn: (values: readonly (T | null)[]) => ColumnValues,
  ) {
    this.#values = new Array<T | null>(rowCount).fill(null);
  }

  readDictionary(reader: ByteReader, entryCount: number): void {
    const entries: T[] = [];
    for (let index = 0; index < entryCount; index++) entries.push(this.#readPlain(reader));
    this.#dictionary = entries;
  }

  readValues(reader: ByteReader, encoding: number, count: number, at: number): void {
    if (count === 0) return;
    const values = this.#values;
    const store = (index: number, bytes: Uint8Array, start: number, end: number) => {
      values[at + index] = this.decode(bytes, start, end);
    };
    if (encoding === Encoding.PLAIN) {
      for (let index = 0; index < count; index++) values[at + index] = this.#readPlain(reader);
    } else if (isDictionaryEncoding(encoding)) {
      this.#readDictionaryValues(reader, count, at);
    } else if (encoding === Encoding.DELTA_LENGTH_BYTE_ARRAY) {
      readDeltaLengthByteArrays(reader, count, store);
    } else if (encoding === Encoding.DELTA_BYTE_ARRAY) {
      readDeltaByteArrays(reader, count, store);
    } else {
      throw unsupportedEncoding(encoding);
    }
  }

  spread(validity: Uint8Array, at: number, rowCount: number, presentCount: number): void {
    const values = this.#values;
    let source = at + presentCount;
    for (let row = at + rowCount - 1; row >= at; row--) {
      values[row] = validity[row] === 1 ? values[--source]! : null;
    }
  }

  finish(): ColumnValues {
    return this.toColumn(this.#values);
  }

  #readPlain(reader: ByteReader): T {
    const length = this.fixedLength ?? reader.uint32();
    const start = reader.offset;
    reader.skip(length);
    return this.decode(reader.bytes, start, reader.offset);
  }

  #readDictionaryValues(reader: ByteReader, count: number, at: number): void {
    const dictionary = this.#dictionary;
    const indices = readIndices(reader, count, dictionary?.length);
    if (dictionary === undefined) throw damagedPage('a dictionary is missing');
    for (let position = 0; position < count; position++)
      this.#values[at + position] = dictionary[indices[position]!]!;
  }
}
