// Rows of some files of a table, read and written again as files of their own.
import { type Clock, type Random, TributaryError } from '../../base/index.js';
import {
  concatBatches,
  type DataBatch,
  type DataField,
  type EncodedParquet,
  encodeParquet,
} from '../../parquet/index.js';
import { type DataFileTable, encodeRows, writeChangeFile, writeDataFile } from '../dataFile.js';
import type { JsonObject } from '../json.js';
import { scanTable } from '../scan.js';
import { columnsOf, parseTableSchema } from '../schema.js';
import { logOf, type TableLocation } from '../tableReader.js';
import type { AddAction, Snapshot } from '../types.js';

export interface RewriteContext extends TableLocation {
  readonly clock: Clock;
  readonly random: Random;
  readonly snapshot: Snapshot;
}

/** Small enough for their statistics to skip within a file. */
const rowGroupRows = 131_072;

/**
 * Columns that data files hold: all but those of the partition, and those of the type `void`, which no file has.
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED when some cannot be written again, as their values would be lost
 */
export function storedFields(table: string, snapshot: Snapshot): readonly DataField[] {
  const { metadata } = snapshot;
  const schema = parseTableSchema(metadata.schemaString);
  const lost = schema.fields.flatMap(({ kind, field }) =>
    kind === 'opaque' && field.typeText !== 'void' ? [field.name] : [],
  );
  if (lost.length === 0) {
    return columnsOf(schema)
      .filter(({ name }) => !metadata.partitionColumns.includes(name))
      .map(({ name, type, nullable }) => ({ name, type, nullable }));
  }
  throw new TributaryError(
    'DELTA_PROTOCOL_UNSUPPORTED',
    `Files of table ${table} cannot be rewritten here: columns with the types of ${lost.join(', ')} cannot be written.`,
  );
}

/** Rows of `files`, in the order of the files, without those that deletion vectors delete. */
export async function readFiles(
  files: readonly AddAction[],
  fields: readonly DataField[],
  context: RewriteContext,
): Promise<DataBatch> {
  const { store, root, snapshot } = context;
  const part: Snapshot = { ...snapshot, files: new Map(files.map((file) => [file.path, file])) };
  const batches: DataBatch[] = [];
  const columns = fields.map(({ name }) => name);
  for await (const batch of scanTable({ store, root, snapshot: part, columns })) batches.push(batch);
  const [only] = batches;
  return only !== undefined && batches.length === 1 ? only : concatBatches(batches, fields);
}

/** @returns the `add`, which makes the file part of the table once it is committed */
export async function writeRows(
  batch: DataBatch,
  partitionValues: AddAction['partitionValues'],
  dataChange: boolean,
  context: RewriteContext,
): Promise<AddAction> {
  const table = fileTableOf(context.snapshot);
  const files = { ...context, store: logOf(context).store };
  return {
    ...(await writeDataFile(encodeGrouped(batch, table), table, files, partitionValues)),
    dataChange,
  };
}

function fileTableOf({ metadata }: Snapshot): DataFileTable {
  const { schemaString, partitionColumns, configuration } = metadata;
  const stored = parseTableSchema(schemaString).fields.filter(
    ({ field }) => !partitionColumns.includes(field.name),
  );
  return { schema: { fields: stored }, configuration };
}

function encodeGrouped(batch: DataBatch, table: DataFileTable): EncodedParquet {
  return encodeRows(batch, table, (rows, options) => encodeParquet(rows, { ...options, rowGroupRows }));
}

/** Says what became of a row, in a file of the change data feed. */
export const changeTypeColumn = '_change_type';

/** @returns the `cdc` of a file that tells readers of the change data feed of these rows, which are deleted */
export function writeDeletedRows(
  batch: DataBatch,
  partitionValues: AddAction['partitionValues'],
  context: RewriteContext,
): Promise<JsonObject> {
  const { rowCount, fields, columns } = batch;
  const changes: DataBatch = {
    rowCount,
    fields: [...fields, { name: changeTypeColumn, type: 'string', nullable: true }],
    columns: [...columns, { kind: 'text', values: new Array<string>(rowCount).fill('delete') }],
  };
  const files = { ...context, store: logOf(context).store };
  return writeChangeFile(encodeGrouped(changes, fileTableOf(context.snapshot)), files, partitionValues);
}
