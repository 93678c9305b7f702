// Brings a prepared append to the next free version, past rivals that do not matter to it.
import { TributaryError } from '../base/index.js';
import { type CommitActions, serializeCommit } from './actions.js';
import type { AppendCommit } from './appendCommit.js';
import { type Conflict, checkAppendConflict } from './conflict.js';
import { putCommit, type TableLog } from './log.js';
import { pauseBeforeRetry, type RetryContext } from './retry.js';
import type { TableReader } from './tableReader.js';

/** Counts attempts over all the times that one group is prepared again. */
export interface AttemptBudget {
  used: number;
  readonly max: number;
}

export interface CommitContext extends RetryContext {
  readonly log: TableLog;
  readonly reader: TableReader;
  readonly budget: AttemptBudget;
}

export type CommitResult =
  | { readonly kind: 'committed'; readonly version: number }
  /** A rival changed what the append rests on; it has to be prepared again on the reader's new snapshot. */
  | { readonly kind: 'conflict'; readonly conflict: Exclude<Conflict, { kind: 'none' }> };

/** Writes tried for one version while the storage gives no answer. */
const maxAttemptsPerVersion = 5;

/**
 * The commit's bytes stay the same for every version tried, so its data file is written once.
 * @param appIds applications that the append reads or writes
 * @throws TributaryError DELTA_COMMIT_CONTENTION, STORAGE_UNAVAILABLE when the outcome is unknown, and as reading the log does
 */
export async function commitAppend(
  commit: AppendCommit,
  appIds: ReadonlySet<string>,
  context: CommitContext,
): Promise<CommitResult> {
  const { log, reader, budget } = context;
  const bytes = serializeCommit(commit.lines);
  for (let lostRaces = 0; ; lostRaces++) {
    if (budget.used >= budget.max) throw contention(log, budget);
    budget.used++;
    const version = reader.snapshot.version + 1;
    const file = { version, bytes, txnId: commit.txnId };
    const outcome = await putCommit(log, file, { ...context, maxAttempts: maxAttemptsPerVersion });
    if (outcome.kind === 'committed') {
      reader.adopt(version, commit.actions);
      return { kind: 'committed', version };
    }
    // Waiting before catching up: what is known after it is as fresh as can be.
    await pauseBeforeRetry(lostRaces, context);
    const conflict = await catchUp(reader, version, outcome.winner, appIds);
    if (conflict.kind !== 'none') return { kind: 'conflict', conflict };
  }
}

/** Moves the reader to the tip. @returns the first conflict on the way */
async function catchUp(
  reader: TableReader,
  version: number,
  winner: CommitActions,
  appIds: ReadonlySet<string>,
): Promise<Conflict> {
  let found = checkAppendConflict(appIds, winner);
  reader.adopt(version, winner);
  await reader.advance((_, actions) => {
    if (found.kind === 'none') found = checkAppendConflict(appIds, actions);
  });
  return found;
}

function contention(log: TableLog, budget: AttemptBudget): TributaryError {
  return new TributaryError(
    'DELTA_COMMIT_CONTENTION',
    `An append to table ${log.table} lost ${budget.used} races for a version to other writers. Nothing was committed; it can be tried again. If it happens often, let fewer writers share the table.`,
  );
}
