// Pure. Values of statistics, partitions and conditions in a form that can be compared: one form for each column type.
import type { ColumnType, DecimalType } from '../parquet/index.js';
import { comparePaths } from '../storage/index.js';
import { parseDays, parseTimestampMicros, parseUnscaled } from './parseScalar.js';

export type ScalarType = ColumnType | DecimalType;

/** Numbers for double; bigints for what counts in wholes: integers, days, microseconds, unscaled decimals. */
export type Comparable = string | number | bigint | boolean;

/** Undefined when the value is none of the type, or not exactly one: then nothing can be proved with it. */
export function comparable(value: unknown, type: ScalarType): Comparable | undefined {
  if (typeof type !== 'string') return decimalOf(value, type);
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'boolean':
      return booleanOf(value);
    case 'double':
      return doubleOf(value);
    case 'date':
      return typeof value === 'string' ? wholeOf(parseDays(value)) : wholeOf(value);
    case 'timestamp':
    case 'timestamp_ntz':
      return typeof value === 'string' ? parseTimestampMicros(value) : wholeOf(value);
    // A float's shortest text, read as a double, lies beside the float; and 0.7 is no float: nothing is exact here.
    case 'float':
    case 'binary':
      return undefined;
    default:
      return wholeOf(value);
  }
}

function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

function doubleOf(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && !Number.isNaN(number) ? number : undefined;
}

/** A fraction has no place among wholes; the caller keeps the file. */
function wholeOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string') return /^[+-]?\d+$/.test(value) ? BigInt(value.replace('+', '')) : undefined;
  return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
}

function decimalOf(value: unknown, { scale }: DecimalType): bigint | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  return parseUnscaled(String(value), scale);
}

/** Negative, zero or positive; texts as their UTF-8 bytes sort. Both must be of one type's form. */
export function compareValues(left: Comparable, right: Comparable): number {
  if (typeof left === 'string' && typeof right === 'string') return comparePaths(left, right);
  return left < right ? -1 : left > right ? 1 : 0;
}
