// Reads what a checkpoint holds (PROTOCOL.md "Checkpoints"): classic single-file and multi-part ones, and V2 ones in
// JSON or Parquet, with their files inside or in sidecars.
import { describeError, TributaryError } from '../base/index.js';
import { type DataBatch, openParquet } from '../parquet/index.js';
import { type ActionSink, InvalidAction, parseJsonLines } from './actions.js';
import { actionColumns, actionRows, fillGaps, hasGaps, parsedColumn } from './checkpointActions.js';
import type { JsonObject } from './json.js';
import type { TableLog } from './log.js';
import type { CheckpointFiles } from './logSegment.js';
import { isAbsolutePath, logFolder } from './paths.js';

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

export type Checkpoint<Actions> =
  | { readonly kind: 'actions'; readonly actions: Actions }
  /** Damaged or gone; older files of the log may still hold the state. `path` is the listed file to do without. */
  | { readonly kind: 'unreadable'; readonly path: string; readonly error: TributaryError };

/** Files of one checkpoint read at once. */
const parallelReads = 8;

/** Stops the reading of a checkpoint that cannot be used. */
class UnreadableFile extends Error {
  constructor(
    readonly path: string,
    readonly problem: string,
  ) {
    super(problem);
  }
}

/**
 * @param sink takes the actions; what it has of an unreadable checkpoint is of no use
 * @param wanted kinds of actions to decode
 * @throws TributaryError of the store
 */
export function readCheckpoint<Sink extends ActionSink>(
  log: TableLog,
  checkpoint: CheckpointFiles,
  sink: Sink,
  wanted: ReadonlySet<string>,
): Promise<Checkpoint<Sink>> {
  const kinds = new Set([...wanted, 'sidecar']);
  return orUnreadable(log, checkpoint, async () => {
    const sidecars = await collectFiles(log, checkpoint.parts, kinds, sink);
    const below = await collectFiles(log, sidecars.map(sidecarPath), kinds, sink);
    if (below.length > 0) throw new UnreadableFile(checkpoint.path, 'has sidecars that name sidecars');
    return sink;
  });
}

/** The sidecars that a checkpoint refers to, as paths below the table. @throws TributaryError of the store */
export function readSidecarPaths(
  log: TableLog,
  checkpoint: CheckpointFiles,
): Promise<Checkpoint<readonly string[]>> {
  return orUnreadable(log, checkpoint, async () => {
    const nowhere = { collect: () => {} };
    return (await collectFiles(log, checkpoint.parts, new Set(['sidecar']), nowhere)).map(sidecarPath);
  });
}

async function orUnreadable<Actions>(
  log: TableLog,
  checkpoint: CheckpointFiles,
  read: () => Promise<Actions>,
): Promise<Checkpoint<Actions>> {
  try {
    return { kind: 'actions', actions: await read() };
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    const path = checkpoint.parts.includes(error.path) ? error.path : checkpoint.path;
    return { kind: 'unreadable', path, error: corrupt(`${log.table}/${error.path}`, error.problem) };
  }
}

/** Gathers the actions of these files, in order. @returns the sidecars they name */
async function collectFiles(
  log: TableLog,
  paths: readonly string[],
  wanted: ReadonlySet<string>,
  sink: ActionSink,
): Promise<string[]> {
  const sidecars: string[] = [];
  for (let start = 0; start < paths.length; start += parallelReads) {
    const group = paths.slice(start, start + parallelReads);
    const contents = await Promise.all(group.map((path) => readActions(log, path, wanted)));
    for (const [index, actions] of contents.entries()) {
      collectActions(actions, group[index]!, sink, sidecars);
    }
  }
  return sidecars;
}

function collectActions(
  actions: Iterable<JsonObject>,
  path: string,
  sink: ActionSink,
  sidecars: string[],
): void {
  try {
    for (const action of actions) {
      sink.collect(action);
      const sidecar = (action.sidecar as JsonObject | null | undefined)?.path;
      if (typeof sidecar === 'string') sidecars.push(sidecar);
    }
  } catch (error) {
    if (error instanceof InvalidAction) throw new UnreadableFile(path, error.message);
    throw error;
  }
}

/** @throws UnreadableFile */
async function readActions(
  log: TableLog,
  path: string,
  wanted: ReadonlySet<string>,
): Promise<Iterable<JsonObject>> {
  const bytes = await log.store.read(path);
  if (bytes === undefined) throw new UnreadableFile(path, 'is listed or named, but not there');
  const isJson = path.endsWith('.json');
  try {
    return isJson ? parseJsonLines(bytes) : await readParquetActions(bytes, wanted);
  } catch (error) {
    const form = isJson ? 'JSON' : 'Parquet';
    throw new UnreadableFile(path, `cannot be read as ${form}: ${describeError(error)}`);
  }
}

async function readParquetActions(
  bytes: Uint8Array,
  wanted: ReadonlySet<string>,
): Promise<Iterable<JsonObject>> {
  const file = await openParquet(bytes);
  const rows = [...actionRows(await file.read(actionColumns(file.columns, wanted)))];
  const parsed = wanted.has('add') ? parsedColumn(file.columns) : undefined;
  if (parsed === undefined || !rows.some(({ add }) => add !== undefined && hasGaps(add))) return rows;
  return withParsedValues(rows, await file.read([parsed]));
}

function* withParsedValues(
  rows: readonly Record<string, JsonObject>[],
  parsed: DataBatch,
): Generator<JsonObject> {
  for (const [row, actions] of rows.entries()) {
    const { add } = actions;
    yield add !== undefined && hasGaps(add) ? { ...actions, add: fillGaps(add, parsed, row) } : actions;
  }
}

/** A bare name, as an URI. */
function sidecarPath(path: string): string {
  if (isAbsolutePath(path)) throw new UnreadableFile(path, 'lies outside the table');
  try {
    return `${logFolder}_sidecars/${decodeURIComponent(path)}`;
  } catch {
    throw new UnreadableFile(path, 'is not a validly encoded path');
  }
}

function corrupt(where: string, problem: string): TributaryError {
  return new TributaryError(
    'DELTA_LOG_CORRUPT',
    `The checkpoint ${where} ${problem}. Write a new checkpoint with an engine that still has the state, or restore the file.`,
  );
}
