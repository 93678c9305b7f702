// Pure. Which small files are worth being rewritten as one (bin packing).
import { partitionTextOf } from '../partitionValues.js';
import { rowCountOf } from '../replay.js';
import type { AddAction, Snapshot } from '../types.js';
import { sizeSetting } from './intervals.js';

export interface OptimizeLimits {
  /** Size that files should have; bins hold at most this much. */
  readonly targetBytes: number;
  /** Rows of a bin at most: what bounds the memory of a rewrite. */
  readonly maxBinRows: number;
  /** Files of this size or more are left alone, unless many of their rows are deleted; default three quarters of the target. */
  readonly smallFileBytes: number;
}

/** Files of one partition that become one file; a single one loses the rows that its deletion vector deletes. Plain data, so that it can travel to another process. */
export interface OptimizeBin {
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly files: readonly AddAction[];
  readonly bytes: number;
}

export interface OptimizePlan {
  /** Version that the plan was made on. */
  readonly version: number;
  readonly bins: readonly OptimizeBin[];
}

const defaultTargetBytes = 128 * 2 ** 20;

/**
 * What is not given comes from the table's `delta.targetFileSize`, and else from `presetBytes`.
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED when that property is no size
 */
export function optimizeLimits(
  given: Partial<OptimizeLimits> = {},
  configuration: Snapshot['metadata']['configuration'] = {},
  presetBytes = defaultTargetBytes,
): OptimizeLimits {
  const targetBytes = given.targetBytes ?? sizeSetting(configuration, 'delta.targetFileSize') ?? presetBytes;
  return {
    targetBytes,
    maxBinRows: given.maxBinRows ?? 2_000_000,
    smallFileBytes: given.smallFileBytes ?? Math.floor(targetBytes * 0.75),
  };
}

/** For files without statistics: a guess on the safe side of what a compressed row takes. */
const leastBytesPerRow = 8;

/**
 * Files are taken in the order in which they were written, so that a bin holds neighbours in time. The same snapshot gives the same plan.
 * Partitions are told apart by the text of their values: two spellings of one value stay apart, which is always right.
 */
export function planOptimize(snapshot: Snapshot, limits: OptimizeLimits): OptimizePlan {
  const { partitionColumns } = snapshot.metadata;
  const partitions = new Map<string, AddAction[]>();
  for (const file of [...snapshot.files.values()].sort(byTime)) {
    if (file.size >= limits.smallFileBytes && !hasManyDeletedRows(file)) continue;
    const key = JSON.stringify(partitionColumns.map((name) => partitionTextOf(file, name) ?? null));
    const files = partitions.get(key);
    if (files === undefined) partitions.set(key, [file]);
    else files.push(file);
  }
  const keys = [...partitions.keys()].sort();
  return {
    version: snapshot.version,
    bins: keys.flatMap((key) => packFiles(partitions.get(key) ?? [], limits)),
  };
}

function byTime(left: AddAction, right: AddAction): number {
  if (left.modificationTime !== right.modificationTime) return left.modificationTime - right.modificationTime;
  return left.path < right.path ? -1 : 1;
}

function packFiles(files: readonly AddAction[], limits: OptimizeLimits): OptimizeBin[] {
  const bins: AddAction[][] = [];
  let open: AddAction[] = [];
  let bytes = 0;
  let rows = 0;
  for (const file of files) {
    const fileRows = rowCountOf(file) ?? Math.ceil(file.size / leastBytesPerRow);
    if (bytes + file.size > limits.targetBytes || rows + fileRows > limits.maxBinRows) {
      bins.push(open);
      open = [];
      bytes = 0;
      rows = 0;
    }
    open.push(file);
    bytes += file.size;
    rows += fileRows;
  }
  bins.push(open);
  return bins.filter((bin) => bin.length > 1 || bin.some(hasManyDeletedRows)).map(binOf);
}

/** Of its rows; Spark's `delta.optimize.maxDeletedRowsRatio`. */
const maxDeletedShare = 0.05;

/** Reading it costs more than it gives: rewritten even when it is large or alone. */
function hasManyDeletedRows(file: AddAction): boolean {
  if (file.deletionVector === undefined) return false;
  const rowCount = rowCountOf(file);
  return rowCount === undefined || file.deletionVector.cardinality > maxDeletedShare * rowCount;
}

function binOf(files: readonly AddAction[]): OptimizeBin {
  return {
    partitionValues: files[0]?.partitionValues ?? {},
    files,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}
