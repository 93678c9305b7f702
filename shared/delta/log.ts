// The log of one table on a store: reading, listing and creating commits.
import { type Clock, describeError, type Random, TributaryError } from '../base/index.js';
import type { ObjectStore } from '../storage/index.js';
import { ActionCollector, type ActionSink, type CommitActions, parseCommit } from './actions.js';
import type { LogFile } from './logSegment.js';
import { commitPath, logFolder, versionDigits } from './paths.js';
import { isTransient, pauseBeforeRetry } from './retry.js';

export interface TableLog {
  /** For messages: where the table is, e.g. `tables/readings`. */
  readonly table: string;
  /** Rooted at the table's folder. */
  readonly store: ObjectStore;
}

/** @throws TributaryError DELTA_LOG_CORRUPT naming file and line, or of the store */
export function readCommit(log: TableLog, version: number): Promise<CommitActions | undefined> {
  return readCommitInto(log, version, new ActionCollector());
}

/** Like `readCommit`, for those who need other parts of the actions. @returns the sink */
export async function readCommitInto<Sink extends ActionSink>(
  log: TableLog,
  version: number,
  sink: Sink,
): Promise<Sink | undefined> {
  const path = commitPath(version);
  const bytes = await log.store.read(path);
  return bytes === undefined ? undefined : parseCommit(bytes, `${log.table}/${path}`, sink);
}

/**
 * Versioned files of the log from `fromVersion` on. They start with a zero as long as there are fewer than 10^19
 * versions, so this prefix leaves out `_last_checkpoint`, `_sidecars/` and other writers' temporary files.
 */
export async function listLog(log: TableLog, fromVersion: number): Promise<LogFile[]> {
  const options = fromVersion === 0 ? {} : { startAfter: `${logFolder}${versionDigits(fromVersion)}` };
  const files: LogFile[] = [];
  for await (const { path, sizeBytes } of log.store.list(`${logFolder}0`, options))
    files.push({ path, sizeBytes });
  return files;
}

export interface CommitFile {
  readonly version: number;
  readonly bytes: Uint8Array;
  /** `commitInfo.txnId` inside `bytes`: by it our commit is recognised when the answer to the write was lost. */
  readonly txnId: string;
}

export type CommitOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'lost'; readonly winner: CommitActions };

export interface CommitRetry {
  readonly clock: Clock;
  readonly random: Random;
  /** Writes tried for one version while the storage gives no answer. */
  readonly maxAttempts: number;
}

/**
 * Creates one version. A write without an answer is resolved by reading the version back: ours, a rival's, or still
 * absent, and then tried again at the same version; a write that lands late can land nowhere else.
 * @throws TributaryError STORAGE_UNAVAILABLE when the outcome stays unknown
 */
export async function putCommit(log: TableLog, file: CommitFile, retry: CommitRetry): Promise<CommitOutcome> {
  let lastError: unknown;
  for (let attempt = 0; attempt < retry.maxAttempts; attempt++) {
    if (attempt > 0) await pauseBeforeRetry(attempt - 1, retry);
    try {
      const { kind } = await log.store.putIfAbsent(commitPath(file.version), file.bytes);
      if (kind === 'created') return { kind: 'committed' };
    } catch (error) {
      if (!isTransient(error)) throw error;
      lastError = error;
    }
    try {
      const written = await readCommit(log, file.version);
      if (written?.commitInfo?.txnId === file.txnId) return { kind: 'committed' };
      if (written !== undefined) return { kind: 'lost', winner: written };
    } catch (error) {
      if (!isTransient(error)) throw error;
      lastError = error;
    }
  }
  throw new TributaryError(
    'STORAGE_UNAVAILABLE',
    `The outcome of writing version ${file.version} of table ${log.table} is unknown after ${retry.maxAttempts} attempts (${describeError(lastError)}). It is read back before the next commit.`,
  );
}
