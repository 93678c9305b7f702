// Ingest waits for shards whose results cannot leave. While the tables or the alert hub are down a shard would otherwise gather results
// without end, until its state is larger than the Durable backend takes; the event hub keeps the events meanwhile, as it is meant to.
import { TributaryError } from '../base/index.js';
import type { AddressedSignal, ShardSignal } from '../shards/index.js';

/** Tells what waits in a shard, read from its state: nobody else knows while nothing can be published. */
export interface OutboxReader {
  outboxBytes(shard: number): Promise<number>;
}

export interface ShardPressureOptions {
  readonly maxOutboxBytes: number;
  /** What a signal may leave in the outbox; decides how often a shard is looked at. */
  resultBytes(signal: ShardSignal): number;
}

/** A look fetches the whole state, which would be dear for every signal. */
const looksAtOnce = 16;

export class ShardPressure {
  readonly #options: ShardPressureOptions;
  /** Shard -> bytes of results that it may be made to hold before the next look. */
  readonly #allowance = new Map<number, number>();

  constructor(options: ShardPressureOptions) {
    this.#options = options;
  }

  /**
   * Call it before signals leave. A shard is looked at when what it has been sent since the last look could fill the room that it
   * had then.
   * @throws TributaryError SHARD_OUTBOX_FULL, after which nothing may be sent; and what the reader throws
   */
  async admit(signals: readonly AddressedSignal[], reader: OutboxReader): Promise<void> {
    const needed = new Map<number, number>();
    for (const { shard, signal } of signals) {
      needed.set(shard, (needed.get(shard) ?? 0) + this.#options.resultBytes(signal));
    }
    const unknown = [...needed].filter(([shard, bytes]) => (this.#allowance.get(shard) ?? 0) < bytes);
    for (let start = 0; start < unknown.length; start += looksAtOnce) {
      const shards = unknown.slice(start, start + looksAtOnce);
      await Promise.all(shards.map(([shard, bytes]) => this.#look(shard, bytes, reader)));
    }
    for (const [shard, bytes] of needed) {
      this.#allowance.set(shard, (this.#allowance.get(shard) ?? 0) - bytes);
    }
  }

  async #look(shard: number, neededBytes: number, reader: OutboxReader): Promise<void> {
    const { maxOutboxBytes } = this.#options;
    this.#allowance.delete(shard);
    const bytes = await reader.outboxBytes(shard);
    const roomBytes = maxOutboxBytes - bytes;
    if (roomBytes > 0) {
      this.#allowance.set(shard, Math.max(neededBytes, roomBytes));
      return;
    }
    throw new TributaryError(
      'SHARD_OUTBOX_FULL',
      `Shard ${shard} holds ${bytes} bytes of results that could not be published yet, and takes no readings from ${maxOutboxBytes} on. ` +
        'The events stay in the hub, and come again. The log of publishShards says what the results wait for',
    );
  }
}
