// Loads a table's state from its log: list, newest checkpoint, later commits.
import { TributaryError } from '../base/index.js';
import { type CommitActions, parseCommit } from './actions.js';
import { readCheckpoint, readLastCheckpointVersion } from './checkpointReader.js';
import { listLog, readCommit, type TableLog } from './log.js';
import {
  buildLogSegment,
  hasCheckpoint,
  type LogFile,
  type LogSegment,
  type ReplayStep,
} from './logSegment.js';
import { versionDigits } from './paths.js';
import { advanceState, startState, type TableState } from './replay.js';

/** Commits read at once; enough to hide the latency of a request, few enough for memory. */
const parallelReads = 16;

/** A listing may be overtaken by log cleanup; a new one then shows the checkpoint that replaced the commits. */
const maxListings = 3;

/**
 * @param version default the newest
 * @returns undefined when there is no table
 * @throws TributaryError DELTA_LOG_GAP, DELTA_LOG_CORRUPT, DELTA_VERSION_NOT_FOUND, or of the store
 */
export async function loadState(log: TableLog, version?: number): Promise<TableState | undefined> {
  const unreadable = new Map<string, unknown>();
  for (let listing = 1; ; listing++) {
    const segment = await findSegment(log, unreadable, version);
    if (segment === undefined) return undefined;
    const replay = await replaySegment(log, segment);
    if (replay.kind === 'state') return replay.state;
    if (replay.kind === 'unreadable') unreadable.set(replay.path, replay.error);
    else if (listing === maxListings) throw vanished(log, replay.version);
  }
}

/** @param unreadable files that sum up commits, to do without where the commits are still there */
async function findSegment(
  log: TableLog,
  unreadable: ReadonlyMap<string, unknown>,
  version: number | undefined,
): Promise<LogSegment | undefined> {
  const files = await listRelevant(log, unreadable.size === 0, version);
  try {
    return buildLogSegment(
      files.filter(({ path }) => !unreadable.has(path)),
      version,
    );
  } catch (error) {
    for (const first of unreadable.values()) throw first;
    if (!(error instanceof TributaryError)) throw error;
    throw new TributaryError(error.code, `Table ${log.table}: ${error.message}`);
  }
}

/** From the checkpoint that `_last_checkpoint` names, if it is there and of use; otherwise everything. */
async function listRelevant(
  log: TableLog,
  useHint: boolean,
  version = Number.MAX_SAFE_INTEGER,
): Promise<LogFile[]> {
  const hint = useHint ? await readLastCheckpointVersion(log) : undefined;
  if (hint !== undefined && hint <= version) {
    const files = await listLog(log, hint);
    if (hasCheckpoint(files, version)) return files;
  }
  return listLog(log, 0);
}

type Replay =
  | { readonly kind: 'state'; readonly state: TableState }
  | { readonly kind: 'vanished'; readonly version: number }
  | { readonly kind: 'unreadable'; readonly path: string; readonly error: unknown };

async function replaySegment(log: TableLog, segment: LogSegment): Promise<Replay> {
  let state: TableState | undefined;
  if (segment.checkpoint !== undefined) {
    const checkpoint = await readCheckpoint(log, segment.checkpoint);
    if (checkpoint.kind === 'unreadable') return checkpoint;
    state = startOrFail(log, segment.checkpoint.version, checkpoint.actions);
  }
  for (let start = 0; start < segment.steps.length; start += parallelReads) {
    const steps = segment.steps.slice(start, start + parallelReads);
    const contents = await Promise.all(steps.map((step) => readStep(log, step)));
    for (const [index, step] of steps.entries()) {
      const content = contents[index]!;
      if (content.kind !== 'actions') return content;
      const { actions } = content;
      state =
        state === undefined
          ? startOrFail(log, step.version, actions)
          : advanceState(state, step.version, actions);
    }
  }
  if (state === undefined) throw new Error('a log segment without checkpoint and commits');
  return { kind: 'state', state };
}

type StepContent =
  | { readonly kind: 'actions'; readonly actions: CommitActions }
  | Exclude<Replay, { kind: 'state' }>;

/** A damaged commit is the end; what a compacted file should hold is in the commits, too. */
async function readStep(log: TableLog, step: ReplayStep): Promise<StepContent> {
  if (step.kind === 'commit') {
    const actions = await readCommit(log, step.version);
    return actions === undefined ? { kind: 'vanished', version: step.version } : { kind: 'actions', actions };
  }
  const { path } = step;
  const where = `${log.table}/${path}`;
  const bytes = await log.store.read(path);
  try {
    if (bytes === undefined)
      throw new TributaryError('DELTA_LOG_GAP', `The file ${where} is listed but not there.`);
    return { kind: 'actions', actions: parseCommit(bytes, where) };
  } catch (error) {
    return { kind: 'unreadable', path, error };
  }
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
