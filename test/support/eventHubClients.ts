// Unmodified Event Hubs clients against the local emulator, with the short delays that tests need.
import assert from 'node:assert/strict';
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
import type { EventHubsEmulator, HubOptions } from '../../local/eventHubs/index.js';

export const retryOptions = { maxRetries: 3, retryDelayInMs: 50, timeoutInMs: 2_000 };

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

export interface Cleanup {
  after(callback: () => unknown): void;
}

let hubCount = 0;

/** A hub of the test's own. @returns its name */
export function newHub(emulator: EventHubsEmulator, options: Partial<HubOptions> = {}): string {
  hubCount++;
  const name = options.name ?? `hub-${hubCount}`;
  emulator.createHub({ partitionCount: 4, ...options, name });
  return name;
}

export function newProducer(t: Cleanup, connectionString: string, hub: string): EventHubProducerClient {
  const producer = new EventHubProducerClient(connectionString, hub, { retryOptions });
  t.after(() => producer.close());
  return producer;
}

export function newConsumer(
  t: Cleanup,
  connectionString: string,
  hub: string,
  consumerGroup = '$Default',
): EventHubConsumerClient {
  const consumer = new EventHubConsumerClient(consumerGroup, connectionString, hub, { retryOptions });
  t.after(() => consumer.close());
  return consumer;
}

/** Polls until `condition` holds. @throws with `describe()` when it does not in time */
export async function until(
  condition: () => boolean | Promise<boolean>,
  describe: () => string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) assert.fail(`Not within ${timeoutMs} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
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
