// Pure. Values of fixed width without their nulls, as 32-bit words in file order (little-endian, as every host of
// Node.js that Azure offers), with their bounds. Int64 travels as two words, so no BigInt is made on the way.
import { TributaryError } from '../../base/index.js';
import type { ColumnType, DataField } from '../columns.js';
import { typeText } from '../dataTypes.js';
import type { Bounds } from '../statistics.js';
import type { LeafField } from './chunkPages.js';

/** Reused memory for the values of one column of one row group. */
export class NumberScratch {
  int32 = new Int32Array(0);
  float32 = new Float32Array(0);
  float64 = new Float64Array(0);
  bigint64 = new BigInt64Array(0);

  reserve(valueCount: number): void {
    if (valueCount <= this.float64.length) return;
    const buffer = new ArrayBuffer(Math.max(valueCount, this.float64.length * 2, 1024) * 8);
    this.int32 = new Int32Array(buffer);
    this.float32 = new Float32Array(buffer);
    this.float64 = new Float64Array(buffer);
    this.bigint64 = new BigInt64Array(buffer);
  }
}

export interface GatheredWords {
  /** `presentCount * wordsPerValue` words; belongs to the scratch or to the batch. */
  readonly words: Int32Array;
  readonly wordsPerValue: 1 | 2;
  readonly presentCount: number;
  readonly bounds: Bounds | undefined;
  readonly hasNaN: boolean;
}

/** Rows `from` to `to` of a column; `validity` undefined means that none of them is null. */
export interface RowRange {
  readonly field: LeafField;
  readonly validity: Uint8Array | undefined;
  readonly from: number;
  readonly to: number;
}

type NumberArray = Float64Array | Int32Array | Uint8Array | BigInt64Array;

/** Throws PARQUET_INVALID when the array's kind does not fit the type, or a value does not. */
export function gatherWords(range: RowRange, values: NumberArray, scratch: NumberScratch): GatheredWords {
  scratch.reserve(range.to - range.from);
  switch (range.field.type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'date':
      if (values instanceof Int32Array) return gatherInt32(range, values, scratch);
      break;
    case 'float':
      if (values instanceof Float64Array) return gatherFloat(range, values, scratch);
      break;
    case 'double':
      if (values instanceof Float64Array) return gatherDouble(range, values, scratch);
      break;
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
      if (values instanceof Float64Array) return gatherSafeIntegers(range, values, scratch);
      if (values instanceof BigInt64Array) return gatherBigIntegers(range, values, scratch);
      break;
    default:
  }
  throw wrongArray(range.field, values.constructor.name);
}

export function wrongArray(field: Pick<DataField, 'name' | 'type'>, found: string): TributaryError {
  return new TributaryError(
    'PARQUET_INVALID',
    `Column "${field.name}" of type ${typeText(field.type)} cannot be written from ${found}: see the tables at ColumnValues and DataValues.`,
  );
}

function gatherInt32(range: RowRange, values: Int32Array, scratch: NumberScratch): GatheredWords {
  const { validity, from, to } = range;
  const words = scratch.int32;
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let row = from; row < to; row++) {
    if (validity !== undefined && validity[row] === 0) continue;
    const value = values[row]!;
    words[count++] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  checkIntegerRange(range.field, count, min, max);
  return gathered(words, 1, count, numberBounds(count, min, max), false);
}

function gatherFloat(range: RowRange, values: Float64Array, scratch: NumberScratch): GatheredWords {
  const { validity, from, to } = range;
  const floats = scratch.float32;
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let hasNaN = false;
  for (let row = from; row < to; row++) {
    if (validity !== undefined && validity[row] === 0) continue;
    const value = Math.fround(values[row]!);
    floats[count++] = value;
    if (value < min) min = value;
    if (value > max) max = value;
    hasNaN ||= Number.isNaN(value);
  }
  return gathered(scratch.int32, 1, count, hasNaN ? undefined : numberBounds(count, min, max), hasNaN);
}

function gatherDouble(range: RowRange, values: Float64Array, scratch: NumberScratch): GatheredWords {
  const { validity, from, to } = range;
  const doubles = scratch.float64;
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let hasNaN = false;
  for (let row = from; row < to; row++) {
    if (validity !== undefined && validity[row] === 0) continue;
    const value = values[row]!;
    doubles[count++] = value;
    if (value < min) min = value;
    if (value > max) max = value;
    hasNaN ||= Number.isNaN(value);
  }
  return gathered(scratch.int32, 2, count, hasNaN ? undefined : numberBounds(count, min, max), hasNaN);
}

const twoTo32 = 2 ** 32;

function gatherSafeIntegers(range: RowRange, values: Float64Array, scratch: NumberScratch): GatheredWords {
  const { validity, from, to } = range;
  const words = scratch.int32;
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let row = from; row < to; row++) {
    if (validity !== undefined && validity[row] === 0) continue;
    const value = values[row]!;
    if (value !== Math.floor(value)) throw notInteger(range.field, row, value);
    words[count] = value; // the low 32 bits: a store into an Int32Array is modulo 2^32
    words[count + 1] = Math.floor(value / twoTo32);
    count += 2;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const bounds = numberBounds(count, min, max);
  if (bounds !== undefined && !(Number.isSafeInteger(min) && Number.isSafeInteger(max))) {
    throw new TributaryError(
      'PARQUET_INVALID',
      `Column "${range.field.name}" holds ${Number.isSafeInteger(min) ? max : min}, which a Float64Array cannot hold exactly: use a BigInt64Array.`,
    );
  }
  return gathered(words, 2, count / 2, bounds, false);
}

function gatherBigIntegers(range: RowRange, values: BigInt64Array, scratch: NumberScratch): GatheredWords {
  const { validity, from, to } = range;
  const integers = scratch.bigint64;
  let count = 0;
  let min = 2n ** 63n - 1n;
  let max = -(2n ** 63n);
  for (let row = from; row < to; row++) {
    if (validity !== undefined && validity[row] === 0) continue;
    const value = values[row]!;
    integers[count++] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return gathered(scratch.int32, 2, count, count === 0 ? undefined : { kind: 'bigint', min, max }, false);
}

function gathered(
  words: Int32Array,
  wordsPerValue: 1 | 2,
  presentCount: number,
  bounds: Bounds | undefined,
  hasNaN: boolean,
): GatheredWords {
  return {
    words: words.subarray(0, presentCount * wordsPerValue),
    wordsPerValue,
    presentCount,
    bounds,
    hasNaN,
  };
}

function numberBounds(count: number, min: number, max: number): Bounds | undefined {
  return count === 0 ? undefined : { kind: 'number', min, max };
}

const integerLimits: Readonly<Partial<Record<ColumnType, number>>> = { byte: 2 ** 7, short: 2 ** 15 };

function checkIntegerRange(field: LeafField, count: number, min: number, max: number): void {
  const limit = typeof field.type === 'string' ? integerLimits[field.type] : undefined;
  if (limit === undefined || count === 0 || (min >= -limit && max < limit)) return;
  throw new TributaryError(
    'PARQUET_INVALID',
    `Column "${field.name}" of type ${typeText(field.type)} holds ${min < -limit ? min : max}, which is out of its range.`,
  );
}

function notInteger(field: LeafField, row: number, value: number): TributaryError {
  return new TributaryError(
    'PARQUET_INVALID',
    `Column "${field.name}" of type ${typeText(field.type)} holds ${value} in row ${row}; only whole numbers fit.`,
  );
}
