// Pure. Smallest and greatest values: exact ones for Delta's `stats`, and their form in the footer.
import type { DataType, DecimalType } from './columns.js';
import { PhysicalType } from './format.js';
import { decimalBytes, type LeafType, physicalTypeOf } from './schema.js';
import { writeBigEndian } from './writing/plain.js';
import { compareBytes, truncateMax, truncateMin } from './writing/text.js';

/**
 * What a file holds in one column. `min` and `max` are exact, whatever the footer shortens:
 *
 * | type | form |
 * |-|-|
 * | string | text, ordered by code points; lone surrogates appear as U+FFFD, as in the file |
 * | byte short integer float double date | number (days for date) |
 * | long timestamp timestamp_ntz | number where it is a safe integer, otherwise bigint (microseconds for timestamps) |
 * | decimal | unscaled, number where it is a safe integer, otherwise bigint |
 * | boolean binary struct list map | always undefined |
 *
 * Both are undefined without a value, and when a NaN is present: NaN has no place in the order that readers share.
 */
export interface ColumnStatistics {
  readonly name: string;
  readonly type: DataType;
  /** In a struct, rows whose struct is null count as well. */
  readonly nullCount: number;
  readonly min: number | bigint | string | undefined;
  readonly max: number | bigint | string | undefined;
  readonly hasNaN: boolean;
  /** Of a struct's fields, in their order; other columns have none. What is inside lists and maps is not described. */
  readonly children?: readonly ColumnStatistics[];
}

export type Bounds =
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'bigint'; readonly min: bigint; readonly max: bigint }
  | { readonly kind: 'utf8'; readonly min: Uint8Array; readonly max: Uint8Array };

/** Of one column in one row group. */
export interface ChunkStatistics {
  readonly nullCount: number;
  readonly hasNaN: boolean;
  /** Undefined without a value, with a NaN, and for binary. */
  readonly bounds: Bounds | undefined;
}

/** A bound as bytes of the footer. */
export interface FooterBound {
  readonly bytes: Uint8Array;
  readonly isExact: boolean;
}

/** Longer text is shortened in the footer, so that a long value cannot make it large. */
const maxTextBoundBytes = 64;

export function mergeChunkStatistics(
  field: { readonly name: string; readonly type: LeafType },
  chunks: readonly ChunkStatistics[],
): ColumnStatistics {
  const nullCount = chunks.reduce((sum, chunk) => sum + chunk.nullCount, 0);
  const hasNaN = chunks.some((chunk) => chunk.hasNaN);
  const common = { name: field.name, type: field.type, nullCount, hasNaN };
  const bounds = chunks.flatMap((chunk) => chunk.bounds ?? []);
  const merged = bounds.length === 0 ? undefined : bounds.reduce(mergeBounds);
  if (merged === undefined || hasNaN || field.type === 'boolean') {
    return { ...common, min: undefined, max: undefined };
  }
  return { ...common, min: typedValue(merged, merged.min), max: typedValue(merged, merged.max) };
}

function mergeBounds(left: Bounds, right: Bounds): Bounds {
  if (left.kind === 'number' && right.kind === 'number') {
    return { kind: 'number', min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) };
  }
  if (left.kind === 'bigint' && right.kind === 'bigint') {
    const isLeftLess = left.min < right.min;
    const isLeftGreater = left.max > right.max;
    return { kind: 'bigint', min: (isLeftLess ? left : right).min, max: (isLeftGreater ? left : right).max };
  }
  if (left.kind === 'utf8' && right.kind === 'utf8') {
    const min = compareWhole(left.min, right.min) <= 0 ? left.min : right.min;
    return { kind: 'utf8', min, max: compareWhole(left.max, right.max) >= 0 ? left.max : right.max };
  }
  throw new Error(`bounds of kind ${left.kind} and ${right.kind} cannot belong to one column`);
}

/** Unsigned order of whole byte arrays. */
function compareWhole(left: Uint8Array, right: Uint8Array): number {
  return compareBytes(left, 0, left.length, right, 0, right.length);
}

function typedValue(bounds: Bounds, value: number | bigint | Uint8Array): number | bigint | string {
  if (typeof value === 'number') return value + 0; // -0 equals 0 to everyone who compares
  if (typeof value === 'bigint') return isSafe(value) ? Number(value) : value;
  if (bounds.kind !== 'utf8') throw new Error('only text has bounds in bytes');
  return decodeUtf8(value);
}

function isSafe(value: bigint): boolean {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** `Statistics.min_value` of a chunk; undefined where no lawful bound exists. */
export function footerMin(type: LeafType, bounds: Bounds): FooterBound | undefined {
  if (bounds.kind === 'utf8') {
    const bytes = truncateMin(bounds.min, maxTextBoundBytes);
    return { bytes, isExact: bytes.length === bounds.min.length };
  }
  // parquet.thrift: a zero minimum is written as -0.0, because readers may order -0.0 before +0.0.
  const min = bounds.min === 0 && (type === 'double' || type === 'float') ? -0 : bounds.min;
  return { bytes: plainBytes(type, min), isExact: true };
}

/** `Statistics.max_value` of a chunk; undefined where no lawful bound exists. */
export function footerMax(type: LeafType, bounds: Bounds): FooterBound | undefined {
  if (bounds.kind === 'utf8') {
    const bytes = truncateMax(bounds.max, maxTextBoundBytes);
    return bytes && { bytes, isExact: bytes === bounds.max };
  }
  const max = bounds.max === 0 ? 0 : bounds.max;
  return { bytes: plainBytes(type, max), isExact: true };
}

/** A single value in PLAIN encoding. */
function plainBytes(type: LeafType, value: number | bigint): Uint8Array {
  if (typeof type !== 'string') return plainDecimal(type, value);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  switch (type) {
    case 'boolean':
      bytes[0] = Number(value);
      return bytes.subarray(0, 1);
    case 'float':
      view.setFloat32(0, Number(value), true);
      return bytes.subarray(0, 4);
    case 'double':
      view.setFloat64(0, Number(value), true);
      return bytes;
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
      view.setBigInt64(0, BigInt(value), true);
      return bytes;
    default:
      view.setInt32(0, Number(value), true);
      return bytes.subarray(0, 4);
  }
}

function plainDecimal(type: DecimalType, unscaled: number | bigint): Uint8Array {
  const physicalType = physicalTypeOf(type);
  if (physicalType === PhysicalType.INT32) return plainBytes('integer', unscaled);
  if (physicalType === PhysicalType.INT64) return plainBytes('long', unscaled);
  const bytes = new Uint8Array(decimalBytes(type));
  writeBigEndian(bytes, 0, bytes.length, BigInt(unscaled));
  return bytes;
}
