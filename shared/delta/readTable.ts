// The rows of a snapshot in columns of primitive types, the form of batches that most code works with.
import { TributaryError } from '../base/index.js';
import type { ColumnBatch, ColumnValues } from '../parquet/index.js';
import { type ScanOptions, scanTable } from './scan.js';
import { type PrimitiveField, parseTableSchema, primitiveColumnsOf } from './schema.js';
import { logOf } from './tableReader.js';
import type { Snapshot } from './types.js';

/** `columns`: default all that these batches can hold; nested and decimal columns are left out. */
export type ReadRowsOptions = ScanOptions;

/**
 * Batches with the table's columns; a column that a file lacks is null there. `scanTable` also reads columns of other types.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH, DELTA_FILE_MISSING, DELTA_LOG_CORRUPT, PARQUET_INVALID, PARQUET_UNSUPPORTED, or
 * of the store
 */
export async function* readRows(options: ReadRowsOptions): AsyncIterable<ColumnBatch> {
  const fields = selectFields(logOf(options).table, options.snapshot, options.columns);
  const columns = fields.map(({ name }) => name);
  for await (const batch of scanTable({ ...options, columns })) {
    yield {
      rowCount: batch.rowCount,
      fields: fields.map(({ name, type, nullable }) => ({ name, type, nullable })),
      columns: batch.columns as readonly ColumnValues[], // what columns of a ColumnType are made of
    };
  }
}

function selectFields(
  table: string,
  snapshot: Snapshot,
  wanted: readonly string[] | undefined,
): PrimitiveField[] {
  const fields = primitiveColumnsOf(parseTableSchema(snapshot.metadata.schemaString));
  if (wanted === undefined) return [...fields];
  return wanted.map((name) => {
    const found = fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
    if (found !== undefined) return found;
    throw new TributaryError(
      'DELTA_SCHEMA_MISMATCH',
      `Table ${table} has no readable column "${name}". It has ${fields.map((field) => field.name).join(', ')}.`,
    );
  });
}
