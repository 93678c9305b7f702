// Pure. BYTE_ARRAY and FIXED_LEN_BYTE_ARRAY, as text or as bytes.
import type { ColumnValues, DecimalValues } from '../columns.js';
import { Encoding } from '../format.js';
import { type ByteReader, damagedPage } from './byteReader.js';
import { readDeltaByteArrays, readDeltaLengthByteArrays } from './delta.js';
import {
  type ColumnSink,
  expectEnd,
  isDictionaryEncoding,
  readIndices,
  unsupportedEncoding,
} from './sink.js';

type Decode<T> = (bytes: Uint8Array, start: number, end: number) => T;

/** @param fixedLength bytes of every value; undefined where each value has a length of its own */
export function textSink(rowCount: number, fixedLength: number | undefined): ColumnSink {
  return new ByteArraySink<string | null, ColumnValues>(
    rowCount,
    fixedLength,
    null,
    decodeText,
    (values) => ({
      kind: 'text',
      values,
    }),
  );
}

export function bytesSink(rowCount: number, fixedLength: number | undefined): ColumnSink {
  const copy: Decode<Uint8Array> = (bytes, start, end) => bytes.slice(start, end);
  return new ByteArraySink<Uint8Array | null, ColumnValues>(rowCount, fixedLength, null, copy, (values) => ({
    kind: 'bytes',
    values,
  }));
}

/** Decimals as integers of any width, most significant byte first. */
export function bigEndianSink(rowCount: number, fixedLength: number | undefined): ColumnSink<DecimalValues> {
  return new ByteArraySink<bigint, DecimalValues>(
    rowCount,
    fixedLength,
    0n,
    decodeBigEndian,
    (values, validity) =>
      validity === undefined ? { kind: 'decimals', values } : { kind: 'decimals', values, validity },
  );
}

/** 38 digits take 16 bytes; a little more is room for writers that pad. */
const maxIntegerBytes = 32;

function decodeBigEndian(bytes: Uint8Array, start: number, end: number): bigint {
  if (end - start > maxIntegerBytes) throw damagedPage(`a decimal of ${end - start} bytes is too long`);
  if (end === start) return 0n;
  let value = BigInt((bytes[start]! << 24) >> 24);
  let index = start + 1;
  for (; index + 4 <= end; index += 4) {
    const word =
      (bytes[index]! << 24) | (bytes[index + 1]! << 16) | (bytes[index + 2]! << 8) | bytes[index + 3]!;
    value = (value << 32n) | BigInt(word >>> 0);
  }
  for (; index < end; index++) value = (value << 8n) | BigInt(bytes[index]!);
  return value;
}

/** Keeps a byte order mark, which is a character of the text like any other. */
function decodeText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** BYTE_STREAM_SPLIT: the first bytes of all values, then their second ones, and so on. */
function readByteStreams(
  reader: ByteReader,
  valueBytes: number,
  count: number,
  store: (index: number, bytes: Uint8Array, start: number, end: number) => void,
): void {
  const streams = reader.take(count * valueBytes);
  const value = new Uint8Array(valueBytes);
  for (let index = 0; index < count; index++) {
    for (let byte = 0; byte < valueBytes; byte++) value[byte] = streams[byte * count + index]!;
    store(index, value, 0, valueBytes);
  }
}

class ByteArraySink<T, Column> implements ColumnSink<Column> {
  readonly #values: T[];
  #dictionary: T[] | undefined;

  constructor(
    rowCount: number,
    private readonly fixedLength: number | undefined,
    /** Stands where there is no value. */
    private readonly absent: T,
    private readonly decode: Decode<T>,
    private readonly toColumn: (values: readonly T[], validity: Uint8Array | undefined) => Column,
  ) {
    this.#values = new Array<T>(rowCount).fill(absent);
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
      expectEnd(reader);
    } else if (isDictionaryEncoding(encoding)) {
      this.#readDictionaryValues(reader, count, at);
    } else if (encoding === Encoding.DELTA_LENGTH_BYTE_ARRAY) {
      readDeltaLengthByteArrays(reader, count, store);
    } else if (encoding === Encoding.DELTA_BYTE_ARRAY) {
      readDeltaByteArrays(reader, count, store);
    } else if (encoding === Encoding.BYTE_STREAM_SPLIT && this.fixedLength !== undefined) {
      readByteStreams(reader, this.fixedLength, count, store);
    } else {
      throw unsupportedEncoding(encoding);
    }
  }

  spread(validity: Uint8Array, at: number, rowCount: number, presentCount: number): void {
    const values = this.#values;
    let source = at + presentCount;
    for (let row = at + rowCount - 1; row >= at; row--) {
      values[row] = validity[row] === 1 ? values[--source]! : this.absent;
    }
  }

  finish(validity: Uint8Array | undefined): Column {
    return this.toColumn(this.#values, validity);
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
