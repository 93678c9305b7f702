// Pure. The commit of a group of appends: its lines, and the same as actions.
import type { CommitActions } from './actions.js';
import type { PlannedAppend } from './appendGroup.js';
import type { TableDefinition } from './evolution.js';
import type { JsonObject } from './json.js';
import type { AddAction, TransactionAction } from './types.js';

export interface AppendCommitInput {
  readonly members: readonly PlannedAppend[];
  readonly adds: readonly AddAction[];
  readonly rowCount: number;
  /** The table that the members were prepared with, and what they make of it. */
  readonly before: TableDefinition;
  readonly after: TableDefinition;
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
  const { adds, nowMs, txnId, before, after } = input;
  const protocol = after.protocol === before.protocol ? undefined : after.protocol;
  const metadata = after.metadata === before.metadata ? undefined : after.metadata;
  const transactions = input.members
    .flatMap((member) => member.transactions)
    .map((transaction) => withTime(transaction, nowMs));
  return {
    txnId,
    lines: [
      { commitInfo: commitInfoOf(input) },
      ...(protocol === undefined ? [] : [{ protocol }]),
      ...(metadata === undefined ? [] : [{ metaData: metadata }]),
      ...transactions.map((txn) => ({ txn })),
      ...adds.map((file) => ({ add: file })),
    ],
    actions: {
      protocol,
      metadata,
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
    operationParameters: {
      mode: 'Append',
      partitionBy: JSON.stringify(input.after.metadata.partitionColumns),
    },
    readVersion: input.readVersion,
    isBlindAppend: true,
    operationMetrics: {
      numFiles: String(input.adds.length),
      numOutputRows: String(input.rowCount),
      numOutputBytes: String(input.adds.reduce((sum, { size }) => sum + size, 0)),
    },
    engineInfo: input.engineInfo,
    txnId: input.txnId,
  };
}
