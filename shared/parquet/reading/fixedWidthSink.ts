// Pure. INT32, INT64, INT96, FLOAT and DOUBLE as 32-bit words, turned into the column's form at the end.
import { TributaryError } from '../../base/index.js';
import { Encoding } from '../format.js';
import type { ByteReader } from './byteReader.js';
import { readDeltaIntegers } from './delta.js';
import {
  type ColumnSink,
  expectEnd,
  isDictionaryEncoding,
  readIndices,
  unsupportedEncoding,
} from './sink.js';

/** How the stored words become the column's values. */
export type WordForm =
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float'
  | 'double'
  | 'timestampMillis'
  | 'timestampNanos'
  | 'int96';

const wordsPerValueOf: Readonly<Record<WordForm, number>> = {
  int32: 1,
  uint32: 1,
  int64: 2,
  float: 1,
  double: 2,
  timestampMillis: 2,
  timestampNanos: 2,
  int96: 3,
};

interface WordColumn {
  readonly kind: 'numbers';
  readonly values: Int32Array | Float64Array | BigInt64Array;
  readonly validity?: Uint8Array;
}

export class FixedWidthSink implements ColumnSink<WordColumn> {
  readonly #words: Int32Array;
  readonly #wordsPerValue: number;
  #dictionary: Int32Array | undefined;

  constructor(
    private readonly form: WordForm,
    rowCount: number,
  ) {
    this.#wordsPerValue = wordsPerValueOf[form];
    this.#words = new Int32Array(rowCount * this.#wordsPerValue);
  }

  readDictionary(reader: ByteReader, entryCount: number): void {
    const bytes = reader.take(entryCount * this.#wordsPerValue * 4);
    this.#dictionary = new Int32Array(entryCount * this.#wordsPerValue);
    bytesOf(this.#dictionary).set(bytes);
  }

  readValues(reader: ByteReader, encoding: number, count: number, at: number): void {
    if (count === 0) return;
    const valueBytes = this.#wordsPerValue * 4;
    if (encoding === Encoding.PLAIN) {
      bytesOf(this.#words).set(reader.take(count * valueBytes), at * valueBytes);
      expectEnd(reader);
    } else if (isDictionaryEncoding(encoding)) {
      this.#readDictionaryValues(reader, count, at);
    } else if (encoding === Encoding.DELTA_BINARY_PACKED && this.#wordsPerValue < 3) {
      this.#readDeltas(reader, count, at);
    } else if (encoding === Encoding.BYTE_STREAM_SPLIT) {
      this.#readByteStreams(reader, count, at);
    } else {
      throw unsupportedEncoding(encoding);
    }
  }

  spread(validity: Uint8Array, at: number, rowCount: number, presentCount: number): void {
    const words = this.#words;
    const width = this.#wordsPerValue;
    let source = (at + presentCount) * width;
    for (let row = at + rowCount - 1; row >= at; row--) {
      const isPresent = validity[row] === 1;
      if (isPresent) source -= width;
      for (let word = width - 1; word >= 0; word--) {
        words[row * width + word] = isPresent ? words[source + word]! : 0;
      }
    }
  }

  finish(validity: Uint8Array | undefined): WordColumn {
    const values = this.#convert();
    return validity === undefined ? { kind: 'numbers', values } : { kind: 'numbers', values, validity };
  }

  #readDictionaryValues(reader: ByteReader, count: number, at: number): void {
    const words = this.#words;
    const width = this.#wordsPerValue;
    const dictionary = this.#dictionary;
    const indices = readIndices(reader, count, dictionary && dictionary.length / width);
    if (dictionary === undefined) return;
    if (width === 1) {
      for (let position = 0; position < count; position++)
        words[at + position] = dictionary[indices[position]!]!;
      return;
    }
    for (let position = 0; position < count; position++) {
      const target = (at + position) * width;
      const source = indices[position]! * width;
      for (let word = 0; word < width; word++) words[target + word] = dictionary[source + word]!;
    }
  }

  #readDeltas(reader: ByteReader, count: number, at: number): void {
    if (this.#wordsPerValue === 1) {
      readDeltaIntegers(reader, count, 32, (index, value) => {
        this.#words[at + index] = Number(value);
      });
      return;
    }
    const integers = new BigInt64Array(this.#words.buffer);
    readDeltaIntegers(reader, count, 64, (index, value) => {
      integers[at + index] = value;
    });
  }

  #readByteStreams(reader: ByteReader, count: number, at: number): void {
    const valueBytes = this.#wordsPerValue * 4;
    const streams = reader.take(count * valueBytes);
    const target = bytesOf(this.#words);
    for (let byte = 0; byte < valueBytes; byte++) {
      for (let index = 0; index < count; index++) {
        target[(at + index) * valueBytes + byte] = streams[byte * count + index]!;
      }
    }
  }

  #convert(): WordColumn['values'] {
    const words = this.#words;
    switch (this.form) {
      case 'int32':
        return words;
      case 'uint32':
        return Float64Array.from(new Uint32Array(words.buffer));
      case 'float':
        return Float64Array.from(new Float32Array(words.buffer));
      case 'double':
        return new Float64Array(words.buffer);
      case 'int64':
        return safeOrBigIntegers(words);
      case 'timestampMillis':
        return microsFrom(words, 2, (millis) => millis * 1000n);
      case 'timestampNanos':
        return microsFrom(words, 2, microsFromNanos);
      case 'int96':
        return microsFrom(words, 3, microsFromNanos);
    }
  }
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** The high word of a safe integer is in [-2^21, 2^21). The two's complement of -2^53 is not safe, but exact. */
function safeOrBigIntegers(words: Int32Array): Float64Array | BigInt64Array {
  for (let high = 1; high < words.length; high += 2) {
    const word = words[high]!;
    if (word < -(2 ** 21) || word >= 2 ** 21 || (word === -(2 ** 21) && words[high - 1] === 0)) {
      return new BigInt64Array(words.buffer);
    }
  }
  const values = new Float64Array(words.length / 2);
  for (let index = 0; index < values.length; index++) {
    values[index] = words[index * 2 + 1]! * 2 ** 32 + (words[index * 2]! >>> 0);
  }
  return values;
}

const dayNanos = 86_400_000_000_000n;
const julianDayOfEpoch = 2_440_588;

function microsFromNanos(nanos: bigint): bigint {
  const micros = nanos / 1000n;
  return nanos < 0n && nanos % 1000n !== 0n ? micros - 1n : micros; // down, also before 1970
}

/**
 * Rarely used units; BigInt is good enough. INT96 is nanoseconds within a Julian day, then the day. All zeros is the
 * place of a null: no timestamp of a device is in 4713 BC.
 */
function microsFrom(
  words: Int32Array,
  wordsPerValue: 2 | 3,
  toMicros: (value: bigint) => bigint,
): Float64Array | BigInt64Array {
  const rowCount = words.length / wordsPerValue;
  const micros = new BigInt64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const start = row * wordsPerValue;
    const low = (BigInt(words[start + 1]!) << 32n) | BigInt(words[start]! >>> 0);
    const isNullPlace = wordsPerValue === 3 && words[start + 2] === 0 && low === 0n;
    const day = wordsPerValue === 3 && !isNullPlace ? BigInt(words[start + 2]! - julianDayOfEpoch) : 0n;
    const value = toMicros(day * dayNanos + low);
    if (BigInt.asIntN(64, value) !== value) {
      throw new TributaryError(
        'PARQUET_UNSUPPORTED',
        `A timestamp of ${value} microseconds does not fit 64 bits.`,
      );
    }
    micros[row] = value;
  }
  return safeOrBigIntegers(new Int32Array(micros.buffer));
}
