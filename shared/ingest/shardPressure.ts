// Ingest waits for shards whose results cannot leave. While the tables or the alert hub are down a shard would otherwise gather results
// without end, until its state is larger than the Durable backend takes; the event hub keeps the events meanwhile, as it is meant to.
import { TributaryError } from '../base/index.js';
import type { AddressedSignal } from '../shards/index.js';

/** Tells what waits in a shard, read from its state: nobody else knows while nothing can be published. */
export interface OutboxReader {
  outboxBytes(shard: number): Promise<number>;
}

/** What a reading usually leaves in the outbox at most: a late row, or an alert. Only decides how often a shard is looked at. */
const bytesPerReading = 256;
/** A look fetches the whole state, which would be dear for every signal. */
const looksAtOnce = 16;

export class ShardPressure {
  /** Shard -> readings that it may be sent before the next look. */
  readonly #allowance = new Map<number, number>();

  constructor(private readonly maxOutboxBytes: number) {}

  /**
   * Call it before signals leave. A shard is looked at when it has been sent as many readings since the last look as could fill the
   * room that it had then.
   * @throws TributaryError SHARD_OUTBOX_FULL, after which nothing may be sent; and what the reader throws
   */
  async admit(signals: readonly AddressedSignal[], reader: OutboxReader): Promise<void> {
    const readings = new Map<number, number>();
    for (const { shard, signal } of signals) {
      readings.set(shard, (readings.get(shard) ?? 0) + signal.device.length);
    }
    const unknown = [...readings].filter(([shard, count]) => (this.#allowance.get(shard) ?? 0) < count);
    for (let start = 0; start < unknown.length; start += looksAtOnce) {
      const shards = unknown.slice(start, start + looksAtOnce);
      await Promise.all(shards.map(([shard, count]) => this.#look(shard, count, reader)));
    }
    for (const [shard, count] of readings) {
      this.#allowance.set(shard, (this.#allowance.get(shard) ?? 0) - count);
    }
  }

  async #look(shard: number, count: number, reader: OutboxReader): Promise<void> {
    this.#allowance.delete(shard);
    const bytes = await reader.outboxBytes(shard);
    const roomBytes = this.maxOutboxBytes - bytes;
    if (roomBytes > 0) {
      this.#allowance.set(shard, Math.max(count, Math.floor(roomBytes / bytesPerReading)));
      return;
    }
    throw new TributaryError(
      'SHARD_OUTBOX_FULL',
      `Shard ${shard} holds ${bytes} bytes of results that could not be published yet, and takes no readings from ${this.maxOutboxBytes} on. ` +
        'The events stay in the hub, and come again. The log of publishShards says what the results wait for',
    );
  }
}
