// Pure. The state of a shard between two operations, as JSON. It is parsed and written whole at every turn of the entity, so it
// holds long texts in flat lists, which cost next to nothing.
import { TributaryError } from '../base/index.js';
import type { OutboxState } from './outbox.js';
import type { SilenceState } from './silence.js';

export interface ShardState {
  readonly v: 1;
  /** When the state was born, milliseconds; 0 before. Batch numbers count from 0 again in a state that is born again. */
  readonly bornMs: number;
  /** [id, text, id, text, ...]; device.ts has the texts. */
  readonly devices: readonly string[];
  /** Sequence numbers that were worked with; shared/windows has the form of the intervals. */
  readonly processed: readonly (readonly [source: string, partition: string, intervals: unknown])[];
  /** Names of the fields of values in device texts and rows, by layout number: pipeline.ts may change while they wait. */
  readonly layouts: readonly (readonly string[])[];
  readonly outbox: OutboxState;
  readonly summarizedMs: number;
  /** silence.ts has both; absent in states from before it. */
  readonly silence?: SilenceState;
  /** Since the state was born. */
  readonly counts: ShardCounts;
}

export interface ShardCounts {
  readonly signals: number;
  readonly readings: number;
  /** Readings that had come before. */
  readonly duplicates: number;
  readonly late: number;
  /** Readings of devices that the full shard did not take in; absent in states from before it was counted. */
  readonly refusedReadings: number;
}

/** Signals that came while a state was there that this version cannot read. */
interface UnreadSignals {
  readonly unread?: readonly unknown[];
}

export const stateVersion = 1;

export const emptyState: ShardState & UnreadSignals = {
  v: stateVersion,
  bornMs: 0,
  devices: [],
  processed: [],
  layouts: [],
  outbox: { rows: { alerts: [], failed: [], late: [], windows: [] }, next: 0, seal: null },
  summarizedMs: 0,
  counts: { signals: 0, readings: 0, duplicates: 0, late: 0, refusedReadings: 0 },
};

/**
 * @param state undefined for a shard that has none yet
 * @throws TributaryError STATE_UNREADABLE
 */
export function checkedState(state: unknown): ShardState & UnreadSignals {
  if (state === undefined || state === null) return emptyState;
  const found = typeof state === 'object' ? (state as Partial<ShardState>) : {};
  if (found.v === stateVersion) return state as ShardState;
  throw new TributaryError(
    'STATE_UNREADABLE',
    `The stored state of a shard has version ${JSON.stringify(found.v)}, this app reads version ${stateVersion}. A later version of this app wrote it, which must run here again; signals are kept until then`,
  );
}

/** The state as it was, and the signal for the version that can read it. */
export function withUnreadSignal(state: unknown, signal: unknown): unknown {
  const known = typeof state === 'object' && state !== null ? (state as UnreadSignals) : {};
  return { ...known, unread: [...(known.unread ?? []), signal] };
}
