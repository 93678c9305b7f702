// The landing store on Azure Blob Storage (or Azurite).
import type { BlobItem, ContainerClient } from '@azure/storage-blob';
import { isMissingBlob, serviceCodeOf, statusOf, storageError } from './blobErrors.js';
import type {
  LandedInfo,
  LandedVersion,
  LandingMiss,
  LandingRead,
  LandingRemoval,
  LandingStore,
} from './landingStore.js';

export interface BlobLandingOptions {
  /** Sets the identity, the endpoint, timeouts and the SDK's own retries. */
  readonly container: ContainerClient;
  /** Files asked for per page of a listing; the service's maximum and default is 5,000. */
  readonly pageSize?: number;
}

class BlobLanding implements LandingStore {
  readonly #container: ContainerClient;
  readonly #pageSize: number;

  constructor({ container, pageSize = 5_000 }: BlobLandingOptions) {
    this.#container = container;
    this.#pageSize = pageSize;
  }

  async *list(prefix: string): AsyncIterable<LandedInfo> {
    const pages = this.#container
      .listBlobsFlat({ prefix, includeMetadata: true })
      .byPage({ maxPageSize: this.#pageSize });
    try {
      for await (const page of pages) {
        for (const item of page.segment.blobItems) if (!isDirectory(item.metadata)) yield infoOf(item);
      }
    } catch (error) {
      throw this.#errorOf(error, 'list', prefix);
    }
  }

  async head(path: string): Promise<LandedInfo | undefined> {
    try {
      const { etag = '', contentLength = 0, lastModified, metadata } = await this.#blob(path).getProperties();
      if (isDirectory(metadata)) return undefined;
      return {
        path,
        etag: unquoted(etag),
        sizeBytes: contentLength,
        modifiedMs: lastModified?.getTime() ?? 0,
      };
    } catch (error) {
      if (isMissingBlob(error)) return undefined;
      throw this.#errorOf(error, 'read the properties of', path);
    }
  }

  async read(
    version: LandedVersion,
    { start, end }: { readonly start: number; readonly end: number },
  ): Promise<LandingRead> {
    const blob = this.#blob(version.path);
    try {
      // An empty range is no range to the service, and an empty file has none at all.
      if (end <= start) {
        await blob.getProperties({ conditions: isStill(version) });
        return { kind: 'read', bytes: new Uint8Array(0) };
      }
      const bytes = await blob.downloadToBuffer(start, end - start, {
        blockSize: end - start,
        concurrency: 1,
        conditions: isStill(version),
      });
      return { kind: 'read', bytes };
    } catch (error) {
      return this.#missOrThrow(error, 'read', version);
    }
  }

  async move(version: LandedVersion, target: string): Promise<LandingRemoval> {
    const source = this.#blob(version.path);
    try {
      const copy = await this.#container
        .getBlobClient(target)
        .beginCopyFromURL(source.url, { sourceConditions: isStill(version) });
      const { copyStatus } = await copy.pollUntilDone();
      if (copyStatus !== 'success') throw new Error(`the copy ended as ${copyStatus}`);
    } catch (error) {
      return this.#missOrThrow(error, 'copy', version);
    }
    return this.delete(version);
  }

  async delete(version: LandedVersion): Promise<LandingRemoval> {
    try {
      await this.#blob(version.path).delete({ deleteSnapshots: 'include', conditions: isStill(version) });
      return { kind: 'done' };
    } catch (error) {
      return this.#missOrThrow(error, 'delete', version);
    }
  }

  async #missOrThrow(error: unknown, verb: string, { path }: LandedVersion): Promise<LandingMiss> {
    const miss = missOf(error);
    if (miss === undefined) throw this.#errorOf(error, verb, path);
    if (miss.kind === 'missing') return miss;
    // Of a file that is gone, too, a service may say that the condition fails.
    return (await this.head(path)) === undefined ? { kind: 'missing' } : miss;
  }

  #blob(path: string) {
    return this.#container.getBlobClient(path);
  }

  #errorOf(error: unknown, verb: string, path: string): Error {
    return storageError(error, () => `${verb} "${path}" in container ${this.#container.containerName}`);
  }
}

function isStill({ etag }: LandedVersion) {
  return { ifMatch: `"${etag}"` };
}

/** 412 where the condition fails; a HEAD's and a copy's answers name the code in different places. */
function missOf(error: unknown): LandingMiss | undefined {
  if (isMissingBlob(error)) return { kind: 'missing' };
  const code = serviceCodeOf(error);
  const isChanged =
    statusOf(error) === 412 &&
    (code === undefined || code === 'ConditionNotMet' || code === 'SourceConditionNotMet');
  return isChanged ? { kind: 'changed' } : undefined;
}

/** With a hierarchical namespace directories show as empty blobs with this mark. */
function isDirectory(metadata: Readonly<Record<string, string>> | undefined): boolean {
  return metadata?.hdi_isfolder?.toLowerCase() === 'true';
}

function infoOf({ name, properties }: BlobItem): LandedInfo {
  return {
    path: name,
    etag: unquoted(properties.etag),
    sizeBytes: properties.contentLength ?? 0,
    modifiedMs: properties.lastModified.getTime(),
  };
}

/** Listings give it without quotes, headers with them. */
function unquoted(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

export function createBlobLanding(options: BlobLandingOptions): LandingStore {
  return new BlobLanding(options);
}
