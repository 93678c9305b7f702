// Pure. Rows of a batch in the order of some of its columns, so that the statistics of files and row groups tell values apart.
import { TributaryError } from '../../base/index.js';
import { type ColumnBatch, type ColumnValues, type DataBatch, selectRows } from '../../parquet/index.js';
import { comparePaths } from '../../storage/index.js';

/**
 * Ascending, nulls first, NaN last; rows that tie keep their order.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH for a column that the batch lacks, or that is nested or a decimal
 */
export function sortRows(batch: ColumnBatch, columnNames: readonly string[]): ColumnBatch;
export function sortRows(batch: DataBatch, columnNames: readonly string[]): DataBatch;
export function sortRows(batch: DataBatch, columnNames: readonly string[]): DataBatch {
  const keys = columnNames.map((name) => sortKey(batch, name));
  if (keys.length === 0 || batch.rowCount < 2) return batch;
  const order = Int32Array.from({ length: batch.rowCount }, (_, row) => row);
  order.sort((left, right) => {
    for (const key of keys) {
      const one = key[left]!;
      const other = key[right]!;
      if (one !== other) return one < other ? -1 : 1;
    }
    return left - right;
  });
  return selectRows(batch, order);
}

/** Numbers in the order of the values. */
function sortKey(batch: DataBatch, name: string): Float64Array {
  const index = batch.fields.findIndex((field) => field.name.toLowerCase() === name.toLowerCase());
  const column = batch.columns[index];
  if (column === undefined) {
    throw new TributaryError(
      'DELTA_SCHEMA_MISMATCH',
      `Rows cannot be sorted by "${name}": there is no such column. There are ${batch.fields.map((field) => field.name).join(', ')}.`,
    );
  }
  if (column.kind !== 'numbers' && column.kind !== 'text' && column.kind !== 'bytes') {
    throw new TributaryError(
      'DELTA_SCHEMA_MISMATCH',
      `Rows cannot be sorted by "${name}", which is of the kind ${column.kind}: name columns of primitive types.`,
    );
  }
  return plainKey(column, batch.rowCount) ?? ranks(valuesOf(column, batch.rowCount));
}

/** The numbers themselves, with room below for nulls; undefined where they take all of the range, or are wider than doubles. */
function plainKey(column: ColumnValues, rowCount: number): Float64Array | undefined {
  if (column.kind !== 'numbers' || column.values instanceof BigInt64Array) return undefined;
  const key = Float64Array.from(column.values.subarray(0, rowCount));
  for (let row = 0; row < rowCount; row++) {
    if (column.validity?.[row] === 0) key[row] = Number.NEGATIVE_INFINITY;
    else if (!Number.isFinite(key[row])) return undefined;
  }
  return key;
}

type SortValue = number | bigint | string | null;

function valuesOf(column: ColumnValues, rowCount: number): SortValue[] {
  if (column.kind === 'text') return column.values.slice(0, rowCount);
  // Latin-1 keeps the order of bytes.
  if (column.kind === 'bytes')
    return Array.from({ length: rowCount }, (_, row) => {
      const bytes = column.values[row];
      return bytes == null ? null : Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
    });
  const { values, validity } = column;
  return Array.from({ length: rowCount }, (_, row) => (validity?.[row] === 0 ? null : values[row]!));
}

/** Distinct values sorted once; rows then compare as numbers. */
function ranks(values: readonly SortValue[]): Float64Array {
  const distinct = [...new Set(values)].filter((value) => value !== null).sort(compareValues);
  const rankOf = new Map<SortValue, number>(distinct.map((value, rank) => [value, rank + 1]));
  return Float64Array.from(values, (value) => rankOf.get(value) ?? 0);
}

function compareValues(left: string | number | bigint, right: string | number | bigint): number {
  if (typeof left === 'string' && typeof right === 'string') return comparePaths(left, right);
  if (Number.isNaN(left) || Number.isNaN(right))
    return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  return left < right ? -1 : left > right ? 1 : 0;
}
