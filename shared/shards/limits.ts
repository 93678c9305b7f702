// Pure. What the state of a shard may grow to. It is read and written whole at every operation, and a Durable backend that finds it too
// large takes no operation any more: so it is bounded, whatever comes in and whatever is down behind it (docs/shards.md).
import type { ShardSummary } from './results.js';

export interface ShardLimits {
  /** Bytes of the state's JSON, as far as they can be told. */
  readonly maxBytes: number;
  /** Of the devices: one that the shard does not know yet is turned away above it. */
  readonly maxDeviceBytes: number;
  /** Of the devices: readings that would make one larger are turned away above it. */
  readonly maxGrownBytes: number;
  /** Of results that wait to be published: ingest waits above it. */
  readonly maxOutboxBytes: number;
}

/** Of all limits; somebody should hear of it before they are reached. */
const warningShare = 0.8;

export function shardLimits(maxShardBytes: number): ShardLimits {
  return {
    maxBytes: maxShardBytes,
    maxDeviceBytes: Math.floor((maxShardBytes * 5) / 8),
    maxGrownBytes: Math.floor((maxShardBytes * 3) / 4),
    maxOutboxBytes: Math.floor(maxShardBytes / 4),
  };
}

/** What to say to the log, if anything. */
export function sizeWarning(shard: string, summary: ShardSummary, limits: ShardLimits): string | undefined {
  const { stateBytes, deviceBytes, devices, refusedReadings } = summary;
  const { maxBytes, maxDeviceBytes, maxGrownBytes } = limits;
  if (stateBytes <= warningShare * maxBytes && deviceBytes <= warningShare * maxDeviceBytes) return undefined;
  const refused = refusedReadings === 0 ? '' : ` So far it has turned away ${refusedReadings} readings.`;
  return (
    `Shard ${shard} holds ${stateBytes} of ${maxBytes} bytes, ${deviceBytes} of them for ${devices} devices; from ${maxDeviceBytes} on it takes ` +
    `no new device, and from ${maxGrownBytes} on no reading that needs more; these go to quarantine (shard_full).${refused} This lake needs more shards (docs/shards.md)`
  );
}

const encoder = new TextEncoder();

/** Of a text in the state's JSON, with quotes and a comma. */
export function jsonBytesOf(text: string): number {
  const isPlain = /^[ !#-[\]-~]*$/.test(text);
  return 1 + (isPlain ? text.length + 2 : encoder.encode(JSON.stringify(text)).byteLength);
}

/** Bytes that wait to be published in a stored state, or until a later version of this app can read it. Zero for none. */
export function outboxBytesIn(state: unknown): number {
  if (typeof state !== 'object' || state === null) return 0;
  const { outbox, unread = [] } = state as {
    readonly outbox?: { readonly rows?: Readonly<Record<string, unknown>> };
    readonly unread?: unknown;
  };
  let rowBytes = 0;
  for (const rows of Object.values(outbox?.rows ?? {})) {
    if (Array.isArray(rows))
      for (const row of rows) rowBytes += typeof row === 'string' ? jsonBytesOf(row) : 0;
  }
  const hasUnread = Array.isArray(unread) && unread.length > 0;
  return rowBytes + (hasUnread ? encoder.encode(JSON.stringify(unread)).byteLength : 0);
}
