// Brings a prepared append to the next free version, past rivals that do not matter to it.
import { TributaryError } from '../base/index.js';
import { serializeCommit } from './actions.js';
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

/**
 * How crowded the table is, as one writer has seen it: grows with each lost race, shrinks with each commit, and outlives the
 * append. Were it forgotten after a commit, the winner, who knows the tip, would win again and again while the others,
 * whose pauses grow, starve.
 */
export interface Crowding {
  level: number;
}

export interface CommitContext extends RetryContext {
  readonly log: TableLog;
  readonly reader: TableReader;
  readonly budget: AttemptBudget;
  readonly crowding: Crowding;
}

export type CommitResult =
  | { readonly kind: 'committed'; readonly version: number }
  /** A rival changed what the append rests on; it has to be prepared again on the reader's new snapshot. */
  | { readonly kind: 'conflict'; readonly conflict: Exclude<Conflict, { kind: 'none' }> };

/** Writes tried for one version while the storage gives no answer. */
const maxAttemptsPerVersion = 5;

/** Pauses stop growing there, at 2 s; that spreads 32 writers whose commits take 60 ms each. */
const maxCrowding = 8;

/**
 * The commit's bytes stay the same for every version tried, so its data file is written once. A writer without rivals neither
 * pauses nor reads.
 * @param appIds applications that the append reads or writes
 * @throws TributaryError DELTA_COMMIT_CONTENTION, STORAGE_UNAVAILABLE when the outcome is unknown, and as reading the log does
 */
export async function commitAppend(
  commit: AppendCommit,
  appIds: ReadonlySet<string>,
  context: CommitContext,
): Promise<CommitResult> {
  const { log, reader, budget, crowding } = context;
  const bytes = serializeCommit(commit.lines);
  for (;;) {
    const { rivalCount, conflict } = await letRivalsPass(appIds, context);
    if (conflict.kind !== 'none') return { kind: 'conflict', conflict };
    if (budget.used >= budget.max) throw contention(log, budget);
    budget.used++;
    const version = reader.snapshot.version + 1;
    const file = { version, bytes, txnId: commit.txnId };
    const outcome = await putCommit(log, file, { ...context, maxAttempts: maxAttemptsPerVersion });
    if (outcome.kind === 'committed') {
      // Nobody came in all the time of a pause: the crowd is leaving.
      crowding.level = rivalCount > 0 ? crowding.level - 1 : Math.floor(crowding.level / 2);
      reader.adopt(version, commit.actions);
      return { kind: 'committed', version };
    }
    crowding.level = Math.min(maxCrowding, crowding.level + 1);
    const lostTo = checkAppendConflict(appIds, outcome.winner);
    reader.adopt(version, outcome.winner);
    if (lostTo.kind !== 'none') return { kind: 'conflict', conflict: lostTo };
  }
}

/** On a crowded table, waits and then moves the reader to the tip. @returns the first conflict on the way */
async function letRivalsPass(
  appIds: ReadonlySet<string>,
  context: CommitContext,
): Promise<{ rivalCount: number; conflict: Conflict }> {
  const { reader, crowding } = context;
  let conflict: Conflict = { kind: 'none' };
  let rivalCount = 0;
  if (crowding.level === 0) return { rivalCount, conflict };
  // Waiting before catching up: what is known after it is as fresh as can be.
  await pauseBeforeRetry(crowding.level - 1, context);
  await reader.advance((_, actions) => {
    rivalCount++;
    if (conflict.kind === 'none') conflict = checkAppendConflict(appIds, actions);
  });
  return { rivalCount, conflict };
}

function contention(log: TableLog, budget: AttemptBudget): TributaryError {
  return new TributaryError(
    'DELTA_COMMIT_CONTENTION',
    `An append to table ${log.table} lost ${budget.used} races for a version to other writers. Nothing was committed; it can be tried again. If it happens often, let fewer writers share the table.`,
  );
}
