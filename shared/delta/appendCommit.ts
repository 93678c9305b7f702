// Pure. The commit of a group of appends: its lines, and the same as actions.
import type { CommitActions, JsonObject } from './actions.js';
import type { PlannedAppend } from './appendGroup.js';
import type { AddAction, TransactionAction } from './types.js';

export interface AppendCommitInput {
  readonly members: readonly PlannedAppend[];
  /** Undefined when no member has rows. */
  readonly add: AddAction | undefined;
  readonly rowCount: number;
  /** Version of the snapshot that the members were prepared with. */
  readonly readVersion: number;
  readonly nowMs: number;
  readonly txnId: string;
  readonly engineInfo: string;
}

export interface AppendCommit {
  readonly txnId: string;
  readonly lines: readonly JsonObject[];
  readonly actions: CommitActions;
}

export function buildAppendCommit(input: AppendCommitInput): AppendCommit {
  const { add, nowMs, txnId } = input;
  const transactions = input.members
    .flatMap((member) => member.transactions)
    .map((transaction) => withTime(transaction, nowMs));
  const adds = add === undefined ? [] : [add];
  return {
    txnId,
    lines: [
      { commitInfo: commitInfoOf(input) },
      ...transactions.map((txn) => ({ txn })),
      ...adds.map((file) => ({ add: file })),
    ],
    actions: {
      protocol: undefined,
      metadata: undefined,
      adds,
      removes: [],
      transactions,
      commitInfo: { txnId },
    },
  };
}

/** Without `lastUpdated` a transaction is dropped as soon as the table has a retention for them. */
function withTime({ appId, version, lastUpdated }: TransactionAction, nowMs: number): TransactionAction {
  return { appId, version, lastUpdated: lastUpdated ?? nowMs };
}

/** Keys and text values as Spark writes them; other engines' conflict checks look at `isBlindAppend`. */
function commitInfoOf(input: AppendCommitInput): JsonObject {
  return {
    timestamp: input.nowMs,
    operation: 'WRITE',
    operationParameters: { mode: 'Append', partitionBy: '[]' },
    readVersion: input.readVersion,
    isBlindAppend: true,
    operationMetrics: {
      numFiles: input.add === undefined ? '0' : '1',
      numOutputRows: String(input.rowCount),
      numOutputBytes: String(input.add?.size ?? 0),
    },
    engineInfo: input.engineInfo,
    txnId: input.txnId,
  };
}
