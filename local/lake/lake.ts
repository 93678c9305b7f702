// The tables of a running stack, read straight from storage: no Functions host is needed for it.

import { type App, createApp, type NamedTable } from '../../shared/app.js';
import { silentLogger, TributaryError } from '../../shared/base/index.js';
import {
  dataFieldOf,
  parseTableColumns,
  readSnapshotAt,
  type Snapshot,
  scanTable,
  type TableLocation,
  type TableMoment,
  unreadableType,
} from '../../shared/delta/index.js';
import { type DataBatch, type DataField, selectRows } from '../../shared/parquet/index.js';
import { summarizeTable, type TableSummary } from '../../shared/progress/index.js';
import type { ObjectStore } from '../../shared/storage/index.js';
import { closestName } from '../commandLine/arguments.js';

export interface LakeTable extends TableSummary {
  /** Milliseconds UTC; null when the commit does not say. */
  readonly lastCommitMs: number | null;
}

export interface ReadRowsOptions {
  readonly limit: number;
  /** In this order; undefined for all columns of the table. */
  readonly columns: readonly string[] | undefined;
  /** Rows of the files written last, last row first. */
  readonly newest: boolean;
  /** As the table was then; undefined as it is now. */
  readonly moment: TableMoment | undefined;
}

export interface RowReading {
  readonly version: number;
  readonly fields: readonly DataField[];
  /** In batches of at most one file, `limit` rows in all. */
  readonly batches: AsyncIterable<DataBatch>;
}

export interface Lake {
  listTables(): Promise<LakeTable[]>;
  /** @throws TributaryError INPUT_INVALID for a table or column that does not exist, naming those that do */
  readRows(table: string, options: ReadRowsOptions): Promise<RowReading>;
}

export async function openLake(storage: string): Promise<Lake> {
  const app = await createApp({ LakeStorage: storage }, silentLogger);
  return {
    async listTables() {
      return Promise.all((await app.existingTables()).map(describeTable));
    },
    async readRows(table, options) {
      assertTable(app, table);
      const snapshot =
        options.moment === undefined
          ? (await app.loadTable(table)).snapshot
          : await readSnapshotAt({ ...app.upkeepOptions(table), ...options.moment });
      const fields = selectFields(table, snapshot, options.columns);
      return {
        version: snapshot.version,
        fields,
        batches: readBatches({ ...app.upkeepOptions(table), snapshot }, fields, options),
      };
    },
  };
}

async function describeTable({ name, snapshot, store }: NamedTable): Promise<LakeTable> {
  return { ...summarizeTable(name, snapshot), lastCommitMs: await lastCommitMs(store, snapshot.version) };
}

/** The writer's clock in `commitInfo` where there is one, else the storage's. */
async function lastCommitMs(store: ObjectStore, version: number): Promise<number | null> {
  const path = `_delta_log/${String(version).padStart(20, '0')}.json`;
  const bytes = await store.read(path);
  // Log cleanup may have removed the commit after a checkpoint.
  if (bytes === undefined) return null;
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    if (!line.startsWith('{"commitInfo"')) continue;
    const { commitInfo } = JSON.parse(line) as { commitInfo: { timestamp?: unknown } };
    if (typeof commitInfo.timestamp === 'number') return commitInfo.timestamp;
  }
  return (await store.head(path))?.lastModifiedMs ?? null;
}

/** @throws TributaryError INPUT_INVALID naming the tables that exist */
export function assertTable(app: App, name: string): void {
  if (app.tableNames.includes(name)) return;
  throw unknownName('table', name, app.tableNames);
}

function selectFields(
  table: string,
  snapshot: Snapshot,
  wanted: readonly string[] | undefined,
): readonly DataField[] {
  const columns = parseTableColumns(snapshot.metadata.schemaString)
    .filter(({ type }) => unreadableType(type) === undefined)
    .map(dataFieldOf);
  if (wanted === undefined) return columns;
  return wanted.map((name) => {
    const found = columns.find((column) => column.name === name);
    if (found !== undefined) return found;
    throw unknownName(
      `column of ${table}`,
      name,
      columns.map((column) => column.name),
    );
  });
}

function unknownName(what: string, name: string, known: readonly string[]): TributaryError {
  const suggestion = closestName(name, known);
  const hint = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  return new TributaryError(
    'INPUT_INVALID',
    `There is no ${what} called "${name}".${hint} There are: ${known.join(', ')}.`,
  );
}

async function* readBatches(
  table: TableLocation & { readonly snapshot: Snapshot },
  fields: readonly DataField[],
  { limit, newest }: ReadRowsOptions,
): AsyncGenerator<DataBatch> {
  const columns = fields.map((field) => field.name);
  // The last rows of a file are not its first ones, so the newest are cut here.
  const cut = newest ? { newestFirst: true } : { limit };
  let remaining = limit;
  for await (const batch of scanTable({ ...table, columns, ...cut })) {
    const rows = newest ? lastRows(batch, remaining) : batch;
    remaining -= rows.rowCount;
    yield rows;
    if (remaining <= 0) return;
  }
}

/** The last rows, last row first. */
function lastRows(batch: DataBatch, limit: number): DataBatch {
  const rowCount = Math.min(batch.rowCount, limit);
  return selectRows(
    batch,
    Int32Array.from({ length: rowCount }, (_, index) => batch.rowCount - 1 - index),
  );
}
