// Publishes bodies to chosen partitions of an event hub, in order; what `npm start` and `npm run send` send through.
import { EventHubProducerClient } from '@azure/event-hubs';
import { describeError, TributaryError } from '../../shared/base/index.js';
import { partitionOfKey } from '../eventHubs/partitionHash.js';

const rememberedKeys = 100_000;

export interface EventPublisher {
  readonly partitionIds: readonly string[];
  /**
   * Resolves when the hub has taken all bodies, in this order. When it rejects the hub may have a leading part of them.
   * Calls for one partition must not overlap, or their order is open.
   * @throws TributaryError INPUT_INVALID for a body that is larger than the hub takes; PUBLISH_FAILED otherwise
   */
  send(partitionId: string, bodies: readonly Uint8Array[], signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly connectionString: string;
  readonly hub: string;
}

/** @throws TributaryError PUBLISH_FAILED when the hub cannot be reached or does not exist */
export async function openPublisher(options: PublisherOptions): Promise<EventPublisher> {
  const { connectionString, hub } = options;
  const client = new EventHubProducerClient(connectionString, hub, {
    // The client's own defaults (30 s between attempts, 60 s each) are made for the cloud, not for a terminal.
    retryOptions: { maxRetries: 4, retryDelayInMs: 500, timeoutInMs: 10_000 },
  });
  try {
    const partitionIds = await client.getPartitionIds();
    return {
      partitionIds,
      send: (partitionId, bodies, signal) => sendInOrder(client, hub, partitionId, bodies, signal),
      close: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw publishFailed(hub, error);
  }
}

async function sendInOrder(
  client: EventHubProducerClient,
  hub: string,
  partitionId: string,
  bodies: readonly Uint8Array[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const abort = signal === undefined ? {} : { abortSignal: signal };
  let next = 0;
  while (next < bodies.length) {
    try {
      const batch = await client.createBatch({ partitionId, ...abort });
      while (next < bodies.length && batch.tryAdd({ body: bodies[next] })) next += 1;
      if (batch.count === 0) throw bodyTooLarge(hub, bodies[next]!.byteLength, batch.maxSizeInBytes);
      await client.sendBatch(batch, abort);
    } catch (error) {
      throw error instanceof TributaryError ? error : publishFailed(hub, error);
    }
  }
}

function bodyTooLarge(hub: string, sizeBytes: number, maximumBytes: number): TributaryError {
  return new TributaryError(
    'INPUT_INVALID',
    `An event of ${sizeBytes} bytes does not fit: event hub "${hub}" takes at most ${maximumBytes} bytes, envelope included. ` +
      'Send fewer readings per event.',
  );
}

function publishFailed(hub: string, error: unknown): TributaryError {
  return new TributaryError('PUBLISH_FAILED', `Could not send to event hub "${hub}": ${sdkMessage(error)}`, {
    cause: error,
  });
}

/** The SDK wraps the last attempt's error in an AggregateError when it has tried more than once. */
function sdkMessage(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return sdkMessage(error.errors.at(-1));
  return describeError(error);
}

/** True when the hub itself is missing, as opposed to being out of reach. */
export function isUnknownHub(error: unknown): boolean {
  const cause = error instanceof TributaryError ? error.cause : error;
  const inner = cause instanceof AggregateError ? cause.errors.at(-1) : cause;
  return inner instanceof Error && 'code' in inner && inner.code === 'MessagingEntityNotFoundError';
}

/**
 * One device, one partition, so that its events stay in order: the partition that Event Hubs itself would choose for
 * this partition key. (Sending by key would need a batch of its own for each device.)
 */
export function partitionChooser(partitionIds: readonly string[]): (key: string) => string {
  const chosen = new Map<string, string>();
  return (key) => {
    const known = chosen.get(key);
    if (known !== undefined) return known;
    const partition = partitionIds[partitionOfKey(key, partitionIds.length)] ?? '0';
    if (chosen.size < rememberedKeys) chosen.set(key, partition);
    return partition;
  };
}
