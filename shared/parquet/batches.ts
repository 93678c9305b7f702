// Pure. Batches cut and joined; typed columns are cut without copying.
import { TributaryError } from '../base/index.js';
import type { ColumnBatch, ColumnField, DataBatch, DataField, DataValues } from './columns.js';
import { concatValues, nullValues, sliceValues } from './dataBatches.js';
import { isSameType, typeText } from './dataTypes.js';

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
  return { rowCount, fields, columns: fields.map((field) => concatColumn(batches, field)) };
}

function concatColumn(batches: readonly DataBatch[], field: DataField): DataValues {
  const parts = batches.map((batch) => ({
    values: findColumn(batch, field) ?? nullValues(field.type, batch.rowCount),
    count: batch.rowCount,
  }));
  return concatValues(parts, field.type);
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
