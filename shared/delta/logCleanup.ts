// Deletes the part of the log that is older than its retention and covered by a checkpoint (PROTOCOL.md "Metadata Cleanup").
import { TributaryError } from '../base/index.js';
import type { ObjectInfo } from '../storage/index.js';
import { logFolder } from './paths.js';
import { deleteAll } from './upkeep/boundedDeletes.js';
import { flagSetting, logRetentionMs } from './upkeep/intervals.js';
import { loadFullState } from './upkeep/loadFullState.js';
import { planLogCleanup } from './upkeep/logCleanupPlan.js';
import { openForUpkeep, type UpkeepOptions, type UpkeepTable } from './upkeep/upkeepTable.js';

export type LogCleanupResult =
  /** The table's `delta.enableExpiredLogCleanup` is false. */
  | { readonly kind: 'disabled' }
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'cleaned';
      /** Oldest version that can still be read. */
      readonly checkpointVersion: number;
      readonly deletedCount: number;
    };

/**
 * A checkpoint is read before what leads to it is deleted. Safe to repeat and to run beside anything else.
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED for tables with the feature checkpointProtection or with V2 checkpoints; as opening
 *   for upkeep does
 */
export async function cleanUpLog(options: UpkeepOptions): Promise<LogCleanupResult> {
  const table = await openForUpkeep(options);
  const { log, metadata } = table;
  refuseProtected(table);
  if (!flagSetting(metadata.configuration, 'delta.enableExpiredLogCleanup', true))
    return { kind: 'disabled' };
  const files: ObjectInfo[] = [];
  for await (const file of log.store.list(`${logFolder}0`)) files.push(file);
  const plan = planLogCleanup({
    files,
    nowMs: options.clock.nowMs(),
    retentionMs: logRetentionMs(metadata.configuration),
  });
  if (plan.kind === 'nothing') return plan;
  if (plan.kind === 'hasV2Checkpoints') throw refusal(table, 'has V2 checkpoints with sidecars');
  // Throws unless this version can be rebuilt from files that stay.
  await loadFullState(
    { ...log, store: withoutPaths(log.store, new Set(plan.paths)) },
    plan.checkpointVersion,
  );
  const { deletedCount } = await deleteAll(log.store, plan.paths, options);
  return { kind: 'cleaned', checkpointVersion: plan.checkpointVersion, deletedCount };
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
