// Pure. What leaves a shard: numbered batches of rows, the latest state of devices, and what the shard says of itself.
import type { DeviceAlerts } from '../alerts/index.js';
import type { WindowValues } from '../windows/index.js';
import type { OutboxRows } from './outbox.js';
import type { ShardCounts } from './shardState.js';

export interface SealInput {
  readonly nowMs: number;
  /** Default 2,000. */
  readonly maxRows?: number;
  /** Characters of the rows. Default 256 Ki. */
  readonly maxBytes?: number;
  /** Devices whose latest state may go with it. Default 300. */
  readonly maxDevices?: number;
  /** Neither other rows nor latest states, to publish alerts at once. Default false. */
  readonly onlyAlerts?: boolean;
  /** Number of a batch to acknowledge first. */
  readonly acknowledge?: number;
}

/** The latest of one device. */
export interface LatestDevice {
  readonly device: string;
  readonly lastArrivalMs: number;
  readonly eventTimeMicros: number;
  readonly watermarkMicros: number | null;
  /** The last value of each field that had one. */
  readonly values: Readonly<Record<string, number>>;
  readonly openAlerts: ReturnType<DeviceAlerts['openAlerts']>;
  /** Of definitions with output `update` or `complete`. */
  readonly openWindows: readonly WindowValues[];
}

export interface SealedBatch {
  /** Counts up from 0 over the life of the shard; null when there is nothing to publish and to acknowledge. */
  readonly number: number | null;
  /** Tells this life of the shard from one whose state was lost; milliseconds. */
  readonly bornMs: number;
  /** The same each time until the batch is acknowledged. */
  readonly rows: OutboxRows;
  /** Field names by layout number, for the rows. */
  readonly layouts: readonly (readonly string[])[];
  /** As it is now. */
  readonly latest: readonly LatestDevice[];
  /** Once a minute. */
  readonly summary: ShardSummary | null;
  /** Rows wait behind this batch. */
  readonly hasMore: boolean;
  /**
   * A batch has been sealed that the stored state does not have yet, so nothing of it is told: seal again. Providers may let an
   * answer leave, lose the state, and run the operation again behind others; then something else is sealed under that number.
   */
  readonly isUnstored?: boolean;
}

export interface ShardSummary extends ShardCounts {
  readonly atMs: number;
  readonly devices: number;
  readonly openWindows: number;
  readonly openAlerts: number;
  /** Devices whose state cannot be read; their readings go to quarantine. */
  readonly unreadableDevices: number;
  /** Of the devices that have one; null without any. */
  readonly watermarkMinMicros: number | null;
  readonly watermarkMaxMicros: number | null;
  /** Of the state's JSON, UTF-8. */
  readonly stateBytes: number;
  /** Of them, for devices. */
  readonly deviceBytes: number;
  readonly outboxRows: number;
  readonly outboxBytes: number;
  /** Sequence numbers that were never seen but count as processed, because there were too many gaps. */
  readonly closedGaps: number;
}
