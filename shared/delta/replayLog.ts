// Replays a table's log: list, newest checkpoint, later commits. What comes of it, a snapshot for readers or the whole state for upkeep,
// is for the caller to say; what is damaged or missing is dealt with here, the same for all.
import { TributaryError } from '../base/index.js';
import { type ActionSink, parseCommit } from './actions.js';
import { readCheckpoint, readLastCheckpointVersion } from './checkpointReader.js';
import { listLog, readCommitInto, type TableLog } from './log.js';
import {
  buildLogSegment,
  completeCheckpoints,
  hasCheckpoint,
  type LogFile,
  type LogSegment,
  type ReplayStep,
} from './logSegment.js';
import { commitPath, versionDigits } from './paths.js';
import type { ReplayResult } from './replay.js';

/** Commits read at once; enough to hide the latency of a request, few enough for memory. */
const parallelReads = 16;

/** A listing may be overtaken by log cleanup; a new one then shows the checkpoint that replaced the commits. */
const maxListings = 3;

/** What a replay makes of the actions. */
export interface ReplayTarget<Actions extends ActionSink, State> {
  /** Kinds of actions to decode in checkpoints. */
  readonly checkpointActions: ReadonlySet<string>;
  newActions(): Actions;
  /** From a checkpoint, or from version 0. */
  start(version: number, actions: Actions): ReplayResult<State>;
  advance(state: State, version: number, actions: Actions): State;
}

/**
 * @param version default the newest
 * @returns undefined when there is no table
 * @throws TributaryError DELTA_LOG_GAP, DELTA_LOG_CORRUPT, DELTA_VERSION_NOT_FOUND, or of the store
 */
export async function replayLog<Actions extends ActionSink, State>(
  log: TableLog,
  target: ReplayTarget<Actions, State>,
  version?: number,
): Promise<State | undefined> {
  const unreadable = new Map<string, unknown>();
  for (let listing = 1; ; listing++) {
    const segment = await findSegment(log, unreadable, version);
    if (segment === undefined) return undefined;
    const replay = await replaySegment(log, segment, target);
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
    const segment = buildLogSegment(
      files.filter(({ path }) => !unreadable.has(path)),
      version,
    );
    if (segment !== undefined) return segment;
    // Nothing is left of the log: a damaged table, which must not pass for a missing one that may be created.
    for (const only of unreadable.values()) throw only;
    return undefined;
  } catch (error) {
    for (const first of unreadable.values()) throw first;
    if (!(error instanceof TributaryError)) throw error;
    const hint = error.code === 'DELTA_LOG_GAP' ? await lostCheckpointText(log, files) : '';
    throw new TributaryError(error.code, `Table ${log.table}: ${error.message}${hint}`);
  }
}

/** That the checkpoint which would fill a gap was there once; empty when nothing says so. */
async function lostCheckpointText(log: TableLog, files: readonly LogFile[]): Promise<string> {
  const version = await readLastCheckpointVersion(log);
  if (version === undefined || completeCheckpoints(files).some((found) => found.version === version))
    return '';
  return ` _last_checkpoint names a checkpoint of version ${version} (${versionDigits(version)}.checkpoint.parquet, or another of its forms), which is not there.`;
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

type Replay<State> =
  | { readonly kind: 'state'; readonly state: State }
  | { readonly kind: 'vanished'; readonly version: number }
  | { readonly kind: 'unreadable'; readonly path: string; readonly error: unknown };

async function replaySegment<Actions extends ActionSink, State>(
  log: TableLog,
  segment: LogSegment,
  target: ReplayTarget<Actions, State>,
): Promise<Replay<State>> {
  let state: State | undefined;
  const { checkpoint } = segment;
  if (checkpoint !== undefined) {
    const found = await readCheckpoint(log, checkpoint, target.newActions(), target.checkpointActions);
    if (found.kind === 'unreadable') return found;
    state = startOrFail(log, checkpoint.path, target.start(checkpoint.version, found.actions));
  }
  for (let start = 0; start < segment.steps.length; start += parallelReads) {
    const steps = segment.steps.slice(start, start + parallelReads);
    const contents = await Promise.all(steps.map((step) => readStep(log, step, target.newActions())));
    for (const [index, { version }] of steps.entries()) {
      const content = contents[index]!;
      if (content.kind !== 'actions') return content;
      const { actions } = content;
      state =
        state === undefined
          ? startOrFail(log, commitPath(version), target.start(version, actions))
          : target.advance(state, version, actions);
    }
  }
  if (state === undefined) throw new Error('a log segment without checkpoint and commits');
  return { kind: 'state', state };
}

type StepContent<Actions> =
  | { readonly kind: 'actions'; readonly actions: Actions }
  | Exclude<Replay<never>, { kind: 'state' }>;

/** A damaged commit is the end; what a compacted file should hold is in the commits, too. */
async function readStep<Actions extends ActionSink>(
  log: TableLog,
  step: ReplayStep,
  sink: Actions,
): Promise<StepContent<Actions>> {
  if (step.kind === 'commit') {
    const actions = await readCommitInto(log, step.version, sink);
    return actions === undefined ? { kind: 'vanished', version: step.version } : { kind: 'actions', actions };
  }
  const { path } = step;
  const where = `${log.table}/${path}`;
  const bytes = await log.store.read(path);
  try {
    if (bytes === undefined)
      throw new TributaryError('DELTA_LOG_GAP', `The file ${where} is listed but not there.`);
    return { kind: 'actions', actions: parseCommit(bytes, where, sink) };
  } catch (error) {
    return { kind: 'unreadable', path, error };
  }
}

/** A checkpoint that can be read but lacks these is no case for older files: its writer had another table in mind, or none. */
function startOrFail<State>(log: TableLog, path: string, result: ReplayResult<State>): State {
  if (result.kind === 'state') return result.state;
  throw new TributaryError(
    'DELTA_LOG_CORRUPT',
    `The log of table ${log.table} starts with ${path}, which has no ${result.missing} action. Restore the file, or create the table anew.`,
  );
}

function vanished(log: TableLog, version: number): TributaryError {
  return new TributaryError(
    'DELTA_LOG_GAP',
    `Version ${version} (${versionDigits(version)}.json) of table ${log.table} is listed but cannot be read. If another engine is cleaning up the log, try again.`,
    { retry: 'transient' },
  );
}
