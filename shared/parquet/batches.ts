// Pure. Batches cut and joined; typed columns are cut without copying.
import { TributaryError } from '../base/index.js';
import type {
  ColumnBatch,
  ColumnField,
  ColumnType,
  ColumnValues,
  DataBatch,
  DataField,
  DataValues,
} from './columns.js';
import { concatValues, nullValues, sliceValues } from './dataBatches.js';
import { isSameType, typeText } from './dataTypes.js';

type NumberColumn = Extract<ColumnValues, { kind: 'numbers' }>;
type NumberArray = NumberColumn['values'];

/** Rows `start` to `end` (exclusive), clamped to the batch. Numbers are views, so both batches share memory. */
export function sliceBatch(batch: ColumnBatch, start: number, end: number): ColumnBatch;
export function sliceBatch(batch: DataBatch, start: number, end: number): DataBatch;
export function sliceBatch(batch: DataBatch, start: number, end: number): DataBatch {
  const to = Math.max(0, Math.min(end, batch.rowCount));
  const from = Math.max(0, Math.min(start, to));
  return {
    rowCount: to - from,
    fields: batch.fields,
    columns: batch.columns.map((column) => sliceValues(column, from, to)),
  };
}

/**
 * All rows in order, in the shape of `fields`: columns are found by name, a column that a batch lacks is null there,
 * columns that `fields` lack are dropped. Throws PARQUET_INVALID when a type differs, and when a required column is missing.
 */
export function concatBatches(batches: readonly ColumnBatch[], fields: readonly ColumnField[]): ColumnBatch;
export function concatBatches(batches: readonly DataBatch[], fields: readonly DataField[]): DataBatch;
export function concatBatches(batches: readonly DataBatch[], fields: readonly DataField[]): DataBatch {
  const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  return { rowCount, fields, columns: fields.map((field) => concatColumn(batches, field, rowCount)) };
}

/** A batch's part of one joined column; `column` is undefined where the batch lacks it. */
interface Part {
  readonly column: DataValues | undefined;
  readonly rowCount: number;
}

function concatColumn(batches: readonly DataBatch[], field: DataField, rowCount: number): DataValues {
  const parts = batches.map((batch) => ({ column: findColumn(batch, field), rowCount: batch.rowCount }));
  const { name, type } = field;
  return typeof type === 'string'
    ? concatPrimitive(parts, { ...field, name, type }, rowCount)
    : concatNested(parts, field);
}

function concatNested(parts: readonly Part[], { type }: DataField): DataValues {
  return concatValues(
    parts.map(({ column, rowCount }) => ({ values: column ?? nullValues(type, rowCount), count: rowCount })),
    type,
  );
}

function concatPrimitive(parts: readonly Part[], field: ColumnField, rowCount: number): ColumnValues {
  if (field.type === 'string') return { kind: 'text', values: parts.flatMap((part) => textOf(part, field)) };
  if (field.type === 'binary')
    return { kind: 'bytes', values: parts.flatMap((part) => bytesOf(part, field)) };
  return concatNumbers(parts, field, rowCount);
}

function findColumn(batch: DataBatch, field: DataField): DataValues | undefined {
  const index = batch.fields.findIndex((candidate) => candidate.name === field.name);
  const found = batch.fields[index];
  if (found === undefined) {
    if (field.nullable || batch.rowCount === 0) return undefined;
    throw new TributaryError('PARQUET_INVALID', `A batch lacks the required column "${field.name}".`);
  }
  if (!isSameType(found.type, field.type)) throw wrongType(field, typeText(found.type));
  return batch.columns[index];
}

function wrongType(field: DataField, found: string): TributaryError {
  return new TributaryError(
    'PARQUET_INVALID',
    `Column "${field.name}" is ${found} in one of the batches, but ${typeText(field.type)} is asked for.`,
  );
}

function textOf(part: Part, field: ColumnField): (string | null)[] {
  if (part.column === undefined) return new Array<string | null>(part.rowCount).fill(null);
  if (part.column.kind !== 'text') throw wrongType(field, part.column.kind);
  return part.column.values.slice(0, part.rowCount);
}

function bytesOf(part: Part, field: ColumnField): (Uint8Array | null)[] {
  if (part.column === undefined) return new Array<Uint8Array | null>(part.rowCount).fill(null);
  if (part.column.kind !== 'bytes') throw wrongType(field, part.column.kind);
  return part.column.values.slice(0, part.rowCount);
}

function concatNumbers(parts: readonly Part[], field: ColumnField, rowCount: number): ColumnValues {
  const columns = parts.map((part) => numbersOf(part, field));
  const values = emptyNumbers(field.type, rowCount, columns);
  const hasNulls = columns.some((column) => column === undefined || column.validity !== undefined);
  const validity = hasNulls ? new Uint8Array(rowCount) : undefined;
  let row = 0;
  columns.forEach((column, index) => {
    const count = parts[index]!.rowCount;
    if (column !== undefined) {
      copyNumbers(values, row, column.values, count);
      if (column.validity === undefined) validity?.fill(1, row, row + count);
      else validity?.set(column.validity.subarray(0, count), row);
    }
    row += count;
  });
  return validity === undefined ? { kind: 'numbers', values } : { kind: 'numbers', values, validity };
}

function numbersOf(part: Part, field: ColumnField): NumberColumn | undefined {
  if (part.column === undefined || part.column.kind === 'numbers') return part.column;
  throw wrongType(field, part.column.kind);
}

function emptyNumbers(
  type: ColumnType,
  rowCount: number,
  columns: readonly (NumberColumn | undefined)[],
): NumberArray {
  if (type === 'boolean') return new Uint8Array(rowCount);
  if (type === 'byte' || type === 'short' || type === 'integer' || type === 'date')
    return new Int32Array(rowCount);
  const needsBigInt = columns.some((column) => column?.values instanceof BigInt64Array);
  return needsBigInt ? new BigInt64Array(rowCount) : new Float64Array(rowCount);
}

function copyNumbers(target: NumberArray, row: number, source: NumberArray, count: number): void {
  if (!(target instanceof BigInt64Array)) {
    if (source instanceof BigInt64Array) throw new Error('64-bit integers need a BigInt64Array');
    target.set(source.subarray(0, count), row);
  } else if (source instanceof BigInt64Array) {
    target.set(source.subarray(0, count), row);
  } else {
    for (let index = 0; index < count; index++) target[row + index] = BigInt(source[index]!);
  }
}
