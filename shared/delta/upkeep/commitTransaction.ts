// Commits what upkeep prepared, past rivals that do not concern it.
import { type Clock, type Random, TributaryError } from '../../base/index.js';
import { type CommitActions, serializeCommit } from '../actions.js';
import { checkConflict, type TransactionConflict, type TransactionFacts } from '../conflict.js';
import type { JsonObject } from '../json.js';
import { putCommit, readCommit, type TableLog } from '../log.js';
import { pauseBeforeRetry } from '../retry.js';

export interface TransactionCommit {
  /** Version that it was prepared on. */
  readonly readVersion: number;
  readonly txnId: string;
  readonly lines: readonly JsonObject[];
  readonly facts: TransactionFacts;
  /** Any rival's commit is a conflict, as for operations that describe the table as a whole. */
  readonly isExclusive?: boolean;
}

export type TransactionOutcome =
  | { readonly kind: 'committed'; readonly version: number }
  /** A rival changed what it rests on. Nothing was committed; it has to be planned again. */
  | {
      readonly kind: 'conflict';
      readonly version: number;
      readonly conflict: Exclude<TransactionConflict, { kind: 'none' }> | { readonly kind: 'anyCommit' };
    };

/** Writes tried for one version while the storage gives no answer. */
const maxAttemptsPerVersion = 5;
/** Versions tried; upkeep can come again. */
const maxVersions = 100;

/** @throws TributaryError DELTA_COMMIT_CONTENTION, STORAGE_UNAVAILABLE when the outcome is unknown, and as reading the log does */
export async function commitTransaction(
  log: TableLog,
  commit: TransactionCommit,
  context: { readonly clock: Clock; readonly random: Random },
): Promise<TransactionOutcome> {
  const bytes = serializeCommit(commit.lines);
  let version = commit.readVersion + 1;
  for (let attempt = 0; attempt < maxVersions; attempt++) {
    const file = { version, bytes, txnId: commit.txnId };
    const outcome = await putCommit(log, file, { ...context, maxAttempts: maxAttemptsPerVersion });
    if (outcome.kind === 'committed') return { kind: 'committed', version };
    let winner: CommitActions | undefined = outcome.winner;
    if (attempt > 0) await pauseBeforeRetry(attempt, context);
    for (; winner !== undefined; winner = await readCommit(log, version)) {
      const conflict = commit.isExclusive
        ? { kind: 'anyCommit' as const }
        : checkConflict(commit.facts, winner);
      if (conflict.kind !== 'none') return { kind: 'conflict', version, conflict };
      version++;
    }
  }
  throw new TributaryError(
    'DELTA_COMMIT_CONTENTION',
    `A commit to table ${log.table} lost ${maxVersions} races for a version to other writers. Nothing was committed; it can be tried again.`,
  );
}
