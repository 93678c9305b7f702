// Pure. Chunks of decimals: as integers while their digits fit, otherwise as bytes of a fixed length, as Spark writes them.
import { TributaryError } from '../../base/index.js';
import type { DecimalType, DecimalValues } from '../columns.js';
import { typeText } from '../dataTypes.js';
import { Encoding, PhysicalType } from '../format.js';
import { decimalBytes, physicalTypeOf } from '../schema.js';
import type { Bounds } from '../statistics.js';
import {
  type ChunkContext,
  type ChunkPlan,
  type ColumnChunk,
  cutPages,
  finishChunk,
  type LeafField,
  requireRows,
} from './chunkPages.js';
import type { RowRange } from './fixedWidth.js';
import { encodeWords, nullsIn } from './numberChunk.js';
import { writeBigEndian } from './plain.js';

type DecimalField = LeafField & { readonly type: DecimalType };

export function encodeDecimals(
  context: ChunkContext,
  field: DecimalField,
  column: DecimalValues,
  from: number,
  to: number,
): ColumnChunk {
  requireRows(field, column.values.length, to);
  const validity = nullsIn(field, column.validity, from, to);
  const plan: ChunkPlan = { field, from, to, levels: validity, levelsFrom: 0 };
  const range: RowRange = { field, validity, from, to };
  checkDigits(field, range, column.values);
  switch (physicalTypeOf(field.type)) {
    case PhysicalType.INT32: {
      const stored = { ...range, field: { ...field, type: 'integer' } } as const;
      return encodeWords(context, plan, stored, int32Of(range, column.values));
    }
    case PhysicalType.INT64: {
      const stored = { ...range, field: { ...field, type: 'long' } } as const;
      return encodeWords(context, plan, stored, int64Of(range, column.values));
    }
    default:
      return encodeFixedBytes(context, plan, range, column.values);
  }
}

/** Throws for more digits than the type has, and for numbers that are not whole or not exact. */
function checkDigits(
  field: DecimalField,
  { validity, from, to }: RowRange,
  values: DecimalValues['values'],
): void {
  const limit = 10n ** BigInt(field.type.precision);
  const numberLimit = Math.min(Number(limit), 2 ** 53);
  for (let row = from; row < to; row++) {
    if (validity !== undefined && validity[row] === 0) continue;
    const value = values[row]!;
    const fits =
      typeof value === 'bigint'
        ? value < limit && value > -limit
        : value < numberLimit && value > -numberLimit && value === Math.floor(value);
    if (fits) continue;
    throw new TributaryError(
      'PARQUET_INVALID',
      `Column "${field.name}" of type ${typeText(field.type)} cannot hold the unscaled value ${value} of row ${row}.`,
    );
  }
}

/** In the same rows as `values`; those outside the range are left 0. */
function int32Of({ validity, from, to }: RowRange, values: DecimalValues['values']): Int32Array {
  if (values instanceof Int32Array) return values;
  const integers = new Int32Array(to);
  for (let row = from; row < to; row++)
    if (validity === undefined || validity[row] !== 0) integers[row] = Number(values[row]);
  return integers;
}

function int64Of(
  { validity, from, to }: RowRange,
  values: DecimalValues['values'],
): Float64Array | BigInt64Array {
  if (values instanceof Float64Array || values instanceof BigInt64Array) return values;
  if (values instanceof Int32Array) return Float64Array.from(values.subarray(0, to));
  const integers = new BigInt64Array(to);
  for (let row = from; row < to; row++)
    if (validity === undefined || validity[row] !== 0) integers[row] = values[row]!;
  return integers;
}

function encodeFixedBytes(
  context: ChunkContext,
  plan: ChunkPlan,
  { validity, from, to }: RowRange,
  values: DecimalValues['values'],
): ColumnChunk {
  const byteCount = decimalBytes(plan.field.type as DecimalType);
  const bytes = new Uint8Array((to - from) * byteCount);
  let count = 0;
  let bounds: Extract<Bounds, { kind: 'bigint' }> | undefined;
  for (let row = from; row < to; row++) {
    if (validity !== undefined && validity[row] === 0) continue;
    const value = BigInt(values[row]!);
    writeBigEndian(bytes, count++ * byteCount, byteCount, value);
    if (bounds === undefined) bounds = { kind: 'bigint', min: value, max: value };
    else if (value < bounds.min) bounds = { ...bounds, min: value };
    else if (value > bounds.max) bounds = { ...bounds, max: value };
  }
  cutPages(context, plan, byteCount * 8, Encoding.PLAIN, (body, firstValue, lastValue) =>
    body.append(bytes.subarray(firstValue * byteCount, lastValue * byteCount)),
  );
  const statistics = { nullCount: to - from - count, hasNaN: false, bounds };
  return finishChunk(context, plan, Encoding.PLAIN, statistics);
}
