// DELETE: takes rows out of a table by writing the files that hold some of them again without these.
import { TributaryError } from '../base/index.js';
import { type ColumnBatch, type DataBatch, selectRows } from '../parquet/index.js';
import { transactionFacts } from './conflict.js';
import { defaultEngineInfo } from './createTable.js';
import { pruneFiles } from './dataSkipping.js';
import type { JsonObject } from './json.js';
import { parseCondition } from './parseCondition.js';
import { canonicalPath } from './paths.js';
import type { Predicate } from './predicate.js';
import { assertWritable } from './protocol.js';
import { rowConditionOf } from './rowCondition.js';
import { scanTable } from './scan.js';
import { parseTableSchema } from './schema.js';
import { logOf, openTable } from './tableReader.js';
import { parseTableColumns, type TableColumn } from './tableTypes.js';
import type { AddAction, Metadata, Snapshot } from './types.js';
import { commitTransaction, type TransactionOutcome } from './upkeep/commitTransaction.js';
import { flagSetting } from './upkeep/intervals.js';
import { removeOf } from './upkeep/removeFile.js';
import {
  changeTypeColumn,
  type RewriteContext,
  readFiles,
  storedFields,
  writeDeletedRows,
  writeRows,
} from './upkeep/rewriteRows.js';
import type { UpkeepOptions } from './upkeep/upkeepTable.js';

export interface RowPredicate {
  /** For the table's history, e.g. `device_id = 'x'`. */
  readonly description: string;
  /** What `matches` looks at. */
  readonly columns: readonly string[];
  /** Pure. Whether a row of the batch, which has `columns` in this order, is to go. Nested columns come as they are in a `DataBatch`. */
  matches(batch: ColumnBatch, row: number): boolean;
  /** The same as a condition: files whose statistics rule it out are not read. */
  readonly condition?: Predicate;
}

/**
 * The rows for which a condition in SQL is true.
 * @throws TributaryError INPUT_INVALID showing what cannot be read, as `parseCondition` does
 */
export function parseRowPredicate(text: string, { metadata }: Snapshot): RowPredicate {
  const schema = parseTableSchema(metadata.schemaString);
  const condition = parseCondition(text, schema);
  return { description: text.trim(), condition, ...rowConditionOf(condition, schema) };
}

export interface DeleteRowsOptions extends UpkeepOptions {
  readonly predicate: RowPredicate;
  /** Times that the table is gone through when rivals interfere. Default 5. */
  readonly maxAttempts?: number;
  /** Called for each file that has to be looked at; starts again with each attempt. */
  readonly onProgress?: (doneCount: number, fileCount: number) => void;
}

export interface DeletePlan {
  /** Version that the plan was made on. */
  readonly version: number;
  readonly fileCount: number;
  /** Files that had to be read: the statistics of the others rule out that they hold such rows. */
  readonly readFileCount: number;
  readonly deletedRowCount: number;
  /** Rows that would be written again, as neighbours of deleted ones. */
  readonly copiedRowCount: number;
  /** Files that would go; those that hold copied rows are replaced. */
  readonly removedFileCount: number;
  readonly addedFileCount: number;
}

/** What `deleteRows` would do; writes nothing. @throws as `deleteRows` does */
export async function planDelete(options: DeleteRowsOptions): Promise<DeletePlan> {
  const { snapshot } = await openTable(options);
  assertDeletable(logOf(options).table, snapshot);
  const plan = { deletedRowCount: 0, copiedRowCount: 0, removedFileCount: 0, addedFileCount: 0 };
  const candidates = candidateFiles(snapshot, options.predicate);
  for (const [index, file] of candidates.entries()) {
    const { kept, rowCount } = await keptRows(file, snapshot, options);
    if (kept.length < rowCount) {
      plan.deletedRowCount += rowCount - kept.length;
      plan.copiedRowCount += kept.length;
      plan.removedFileCount++;
      if (kept.length > 0) plan.addedFileCount++;
    }
    options.onProgress?.(index + 1, candidates.length);
  }
  return {
    version: snapshot.version,
    fileCount: snapshot.files.size,
    readFileCount: candidates.length,
    ...plan,
  };
}

function candidateFiles(snapshot: Snapshot, { condition }: RowPredicate): readonly AddAction[] {
  return condition === undefined ? [...snapshot.files.values()] : pruneFiles(snapshot, condition);
}

export type DeleteResult =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'deleted';
      readonly version: number;
      readonly deletedRowCount: number;
      /** Rows that were written again, as neighbours of deleted ones. */
      readonly copiedRowCount: number;
      readonly removedFileCount: number;
      readonly addedFileCount: number;
    }
  /** Rivals interfered every time; nothing was deleted. */
  | { readonly kind: 'conflict'; readonly version: number };

/**
 * Memory: one data file's rows. Nothing is rewritten in place: vacuum takes the old files after the retention. In tables that keep a
 * change data feed the deleted rows are written as changes, unless whole files go and nothing else: then readers take these.
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED for tables that are append-only or have columns that cannot be written; as `openTable`
 *   and committing do
 */
export async function deleteRows(options: DeleteRowsOptions): Promise<DeleteResult> {
  const maxAttempts = options.maxAttempts ?? 5;
  for (let attempt = 1; ; attempt++) {
    const { snapshot } = await openTable(options);
    assertDeletable(logOf(options).table, snapshot);
    const changes = await rewriteMatching(snapshot, options);
    if (changes.removed.length === 0) return { kind: 'nothing' };
    const outcome = await commitChanges(snapshot, changes, options);
    if (outcome.kind === 'committed') {
      return {
        kind: 'deleted',
        version: outcome.version,
        deletedRowCount: changes.deletedRowCount,
        copiedRowCount: changes.copiedRowCount,
        removedFileCount: changes.removed.length,
        addedFileCount: changes.added.length,
      };
    }
    if (attempt >= maxAttempts) return { kind: 'conflict', version: outcome.version };
  }
}

function assertDeletable(table: string, { protocol, metadata }: Snapshot): void {
  assertWritable(table, protocol, metadata);
  const refuse = (what: string): never => {
    throw new TributaryError(
      'DELTA_PROTOCOL_UNSUPPORTED',
      `Rows of table ${table} cannot be deleted here: ${what}.`,
    );
  };
  if (flagSetting(metadata.configuration, 'delta.appendOnly', false))
    refuse('it is append-only (delta.appendOnly)');
  const isReserved = ({ name }: TableColumn) => name.toLowerCase() === changeTypeColumn;
  if (keepsChanges(metadata) && parseTableColumns(metadata.schemaString).some(isReserved))
    refuse(`it keeps a change data feed, but has a column ${changeTypeColumn} of its own`);
}

function keepsChanges({ configuration }: Metadata): boolean {
  return flagSetting(configuration, 'delta.enableChangeDataFeed', false);
}

interface Changes {
  readonly removed: AddAction[];
  readonly added: AddAction[];
  /** The `cdc` actions. */
  readonly recorded: JsonObject[];
  deletedRowCount: number;
  copiedRowCount: number;
}

async function rewriteMatching(snapshot: Snapshot, options: DeleteRowsOptions): Promise<Changes> {
  const changes: Changes = { removed: [], added: [], recorded: [], deletedRowCount: 0, copiedRowCount: 0 };
  const isRecording = keepsChanges(snapshot.metadata);
  const whole: AddAction[] = [];
  const context = { ...options, snapshot };
  const candidates = candidateFiles(snapshot, options.predicate);
  for (const [index, file] of candidates.entries()) {
    options.onProgress?.(index, candidates.length);
    const { kept, rowCount } = await keptRows(file, snapshot, options);
    if (kept.length === rowCount) continue;
    changes.removed.push(file);
    changes.deletedRowCount += rowCount - kept.length;
    if (kept.length === 0) {
      whole.push(file);
      continue;
    }
    const all = await readStored(file, context);
    changes.added.push(await writeRows(selectRows(all, kept), file.partitionValues, true, context));
    changes.copiedRowCount += kept.length;
    if (!isRecording) continue;
    const deleted = selectRows(all, othersOf(kept, rowCount));
    changes.recorded.push(await writeDeletedRows(deleted, file.partitionValues, context));
  }
  // Where a commit records changes, readers of the feed look at nothing else in it.
  if (changes.recorded.length > 0) {
    for (const file of whole)
      changes.recorded.push(
        await writeDeletedRows(await readStored(file, context), file.partitionValues, context),
      );
  }
  return changes;
}

function readStored(file: AddAction, context: RewriteContext): Promise<DataBatch> {
  return readFiles([file], storedFields(logOf(context).table, context.snapshot), context);
}

/** The row numbers below `count` that are not among `rows`, which ascend. */
function othersOf(rows: Int32Array, count: number): Int32Array {
  const others = new Int32Array(count - rows.length);
  let next = 0;
  let found = 0;
  for (let row = 0; row < count; row++) {
    if (rows[next] === row) next++;
    else others[found++] = row;
  }
  return others;
}

/** Reads only what the predicate looks at: most files hold nothing that matches. */
async function keptRows(
  file: AddAction,
  snapshot: Snapshot,
  { store, root, predicate }: DeleteRowsOptions,
): Promise<{ kept: Int32Array; rowCount: number }> {
  const part: Snapshot = { ...snapshot, files: new Map([[file.path, file]]) };
  const kept: number[] = [];
  let rowCount = 0;
  for await (const batch of scanTable({ store, root, snapshot: part, columns: predicate.columns })) {
    for (let row = 0; row < batch.rowCount; row++)
      if (!predicate.matches(batch as ColumnBatch, row)) kept.push(rowCount + row);
    rowCount += batch.rowCount;
  }
  return { kept: Int32Array.from(kept), rowCount };
}

function commitChanges(
  snapshot: Snapshot,
  changes: Changes,
  options: DeleteRowsOptions,
): Promise<TransactionOutcome> {
  const { removed, added } = changes;
  const nowMs = options.clock.nowMs();
  const txnId = options.random.uuid();
  const isWriteSerializable = snapshot.metadata.configuration['delta.isolationLevel'] === 'WriteSerializable';
  const isolation = isWriteSerializable ? 'WriteSerializable' : 'Serializable';
  const commitInfo = {
    timestamp: nowMs,
    operation: 'DELETE',
    operationParameters: { predicate: JSON.stringify([options.predicate.description]) },
    readVersion: snapshot.version,
    isolationLevel: isolation,
    isBlindAppend: false,
    operationMetrics: {
      numRemovedFiles: String(removed.length),
      numAddedFiles: String(added.length),
      numDeletedRows: String(changes.deletedRowCount),
      numCopiedRows: String(changes.copiedRowCount),
      numAddedChangeFiles: String(changes.recorded.length),
    },
    engineInfo: options.engineInfo ?? defaultEngineInfo,
    txnId,
  };
  const pathsOf = (files: Iterable<AddAction>) => new Set([...files].map(({ path }) => canonicalPath(path)));
  return commitTransaction(
    logOf(options),
    {
      readVersion: snapshot.version,
      txnId,
      facts: transactionFacts({
        // Every file was read: one that a rival replaced may come back with rows that match.
        files: pathsOf(snapshot.files.values()),
        removes: pathsOf(removed),
        looksFor: () => true,
        isolation,
      }),
      lines: [
        { commitInfo },
        ...removed.map((add) => ({ remove: removeOf({ ...add }, nowMs, true) })),
        ...added.map((add) => ({ add })),
        ...changes.recorded.map((cdc) => ({ cdc })),
      ],
    },
    options,
  );
}
