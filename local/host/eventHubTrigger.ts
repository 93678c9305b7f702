// Event Hub trigger: the unmodified consumer client shares out and reads partitions, a worker for each runs the function.
import {
  EventHubConsumerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type PartitionContext,
} from '@azure/event-hubs';
import { describeError, TributaryError } from '../../shared/base/index.js';
import { oneOf, optionalText, requiredText } from './bindingOptions.js';
import { type ConsumerScope, OwnedCheckpoints } from './checkpoints.js';
import type { DataType } from './eventHubMetadata.js';
import type { EventHubsConfig } from './hostConfig.js';
import { findHubMismatch, findReplacement } from './hubMismatch.js';
import { PartitionStopped, PartitionWorker } from './partitionWorker.js';
import { hubEvent } from './receivedEvents.js';
import { retryRunner } from './retries.js';
import { eventHubContainerName, openContainer } from './storageAccount.js';
import type { HostServices, TriggerListener, TriggerSource } from './triggerListener.js';
import { waitAtMost } from './waitAtMost.js';

/** The client's own defaults (30 s between attempts, 60 s each) are made for the cloud. */
const clientRetryOptions = { maxRetries: 3, retryDelayInMs: 500, timeoutInMs: 10_000 };

/** Only how often an idle reader wakes up for nothing: events that arrive end the wait. */
const idleReceiveSeconds = 60;

/** A busy machine needs seconds to give its partitions free; without that, others wait until the ownership expires. */
const closeLimitMs = 5_000;

interface EventHubBinding {
  readonly connectionString: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly cardinality: 'many' | 'one';
  readonly dataType: DataType;
}

export function createEventHubListener(source: TriggerSource, services: HostServices): TriggerListener {
  return new EventHubListener(source, services, readBinding(source, services));
}

function readBinding({ name, binding }: TriggerSource, { settings }: HostServices): EventHubBinding {
  const usedBy = `Function "${name}"`;
  const connectionString = settings.connection(requiredText(name, binding, 'connection'), usedBy);
  const entityPath = /(?:^|;)\s*EntityPath=([^;]+)/i.exec(connectionString)?.[1]?.trim();
  const dataType = oneOf(name, binding, 'dataType', ['binary', 'string', 'stream'] as const);
  return {
    connectionString,
    eventHubName: entityPath ?? settings.resolve(requiredText(name, binding, 'eventHubName'), usedBy),
    consumerGroup: settings.resolve(optionalText(name, binding, 'consumerGroup') ?? '$Default', usedBy),
    cardinality: oneOf(name, binding, 'cardinality', ['many', 'one'] as const) ?? 'one',
    dataType: dataType === undefined ? 'none' : dataType === 'string' ? 'string' : 'binary',
  };
}

interface ReadPartition {
  /** Tells one reader of a partition from the next. */
  readonly context: PartitionContext;
  readonly worker: PartitionWorker;
}

class EventHubListener implements TriggerListener {
  readonly #partitions = new Map<string, ReadPartition>();
  readonly #ownerId: string;
  #client: EventHubConsumerClient | undefined;
  #checkpoints: OwnedCheckpoints | undefined;
  #hubCreatedMs: number | undefined;
  #stopping = false;

  constructor(
    private readonly source: TriggerSource,
    private readonly services: HostServices,
    private readonly binding: EventHubBinding,
  ) {
    this.#ownerId = `${services.instance}/${source.name}`;
  }

  async start(): Promise<void> {
    const container = await openContainer(this.services.hostStorage(), eventHubContainerName);
    const checkpoints = new OwnedCheckpoints(container, this.#ownerId, {
      beforeBalancing: () => this.#assertSameHub(),
      onOwnershipLost: (partitionId) => this.#giveUp(partitionId),
    });
    this.#checkpoints = checkpoints;
    const client = this.#createClient(checkpoints);
    this.#client = client;
    await this.#checkState(client, checkpoints);
    this.#subscribe(client, checkpoints);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const { clock, drainTimeoutMs, logger } = this.services;
    const workers = [...this.#partitions.values()].map(({ worker }) => worker);
    for (const worker of workers) worker.stop();
    await waitAtMost(Promise.all(workers.map((worker) => worker.idle())), drainTimeoutMs, clock);
    if (this.#client === undefined) return;
    this.#checkpoints?.beginClosing();
    // Gives the partitions free for other hosts. A hub that is gone must not hold up the end.
    await waitAtMost(this.#client.close(), closeLimitMs, clock, (error) =>
      logger.log('debug', `[${this.source.name}] Closing the reader: ${describeError(error)}`),
    );
  }

  #createClient(checkpoints: OwnedCheckpoints): EventHubConsumerClient {
    const { connectionString, eventHubName, consumerGroup } = this.binding;
    const config = this.services.config.eventHubs;
    return new EventHubConsumerClient(consumerGroup, connectionString, eventHubName, checkpoints, {
      identifier: this.#ownerId,
      retryOptions: clientRetryOptions,
      loadBalancingOptions: {
        strategy: 'greedy',
        updateIntervalInMs: config.loadBalancingUpdateIntervalMs,
        partitionOwnershipExpirationIntervalInMs: config.partitionOwnershipExpirationIntervalMs,
      },
    });
  }

  /** @throws TributaryError LOCAL_STATE_MISMATCH, or LOCAL_START_FAILED when the hub cannot be read */
  async #checkState(client: EventHubConsumerClient, checkpoints: OwnedCheckpoints): Promise<void> {
    const { eventHubName, consumerGroup } = this.binding;
    const scope = { fullyQualifiedNamespace: client.fullyQualifiedNamespace, eventHubName, consumerGroup };
    if (this.services.resetCheckpoints) await this.#resetCheckpoints(checkpoints, scope);
    const stored = await checkpoints.storedCheckpoints(scope);
    const hub = await this.#hubFacts(client, new Set(stored.map((checkpoint) => checkpoint.partitionId)));
    this.#hubCreatedMs = hub.createdMs;
    const mismatch = findHubMismatch(hub, stored);
    if (mismatch !== undefined) throw mismatch;
  }

  async #resetCheckpoints(checkpoints: OwnedCheckpoints, scope: ConsumerScope): Promise<void> {
    const count = await checkpoints.deleteCheckpoints(scope);
    const { eventHubName, consumerGroup } = this.binding;
    this.services.logger.log(
      'warn',
      `[${this.source.name}] Deleted ${count} checkpoints of event hub "${eventHubName}", consumer group "${consumerGroup}".`,
    );
  }

  async #hubFacts(client: EventHubConsumerClient, partitionIds: ReadonlySet<string>) {
    try {
      const hub = await client.getEventHubProperties();
      const wanted = hub.partitionIds.filter((id) => partitionIds.has(id));
      const partitions = await Promise.all(wanted.map((id) => client.getPartitionProperties(id)));
      return {
        eventHubName: this.binding.eventHubName,
        createdMs: hub.createdOn.getTime(),
        lastSequenceNumbers: new Map(
          partitions.map((partition) => [partition.partitionId, partition.lastEnqueuedSequenceNumber]),
        ),
      };
    } catch (cause) {
      const { name, binding } = this.source;
      throw new TributaryError(
        'LOCAL_START_FAILED',
        `Function "${name}": event hub "${this.binding.eventHubName}" of connection "${binding.connection}" cannot be read: ` +
          `${describeError(lastAttempt(cause))}. Is the hub there, and the emulator running?`,
        { cause },
      );
    }
  }

  /** An emulator that was wiped and started again beneath a running host: its events would be skipped. */
  async #assertSameHub(): Promise<void> {
    if (this.#client === undefined || this.#hubCreatedMs === undefined || this.#stopping) return;
    const { createdOn } = await this.#client.getEventHubProperties();
    const replaced = findReplacement(this.binding.eventHubName, this.#hubCreatedMs, createdOn.getTime());
    if (replaced === undefined) return;
    for (const { worker } of this.#partitions.values()) worker.stop();
    throw replaced;
  }

  #subscribe(client: EventHubConsumerClient, checkpoints: OwnedCheckpoints): void {
    const config = this.services.config.eventHubs;
    client.subscribe(
      {
        processInitialize: (context) => this.#open(context, checkpoints),
        processEvents: async (events, { partitionId }) => {
          const partition = this.#partitions.get(partitionId);
          if (partition === undefined) throw new PartitionStopped(partitionId);
          await partition.worker.accept(events.map(hubEvent));
        },
        processError: async (error, { partitionId }) => this.#report(error, partitionId),
        processClose: async (_, context) => this.#close(context, checkpoints),
      },
      {
        maxBatchSize: config.maxEventBatchSize,
        maxWaitTimeInSeconds: idleReceiveSeconds,
        prefetchCount: config.prefetchCount,
        startPosition: startPosition(config),
        trackLastEnqueuedEventProperties: config.trackLastEnqueuedEventProperties,
        skipParsingBodyAsJson: true,
      },
    );
  }

  async #open(context: PartitionContext, checkpoints: OwnedCheckpoints): Promise<void> {
    if (this.#stopping) return;
    const { partitionId, fullyQualifiedNamespace, eventHubName, consumerGroup } = context;
    const { config, logger, clock } = this.services;
    const worker = new PartitionWorker({
      retries: retryRunner(this.source, this.services),
      config: config.eventHubs,
      cardinality: this.binding.cardinality,
      dataType: this.binding.dataType,
      facts: { fullyQualifiedNamespace, eventHubName, consumerGroup, partitionId },
      firstMaxWaitMs: await this.#firstMaxWaitMs(context, checkpoints),
      writeCheckpoint: ({ sequenceNumber, offset }) =>
        checkpoints.updateCheckpoint({
          fullyQualifiedNamespace,
          eventHubName,
          consumerGroup,
          partitionId,
          sequenceNumber,
          offset,
        }),
      logger,
      clock,
    });
    this.#partitions.set(partitionId, { context, worker });
    checkpoints.setReading(partitionId, true);
    logger.log('debug', `[${this.source.name}] Reads ${eventHubName}/${partitionId}.`);
  }

  /** Waiting went on while no host was running, so it counts. */
  async #firstMaxWaitMs(context: PartitionContext, checkpoints: OwnedCheckpoints): Promise<number> {
    const { minEventBatchSize, maxWaitTimeMs } = this.services.config.eventHubs;
    if (minEventBatchSize === 1) return 0;
    const stored = await checkpoints.storedCheckpoints(context);
    const checkpoint = stored.find(({ partitionId }) => partitionId === context.partitionId);
    if (checkpoint === undefined) return 0;
    const ageMs = this.services.clock.nowMs() - checkpoint.modifiedMs;
    return Math.max(0, Math.min(maxWaitTimeMs, maxWaitTimeMs - ageMs));
  }

  #close(context: PartitionContext, checkpoints: OwnedCheckpoints): void {
    const { partitionId } = context;
    const partition = this.#partitions.get(partitionId);
    // An old reader may be closed after the next one of the partition was opened.
    if (partition?.context !== context) return;
    partition.worker.stop();
    this.#partitions.delete(partitionId);
    checkpoints.setReading(partitionId, false);
    this.services.logger.log(
      'debug',
      `[${this.source.name}] No longer reads ${context.eventHubName}/${partitionId}.`,
    );
  }

  #giveUp(partitionId: string): void {
    const partition = this.#partitions.get(partitionId);
    if (partition === undefined) return;
    partition.worker.stop();
    this.services.logger.log('debug', `[${this.source.name}] Another host took partition ${partitionId}.`);
  }

  #report(error: Error, partitionId: string): void {
    // Our own, or a link that another host took: how partitions move between hosts.
    if (this.#stopping || ('code' in error && error.code === 'ReceiverDisconnectedError')) return;
    const where =
      partitionId === '' ? this.binding.eventHubName : `${this.binding.eventHubName}/${partitionId}`;
    this.services.logger.log(
      error instanceof TributaryError ? 'error' : 'warn',
      `[${this.source.name}] Reading ${where}: ${describeError(lastAttempt(error))}`,
    );
  }
}

function startPosition({ initialOffset }: EventHubsConfig): EventPosition {
  switch (initialOffset.kind) {
    case 'fromStart':
      return earliestEventPosition;
    case 'fromEnd':
      return latestEventPosition;
    case 'fromEnqueuedTime':
      return { enqueuedOn: initialOffset.enqueuedTimeMs };
  }
}

/** The client wraps the last attempt's error when it has tried more than once. */
function lastAttempt(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors.at(-1) : error;
}
