// The queue between noticing a blob and running its function: retries, poison, and no more at a time than allowed.
import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import { type Clock, describeError, type Logger } from '../../shared/base/index.js';
import type { BlobsConfig } from './hostConfig.js';
import type { StorageAccount } from './storageAccount.js';
import { waitAtMost } from './waitAtMost.js';

/** As the real host writes it. */
export interface BlobMessage {
  readonly Type: 'BlobTrigger';
  /** `Host.Functions.<name>` */
  readonly FunctionId: string;
  readonly BlobType: string;
  readonly ContainerName: string;
  readonly BlobName: string;
  readonly ETag: string;
}

/** The ETag of messages that came through the webhook: their blob may have changed since, and runs all the same. */
export const anyEtag = '';

export interface QueuedBlob {
  readonly functionId: string;
  readonly container: string;
  readonly name: string;
  readonly etag: string;
  readonly blobType: string | undefined;
}

export function blobMessage({ functionId, container, name, etag, blobType }: QueuedBlob): BlobMessage {
  return {
    Type: 'BlobTrigger',
    FunctionId: functionId,
    BlobType: blobType ?? 'BlockBlob',
    ContainerName: container,
    BlobName: name,
    ETag: etag,
  };
}

export interface BlobConsumer {
  /** True when the trigger's path means this blob. */
  accepts(container: string, blobName: string): boolean;
  /** The blob's own account, where its poison messages go. */
  readonly account: StorageAccount;
  /** @returns false when the function failed */
  run(message: BlobMessage): Promise<boolean>;
}

export interface BlobQueueOptions {
  readonly account: () => StorageAccount;
  readonly hostId: string;
  readonly config: BlobsConfig;
  readonly drainTimeoutMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

const poisonQueueName = 'webjobs-blobtrigger-poison';

/** Short, so that the blob of a host that was killed runs again soon; renewed while the function runs. */
const visibilitySeconds = 30;
const renewMs = 10_000;

const longestIdleMs = 1_000;
/** As many as a request may ask for. The next ones are asked for when half of the runs have ended, not when one has. */
const mostPerReceive = 32;

export class BlobQueue {
  readonly #consumers = new Map<string, BlobConsumer>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  /** Cuts the current wait for messages, or for a running one to end, short. */
  #wake = new AbortController();
  #queue: QueueClient | undefined;
  #starting: Promise<void> | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(private readonly options: BlobQueueOptions) {}

  register(functionId: string, consumer: BlobConsumer): void {
    this.#consumers.set(functionId, consumer);
  }

  consumer(functionId: string): BlobConsumer | undefined {
    return this.#consumers.get(functionId);
  }

  /** Once for all blob functions; later calls wait for the first. */
  start(): Promise<void> {
    this.#starting ??= this.#open();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    const { drainTimeoutMs, clock } = this.options;
    await waitAtMost(Promise.all([this.#loop, ...this.#running]), drainTimeoutMs, clock);
  }

  async enqueue(message: BlobMessage): Promise<void> {
    await this.start();
    await this.#queue!.sendMessage(encode(message));
    this.#wake.abort();
  }

  async #open(): Promise<void> {
    const { account, hostId } = this.options;
    const queue = account().queues.getQueueClient(`azure-webjobs-blobtrigger-${hostId}`);
    await queue.createIfNotExists();
    this.#queue = queue;
    this.#loop = this.#receiveUntilStopped(queue);
  }

  async #receiveUntilStopped(queue: QueueClient): Promise<void> {
    const { clock, logger, config } = this.options;
    let idleMs = 50;
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      const free = config.maxDegreeOfParallelism - this.#running.size;
      const isTime = this.#running.size <= config.maxDegreeOfParallelism / 2;
      const messages = isTime ? await this.#receive(queue, Math.min(free, mostPerReceive)) : [];
      for (const message of messages) {
        const run = this.#handle(queue, message)
          .catch((error: unknown) =>
            logger.log('error', `Blob message ${message.messageId}: ${describeError(error)}`),
          )
          .finally(() => {
            this.#running.delete(run);
            this.#wake.abort();
          });
        this.#running.add(run);
      }
      idleMs = messages.length > 0 ? 50 : Math.min(idleMs * 2, longestIdleMs);
      if (messages.length === 0) await clock.sleep(idleMs, this.#wake.signal);
    }
  }

  async #receive(queue: QueueClient, count: number): Promise<DequeuedMessageItem[]> {
    try {
      const response = await queue.receiveMessages({
        numberOfMessages: count,
        visibilityTimeout: visibilitySeconds,
      });
      return response.receivedMessageItems;
    } catch (error) {
      this.options.logger.log('warn', `Receiving blob messages: ${describeError(error)}`);
      return [];
    }
  }

  async #handle(queue: QueueClient, item: DequeuedMessageItem): Promise<void> {
    const message = decode(item.messageText);
    const consumer = message === undefined ? undefined : this.#consumers.get(message.FunctionId);
    if (message === undefined || consumer === undefined) {
      this.options.logger.log(
        'warn',
        `Dropped a blob message of no function of this app: ${item.messageText}`,
      );
      await queue.deleteMessage(item.messageId, item.popReceipt);
      return;
    }
    const limit = this.options.config.poisonBlobThreshold;
    // More often than allowed: the last run ended with its process.
    if (item.dequeueCount > limit) return this.#moveToPoison(queue, item, item.popReceipt, message, consumer);
    const held = new HeldMessage(queue, item, this.options);
    const succeeded = await consumer.run(message).finally(() => held.stopRenewing());
    const popReceipt = await held.popReceipt();
    if (succeeded) await queue.deleteMessage(item.messageId, popReceipt);
    else if (item.dequeueCount >= limit) await this.#moveToPoison(queue, item, popReceipt, message, consumer);
    // Visible again at once.
    else await queue.updateMessage(item.messageId, popReceipt, undefined, 0);
  }

  async #moveToPoison(
    queue: QueueClient,
    item: DequeuedMessageItem,
    popReceipt: string,
    message: BlobMessage,
    consumer: BlobConsumer,
  ): Promise<void> {
    const poison = consumer.account.queues.getQueueClient(poisonQueueName);
    await poison.createIfNotExists();
    await poison.sendMessage(item.messageText);
    await queue.deleteMessage(item.messageId, popReceipt);
    this.options.logger.log(
      'error',
      `[${message.FunctionId.replace('Host.Functions.', '')}] Gave up ${message.ContainerName}/${message.BlobName} after ` +
        `${this.options.config.poisonBlobThreshold} runs; see queue ${poisonQueueName}.`,
    );
  }
}

/** Keeps a message invisible while its function runs. Each renewal gives it another receipt. */
class HeldMessage {
  readonly #ended = new AbortController();
  readonly #renewing: Promise<string>;

  constructor(
    private readonly queue: QueueClient,
    private readonly item: DequeuedMessageItem,
    private readonly options: BlobQueueOptions,
  ) {
    this.#renewing = this.#renew();
  }

  stopRenewing(): void {
    this.#ended.abort();
  }

  popReceipt(): Promise<string> {
    return this.#renewing;
  }

  async #renew(): Promise<string> {
    const { clock, logger } = this.options;
    let popReceipt = this.item.popReceipt;
    for (;;) {
      await clock.sleep(renewMs, this.#ended.signal);
      if (this.#ended.signal.aborted) return popReceipt;
      try {
        const renewed = await this.queue.updateMessage(
          this.item.messageId,
          popReceipt,
          undefined,
          visibilitySeconds,
        );
        popReceipt = renewed.popReceipt ?? popReceipt;
      } catch (error) {
        logger.log('warn', `Holding blob message ${this.item.messageId}: ${describeError(error)}`);
      }
    }
  }
}

function encode(message: BlobMessage): string {
  return Buffer.from(JSON.stringify(message)).toString('base64');
}

function decode(text: string): BlobMessage | undefined {
  try {
    const message = JSON.parse(Buffer.from(text, 'base64').toString()) as Partial<BlobMessage> | null;
    if (typeof message?.FunctionId !== 'string' || typeof message.BlobName !== 'string') return undefined;
    return message as BlobMessage;
  } catch {
    // Somebody else's message; the caller says so in the log.
    return undefined;
  }
}
