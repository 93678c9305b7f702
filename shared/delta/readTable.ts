// The rows of a snapshot, one batch per data file.
import { TributaryError } from '../base/index.js';
import {
  type ColumnBatch,
  type ColumnType,
  type ParquetSource,
  readParquet,
  sliceBatch,
} from '../parquet/index.js';
import type { ObjectStore } from '../storage/index.js';
import { partitionColumn } from './partitionValues.js';
import { decodePath } from './paths.js';
import { columnsOf, nullColumn, parseTableSchema } from './schema.js';
import { logOf, type TableLocation } from './tableReader.js';
import type { AddAction, Snapshot, StructField } from './types.js';

export interface ReadRowsOptions extends TableLocation {
  readonly snapshot: Snapshot;
  /** In this order; default all that batches can hold: nested and decimal columns are left out. */
  readonly columns?: readonly string[];
  readonly limit?: number;
  /** Starts with the file that was written last; the rows of a file keep their order. */
  readonly newestFirst?: boolean;
}

/**
 * Batches with the table's columns; a column that a file lacks is null there.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH, DELTA_FILE_MISSING, PARQUET_INVALID, PARQUET_UNSUPPORTED, or of the store
 */
export async function* readRows(options: ReadRowsOptions): AsyncIterable<ColumnBatch> {
  const { snapshot } = options;
  const { store, table } = logOf(options);
  const fields = selectFields(table, snapshot, options.columns);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for (const file of orderedFiles(snapshot, options.newestFirst ?? false)) {
    if (left <= 0) return;
    const batch = await readFile(file, fields, {
      store,
      table,
      partitions: snapshot.metadata.partitionColumns,
    });
    if (batch.rowCount > 0) yield batch.rowCount > left ? sliceBatch(batch, 0, left) : batch;
    left -= batch.rowCount;
  }
}

function selectFields(
  table: string,
  snapshot: Snapshot,
  wanted: readonly string[] | undefined,
): StructField[] {
  const fields = columnsOf(parseTableSchema(snapshot.metadata.schemaString));
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

function orderedFiles(snapshot: Snapshot, newestFirst: boolean): AddAction[] {
  const files = [...snapshot.files.values()];
  if (!newestFirst) return files;
  return files.reverse().sort((left, right) => right.modificationTime - left.modificationTime);
}

interface FileContext {
  readonly store: ObjectStore;
  readonly table: string;
  readonly partitions: readonly string[];
}

async function readFile(
  file: AddAction,
  fields: readonly StructField[],
  context: FileContext,
): Promise<ColumnBatch> {
  const { partitions, table } = context;
  const stored = fields.filter(({ name }) => !partitions.includes(name));
  const batch = await readParquet(sourceOf(file, context), { columns: stored.map(({ name }) => name) });
  const positions = new Map(batch.fields.map(({ name }, index) => [name, index]));
  const columns = fields.map(({ name, type }) => {
    if (partitions.includes(name)) return partitionColumn(type, file.partitionValues[name], batch.rowCount);
    const position = positions.get(name);
    if (position === undefined) return nullColumn(type, batch.rowCount);
    const given = batch.fields[position]!.type;
    if (!readsAs(given, type)) throw wrongType(table, file, name, given, type);
    return batch.columns[position]!;
  });
  return {
    rowCount: batch.rowCount,
    fields: fields.map(({ name, type, nullable }) => ({ name, type, nullable })),
    columns,
  };
}

/** Types of one form in batches; some writers leave out the annotation that tells them apart. */
const sameForm: readonly ReadonlySet<ColumnType>[] = [
  new Set<ColumnType>(['byte', 'short', 'integer']),
  new Set<ColumnType>(['timestamp', 'timestamp_ntz']),
];

function readsAs(given: ColumnType, wanted: ColumnType): boolean {
  return given === wanted || sameForm.some((types) => types.has(given) && types.has(wanted));
}

function wrongType(
  table: string,
  file: AddAction,
  name: string,
  given: string,
  wanted: string,
): TributaryError {
  return new TributaryError(
    'DELTA_SCHEMA_MISMATCH',
    `Column "${name}" of table ${table} is ${wanted}, but ${given} in the data file ${file.path}.`,
  );
}

function sourceOf(file: AddAction, { store, table }: FileContext): ParquetSource {
  const path = decodePath(file.path);
  return {
    byteLength: file.size,
    async slice(start: number, end: number) {
      const bytes = await store.read(path, { start, end });
      if (bytes !== undefined) return new Uint8Array(bytes).buffer;
      throw new TributaryError(
        'DELTA_FILE_MISSING',
        `The data file ${path} of table ${table} is in the log, but not in the storage. Another engine may have vacuumed it: read a newer version.`,
      );
    },
  };
}
