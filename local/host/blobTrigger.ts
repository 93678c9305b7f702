// Blob trigger: notices blobs by listing their container (or by a webhook), queues each version, runs the function.
// (Functions host contract, "Blob trigger rules".)
import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import { describeError } from '../../shared/base/index.js';
import { oneOf, optionalText, requiredText } from './bindingOptions.js';
import { type BlobPathPattern, parseBlobPath } from './blobPath.js';
import { anyEtag, type BlobConsumer, type BlobMessage, blobMessage } from './blobQueue.js';
import { BlobReceipts, type BlobVersion } from './blobReceipts.js';
import { BlobScan } from './blobScan.js';
import type { TypedData } from './coreTypes.js';
import type { InvocationInput } from './invocation.js';
import {
  hostContainerName,
  isConflict,
  isNotFound,
  openContainer,
  openStorageAccount,
  type StorageAccount,
} from './storageAccount.js';
import type { HostServices, TriggerListener, TriggerSource } from './triggerListener.js';
import { jsonData } from './typedData.js';

/** The real host lists every 10 s; a person at a laptop should not wait that long. */
const scanMs = 2_000;
/** Of a large container that takes a while: most of the time is for other work. */
const restPerSweep = 4;
const longestRestMs = 5_000;

export function createBlobListener(source: TriggerSource, services: HostServices): TriggerListener {
  const { name, binding } = source;
  const usedBy = `Function "${name}"`;
  const kind = oneOf(name, binding, 'source', ['LogsAndContainerScan', 'EventGrid'] as const);
  const path = parseBlobPath(name, services.settings.resolve(requiredText(name, binding, 'path'), usedBy));
  const connection = optionalText(name, binding, 'connection') ?? 'AzureWebJobsStorage';
  const listener = new BlobListener(
    source,
    services,
    path,
    openStorageAccount(services.settings, connection, usedBy),
    kind === 'EventGrid',
  );
  services.blobQueue.register(listener.functionId, listener);
  return listener;
}

/** Puts one version of a blob into the queue, unless that was done. */
type HandOver = (version: BlobVersion, message: BlobMessage) => Promise<void>;

class BlobListener implements TriggerListener, BlobConsumer {
  readonly functionId: string;
  readonly #stopping = new AbortController();
  #scanning: Promise<void> = Promise.resolve();

  constructor(
    private readonly source: TriggerSource,
    private readonly services: HostServices,
    private readonly path: BlobPathPattern,
    readonly account: StorageAccount,
    private readonly isByEvents: boolean,
  ) {
    this.functionId = `Host.Functions.${source.name}`;
  }

  async start(): Promise<void> {
    const { hostStorage, hostId, blobQueue } = this.services;
    const hosts = await openContainer(hostStorage(), hostContainerName);
    await blobQueue.start();
    const scan = new BlobScan({
      container: this.account.blobs.getContainerClient(this.path.container),
      path: this.path,
      scanInfo: hosts.getBlockBlobClient(
        `blobscaninfo/${hostId}/${this.functionId}/${this.path.container}/scanInfo`,
      ),
    });
    this.#scanning = this.#scanUntilStopped(scan, this.#handOver(hosts));
  }

  /** Event Grid has no receipts, and events that come twice run twice: so does the scan that stands in for it. */
  #handOver(hosts: ContainerClient): HandOver {
    const { hostId, blobQueue } = this.services;
    if (this.isByEvents) return (_, message) => blobQueue.enqueue({ ...message, ETag: anyEtag });
    const receipts = new BlobReceipts(hosts, hostId, this.functionId);
    return (version, message) => receipts.enqueueOnce(version, () => blobQueue.enqueue(message));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#scanning;
    await this.services.blobQueue.stop();
  }

  accepts(container: string, blobName: string): boolean {
    return container === this.path.container && this.path.match(blobName) !== undefined;
  }

  async #scanUntilStopped(scan: BlobScan, handOver: HandOver): Promise<void> {
    const { clock, logger } = this.services;
    while (!this.#stopping.signal.aborted) {
      const startMs = clock.nowMs();
      try {
        await scan.sweep(this.#stopping.signal, ({ name, properties }) => {
          const version = { container: this.path.container, name, etag: unquoted(properties.etag) };
          const message = blobMessage({
            ...version,
            functionId: this.functionId,
            blobType: properties.blobType,
          });
          return handOver(version, message);
        });
      } catch (error) {
        // A container that does not exist yet is nothing to report.
        if (!isNotFound(error)) {
          logger.log('warn', `[${this.source.name}] Listing ${this.path.container}: ${describeError(error)}`);
        }
      }
      const restMs = Math.max(scanMs, restPerSweep * (clock.nowMs() - startMs));
      await clock.sleep(Math.min(restMs, longestRestMs), this.#stopping.signal);
    }
  }

  /** @returns true also when there is nothing to do: the blob is gone, or another version of it has its own message */
  async run(message: BlobMessage): Promise<boolean> {
    const captures = this.path.match(message.BlobName);
    if (captures === undefined) return true;
    const value = await this.#read(message, captures);
    if (value === undefined) return true;
    const result = await this.services.invoker.invoke(this.source.registered, () => value);
    return result.kind === 'succeeded';
  }

  async #read(
    message: BlobMessage,
    captures: Readonly<Record<string, string>>,
  ): Promise<InvocationInput | undefined> {
    const blob = this.account.blobs
      .getContainerClient(message.ContainerName)
      .getBlockBlobClient(message.BlobName);
    try {
      const properties = await blob.getProperties();
      if (message.ETag !== anyEtag && unquoted(properties.etag ?? '') !== message.ETag) return undefined;
      const metadata = blobMetadata(message, blob.url, properties, captures);
      if (this.source.binding.sdkBinding === true) return { input: this.#reference(message), metadata };
      const conditions = message.ETag === anyEtag ? {} : { ifMatch: properties.etag ?? '' };
      const bytes = await blob.downloadToBuffer(0, undefined, { conditions });
      return { input: { bytes }, metadata };
    } catch (error) {
      // Deleted, or overwritten while it was read.
      if (isNotFound(error) || isConflict(error)) return undefined;
      throw error;
    }
  }

  /** What an SDK binding gets instead of the content. */
  #reference({ ContainerName, BlobName }: BlobMessage): TypedData {
    const Connection =
      optionalText(this.source.name, this.source.binding, 'connection') ?? 'AzureWebJobsStorage';
    const content = Buffer.from(JSON.stringify({ Connection, ContainerName, BlobName }));
    return {
      modelBindingData: {
        version: '1.0',
        source: 'AzureStorageBlobs',
        contentType: 'application/json',
        content,
      },
    };
  }
}

function blobMetadata(
  message: BlobMessage,
  url: string,
  properties: BlobGetPropertiesResponse,
  captures: Readonly<Record<string, string>>,
): Record<string, TypedData> {
  const metadata = properties.metadata ?? {};
  return {
    ...Object.fromEntries(Object.entries(captures).map(([name, text]) => [name, { string: text }])),
    BlobTrigger: { string: `${message.ContainerName}/${message.BlobName}` },
    Uri: jsonData(url),
    Properties: jsonData({
      LastModified: properties.lastModified,
      CreatedOn: properties.createdOn,
      ContentLength: properties.contentLength,
      ContentType: properties.contentType,
      ContentEncoding: properties.contentEncoding,
      ContentHash: properties.contentMD5,
      ETag: properties.etag,
      BlobType: properties.blobType,
      Metadata: metadata,
    }),
    Metadata: jsonData(metadata),
  };
}

/** Listings give it without quotes, headers with them. */
function unquoted(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}
