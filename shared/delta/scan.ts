// The rows of a snapshot with columns of every type, read through deletion vectors and column mapping.
import { TributaryError } from '../base/index.js';
import {
  type DataBatch,
  type DataField,
  type DataValues,
  nullValues,
  type ParquetFile,
  selectRows,
} from '../parquet/index.js';
import { type MappingMode, mappingModeOf, physicalName } from './columnMapping.js';
import { type ColumnPlan, hasIds, planColumn } from './conform.js';
import { type FileContext, loadDeletedRows, openDataFile, type ResolveUri } from './dataFiles.js';
import { pruneFiles } from './dataSkipping.js';
import { partitionTextOf, partitionValues } from './partitionValues.js';
import type { Predicate } from './predicate.js';
import { logOf, type TableLocation } from './tableReader.js';
import { dataFieldOf, parseTableColumns, type TableColumn, unreadableType } from './tableTypes.js';
import type { AddAction, Snapshot } from './types.js';

export interface ScanOptions extends TableLocation {
  readonly snapshot: Snapshot;
  /** In this order, by any spelling of their case; default all. */
  readonly columns?: readonly string[];
  /** Files that cannot hold a matching row are left out; rows of the others are not filtered. */
  readonly filesMatching?: Predicate;
  readonly limit?: number;
  /** Starts with the file that was written last; the rows of a file keep their order. */
  readonly newestFirst?: boolean;
  /** Without it, a table with files outside its own folder is refused. */
  readonly resolveUri?: ResolveUri;
}

interface Scan extends FileContext {
  readonly columns: readonly TableColumn[];
  readonly fields: readonly DataField[];
  readonly partitions: ReadonlySet<string>;
  readonly mode: MappingMode;
  /** Whether the table has no columns at all, not even any that were not asked for. */
  readonly hasNoColumns: boolean;
}

/**
 * A batch per data file, with the table's columns; a column that a file lacks is null there.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH, DELTA_FILE_MISSING, DELTA_LOG_CORRUPT, DELTA_PROTOCOL_UNSUPPORTED (a column of
 * a type that is not read), PARQUET_INVALID, PARQUET_UNSUPPORTED, or of the store
 */
export async function* scanTable(options: ScanOptions): AsyncIterable<DataBatch> {
  const scan = planScan(options);
  const files = orderedFiles(options);
  // With a limit the first files may be enough: the others are not fetched for nothing.
  const aheadCount = options.limit === undefined ? parallelFiles : 1;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const reading: Promise<DataBatch>[] = [];
  for (let index = 0; index < files.length && left > 0; index++) {
    while (reading.length < aheadCount && index + reading.length < files.length) {
      reading.push(startReading(files[index + reading.length]!, scan));
    }
    const batch = await reading.shift()!;
    if (batch.rowCount > 0) yield batch.rowCount > left ? firstRows(batch, left) : batch;
    left -= batch.rowCount;
  }
}

/** Files read at once: hides the latency of a storage, and bounds memory. */
const parallelFiles = 4;

/** Whoever waits for the batch gets the error; if nobody does, because the scan ended before, nobody misses it. */
function startReading(file: AddAction, scan: Scan): Promise<DataBatch> {
  const batch = readFile(file, scan);
  batch.catch(() => {});
  return batch;
}

function planScan(options: ScanOptions): Scan {
  const { store, table } = logOf(options);
  const { protocol, metadata } = options.snapshot;
  const all = located(`Table ${table}`, () => parseTableColumns(metadata.schemaString));
  const columns = selectColumns(table, all, options.columns);
  return {
    store,
    table,
    columns,
    fields: columns.map(dataFieldOf),
    partitions: new Set(metadata.partitionColumns),
    mode: mappingModeOf(protocol, metadata),
    hasNoColumns: all.length === 0,
    ...(options.resolveUri && { resolveUri: options.resolveUri }),
  };
}

function selectColumns(
  table: string,
  all: readonly TableColumn[],
  wanted: readonly string[] | undefined,
): readonly TableColumn[] {
  const selected = wanted?.map((name) => findColumn(table, all, name)) ?? all;
  for (const { name, type } of selected) {
    const unreadable = unreadableType(type);
    if (unreadable === undefined) continue;
    throw new TributaryError(
      'DELTA_PROTOCOL_UNSUPPORTED',
      `Column "${name}" of table ${table} has the type ${unreadable}, which is not read here. Leave it out with the option "columns".`,
    );
  }
  return selected;
}

function findColumn(table: string, all: readonly TableColumn[], wanted: string): TableColumn {
  const found = all.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (found !== undefined) return found;
  throw new TributaryError(
    'DELTA_SCHEMA_MISMATCH',
    `Table ${table} has no readable column "${wanted}". It has ${all.map(({ name }) => name).join(', ')}.`,
  );
}

function orderedFiles({ snapshot, filesMatching, newestFirst }: ScanOptions): readonly AddAction[] {
  const files =
    filesMatching === undefined ? [...snapshot.files.values()] : pruneFiles(snapshot, filesMatching);
  if (!newestFirst) return files;
  return files.reverse().sort((left, right) => right.modificationTime - left.modificationTime);
}

async function readFile(add: AddAction, scan: Scan): Promise<DataBatch> {
  const file = await openDataFile(add, scan);
  const where = `Data file ${add.path} of table ${scan.table}`;
  assertPlausible(add, file, scan, where);
  const stored = scan.columns.filter(({ name }) => !scan.partitions.has(name));
  if (scan.mode === 'id' && stored.length > 0 && !hasIds(file.columns)) {
    throw new TributaryError(
      'DELTA_SCHEMA_MISMATCH',
      `${where}: its columns have no field ids, by which this table maps columns.`,
    );
  }
  const plans = new Map(
    stored.map((column) => [column, planColumn(column, file.columns, { mode: scan.mode, where })]),
  );
  const present = [...plans.values()].filter((plan) => plan !== undefined);
  const { columns: read } = await file.read(present.map(({ column }) => column));
  const valuesOf = new Map<ColumnPlan, DataValues>(present.map((plan, index) => [plan, read[index]!]));
  const batch: DataBatch = {
    rowCount: file.rowCount,
    fields: scan.fields,
    columns: scan.columns.map((column, index) => {
      const { type } = scan.fields[index]!;
      if (scan.partitions.has(column.name)) {
        const text = partitionTextOf(add, physicalName(column, scan.mode));
        return located(where, () => partitionValues(type, text, file.rowCount));
      }
      const plan = plans.get(column);
      if (plan === undefined) return nullValues(type, file.rowCount);
      return plan.convert(valuesOf.get(plan)!, file.rowCount);
    }),
  };
  return withoutDeletedRows(batch, add, scan);
}

/** What a damaged key in the log leads to: unknown keys have to be passed over, and then values seem to be absent. */
function assertPlausible(add: AddAction, file: ParquetFile, scan: Scan, where: string): void {
  if (scan.hasNoColumns && file.columns.length > 0)
    throw new TributaryError(
      'DELTA_LOG_CORRUPT',
      `${where} has columns, but the table's log has no schema for them.`,
    );
  if (scan.partitions.size > 0 && Object.keys(add.partitionValues).length === 0)
    throw new TributaryError(
      'DELTA_LOG_CORRUPT',
      `${where} has no partition values in the log, though the table is partitioned by ${[...scan.partitions].join(', ')}.`,
    );
}

/** Adds the place to errors of what knows no more than a text. */
function located<Result>(where: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    throw new TributaryError(error.code, `${where}: ${error.message}`, { cause: error.cause });
  }
}

async function withoutDeletedRows(batch: DataBatch, add: AddAction, scan: Scan): Promise<DataBatch> {
  if (add.deletionVector === undefined) return batch;
  const deleted = await loadDeletedRows(add, add.deletionVector, batch.rowCount, scan);
  const kept = new Int32Array(batch.rowCount - add.deletionVector.cardinality);
  let count = 0;
  for (let row = 0; row < batch.rowCount; row++) if (deleted[row] === 0) kept[count++] = row;
  return selectRows(batch, kept);
}

function firstRows(batch: DataBatch, count: number): DataBatch {
  return selectRows(
    batch,
    Int32Array.from({ length: count }, (_, row) => row),
  );
}
