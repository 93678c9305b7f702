// A table opened for upkeep: its whole state, checked against what upkeep may touch.
import type { Clock, Random } from '../../base/index.js';
import { ActionCollector } from '../actions.js';
import type { TableLog } from '../log.js';
import { assertWritable } from '../protocol.js';
import { logOf, type TableLocation, tableNotFound } from '../tableReader.js';
import type { Metadata, Protocol } from '../types.js';
import type { CompleteState } from './fullState.js';
import { loadFullState } from './loadFullState.js';

export interface UpkeepOptions extends TableLocation {
  readonly clock: Clock;
  readonly random: Random;
  /** Goes to `commitInfo.engineInfo`. */
  readonly engineInfo?: string;
}

export interface UpkeepTable {
  readonly log: TableLog;
  readonly state: CompleteState;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
}

/**
 * @param version default the newest
 * @throws TributaryError DELTA_TABLE_NOT_FOUND; DELTA_PROTOCOL_UNSUPPORTED when the table may not be written; as `loadFullState` does
 */
export async function openForUpkeep(options: UpkeepOptions, version?: number): Promise<UpkeepTable> {
  const log = logOf(options);
  const state = await loadFullState(log, version);
  if (state === undefined) throw tableNotFound(log.table);
  const { protocol, metadata } = parsed(state);
  assertWritable(log.table, protocol, metadata);
  return { log, state, protocol, metadata };
}

function parsed({ protocol, metaData }: CompleteState): { protocol: Protocol; metadata: Metadata } {
  const collector = new ActionCollector();
  collector.collect({ protocol, metaData });
  if (collector.protocol === undefined || collector.metadata === undefined)
    throw new Error('a complete state has both actions');
  return { protocol: collector.protocol, metadata: collector.metadata };
}
