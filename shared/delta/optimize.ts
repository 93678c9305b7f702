// OPTIMIZE: small files become few large ones, with the same rows (`dataChange: false`). In three steps that may run in different places:
// plan, rewrite one bin, commit all bins.
import type { Clock, Random } from '../base/index.js';
import { type TransactionConflict, transactionFacts } from './conflict.js';
import { defaultEngineInfo } from './createTable.js';
import type { JsonObject } from './json.js';
import { canonicalPath } from './paths.js';
import { assertWritable } from './protocol.js';
import { logOf, openTable, type TableLocation } from './tableReader.js';
import type { AddAction, Snapshot } from './types.js';
import { commitTransaction } from './upkeep/commitTransaction.js';
import {
  type OptimizeBin,
  type OptimizeLimits,
  optimizeLimits,
  planOptimize,
} from './upkeep/optimizePlan.js';
import { removeOf } from './upkeep/removeFile.js';
import { readFiles, storedFields, writeRows } from './upkeep/rewriteRows.js';
import { sortRows } from './upkeep/sortRows.js';
import type { UpkeepOptions } from './upkeep/upkeepTable.js';

export interface RewriteBinOptions extends TableLocation {
  readonly clock: Clock;
  readonly random: Random;
  /** The table as the plan saw it; its files do not matter. */
  readonly snapshot: Snapshot;
  readonly bin: OptimizeBin;
  /** Columns to sort by, e.g. device and time; none keeps the order of the files. */
  readonly sortBy: readonly string[];
}

/** Plain data, so that it can travel to the process that commits. */
export interface RewrittenBin {
  readonly removed: readonly AddAction[];
  readonly added: readonly AddAction[];
  readonly rowCount: number;
}

/**
 * Writes one bin's rows as one file, which stays an orphan until it is committed; a rewrite that dies leaves one for vacuum.
 * Memory: about three times the bin's decoded rows (as read, sorted, and encoded), which `maxBinRows` bounds.
 * @throws TributaryError DELTA_FILE_MISSING when an input is gone, DELTA_PROTOCOL_UNSUPPORTED for columns that cannot be written
 */
export async function rewriteBin(options: RewriteBinOptions): Promise<RewrittenBin> {
  const { bin, snapshot } = options;
  const fields = storedFields(logOf(options).table, snapshot);
  const rows = sortRows(await readFiles(bin.files, fields, options), options.sortBy);
  const added = rows.rowCount === 0 ? [] : [await writeRows(rows, bin.partitionValues, false, options)];
  return { removed: bin.files, added, rowCount: rows.rowCount };
}

export type OptimizeResult =
  /** No two small files belong together. */
  | { readonly kind: 'nothing' }
  | ({ readonly kind: 'optimized'; readonly version: number } & OptimizeTotals)
  /** A rival removed an input or changed the table: nothing was committed, and a new plan is needed. */
  | { readonly kind: 'aborted'; readonly version: number; readonly conflict: AbortReason };

export type AbortReason = Exclude<TransactionConflict, { kind: 'none' }>['kind'] | 'anyCommit';

export interface OptimizeTotals {
  readonly removedCount: number;
  readonly removedBytes: number;
  readonly addedCount: number;
  readonly addedBytes: number;
  readonly rowCount: number;
}

export interface CommitOptimizeOptions extends UpkeepOptions {
  /** Version of the plan. */
  readonly readVersion: number;
  readonly bins: readonly RewrittenBin[];
}

/** One commit for all bins. A lost answer is found again by the commit's own id. */
export async function commitOptimize(options: CommitOptimizeOptions): Promise<OptimizeResult> {
  const { bins, clock, random } = options;
  if (bins.length === 0) return { kind: 'nothing' };
  const removed = bins.flatMap((bin) => bin.removed);
  const added = bins.flatMap((bin) => bin.added);
  const totals: OptimizeTotals = {
    removedCount: removed.length,
    removedBytes: sizeOf(removed),
    addedCount: added.length,
    addedBytes: sizeOf(added),
    rowCount: bins.reduce((sum, { rowCount }) => sum + rowCount, 0),
  };
  const nowMs = clock.nowMs();
  const txnId = random.uuid();
  const inputs = new Set(removed.map(({ path }) => canonicalPath(path)));
  const outcome = await commitTransaction(
    logOf(options),
    {
      readVersion: options.readVersion,
      txnId,
      facts: transactionFacts({ files: inputs, removes: inputs }),
      lines: [
        { commitInfo: commitInfoOf(options, totals, added, nowMs, txnId) },
        ...removed.map((add) => ({ remove: removeOf({ ...add }, nowMs, false) })),
        ...added.map((add) => ({ add })),
      ],
    },
    options,
  );
  if (outcome.kind === 'committed') return { kind: 'optimized', version: outcome.version, ...totals };
  return { kind: 'aborted', version: outcome.version, conflict: outcome.conflict.kind };
}

function sizeOf(files: readonly AddAction[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** Keys and text values as Spark writes them. */
function commitInfoOf(
  options: CommitOptimizeOptions,
  totals: OptimizeTotals,
  added: readonly AddAction[],
  nowMs: number,
  txnId: string,
): JsonObject {
  const sizes = added.map(({ size }) => size).sort((left, right) => left - right);
  const quantile = (share: number): string =>
    String(sizes[Math.min(sizes.length - 1, Math.floor(share * sizes.length))] ?? 0);
  return {
    timestamp: nowMs,
    operation: 'OPTIMIZE',
    operationParameters: { predicate: '[]', zOrderBy: '[]', clusterBy: '[]', auto: 'false' },
    readVersion: options.readVersion,
    isolationLevel: 'SnapshotIsolation',
    isBlindAppend: false,
    operationMetrics: {
      numAddedFiles: String(totals.addedCount),
      numRemovedFiles: String(totals.removedCount),
      numAddedBytes: String(totals.addedBytes),
      numRemovedBytes: String(totals.removedBytes),
      minFileSize: quantile(0),
      p25FileSize: quantile(0.25),
      p50FileSize: quantile(0.5),
      p75FileSize: quantile(0.75),
      maxFileSize: quantile(1),
    },
    engineInfo: options.engineInfo ?? defaultEngineInfo,
    txnId,
  };
}

export interface OptimizeTableOptions extends UpkeepOptions {
  readonly sortBy?: readonly string[];
  readonly limits?: Partial<OptimizeLimits>;
  /** Called after each bin. */
  readonly onProgress?: (doneCount: number, binCount: number) => void;
}

/** Plans, rewrites one bin after the other, and commits. @throws as `openTable`, `rewriteBin` and committing do */
export async function optimizeTable(options: OptimizeTableOptions): Promise<OptimizeResult> {
  const { snapshot } = await openTable(options);
  assertWritable(logOf(options).table, snapshot.protocol, snapshot.metadata);
  const plan = planOptimize(snapshot, optimizeLimits(options.limits, snapshot.metadata.configuration));
  const bins: RewrittenBin[] = [];
  for (const bin of plan.bins) {
    bins.push(await rewriteBin({ ...options, snapshot, bin, sortBy: options.sortBy ?? [] }));
    options.onProgress?.(bins.length, plan.bins.length);
  }
  return commitOptimize({ ...options, readVersion: plan.version, bins });
}
