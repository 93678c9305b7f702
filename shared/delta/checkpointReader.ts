// Reads what a checkpoint holds (PROTOCOL.md "Checkpoints"): classic single-file ones; V2 forms are refused by name.
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describeError, TributaryError } from '../base/index.js';
import { ActionCollector, type CommitActions, InvalidAction, type JsonObject } from './actions.js';
import type { TableLog } from './log.js';
import { logFolder } from './paths.js';

/**
 * The version named by `_last_checkpoint`. Only a hint: it may be missing, stale, torn, or name a file that is gone, so whoever
 * uses it must be able to do without.
 */
export async function readLastCheckpointVersion(log: TableLog): Promise<number | undefined> {
  const bytes = await log.store.read(`${logFolder}_last_checkpoint`);
  if (bytes === undefined) return undefined;
  try {
    const hint: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const version = (hint as { readonly version?: unknown } | null)?.version;
    return Number.isSafeInteger(version) && (version as number) >= 0 ? (version as number) : undefined;
  } catch {
    return undefined;
  }
}

export type Checkpoint =
  | { readonly kind: 'actions'; readonly actions: CommitActions }
  /** Damaged or gone; older files of the log may still hold the state. */
  | { readonly kind: 'unreadable'; readonly error: TributaryError };

/** @throws TributaryError DELTA_LOG_CORRUPT naming the file, DELTA_PROTOCOL_UNSUPPORTED for V2 checkpoints with sidecars */
export async function readCheckpoint(log: TableLog, path: string): Promise<Checkpoint> {
  const where = `${log.table}/${path}`;
  const bytes = await log.store.read(path);
  if (bytes === undefined) return unreadable(where, 'is listed but not there');
  let rows: Record<string, unknown>[];
  try {
    rows = await readRows(bytes);
  } catch (error) {
    return unreadable(where, `cannot be read as Parquet: ${describeError(error)}`);
  }
  return { kind: 'actions', actions: collectActions(rows, where) };
}

function collectActions(rows: readonly Record<string, unknown>[], where: string): CommitActions {
  const collector = new ActionCollector();
  for (const row of rows) {
    if (row.sidecar) throw hasSidecars(where);
    try {
      collector.collect(plain(row) as JsonObject);
    } catch (error) {
      if (error instanceof InvalidAction) throw corrupt(where, error.message);
      throw error;
    }
  }
  return collector;
}

/** Columns that matter; others (tombstones, parsed statistics, domains) are not even decoded. */
const wantedColumns = ['txn', 'add', 'metaData', 'protocol', 'sidecar'];

async function readRows(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const file = new Uint8Array(bytes).buffer;
  const metadata = await parquetMetadataAsync(file);
  const present = new Set(parquetSchema(metadata).children.map(({ element }) => element.name));
  const columns = wantedColumns.filter((name) => present.has(name));
  return parquetReadObjects({ file, metadata, columns, compressors });
}

/** The reader gives INT64 as bigint and maps as objects; actions are made of JSON's types. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function unreadable(where: string, problem: string): Checkpoint {
  return { kind: 'unreadable', error: corrupt(where, problem) };
}

function corrupt(where: string, problem: string): TributaryError {
  return new TributaryError(
    'DELTA_LOG_CORRUPT',
    `The checkpoint ${where} ${problem}. Write a new checkpoint with an engine that still has the state, or restore the file.`,
  );
}

function hasSidecars(where: string): TributaryError {
  return new TributaryError(
    'DELTA_PROTOCOL_UNSUPPORTED',
    `The checkpoint ${where} keeps its files in sidecars (table feature v2Checkpoint), which is not supported.`,
  );
}
