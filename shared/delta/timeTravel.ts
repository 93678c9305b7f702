// A table as it was: by version, or by time.
import { TributaryError } from '../base/index.js';
import {
  type CommitTime,
  type InCommitTimestamps,
  inCommitTimestampsOf,
  monotoneTimes,
  versionAt,
} from './commitTimes.js';
import { loadState } from './loadState.js';
import { readCommit, type TableLog } from './log.js';
import { earliestVersion, type LogFile } from './logSegment.js';
import { commitVersionOf, logFolder } from './paths.js';
import { assertReadable } from './protocol.js';
import { logOf, type TableLocation, tableNotFound } from './tableReader.js';
import type { Metadata, Snapshot } from './types.js';

/** A point in a table's history. */
export type TableMoment =
  | { readonly version: number }
  /** The last version committed at or before this time. */
  | { readonly timestampMs: number };

/**
 * @throws TributaryError DELTA_TABLE_NOT_FOUND, DELTA_VERSION_NOT_FOUND for a moment that the log does not reach,
 * DELTA_PROTOCOL_UNSUPPORTED for a version that is not read here, DELTA_LOG_CORRUPT, DELTA_LOG_GAP, or of the store
 */
export async function readSnapshotAt(location: TableLocation & TableMoment): Promise<Snapshot> {
  const log = logOf(location);
  const version =
    'version' in location ? location.version : await findVersionAt(location, location.timestampMs);
  const state = await loadState(log, version);
  if (state === undefined) throw tableNotFound(log.table);
  assertReadable(log.table, state.protocol, state.metadata);
  return state;
}

/**
 * The version that a reader at that time would have seen.
 * @throws TributaryError DELTA_VERSION_NOT_FOUND when the log begins later
 */
export async function findVersionAt(location: TableLocation, timestampMs: number): Promise<number> {
  const log = logOf(location);
  const newest = await loadState(log);
  if (newest === undefined) throw tableNotFound(log.table);
  const commits = reachableCommits(await listCommits(log));
  const inCommit = inCommitTimestampsOf(newest.metadata);
  const found = await searchVersion(log, commits, inCommit, timestampMs);
  if (found !== undefined) return found;
  throw new TributaryError(
    'DELTA_VERSION_NOT_FOUND',
    `Table ${log.table} has no version that is as old as ${timeText(timestampMs)}: its log begins later, or was cleaned up.`,
  );
}

/** When each version that can still be read was committed, ascending. */
export async function readCommitTimes(location: TableLocation): Promise<CommitTime[]> {
  const log = logOf(location);
  const newest = await loadState(log);
  if (newest === undefined) throw tableNotFound(log.table);
  const commits = reachableCommits(await listCommits(log));
  const first = inCommitStart(newest.metadata);
  const stored = monotoneTimes(commits.map(toStorageTime)).filter(({ version }) => version < first);
  const own = commits.filter(({ version }) => version >= first);
  const read: CommitTime[] = [];
  for (let start = 0; start < own.length; start += parallelReads) {
    const group = own.slice(start, start + parallelReads);
    read.push(...(await Promise.all(group.map((commit) => readOwnTime(log, commit.version)))));
  }
  return [...stored, ...read];
}

const parallelReads = 16;

function inCommitStart(metadata: Metadata): number {
  return inCommitTimestampsOf(metadata)?.fromVersion ?? Number.POSITIVE_INFINITY;
}

interface ListedFile extends LogFile {
  readonly lastModifiedMs: number;
}

interface Listing {
  readonly files: readonly ListedFile[];
  readonly commits: readonly StoredCommit[];
}

interface StoredCommit {
  readonly version: number;
  readonly lastModifiedMs: number;
}

async function listCommits(log: TableLog): Promise<Listing> {
  const files: ListedFile[] = [];
  for await (const file of log.store.list(`${logFolder}0`)) files.push(file);
  const commits = files.flatMap(({ path, lastModifiedMs }) => {
    const version = commitVersionOf(path);
    return version === undefined ? [] : [{ version, lastModifiedMs }];
  });
  return { files, commits };
}

/** Before the oldest checkpoint nothing can be rebuilt without the first commits, though later ones may be left. */
function reachableCommits({ files, commits }: Listing): readonly StoredCommit[] {
  const earliest = earliestVersion(files) ?? Number.POSITIVE_INFINITY;
  return commits.filter(({ version }) => version >= earliest);
}

function toStorageTime({ version, lastModifiedMs }: StoredCommit): CommitTime {
  return { version, timestampMs: lastModifiedMs };
}

async function searchVersion(
  log: TableLog,
  commits: readonly StoredCommit[],
  inCommit: InCommitTimestamps | undefined,
  timestampMs: number,
): Promise<number | undefined> {
  const first = inCommit?.fromVersion ?? Number.POSITIVE_INFINITY;
  const isBefore = timestampMs < (inCommit?.fromTimestampMs ?? Number.NEGATIVE_INFINITY);
  if (inCommit === undefined || isBefore) {
    const times = monotoneTimes(commits.map(toStorageTime)).filter(({ version }) => version < first);
    return versionAt(times, timestampMs);
  }
  const own = commits.filter(({ version }) => version >= first).map(({ version }) => version);
  return searchOwnTimes(log, own, timestampMs);
}

/** Timestamps inside commits increase from version to version, so halving finds the last one that is not later. */
async function searchOwnTimes(
  log: TableLog,
  versions: readonly number[],
  timestampMs: number,
): Promise<number | undefined> {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { timestampMs: committedMs } = await readOwnTime(log, versions[middle]!);
    if (committedMs <= timestampMs) low = middle + 1;
    else high = middle;
  }
  return versions[low - 1];
}

async function readOwnTime(log: TableLog, version: number): Promise<CommitTime> {
  const timestampMs = (await readCommit(log, version))?.commitInfo?.inCommitTimestamp;
  if (timestampMs !== undefined) return { version, timestampMs };
  throw new TributaryError(
    'DELTA_LOG_CORRUPT',
    `Version ${version} of table ${log.table} lacks the inCommitTimestamp that the table's properties promise.`,
  );
}

function timeText(timestampMs: number): string {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? `${timestampMs} ms` : date.toISOString();
}
