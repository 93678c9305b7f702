// Sends to Azure Event Hubs: batches by size, keys side by side, each key in order.
import { type EventHubClientOptions, EventHubProducerClient, RetryMode } from '@azure/event-hubs';
import { DefaultAzureCredential } from '@azure/identity';
import { TributaryError } from '../base/index.js';
import { type EventSender, eventsByKey, type OutgoingEvent } from './eventSender.js';
import { publishFailed } from './hubErrors.js';
import { checkEvent, eventTooLarge, senderClosed } from './sendErrors.js';

export interface HubSenderOptions {
  readonly eventHub: string;
  /** Name of the setting with the connection string, or prefix of `__fullyQualifiedNamespace`, as triggers have it. */
  readonly connection: string;
  readonly settings: Readonly<Record<string, string | undefined>>;
  /** Default: 4 attempts with growing pauses of up to 5 s, 15 s each. */
  readonly retryOptions?: EventHubClientOptions['retryOptions'];
}

/** Sends under way at a time, each with the events of one key. */
const maxConcurrentSends = 32;

/** The client's own defaults (30 s between attempts, 60 s each) outlast a function. */
const defaultRetryOptions = {
  maxRetries: 3,
  retryDelayInMs: 500,
  maxRetryDelayInMs: 5_000,
  timeoutInMs: 15_000,
  mode: RetryMode.Exponential,
};

/**
 * Opens nothing yet; the first `send` connects.
 * @throws TributaryError SETTING_MISSING
 */
export function createHubSender(options: HubSenderOptions): EventSender {
  return new HubSender(options.eventHub, createClient(options));
}

function createClient({
  eventHub,
  connection,
  settings,
  retryOptions,
}: HubSenderOptions): EventHubProducerClient {
  const clientOptions = { retryOptions: retryOptions ?? defaultRetryOptions };
  const connectionString = settings[connection];
  if (connectionString !== undefined && connectionString !== '') {
    return new EventHubProducerClient(connectionString, eventHub, clientOptions);
  }
  const namespace = settings[`${connection}__fullyQualifiedNamespace`];
  if (namespace === undefined || namespace === '') {
    throw new TributaryError(
      'SETTING_MISSING',
      `Where is event hub "${eventHub}"? Set ${connection}__fullyQualifiedNamespace to its namespace (<name>.servicebus.windows.net), ` +
        `to use the identity of the app, or ${connection} to a connection string.`,
    );
  }
  const clientId = settings[`${connection}__clientId`];
  const credential = new DefaultAzureCredential(
    clientId === undefined ? {} : { managedIdentityClientId: clientId },
  );
  return new EventHubProducerClient(namespace, eventHub, credential, clientOptions);
}

class HubSender implements EventSender {
  #isClosed = false;

  constructor(
    private readonly hub: string,
    private readonly client: EventHubProducerClient,
  ) {}

  async send(events: readonly OutgoingEvent[]): Promise<void> {
    if (this.#isClosed) throw senderClosed(this.hub);
    for (const event of events) checkEvent(this.hub, event);
    const waiting = [...eventsByKey(events).values()];
    const failures: unknown[] = [];
    const work = async () => {
      while (failures.length === 0) {
        const ofKey = waiting.shift();
        if (ofKey === undefined) return;
        await this.#sendKey(ofKey).catch((error: unknown) => failures.push(error));
      }
    };
    // Waits for every send under way, also after a failure: none may still be going on when the caller tries again.
    await Promise.all(Array.from({ length: Math.min(maxConcurrentSends, waiting.length) }, work));
    const [failure] = failures;
    if (failure !== undefined) {
      throw failure instanceof TributaryError ? failure : publishFailed(this.hub, failure);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.client.close();
  }

  async #sendKey(events: readonly OutgoingEvent[]): Promise<void> {
    let next = 0;
    while (next < events.length) {
      const batch = await this.client.createBatch({ partitionKey: events[next]!.partitionKey });
      while (next < events.length && batch.tryAdd(eventData(events[next]!))) next += 1;
      if (batch.count === 0) throw eventTooLarge(this.hub, events[next]!, batch.maxSizeInBytes);
      await this.client.sendBatch(batch);
    }
  }
}

/** As a Buffer the body goes out as the bytes it is; anything else the client would write as JSON. */
function eventData({ body, contentType, messageId }: OutgoingEvent) {
  return { body: Buffer.from(body.buffer, body.byteOffset, body.byteLength), contentType, messageId };
}
