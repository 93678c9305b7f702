// The commits of a table, newest first, as `DESCRIBE HISTORY` shows them.
import { type CommitTime, monotoneTimes } from './commitTimes.js';
import { isJsonObject, type JsonObject } from './json.js';
import { readCommitInto, type TableLog } from './log.js';
import { commitVersionOf, logFolder } from './paths.js';
import { logOf, type TableLocation } from './tableReader.js';
import type { CommitRecord } from './upkeep/vacuumRuns.js';

export interface HistoryEntry {
  readonly version: number;
  /** What the commit itself says, in tables with in-commit timestamps; else when storage took it, made to increase with the version. */
  readonly timestampMs: number;
  readonly operation: string | undefined;
  readonly operationParameters: JsonObject;
  readonly operationMetrics: JsonObject;
  readonly readVersion: number | undefined;
  readonly isBlindAppend: boolean | undefined;
  readonly engineInfo: string | undefined;
  readonly userName: string | undefined;
}

const parallelReads = 16;

/**
 * Cleanup limits how far back it reaches. Empty when there is no table.
 * @throws TributaryError DELTA_LOG_CORRUPT, or of the store
 */
export async function readHistory(
  options: TableLocation & { readonly limit?: number },
): Promise<readonly HistoryEntry[]> {
  const log = logOf(options);
  const commits = (await listCommits(log)).reverse();
  const records = await readRecords(log, commits.slice(0, options.limit ?? commits.length));
  return records.map(entryOf);
}

/** Ascending. @param sinceMs by the time of storage */
export async function readRecentCommits(log: TableLog, sinceMs: number): Promise<CommitRecord[]> {
  const commits = await listCommits(log);
  return readRecords(
    log,
    commits.filter(({ timestampMs }) => timestampMs >= sinceMs),
  );
}

/** Storage times may tie, or run backwards; a later version counts as later. */
async function listCommits(log: TableLog): Promise<CommitTime[]> {
  const commits: CommitTime[] = [];
  for await (const { path, lastModifiedMs } of log.store.list(`${logFolder}0`)) {
    const version = commitVersionOf(path);
    if (version !== undefined) commits.push({ version, timestampMs: lastModifiedMs });
  }
  return monotoneTimes(commits);
}

async function readRecords(log: TableLog, commits: readonly CommitTime[]): Promise<CommitRecord[]> {
  const records: CommitRecord[] = [];
  for (let start = 0; start < commits.length; start += parallelReads) {
    const batch = commits.slice(start, start + parallelReads);
    const sinks = await Promise.all(batch.map(({ version }) => readCommitInfo(log, version)));
    for (const [index, commit] of batch.entries()) {
      // Gone since it was listed: cleaned up, like those before it.
      const sink = sinks[index];
      if (sink !== undefined) records.push({ ...commit, commitInfo: sink.info });
    }
  }
  return records;
}

/** The whole of `commitInfo`, of which other readers take a few fields only. */
function readCommitInfo(log: TableLog, version: number) {
  const sink = {
    info: {} as JsonObject,
    collect({ commitInfo }: JsonObject) {
      if (isJsonObject(commitInfo)) sink.info = commitInfo;
    },
  };
  return readCommitInto(log, version, sink);
}

/** Engines put any JSON into `commitInfo`; what is not of the usual type is left out. */
function entryOf({ version, timestampMs, commitInfo: info }: CommitRecord): HistoryEntry {
  const text = (name: string): string | undefined => {
    const value = info[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    version,
    timestampMs: typeof info.inCommitTimestamp === 'number' ? info.inCommitTimestamp : timestampMs,
    operation: text('operation'),
    operationParameters: isJsonObject(info.operationParameters) ? info.operationParameters : {},
    operationMetrics: isJsonObject(info.operationMetrics) ? info.operationMetrics : {},
    readVersion: typeof info.readVersion === 'number' ? info.readVersion : undefined,
    isBlindAppend: typeof info.isBlindAppend === 'boolean' ? info.isBlindAppend : undefined,
    engineInfo: text('engineInfo'),
    userName: text('userName'),
  };
}
