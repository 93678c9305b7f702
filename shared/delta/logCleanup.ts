// Deletes the part of the log that is older than its retention and covered by a checkpoint (PROTOCOL.md "Metadata Cleanup").
import { TributaryError } from '../base/index.js';
import type { ObjectInfo } from '../storage/index.js';
import { readSidecarPaths } from './checkpointReader.js';
import type { TableLog } from './log.js';
import { completeCheckpoints } from './logSegment.js';
import { logFolder } from './paths.js';
import { deleteAll } from './upkeep/boundedDeletes.js';
import { flagSetting, logRetentionMs } from './upkeep/intervals.js';
import { loadFullState } from './upkeep/loadFullState.js';
import { planLogCleanup, unusedSidecars } from './upkeep/logCleanupPlan.js';
import { openForUpkeep, type UpkeepOptions, type UpkeepTable } from './upkeep/upkeepTable.js';

export type LogCleanupResult =
  /** The table's `delta.enableExpiredLogCleanup` is false. */
  | { readonly kind: 'disabled' }
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'cleaned';
      /** Oldest version that can still be read; undefined when nothing but sidecars went. */
      readonly checkpointVersion: number | undefined;
      /** Files of the log, sidecars among them. */
      readonly deletedCount: number;
    };

/**
 * A checkpoint is read before what leads to it is deleted; sidecars go after the checkpoints that named them. Safe to repeat and to run
 * beside anything else.
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED for tables with the feature checkpointProtection; DELTA_LOG_CORRUPT when a checkpoint
 *   that stays does not tell its sidecars (they stay, the rest is done); as opening for upkeep does
 */
export async function cleanUpLog(options: UpkeepOptions): Promise<LogCleanupResult> {
  const table = await openForUpkeep(options);
  const { log, metadata } = table;
  refuseProtected(table);
  if (!flagSetting(metadata.configuration, 'delta.enableExpiredLogCleanup', true))
    return { kind: 'disabled' };
  const plan = planLogCleanup({
    files: await listFiles(log, `${logFolder}0`),
    nowMs: options.clock.nowMs(),
    retentionMs: logRetentionMs(metadata.configuration),
  });
  let deletedCount = 0;
  if (plan.kind === 'delete') {
    // Throws unless this version can be rebuilt from files that stay.
    await loadFullState(
      { ...log, store: withoutPaths(log.store, new Set(plan.paths)) },
      plan.checkpointVersion,
    );
    deletedCount += (await deleteAll(log.store, plan.paths, options)).deletedCount;
  }
  const sidecars = await findUnusedSidecars(log, options.clock.nowMs());
  deletedCount += (await deleteAll(log.store, sidecars, options)).deletedCount;
  if (plan.kind === 'nothing' && sidecars.length === 0) return plan;
  const checkpointVersion = plan.kind === 'delete' ? plan.checkpointVersion : undefined;
  return { kind: 'cleaned', checkpointVersion, deletedCount };
}

async function listFiles(log: TableLog, prefix: string): Promise<ObjectInfo[]> {
  const files: ObjectInfo[] = [];
  for await (const file of log.store.list(prefix)) files.push(file);
  return files;
}

/** By every checkpoint that is left, also those of a run that died before it came here. */
async function findUnusedSidecars(log: TableLog, nowMs: number): Promise<string[]> {
  // Before the checkpoints: whoever wrote one in between wrote its sidecars before it.
  const sidecars = await listFiles(log, `${logFolder}_sidecars/`);
  if (unusedSidecars(sidecars, new Set(), nowMs).length === 0) return [];
  const used = new Set<string>();
  for (const checkpoint of completeCheckpoints(await listFiles(log, `${logFolder}0`))) {
    const named = await readSidecarPaths(log, checkpoint);
    if (named.kind === 'unreadable') throw named.error;
    for (const path of named.actions) used.add(path);
  }
  return unusedSidecars(sidecars, used, nowMs);
}

/** `openForUpkeep` refuses features that it does not know; this one must be refused even if it came to be known. */
function refuseProtected(table: UpkeepTable): void {
  if (table.protocol.writerFeatures?.includes('checkpointProtection') === true)
    throw refusal(
      table,
      'has the table feature checkpointProtection, which forbids to clean up a part of the log',
    );
}

function refusal({ log }: UpkeepTable, what: string): TributaryError {
  return new TributaryError(
    'DELTA_PROTOCOL_UNSUPPORTED',
    `The log of table ${log.table} is not cleaned up: the table ${what}. Let the engine that owns the table do it.`,
  );
}

type Store = UpkeepTable['log']['store'];

/** The store as it will be once these are gone. */
function withoutPaths(store: Store, gone: ReadonlySet<string>): Store {
  return {
    read: async (path, range) => (gone.has(path) ? undefined : store.read(path, range)),
    head: async (path) => (gone.has(path) ? undefined : store.head(path)),
    async *list(prefix, options) {
      for await (const info of store.list(prefix, options)) if (!gone.has(info.path)) yield info;
    },
    putIfAbsent: (path, bytes) => store.putIfAbsent(path, bytes),
    put: (path, bytes) => store.put(path, bytes),
    delete: (path) => store.delete(path),
  };
}
