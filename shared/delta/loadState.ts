// Loads a table's newest state from its log: list, newest checkpoint, later commits.
import { TributaryError } from '../base/index.js';
import type { CommitActions } from './actions.js';
import { readCheckpoint, readLastCheckpointVersion } from './checkpointReader.js';
import { listLog, readCommit, type TableLog } from './log.js';
import { buildLogSegment, type LogFile, type LogSegment } from './logSegment.js';
import { versionDigits } from './paths.js';
import { advanceState, startState, type TableState } from './replay.js';

/** Commits read at once; enough to hide the latency of a request, few enough for memory. */
const parallelReads = 16;

/** A listing may be overtaken by log cleanup; a new one then shows the checkpoint that replaced the commits. */
const maxListings = 3;

/**
 * @returns undefined when there is no table
 * @throws TributaryError DELTA_LOG_GAP, DELTA_LOG_CORRUPT, or of the store
 */
export async function loadState(log: TableLog): Promise<TableState | undefined> {
  const unreadable = new Map<string, unknown>();
  for (let listing = 1; ; listing++) {
    const segment = await findSegment(log, unreadable);
    if (segment === undefined) return undefined;
    const replay = await replaySegment(log, segment);
    if (replay.kind === 'state') return replay.state;
    if (replay.kind === 'unreadableCheckpoint') unreadable.set(replay.path, replay.error);
    else if (listing === maxListings) throw vanished(log, replay.version);
  }
}

/** @param unreadable checkpoints to do without, where the commits before them are still there */
async function findSegment(
  log: TableLog,
  unreadable: ReadonlyMap<string, unknown>,
): Promise<LogSegment | undefined> {
  const files = await listRelevant(log, unreadable.size === 0);
  try {
    return buildLogSegment(files.filter(({ path }) => !unreadable.has(path)));
  } catch (error) {
    for (const first of unreadable.values()) throw first;
    if (!(error instanceof TributaryError)) throw error;
    throw new TributaryError(error.code, `Table ${log.table}: ${error.message}`);
  }
}

/** From the checkpoint that `_last_checkpoint` names, if it is there; otherwise everything. */
async function listRelevant(log: TableLog, useHint: boolean): Promise<LogFile[]> {
  const hint = useHint ? await readLastCheckpointVersion(log) : undefined;
  if (hint !== undefined) {
    const files = await listLog(log, hint);
    if (files.some(({ path }) => path.endsWith('.checkpoint.parquet'))) return files;
  }
  return listLog(log, 0);
}

type Replay =
  | { readonly kind: 'state'; readonly state: TableState }
  | { readonly kind: 'vanished'; readonly version: number }
  | { readonly kind: 'unreadableCheckpoint'; readonly path: string; readonly error: unknown };

async function replaySegment(log: TableLog, segment: LogSegment): Promise<Replay> {
  let state: TableState | undefined;
  if (segment.checkpoint !== undefined) {
    const { version, path } = segment.checkpoint;
    const checkpoint = await readCheckpoint(log, path);
    if (checkpoint.kind === 'unreadable')
      return { kind: 'unreadableCheckpoint', path, error: checkpoint.error };
    state = startOrFail(log, version, checkpoint.actions);
  }
  for (let start = 0; start < segment.commits.length; start += parallelReads) {
    const versions = segment.commits.slice(start, start + parallelReads);
    const commits = await Promise.all(versions.map((version) => readCommit(log, version)));
    for (const [index, version] of versions.entries()) {
      const actions = commits[index];
      if (actions === undefined) return { kind: 'vanished', version };
      state =
        state === undefined ? startOrFail(log, version, actions) : advanceState(state, version, actions);
    }
  }
  if (state === undefined) throw new Error('a log segment without checkpoint and commits');
  return { kind: 'state', state };
}

function startOrFail(log: TableLog, version: number, actions: CommitActions): TableState {
  const result = startState(version, actions);
  if (result.kind === 'state') return result.state;
  throw new TributaryError(
    'DELTA_LOG_CORRUPT',
    `The log of table ${log.table} has no ${result.missing} action at version ${version}, where it starts. Restore the file, or create the table anew.`,
  );
}

function vanished(log: TableLog, version: number): TributaryError {
  return new TributaryError(
    'DELTA_LOG_GAP',
    `Version ${version} (${versionDigits(version)}.json) of table ${log.table} is listed but cannot be read. If another engine is cleaning up the log, try again.`,
    { retry: 'transient' },
  );
}
