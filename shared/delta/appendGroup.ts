// Pure. Which waiting appends go into one commit, checked against the table as it is now.
import { TributaryError } from '../base/index.js';
import type { DataBatch } from '../parquet/index.js';
import { memoryBytesOf } from './batchBytes.js';
import { evolveTable } from './evolution.js';
import { type PartitionPart, splitByPartition } from './partitionRows.js';
import { alignBatch } from './schema.js';
import type {
  AppendRequest,
  PreparedAppend,
  StagedFile,
  TransactionAction,
  TransactionVersions,
} from './types.js';
import { widenBatch } from './wideType.js';
import { type WritableTable, writableTable } from './writableTable.js';

export interface GroupLimits {
  readonly maxRows: number;
  /** Of the rows in memory, roughly. */
  readonly maxBytes: number;
  /** Of a partitioned table: one file for each partition. */
  readonly maxFiles: number;
}

export interface PlannedAppend {
  readonly rowCount: number;
  /** In the data columns of the group's table, by partition; none without rows. */
  readonly parts: readonly PartitionPart[];
  /** Written beforehand. */
  readonly files: readonly StagedFile[];
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
  readonly name: string;
  readonly version: number;
  /** As committed. */
  readonly table: WritableTable;
  readonly requests: readonly AppendRequest[];
  readonly committed: TransactionVersions;
  readonly limits: GroupLimits;
}

export interface GroupPlan {
  /** `plans[i]` says what becomes of `requests[i]`. */
  readonly plans: readonly AppendPlan[];
  /** The table once the members are committed; the very one that was given when none widens it. */
  readonly table: WritableTable;
}

/**
 * Members of one group share no application: the second one would have been prepared without knowing what the first commits. Whoever
 * waits holds back all later requests for its applications. Members that widen the table widen it together; one whose columns do
 * not go with those of another waits, and then meets the table with these.
 */
export function planGroup(input: GroupPlanInput): GroupPlan {
  const planner = new GroupPlanner(input);
  const drafts = input.requests.map((request) => planner.add(request));
  const { table } = planner;
  return { table, plans: drafts.map((draft) => finished(draft, table, input.name)) };
}

/** A plan whose rows may be in the columns of a table that a later member has widened. */
type Draft = Exclude<AppendPlan, { kind: 'member' }> | (Candidate & { readonly kind: 'member' });

interface Candidate {
  readonly prepared: PreparedAppend;
  readonly append: PlannedAppend;
  /** What `append.parts` are aligned with. */
  readonly table: WritableTable;
}

class GroupPlanner {
  /** With what the members so far add to it. */
  table: WritableTable;
  readonly #takenAppIds = new Set<string>();
  readonly #partitions = new Set<string>();
  #rows = 0;
  #bytes = 0;
  #isFull = false;

  constructor(private readonly input: GroupPlanInput) {
    this.table = input.table;
  }

  add(request: AppendRequest): Draft {
    if (this.#isFull) return { kind: 'deferred' };
    try {
      const candidate = this.#prepare(request);
      if (candidate === 'nothingLeft' || candidate === 'deferred') return { kind: candidate };
      return this.#accept(candidate);
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  #prepare(request: AppendRequest): Candidate | 'nothingLeft' | 'deferred' {
    const { committed, table: committedTable, version, name } = this.input;
    const { columns, definition } = committedTable;
    const prepared = request.prepare(committed, { version, metadata: definition.metadata, columns });
    if (prepared === undefined) return 'nothingLeft';
    const alone = evolved(committedTable, prepared, name);
    const { batch, transactions, files = [] } = prepared;
    if (files.length > 0) assertUnpartitioned(committedTable, name);
    const isEmpty = batch.rowCount + transactions.length + files.length === 0;
    if (isEmpty && alone === committedTable) return 'nothingLeft';
    const appIds = appIdsOf(prepared, name);
    const table = this.table === committedTable ? alone : tryEvolved(this.table, prepared, name);
    if (table === undefined) {
      for (const appId of appIds) this.#takenAppIds.add(appId);
      return 'deferred';
    }
    const rowCount = files.reduce((sum, file) => sum + file.rowCount, batch.rowCount);
    const append = { rowCount, parts: fitted(batch, table, name), files, transactions, appIds };
    return { prepared, table, append };
  }

  #accept(candidate: Candidate): Draft {
    const { appIds, parts, rowCount } = candidate.append;
    const isShared = [...appIds].some((appId) => this.#takenAppIds.has(appId));
    for (const appId of appIds) this.#takenAppIds.add(appId);
    if (isShared) return { kind: 'deferred' };
    const isFirst = this.#rows === 0;
    this.#rows += rowCount;
    for (const { key, rows } of parts) {
      this.#bytes += memoryBytesOf(rows);
      this.#partitions.add(key);
    }
    const { maxRows, maxBytes, maxFiles } = this.input.limits;
    const isTooLarge = this.#rows > maxRows || this.#bytes > maxBytes || this.#partitions.size > maxFiles;
    this.#isFull = !isFirst && isTooLarge;
    if (this.#isFull) return { kind: 'deferred' };
    this.table = candidate.table;
    return { kind: 'member', ...candidate };
  }
}

function assertUnpartitioned({ partitionColumns }: WritableTable, name: string): void {
  if (partitionColumns.length === 0) return;
  throw new TributaryError(
    'DELTA_SCHEMA_MISMATCH',
    `Table ${name} is partitioned by ${partitionColumns.map((column) => column.name).join(', ')}; files written beforehand are appended to unpartitioned tables only. Append to another table.`,
  );
}

function evolved(table: WritableTable, prepared: PreparedAppend, name: string): WritableTable {
  if (prepared.evolve === undefined) return table;
  const wanted = { schema: prepared.evolve, allowTypeWidening: prepared.allowTypeWidening ?? false };
  const { definition } = evolveTable(name, table.definition, wanted);
  return definition === table.definition ? table : writableTable(name, definition);
}

/** Undefined when what the members so far add does not go with what this one adds. */
function tryEvolved(table: WritableTable, prepared: PreparedAppend, name: string): WritableTable | undefined {
  try {
    return evolved(table, prepared, name);
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'DELTA_SCHEMA_MISMATCH') return undefined;
    throw error;
  }
}

function finished(draft: Draft, table: WritableTable, name: string): AppendPlan {
  if (draft.kind !== 'member') return draft;
  const { append, prepared } = draft;
  if (draft.table === table) return { kind: 'member', append };
  try {
    return { kind: 'member', append: { ...append, parts: fitted(prepared.batch, table, name) } };
  } catch {
    return { kind: 'deferred' }; // a later member changed a type beyond these rows; next time they meet the table alone
  }
}

function appIdsOf({ transactions, readAppIds }: PreparedAppend, table: string): ReadonlySet<string> {
  const written = new Set(transactions.map(({ appId }) => appId));
  if (written.size < transactions.length) {
    throw new Error(`an append to ${table} has two transactions for one appId`);
  }
  // What is written counts as read: Spark lets two blind writers of one appId both succeed.
  return new Set([...written, ...readAppIds]);
}

function fitted(batch: DataBatch, table: WritableTable, name: string): readonly PartitionPart[] {
  if (batch.rowCount === 0) return [];
  if (table.dataColumns.length === 0) throw noDataColumn(name);
  const alignment = alignBatch(widenBatch(batch, table.writableColumns), table.schema);
  if (alignment.kind === 'aligned') return splitByPartition(alignment.batch, table.partitionColumns, name);
  throw new TributaryError(
    'DELTA_SCHEMA_MISMATCH',
    `A batch of ${batch.rowCount} rows does not fit table ${name}: ${alignment.problems.join('; ')}. Change the batch, or the table's schema.`,
  );
}

/** As Spark does: no reader could tell how many rows a file without columns has. */
function noDataColumn(table: string): TributaryError {
  return new TributaryError(
    'DELTA_SCHEMA_MISMATCH',
    `Table ${table} takes no rows: all of its columns are partition columns, or of types that no file can hold here (void, variant, ...). Add a column first.`,
  );
}
