// Loads a table's whole state at a version from its log, with tombstones and with fields that only other engines use.
import type { TableLog } from '../log.js';
import { type ReplayTarget, replayLog } from '../replayLog.js';
import { type CompleteState, startFullState } from './fullState.js';
import { RawActions } from './rawActions.js';

const fullTarget: ReplayTarget<RawActions, CompleteState> = {
  checkpointActions: new Set(['txn', 'add', 'remove', 'metaData', 'protocol', 'domainMetadata']),
  newActions: () => new RawActions(),
  start: (version, { lines }) => startFullState(version, lines),
  advance(state, version, { lines }) {
    state.apply(version, lines);
    return state;
  },
};

/**
 * @param version default the newest
 * @returns undefined when there is no table
 * @throws TributaryError DELTA_LOG_GAP, DELTA_LOG_CORRUPT, DELTA_VERSION_NOT_FOUND, or of the store
 */
export function loadFullState(log: TableLog, version?: number): Promise<CompleteState | undefined> {
  return replayLog(log, fullTarget, version);
}
