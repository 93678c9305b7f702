// Merges a table's small files in three steps that an orchestration may run in different processes: plan, rewrite each
// bin, commit all. What travels between them is a few names, never rows or statistics.
import {
  type AddAction,
  commitOptimize,
  type OptimizeBin,
  openTable,
  optimizeLimits,
  planOptimize,
  type RewrittenBin,
  rewriteBin,
  type Snapshot,
  type UpkeepOptions,
} from '../delta/index.js';

export interface CompactionLimits {
  /** Undefined goes by the table's `delta.targetFileSize`, and else takes 64 MiB. */
  readonly targetFileBytes: number | undefined;
  readonly minimumSmallFiles: number;
}

/** Files that become one, by their `path` in the log. */
export interface BinPaths {
  readonly paths: readonly string[];
}

export interface CompactionPlan {
  /** Version that the plan was made on. */
  readonly version: number;
  readonly bins: readonly BinPaths[];
}

export type BinResult =
  /** The file that took the place of the bin's; none when all rows were deleted ones. */
  | ({ readonly kind: 'rewritten' } & Pick<RewrittenBin, 'added' | 'rowCount'>)
  /** A rival removed an input meanwhile: the bin is left out. */
  | { readonly kind: 'stale' };

export type CompactionResult =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'compacted';
      readonly version: number;
      readonly removedCount: number;
      readonly addedCount: number;
    }
  /** A rival changed the table: nothing was committed. The next run plans anew. */
  | { readonly kind: 'aborted' };

/** Bounds the fan-out; the next run goes on. */
const maxBins = 16;
/**
 * Bounds the orchestration's history: the names of the files of a run stay below 400 KB, where the Durable Task Scheduler takes
 * 1 MiB for one input or result.
 */
const maxFiles = 5_000;
/**
 * A rewrite holds about three copies of its rows: with 2,000,000 rows of telemetry the process takes 0.9 GB, which a
 * 2 GB instance has (`npm run bench -- compaction`). Rows of about 33 bytes then fill the default target of 64 MiB.
 */
const maxBinRows = 2_000_000;
const defaultTargetBytes = 64 * 2 ** 20;

export async function planCompaction(
  table: UpkeepOptions,
  limits: CompactionLimits,
): Promise<CompactionPlan> {
  const { snapshot } = await openTable(table);
  const { targetFileBytes } = limits;
  const given = { maxBinRows, ...(targetFileBytes === undefined ? {} : { targetBytes: targetFileBytes }) };
  const plan = planOptimize(
    snapshot,
    optimizeLimits(given, snapshot.metadata.configuration, defaultTargetBytes),
  );
  const bins = plan.bins
    .filter(({ files }) => files.length >= limits.minimumSmallFiles || files.some(hasVector))
    .slice(0, maxBins)
    .map(({ files }) => ({ paths: files.map(({ path }) => path) }));
  return { version: plan.version, bins: firstFiles(bins) };
}

function firstFiles(bins: readonly BinPaths[]): readonly BinPaths[] {
  let left = maxFiles;
  return bins.flatMap(({ paths }) => {
    const taken = paths.slice(0, left);
    left -= taken.length;
    return taken.length === 0 ? [] : [{ paths: taken }];
  });
}

/** Rewriting the file is worth it for the deleted rows alone, which every reader has to leave out. */
function hasVector({ deletionVector }: AddAction): boolean {
  return deletionVector !== undefined;
}

/** One at a time in a process, so that memory is that of one bin however wide the orchestration fans out. */
let lastRewrite: Promise<unknown> = Promise.resolve();

/** Repeating it after a crash writes another file; the one that is not committed goes with vacuum. */
export function rewriteFiles(
  table: UpkeepOptions,
  bin: BinPaths,
  sortBy: readonly string[],
): Promise<BinResult> {
  const rewrite = lastRewrite.then(() => rewriteNow(table, bin, sortBy));
  lastRewrite = rewrite.catch(() => {}); // the caller gets the error; the next in line starts afresh
  return rewrite;
}

async function rewriteNow(
  table: UpkeepOptions,
  { paths }: BinPaths,
  sortBy: readonly string[],
): Promise<BinResult> {
  const { snapshot } = await openTable(table);
  const bin = findBin(snapshot, paths);
  if (bin === undefined) return { kind: 'stale' };
  const { added, rowCount } = await rewriteBin({ ...table, snapshot, bin, sortBy });
  return { kind: 'rewritten', added, rowCount };
}

/**
 * Repeating it after a lost answer finds the inputs gone, and changes nothing. What the log says of the inputs is looked up again: a rival
 * that put a deletion vector on one since the plan makes the commit abort, since it removed the file and added it again.
 * @param results one for each bin of the plan
 */
export async function commitCompaction(
  table: UpkeepOptions,
  plan: CompactionPlan,
  results: readonly BinResult[],
): Promise<CompactionResult> {
  const { snapshot } = await openTable(table);
  let rewrittenCount = 0;
  const live = results.flatMap((result, position): RewrittenBin[] => {
    if (result.kind === 'stale') return [];
    rewrittenCount++;
    const bin = findBin(snapshot, plan.bins[position]?.paths ?? []);
    return bin === undefined ? [] : [{ removed: bin.files, added: result.added, rowCount: result.rowCount }];
  });
  if (live.length === 0) return { kind: rewrittenCount === 0 ? 'nothing' : 'aborted' };
  const result = await commitOptimize({ ...table, readVersion: plan.version, bins: live });
  if (result.kind === 'optimized') {
    const { version, removedCount, addedCount } = result;
    return { kind: 'compacted', version, removedCount, addedCount };
  }
  return { kind: result.kind };
}

function findBin(snapshot: Snapshot, paths: readonly string[]): OptimizeBin | undefined {
  const files = paths.flatMap((path) => snapshot.files.get(path) ?? []);
  if (files.length !== paths.length) return undefined;
  return {
    partitionValues: files[0]?.partitionValues ?? {},
    files,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}
