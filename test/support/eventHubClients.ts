// Unmodified Event Hubs clients against the local emulator, with the short delays that tests need.
import {
  type CloseReason,
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  type MessagingError,
  type ReceivedEventData,
  type SubscribeOptions,
  type SubscriptionEventHandlers,
} from '@azure/event-hubs';
import type { ContainerClient } from '@azure/storage-blob';
import type { EventHubsEmulator, HubOptions } from '../../local/eventHubs/index.js';
import type { Cleanup } from './cleanup.js';
import { until } from './waiting.js';

/** Failures are tried again soon; but what is only slow must not be sent twice. */
export const retryOptions = { maxRetries: 3, retryDelayInMs: 50, timeoutInMs: 60_000 };
/** For tests that lose connections: a client that waits for an answer on a lost one waits until this time is over. */
export const impatientRetries = { maxRetries: 10, retryDelayInMs: 50, timeoutInMs: 5_000 };

const tokenRenewalMs = 45 * 60_000;

/**
 * A client whose link is closed while it opens leaves its timer for the next token behind, and would hold the test's process
 * for 45 minutes.
 */
globalThis.setTimeout = new Proxy(globalThis.setTimeout, {
  apply(target, self, args: Parameters<typeof setTimeout>) {
    const timer: NodeJS.Timeout = Reflect.apply(target, self, args);
    return args[1] === tokenRenewalMs ? timer.unref() : timer;
  },
});

let hubCount = 0;

/** A hub of the test's own. @returns its name */
export function newHub(emulator: EventHubsEmulator, options: Partial<HubOptions> = {}): string {
  hubCount++;
  const name = options.name ?? `hub-${hubCount}`;
  emulator.createHub({ partitionCount: 4, ...options, name });
  return name;
}

export function newProducer(
  t: Cleanup,
  connectionString: string,
  hub: string,
  retries = retryOptions,
): EventHubProducerClient {
  const producer = new EventHubProducerClient(connectionString, hub, { retryOptions: retries });
  t.after(() => producer.close());
  return producer;
}

export function newConsumer(
  t: Cleanup,
  connectionString: string,
  hub: string,
  options: { readonly consumerGroup?: string; readonly retries?: typeof retryOptions } = {},
): EventHubConsumerClient {
  const { consumerGroup = '$Default', retries = retryOptions } = options;
  const consumer = new EventHubConsumerClient(consumerGroup, connectionString, hub, {
    retryOptions: retries,
  });
  t.after(() => consumer.close());
  return consumer;
}

/** What a subscription has seen so far. */
export interface Watched {
  /** In the order of their arrival, of all partitions. */
  readonly events: ReceivedEventData[];
  /** Partition of each event. */
  readonly partitionIds: string[];
  readonly errorCodes: string[];
  readonly closeReasons: CloseReason[];
  /** Partitions being read. */
  readonly claimed: Set<string>;
  close(): Promise<void>;
}

export function bodiesOf(watched: Watched): unknown[] {
  return watched.events.map((event) => event.body);
}

/** Subscribes to one partition, or to all, from the oldest event unless told otherwise. */
export function watch(
  t: Cleanup,
  consumer: EventHubConsumerClient,
  options: SubscribeOptions & { readonly partitionId?: string; readonly checkpoint?: boolean } = {},
): Watched {
  const { partitionId, checkpoint = false, ...subscribeOptions } = options;
  const watched: Omit<Watched, 'close'> = {
    events: [],
    partitionIds: [],
    errorCodes: [],
    closeReasons: [],
    claimed: new Set(),
  };
  const handlers: SubscriptionEventHandlers = {
    async processEvents(events, context) {
      watched.events.push(...events);
      watched.partitionIds.push(...events.map(() => context.partitionId));
      const last = events.at(-1);
      if (checkpoint && last !== undefined) await context.updateCheckpoint(last);
    },
    async processError(error) {
      watched.errorCodes.push((error as MessagingError).code ?? error.name);
    },
    async processInitialize(context) {
      watched.claimed.add(context.partitionId);
    },
    async processClose(reason, context) {
      watched.claimed.delete(context.partitionId);
      watched.closeReasons.push(reason);
    },
  };
  const all: SubscribeOptions = {
    startPosition: { offset: '-1' },
    maxBatchSize: 100,
    // A client whose connection was dropped waits this long before it connects again.
    maxWaitTimeInSeconds: 0.2,
    ...subscribeOptions,
  };
  const subscription =
    partitionId === undefined
      ? consumer.subscribe(handlers, all)
      : consumer.subscribe(partitionId, handlers, all);
  t.after(() => subscription.close());
  return { ...watched, close: () => subscription.close() };
}

/** Events that lie before the checkpoints of a container which one hub's readers use. */
export async function checkpointedEvents(container: ContainerClient): Promise<number> {
  let count = 0;
  for await (const { name, metadata } of container.listBlobsFlat({ includeMetadata: true })) {
    if (name.includes('/checkpoint/')) count += Number(metadata?.sequencenumber) + 1;
  }
  return count;
}

/** Reads exactly this many events and closes the subscription. */
export async function read(
  t: Cleanup,
  consumer: EventHubConsumerClient,
  options: { readonly count: number; readonly partitionId?: string; readonly startPosition?: EventPosition },
): Promise<Watched> {
  const { count, ...rest } = options;
  const watched = watch(t, consumer, rest);
  await until(
    () => watched.events.length >= count,
    () => `${watched.events.length} of ${count} events were read, errors: ${watched.errorCodes}`,
  );
  await watched.close();
  return watched;
}
