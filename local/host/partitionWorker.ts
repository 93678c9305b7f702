// One owned partition: gathers events into batches, runs the function on one batch at a time, writes checkpoints.
// (Functions host contract, "Event Hubs trigger: batching and checkpoints".)
import { type Clock, describeError, type Logger } from '../../shared/base/index.js';
import {
  type DataType,
  type HubEvent,
  manyEventsValue,
  oneEventValue,
  type PartitionFacts,
} from './eventHubMetadata.js';
import type { EventHubsConfig } from './hostConfig.js';
import { invokeWithRetries, type RetryRunnerOptions } from './retries.js';

export interface PartitionWorkerOptions {
  readonly retries: RetryRunnerOptions;
  readonly config: EventHubsConfig;
  readonly cardinality: 'many' | 'one';
  readonly dataType: DataType;
  readonly facts: Omit<PartitionFacts, 'isCheckpointingAfterInvocation'>;
  /** For the first dispatch only, how long events may be held back for a fuller batch. */
  readonly firstMaxWaitMs: number;
  readonly writeCheckpoint: (lastEvent: HubEvent) => Promise<void>;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Thrown at the client so that it stops reading the partition: a link that was stolen ends in the same way. */
export class PartitionStopped extends Error {
  readonly code = 'ReceiverDisconnectedError';
  readonly retryable = false;

  constructor(partitionId: string) {
    super(`Partition ${partitionId} is not read by this host any more.`);
    this.name = 'PartitionStopped';
  }
}

export class PartitionWorker {
  readonly #options: PartitionWorkerOptions;
  readonly #stopped = new AbortController();
  /** Ends when the last dispatch begun so far has ended: dispatches run one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #held: HubEvent[] = [];
  #holdTimer: AbortController | undefined;
  #maxWaitMs: number;
  #batchesSinceCheckpoint = 0;

  constructor(options: PartitionWorkerOptions) {
    this.#options = options;
    this.#maxWaitMs = options.firstMaxWaitMs;
  }

  /**
   * Resolves when the next events may be received.
   * @throws PartitionStopped when the partition must not be read on
   */
  async accept(events: readonly HubEvent[]): Promise<void> {
    await this.#exclusively(() => (this.#holdsBack ? this.#acceptIntoHold(events) : this.#dispatch(events)));
    if (this.#stopped.signal.aborted) throw new PartitionStopped(this.#options.facts.partitionId);
  }

  /** The host stops or the partition was lost. What runs goes on, but leaves no checkpoint; what is held is dropped. */
  stop(): void {
    this.#stopped.abort();
    this.#holdTimer?.abort();
    this.#held = [];
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await this.#turn;
  }

  get #holdsBack(): boolean {
    return this.#options.cardinality === 'many' && this.#options.config.minEventBatchSize > 1;
  }

  #exclusively(work: () => Promise<void>): Promise<void> {
    // Work never rejects: failures of functions and of checkpoints are handled where they happen.
    this.#turn = this.#turn.then(work);
    return this.#turn;
  }

  async #acceptIntoHold(events: readonly HubEvent[]): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const { minEventBatchSize, maxEventBatchSize } = this.#options.config;
    for (const event of events) this.#held.push(event);
    while (this.#held.length >= minEventBatchSize) {
      this.#holdTimer?.abort();
      this.#holdTimer = undefined;
      await this.#dispatch(this.#held.splice(0, maxEventBatchSize));
    }
    if (this.#held.length > 0 && this.#holdTimer === undefined) this.#startHoldTimer();
  }

  #startHoldTimer(): void {
    const timer = new AbortController();
    this.#holdTimer = timer;
    void this.#options.clock.sleep(this.#maxWaitMs, timer.signal).then(() =>
      this.#exclusively(async () => {
        if (timer.signal.aborted) return;
        this.#holdTimer = undefined;
        await this.#dispatch(this.#held.splice(0, this.#options.config.maxEventBatchSize));
        if (this.#held.length > 0 && this.#holdTimer === undefined) this.#startHoldTimer();
      }),
    );
  }

  async #dispatch(events: readonly HubEvent[]): Promise<void> {
    if (events.length === 0 || this.#stopped.signal.aborted) return;
    this.#maxWaitMs = this.#options.config.maxWaitTimeMs;
    const checkpointsAfter =
      this.#batchesSinceCheckpoint + 1 >= this.#options.config.batchCheckpointFrequency;
    const facts = { ...this.#options.facts, isCheckpointingAfterInvocation: checkpointsAfter };
    await this.#run(events, facts);
    // Nobody may say "done" for a batch that was cut short, or for a partition that another host reads by now.
    if (this.#stopped.signal.aborted) return;
    this.#batchesSinceCheckpoint += 1;
    if (checkpointsAfter) await this.#checkpoint(events[events.length - 1]!);
  }

  /** The result does not matter here: a batch that failed to its last retry is passed by, as the real host does. */
  async #run(events: readonly HubEvent[], facts: PartitionFacts): Promise<void> {
    const { retries, cardinality, dataType } = this.#options;
    if (cardinality === 'many') {
      await invokeWithRetries(retries, () => manyEventsValue(events, dataType, facts), this.#stopped.signal);
      return;
    }
    for (const event of events) {
      if (this.#stopped.signal.aborted) return;
      await invokeWithRetries(retries, () => oneEventValue(event, dataType, facts), this.#stopped.signal);
    }
  }

  /** A failed write is not fatal: the next checkpoint covers this batch too, and until then a crash repeats it. */
  async #checkpoint(lastEvent: HubEvent): Promise<void> {
    const { facts, logger, retries, writeCheckpoint } = this.#options;
    try {
      await writeCheckpoint(lastEvent);
      this.#batchesSinceCheckpoint = 0;
    } catch (error) {
      logger.log(
        'error',
        `[${retries.functionName}] The checkpoint of ${facts.eventHubName}/${facts.partitionId} at ${lastEvent.sequenceNumber} was not written: ${describeError(error)}`,
      );
    }
  }
}
