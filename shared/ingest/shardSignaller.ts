// Tells the device shards what a batch brought, after the commit. The shards drop what they know already, so signals may
// come twice and in any order; what must not happen is that one is missing (docs/shards.md).
import { type Clock, describeError, type Logger, TributaryError } from '../base/index.js';
import { type AddressedSignal, buildSignals, type ShardSignal } from '../shards/index.js';
import type { CommitObserver, CommittedReadings } from './ingestor.js';
import { type OutboxReader, ShardPressure } from './shardPressure.js';
import { SignalRounds } from './signalRounds.js';

/** The part of a Durable client that is needed. */
export interface ShardClient extends OutboxReader {
  /** Resolves once the signals are stored, in one request. */
  signal(shard: number, signals: readonly ShardSignal[]): Promise<void>;
  /** Tells a shard that readings for it are held back, so that it does not take its devices for silent. */
  hold(shard: number, nowMs: number): Promise<void>;
  /** Publishes the shard's alerts without waiting for the timer. @returns false when that is being done already */
  publishAlerts(shard: number): Promise<boolean>;
}

export interface ShardSignallerOptions {
  readonly shardCount: number;
  /** Results that may wait in a shard before it gets no more readings. */
  readonly maxOutboxBytes: number;
  /** What a signal may add to them. */
  resultBytes(signal: ShardSignal): number;
  /** Number fields that the shards need. */
  readonly fields: readonly string[];
  /** Whether a signal may raise an alert. */
  mayBreach(signal: ShardSignal): boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What this process has signalled of a partition. */
interface PartitionProgress {
  /** Sequence number after the last batch. */
  next: number;
  /** Shard -> sequence number after its last signal. */
  readonly nextOfShard: Map<number, number>;
}

/** Less than the pause after which a publication under way looks again. */
const publishPauseMs = 500;

export class ShardSignaller {
  readonly #options: ShardSignallerOptions;
  readonly #progress = new Map<string, PartitionProgress>();
  readonly #publishedMs = new Map<number, number>();
  readonly #rounds: SignalRounds;
  readonly #pressure: ShardPressure;

  constructor(options: ShardSignallerOptions) {
    this.#options = options;
    this.#rounds = new SignalRounds(options);
    this.#pressure = new ShardPressure(options);
  }

  /** For one call of `Ingestor.ingest`. */
  through(client: ShardClient): CommitObserver {
    return (committed) => this.#signal(committed, client);
  }

  /** Updates what is signalled only when all of it is: a batch that comes again must cover the same ground. */
  async #signal(committed: CommittedReadings, client: ShardClient): Promise<void> {
    const { source, partition, lastSequenceNumber } = committed;
    const key = `${source}/${partition}`;
    const progress = continued(this.#progress.get(key), committed.firstSequenceNumber);
    const signals = this.#signalsOf(committed, progress);
    await this.#send(signals, committed, client);
    for (const { shard } of signals) progress.nextOfShard.set(shard, lastSequenceNumber + 1);
    progress.next = Math.max(progress.next, lastSequenceNumber + 1);
    this.#progress.set(key, progress);
    await this.#publishBreaches(signals, client);
  }

  #signalsOf(committed: CommittedReadings, progress: PartitionProgress): readonly AddressedSignal[] {
    const { fields, shardCount, clock } = this.#options;
    const { readings, source, partition, firstSequenceNumber, lastSequenceNumber } = committed;
    return buildSignals({
      ...{ readings, source, partition, fields, shardCount },
      to: lastSequenceNumber,
      // Nothing for the shard lies in between: this process signalled the batches before, and their ranges join.
      firstUnsignalled: (shard) =>
        Math.min(firstSequenceNumber, progress.nextOfShard.get(shard) ?? firstSequenceNumber),
      nowMs: clock.nowMs(),
    });
  }

  async #send(
    signals: readonly AddressedSignal[],
    { source, partition }: CommittedReadings,
    client: ShardClient,
  ): Promise<void> {
    try {
      await this.#pressure.admit(signals, client);
      await this.#rounds.send(signals, client);
    } catch (cause) {
      if (isHeld(cause)) await this.#hold(signals, client);
      if (cause instanceof TributaryError) throw cause;
      throw new TributaryError(
        'SHARD_UNREACHABLE',
        `A shard did not take the readings of ${source}, partition ${partition}; the batch comes again.`,
        { cause },
      );
    }
  }

  /** The batch waits for one of its shards; the devices of the others are not silent for that. */
  async #hold(signals: readonly AddressedSignal[], client: ShardClient): Promise<void> {
    const { clock, logger } = this.#options;
    const shards = [...new Set(signals.map(({ shard }) => shard))];
    const told = await Promise.allSettled(shards.map((shard) => client.hold(shard, clock.nowMs())));
    const failed = told.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return;
    const error = describeError(failed.reason);
    logger.log('warn', 'A shard could not be told that readings for it wait', { error });
  }

  /** Only saves time: what is not published now is published by the timer. */
  async #publishBreaches(signals: readonly AddressedSignal[], client: ShardClient): Promise<void> {
    const { clock, logger, mayBreach } = this.#options;
    const breached = new Set(signals.filter(({ signal }) => mayBreach(signal)).map(({ shard }) => shard));
    const nowMs = clock.nowMs();
    for (const shard of breached) {
      if (nowMs - (this.#publishedMs.get(shard) ?? Number.NEGATIVE_INFINITY) < publishPauseMs) continue;
      try {
        if (await client.publishAlerts(shard)) this.#publishedMs.set(shard, nowMs);
      } catch (error) {
        logger.log('warn', 'Alerts wait for the timer: their publication could not be started', {
          shard,
          error: describeError(error),
        });
      }
    }
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof TributaryError && error.code === 'SHARD_OUTBOX_FULL';
}

/** Starts anew where another process may have had a batch in between. */
function continued(known: PartitionProgress | undefined, firstSequenceNumber: number): PartitionProgress {
  if (known !== undefined && firstSequenceNumber <= known.next) return known;
  return { next: firstSequenceNumber, nextOfShard: new Map() };
}
