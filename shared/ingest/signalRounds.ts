// Signals leave in rounds: what the batches of all partitions of a process have for one shard goes in one request, because a shard
// reads and writes its whole state for each.
import type { Clock } from '../base/index.js';
import type { AddressedSignal, ShardSignal } from '../shards/index.js';
import type { ShardClient } from './shardSignaller.js';

export interface SignalRoundsOptions {
  readonly shardCount: number;
  readonly clock: Clock;
}

/** After a round that woke most shards; the batches of that time share the next one. */
const pauseMs = 1_000;
/** So many readings for each shard are worth a round of their own. */
const readingsPerShard = 48;
/** Readings of one request: with a few fields some 500 KB. One signal with more still goes. */
const maxReadingsPerRequest = 4_096;

interface WaitingBatch {
  readonly signals: readonly AddressedSignal[];
  readonly client: ShardClient;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Request {
  readonly shard: number;
  readonly signals: ShardSignal[];
  readonly batches: Set<WaitingBatch>;
  readingCount: number;
}

export class SignalRounds {
  readonly #options: SignalRoundsOptions;
  #waiting: WaitingBatch[] = [];
  #isRunning = false;
  #pauseUntilMs = Number.NEGATIVE_INFINITY;
  #endPause: AbortController | undefined;

  constructor(options: SignalRoundsOptions) {
    this.#options = options;
  }

  /**
   * Resolves once all signals are stored.
   * @throws what the client throws, after all others were tried; which signals were stored is then not known
   */
  send(signals: readonly AddressedSignal[], client: ShardClient): Promise<void> {
    if (signals.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ signals, client, resolve, reject });
      if (this.#isWorthARound()) this.#endPause?.abort();
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Never rejects: errors go to the batches that they concern. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      await this.#pause();
      await this.#sendRound(this.#waiting.splice(0));
    }
    this.#isRunning = false;
  }

  async #pause(): Promise<void> {
    const { clock } = this.#options;
    const leftMs = this.#pauseUntilMs - clock.nowMs();
    if (leftMs <= 0 || this.#isWorthARound()) return;
    this.#endPause = new AbortController();
    await clock.sleep(leftMs, this.#endPause.signal);
    this.#endPause = undefined;
  }

  #isWorthARound(): boolean {
    let count = 0;
    for (const { signals } of this.#waiting) count += readingCount(signals);
    return count >= this.#options.shardCount * readingsPerShard;
  }

  async #sendRound(batches: readonly WaitingBatch[]): Promise<void> {
    const { clock, shardCount } = this.#options;
    const requests = requestsOf(batches);
    if (requests.length > shardCount / 2) this.#pauseUntilMs = clock.nowMs() + pauseMs;
    const failures = new Map<WaitingBatch, unknown>();
    await Promise.all(
      requests.map(async ({ shard, signals, batches: concerned }) => {
        const [first] = concerned;
        try {
          await first?.client.signal(shard, signals);
        } catch (error) {
          for (const batch of concerned) if (!failures.has(batch)) failures.set(batch, error);
        }
      }),
    );
    for (const batch of batches) {
      if (failures.has(batch)) batch.reject(failures.get(batch));
      else batch.resolve();
    }
  }
}

function requestsOf(batches: readonly WaitingBatch[]): readonly Request[] {
  const requests: Request[] = [];
  const openOfShard = new Map<number, Request>();
  for (const batch of batches) {
    for (const { shard, signal } of batch.signals) {
      let request = openOfShard.get(shard);
      if (request === undefined || request.readingCount + signal.device.length > maxReadingsPerRequest) {
        request = { shard, signals: [], batches: new Set(), readingCount: 0 };
        openOfShard.set(shard, request);
        requests.push(request);
      }
      request.signals.push(signal);
      request.batches.add(batch);
      request.readingCount += signal.device.length;
    }
  }
  return requests;
}

function readingCount(signals: readonly AddressedSignal[]): number {
  return signals.reduce((count, { signal }) => count + signal.device.length, 0);
}
