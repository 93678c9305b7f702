// Pure. Which files of `_delta_log/` make up the table: the newest complete checkpoint and the commits after it.
import { TributaryError } from '../base/index.js';
import { logFolder, versionDigits } from './paths.js';

export interface LogFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** A complete checkpoint. */
export interface CheckpointFiles {
  readonly version: number;
  /** Its only file, or the first of its parts. */
  readonly path: string;
  /** All files, in order; more than one for a multi-part checkpoint. Sidecars are named inside. */
  readonly parts: readonly string[];
}

/** What to read next: one commit, or a file that sums up several. */
export type ReplayStep =
  | { readonly kind: 'commit'; readonly version: number }
  | { readonly kind: 'compacted'; readonly from: number; readonly version: number; readonly path: string };

export interface LogSegment {
  /** Undefined when the log is replayed from version 0. */
  readonly checkpoint: CheckpointFiles | undefined;
  /** Contiguous versions after the checkpoint, ascending. */
  readonly commits: readonly number[];
  /** The same in as few files as possible. */
  readonly steps: readonly ReplayStep[];
  /** The table's version: that of the last commit or of the checkpoint. */
  readonly version: number;
}

const commitName = /^(\d{20})\.json$/;
const checkpointName = /^(\d{20})\.checkpoint\.parquet$/;
const v2CheckpointName = /^(\d{20})\.checkpoint\.[0-9a-fA-F-]{36}\.(?:parquet|json)$/;
const checkpointPartName = /^(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet$/;
const compactedName = /^(\d{20})\.(\d{20})\.compacted\.json$/;

interface CompactedFile {
  readonly from: number;
  readonly to: number;
  readonly path: string;
}

/** Higher wins among checkpoints of one version. */
interface RankedCheckpoint extends CheckpointFiles {
  readonly rank: number;
}

const v2Rank = Number.MAX_SAFE_INTEGER;

interface Sorted {
  readonly commits: number[];
  readonly checkpoints: RankedCheckpoint[];
  readonly compacted: CompactedFile[];
  /** Versions with parts of a checkpoint that lacks others. */
  readonly incomplete: number[];
}

/** Parts of one checkpoint by `version/partCount`; `parts[i]` is part i + 1. */
interface PartialCheckpoint {
  readonly version: number;
  readonly partCount: number;
  readonly parts: string[];
}

/** Anything else is ignored: checksums, files of writers that died, folders inside `_delta_log/`. */
function sortFiles(files: Iterable<LogFile>): Sorted {
  const sorted: Sorted = { commits: [], checkpoints: [], compacted: [], incomplete: [] };
  const partial = new Map<string, PartialCheckpoint>();
  for (const { path, sizeBytes } of files) {
    const name = path.slice(logFolder.length);
    const commit = commitName.exec(name);
    if (commit) sorted.commits.push(Number(commit[1]));
    else if (sizeBytes > 0) sortOther(name, path, sorted, partial);
  }
  for (const { version, partCount, parts } of partial.values()) {
    const present = Object.keys(parts).length;
    if (present === partCount) sorted.checkpoints.push({ version, path: parts[0]!, parts, rank: partCount });
    else sorted.incomplete.push(version);
  }
  sorted.commits.sort((left, right) => left - right);
  sorted.checkpoints.sort((left, right) => left.version - right.version || left.rank - right.rank);
  return sorted;
}

function sortOther(
  name: string,
  path: string,
  sorted: Sorted,
  partial: Map<string, PartialCheckpoint>,
): void {
  const single = checkpointName.exec(name);
  const v2 = v2CheckpointName.exec(name);
  const part = checkpointPartName.exec(name);
  const compacted = compactedName.exec(name);
  if (single) sorted.checkpoints.push({ version: Number(single[1]), path, parts: [path], rank: 0 });
  else if (v2) sorted.checkpoints.push({ version: Number(v2[1]), path, parts: [path], rank: v2Rank });
  else if (part) addPart(partial, path, Number(part[1]), Number(part[2]), Number(part[3]));
  else if (compacted) sorted.compacted.push({ from: Number(compacted[1]), to: Number(compacted[2]), path });
}

function addPart(
  partial: Map<string, PartialCheckpoint>,
  path: string,
  version: number,
  part: number,
  partCount: number,
): void {
  if (part < 1 || part > partCount) return;
  const key = `${version}/${partCount}`;
  const checkpoint = partial.get(key) ?? { version, partCount, parts: [] };
  checkpoint.parts[part - 1] = path;
  partial.set(key, checkpoint);
}

/**
 * @param files a listing of `_delta_log/`, of all of it or from some version on
 * @param wantedVersion the version to end at; default the newest
 * @returns undefined when there is no Delta log
 * @throws TributaryError DELTA_LOG_GAP naming the missing versions, DELTA_VERSION_NOT_FOUND
 */
export function buildLogSegment(files: Iterable<LogFile>, wantedVersion?: number): LogSegment | undefined {
  const sorted = sortFiles(files);
  const last = wantedVersion ?? Number.MAX_SAFE_INTEGER;
  const checkpoint = sorted.checkpoints.filter(({ version }) => version <= last).at(-1);
  const first = checkpoint === undefined ? 0 : checkpoint.version + 1;
  const isEmpty = sorted.commits.length === 0 && sorted.checkpoints.length === 0;
  if (isEmpty && sorted.incomplete.length === 0) return undefined;
  const commits = sorted.commits.filter((version) => version >= first && version <= last);
  const earliest = earliestOf(sorted);
  if (wantedVersion !== undefined && earliest !== undefined && wantedVersion < earliest)
    throw cleanedUp(wantedVersion, earliest);
  const gap = findGap(first, commits, sorted);
  if (gap !== undefined) throw gap;
  const version = commits.at(-1) ?? checkpoint?.version;
  if (version === undefined) throw new Error('a log without gap has a version');
  if (wantedVersion !== undefined && version !== wantedVersion) throw notFound(wantedVersion, version);
  return { checkpoint, commits, steps: planSteps(commits, sorted.compacted), version };
}

/** All complete checkpoints, oldest first; of one version that which readers prefer comes last. */
export function completeCheckpoints(files: Iterable<LogFile>): readonly CheckpointFiles[] {
  return sortFiles(files).checkpoints;
}

/** Whether the files hold a complete checkpoint of `version` or an earlier one. */
export function hasCheckpoint(files: Iterable<LogFile>, version: number): boolean {
  return sortFiles(files).checkpoints.some((checkpoint) => checkpoint.version <= version);
}

/** The first version that can be rebuilt: 0, or that of the oldest complete checkpoint. Undefined when none can. */
export function earliestVersion(files: Iterable<LogFile>): number | undefined {
  return earliestOf(sortFiles(files));
}

function earliestOf({ commits, checkpoints }: Sorted): number | undefined {
  return commits[0] === 0 ? 0 : checkpoints[0]?.version;
}

/** Takes the compacted file that reaches farthest wherever one begins. */
function planSteps(commits: readonly number[], compacted: readonly CompactedFile[]): ReplayStep[] {
  const last = commits.at(-1) ?? -1;
  const farthest = new Map<number, CompactedFile>();
  for (const file of compacted) {
    const known = farthest.get(file.from);
    if (file.to > file.from && file.to <= last && file.to > (known?.to ?? -1)) farthest.set(file.from, file);
  }
  const steps: ReplayStep[] = [];
  for (let index = 0; index < commits.length; ) {
    const version = commits[index]!;
    const file = farthest.get(version);
    if (file === undefined) steps.push({ kind: 'commit', version });
    else steps.push({ kind: 'compacted', from: file.from, version: file.to, path: file.path });
    index += file === undefined ? 1 : file.to - file.from + 1;
  }
  return steps;
}

function findGap(first: number, commits: readonly number[], sorted: Sorted): TributaryError | undefined {
  const index = commits.findIndex((version, position) => version !== first + position);
  const isEmptyLog = commits.length === 0 && first === 0;
  if (index < 0 && !isEmptyLog) return undefined;
  const found = isEmptyLog ? undefined : commits[index];
  const missing =
    found === undefined
      ? 'The log has no commits that can be replayed'
      : `The log lacks ${nameRange(first + index, found - 1)}, but has version ${found}`;
  const hint =
    sorted.incomplete.length > 0
      ? ` There is a multi-part checkpoint (version ${Math.max(...sorted.incomplete)}) that lacks some of its parts; restore them, or write a checkpoint with the engine that owns the table.`
      : ' Restore the missing files of _delta_log, or write a checkpoint with an engine that still has the state.';
  return new TributaryError('DELTA_LOG_GAP', `${missing}.${hint}`);
}

function notFound(wanted: number, found: number): TributaryError {
  return new TributaryError(
    'DELTA_VERSION_NOT_FOUND',
    `There is no version ${wanted}: the newest one up to it is ${found}.`,
  );
}

function cleanedUp(wanted: number, earliest: number): TributaryError {
  if (earliest === 0) return new TributaryError('DELTA_VERSION_NOT_FOUND', `There is no version ${wanted}.`);
  return new TributaryError(
    'DELTA_VERSION_NOT_FOUND',
    `Version ${wanted} cannot be read any more: after log cleanup the oldest one that can is ${earliest}.`,
  );
}

function nameRange(from: number, to: number): string {
  return from === to
    ? `version ${from} (${versionDigits(from)}.json)`
    : `versions ${from} to ${to} (${versionDigits(from)}.json and following)`;
}
