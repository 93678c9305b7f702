// A table's state as readers need it, from its log.
import { ActionCollector } from './actions.js';
import type { TableLog } from './log.js';
import { advanceState, startState, type TableState } from './replay.js';
import { type ReplayTarget, replayLog } from './replayLog.js';

/** Tombstones and domains are of no use to readers. */
const snapshotTarget: ReplayTarget<ActionCollector, TableState> = {
  checkpointActions: new Set(['txn', 'add', 'metaData', 'protocol']),
  newActions: () => new ActionCollector(),
  start: startState,
  advance: advanceState,
};

/**
 * @param version default the newest
 * @returns undefined when there is no table
 * @throws TributaryError DELTA_LOG_GAP, DELTA_LOG_CORRUPT, DELTA_VERSION_NOT_FOUND, or of the store
 */
export function loadState(log: TableLog, version?: number): Promise<TableState | undefined> {
  return replayLog(log, snapshotTarget, version);
}
