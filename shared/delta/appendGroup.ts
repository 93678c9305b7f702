// Pure. Which waiting appends go into one commit, checked against the table as it is now.
import { TributaryError } from '../base/index.js';
import type { DataBatch } from '../parquet/index.js';
import { memoryBytesOf } from './batchBytes.js';
import { alignBatch, type TableSchema } from './schema.js';
import type { AppendRequest, PreparedAppend, TransactionAction, TransactionVersions } from './types.js';

export interface GroupLimits {
  readonly maxRows: number;
  /** Of the rows in memory, roughly. */
  readonly maxBytes: number;
}

export interface PlannedAppend {
  /** In the table's columns; undefined without rows. */
  readonly batch: DataBatch | undefined;
  readonly transactions: readonly TransactionAction[];
  /** Applications that it reads or writes. */
  readonly appIds: ReadonlySet<string>;
}

export type AppendPlan =
  | { readonly kind: 'member'; readonly append: PlannedAppend }
  | { readonly kind: 'nothingLeft' }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Must wait for the next commit. */
  | { readonly kind: 'deferred' };

export interface GroupPlanInput {
  /** For messages. */
  readonly table: string;
  readonly requests: readonly AppendRequest[];
  readonly committed: TransactionVersions;
  readonly schema: TableSchema;
  readonly limits: GroupLimits;
}

/**
 * `plans[i]` says what becomes of `requests[i]`. Members of one group share no application: the second one would have been
 * prepared without knowing what the first commits. Whoever waits holds back all later requests for its applications.
 */
export function planGroup(input: GroupPlanInput): readonly AppendPlan[] {
  const taken = new Set<string>();
  let rows = 0;
  let bytes = 0;
  let isFull = false;
  return input.requests.map((request) => {
    if (isFull) return { kind: 'deferred' };
    const plan = planAppend(request, input);
    if (plan.kind !== 'member') return plan;
    const { appIds, batch } = plan.append;
    const isShared = [...appIds].some((appId) => taken.has(appId));
    for (const appId of appIds) taken.add(appId);
    if (isShared) return { kind: 'deferred' };
    const batchBytes = batch === undefined ? 0 : memoryBytesOf(batch);
    const isFirst = rows === 0;
    rows += batch?.rowCount ?? 0;
    bytes += batchBytes;
    isFull = !isFirst && (rows > input.limits.maxRows || bytes > input.limits.maxBytes);
    return isFull ? { kind: 'deferred' } : plan;
  });
}

function planAppend(request: AppendRequest, input: GroupPlanInput): AppendPlan {
  let prepared: PreparedAppend | undefined;
  try {
    prepared = request.prepare(input.committed);
    if (prepared === undefined) return { kind: 'nothingLeft' };
    if (prepared.batch.rowCount === 0 && prepared.transactions.length === 0) return { kind: 'nothingLeft' };
    return { kind: 'member', append: checked(prepared, input) };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

function checked(prepared: PreparedAppend, input: GroupPlanInput): PlannedAppend {
  const { transactions, readAppIds } = prepared;
  const written = new Set(transactions.map(({ appId }) => appId));
  if (written.size < transactions.length) {
    throw new Error(`an append to ${input.table} has two transactions for one appId`);
  }
  return {
    batch: prepared.batch.rowCount === 0 ? undefined : fitted(prepared.batch, input),
    transactions,
    // What is written counts as read: Spark lets two blind writers of one appId both succeed.
    appIds: new Set([...written, ...readAppIds]),
  };
}

function fitted(batch: DataBatch, { schema, table }: GroupPlanInput): DataBatch {
  const alignment = alignBatch(batch, schema);
  if (alignment.kind === 'aligned') return alignment.batch;
  throw new TributaryError(
    'DELTA_SCHEMA_MISMATCH',
    `A batch of ${batch.rowCount} rows does not fit table ${table}: ${alignment.problems.join('; ')}. Change the batch, or the table's schema.`,
  );
}
