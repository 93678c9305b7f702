// Pure. Which files of `_delta_log/` make up the table: the newest complete checkpoint and the commits after it.
import { TributaryError } from '../base/index.js';
import { logFolder, versionDigits } from './paths.js';

export interface LogFile {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface LogSegment {
  /** Undefined when the log is replayed from version 0. */
  readonly checkpoint: { readonly version: number; readonly path: string } | undefined;
  /** Contiguous versions to replay, ascending; those after the checkpoint. */
  readonly commits: readonly number[];
  /** The table's version: that of the last commit or of the checkpoint. */
  readonly version: number;
}

const commitName = /^(\d{20})\.json$/;
const checkpointName = /^(\d{20})\.checkpoint\.parquet$/;
const otherCheckpointName = /^(\d{20})\.checkpoint\..+\.(parquet|json)$/;

interface Sorted {
  readonly commits: number[];
  readonly checkpoints: { version: number; path: string }[];
  /** Multi-part and V2 checkpoints, which are not read. */
  readonly otherCheckpoints: number[];
}

/** Anything else is ignored: checksums, compacted logs, files of writers that died, folders inside `_delta_log/`. */
function sortFiles(files: Iterable<LogFile>): Sorted {
  const sorted: Sorted = { commits: [], checkpoints: [], otherCheckpoints: [] };
  for (const { path, sizeBytes } of files) {
    const name = path.slice(logFolder.length);
    const commit = commitName.exec(name);
    const checkpoint = checkpointName.exec(name);
    const other = otherCheckpointName.exec(name);
    if (commit) sorted.commits.push(Number(commit[1]));
    else if (checkpoint && sizeBytes > 0) sorted.checkpoints.push({ version: Number(checkpoint[1]), path });
    else if (other) sorted.otherCheckpoints.push(Number(other[1]));
  }
  sorted.commits.sort((left, right) => left - right);
  sorted.checkpoints.sort((left, right) => left.version - right.version);
  return sorted;
}

/**
 * @param files a listing of `_delta_log/`, of all of it or from some version on
 * @returns undefined when there is no Delta log
 * @throws TributaryError DELTA_LOG_GAP naming the missing versions
 */
export function buildLogSegment(files: Iterable<LogFile>): LogSegment | undefined {
  const { commits, checkpoints, otherCheckpoints } = sortFiles(files);
  const checkpoint = checkpoints.at(-1);
  const first = checkpoint === undefined ? 0 : checkpoint.version + 1;
  const replayed = commits.filter((version) => version >= first);
  if (checkpoint === undefined && replayed.length === 0 && otherCheckpoints.length === 0) return undefined;
  const gap = findGap(first, replayed, otherCheckpoints);
  if (gap !== undefined) throw gap;
  return { checkpoint, commits: replayed, version: replayed.at(-1) ?? checkpoint!.version };
}

function findGap(
  first: number,
  commits: readonly number[],
  otherCheckpoints: readonly number[],
): TributaryError | undefined {
  const index = commits.findIndex((version, position) => version !== first + position);
  const isEmptyLog = commits.length === 0 && first === 0;
  if (index < 0 && !isEmptyLog) return undefined;
  const found = isEmptyLog ? undefined : commits[index];
  const missing =
    found === undefined
      ? 'The log has no commits'
      : `The log lacks ${nameRange(first + index, found - 1)}, but has version ${found}`;
  const hint =
    otherCheckpoints.length > 0
      ? ` There is a multi-part or V2 checkpoint (version ${Math.max(...otherCheckpoints)}), a form that is not read; write a classic single-file checkpoint with the engine that owns the table.`
      : ' Restore the missing files of _delta_log, or write a checkpoint with an engine that still has the state.';
  return new TributaryError('DELTA_LOG_GAP', `${missing}.${hint}`);
}

function nameRange(from: number, to: number): string {
  return from === to
    ? `version ${from} (${versionDigits(from)}.json)`
    : `versions ${from} to ${to} (${versionDigits(from)}.json and following)`;
}
