// The object store on Azure Blob Storage: also Data Lake Storage Gen2, OneLake's blob endpoint and Azurite.
import type { BlobItem, ContainerClient } from '@azure/storage-blob';
import { isAlreadyThere, isMissingBlob, statusOf, storageError } from './blobErrors.js';
import { assertObjectPath, assertPathPrefix, comparePaths } from './objectPath.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutIfAbsentResult } from './objectStore.js';

export interface BlobStoreOptions {
  /** Sets the identity, the endpoint, timeouts and the SDK's own retries. */
  readonly container: ContainerClient;
  /** Objects asked for per page of a listing; the service's maximum and default is 5,000. */
  readonly pageSize?: number;
}

/**
 * The SDK retries by itself, so a `putIfAbsent` may report `exists` for an object that an earlier, lost answer of the
 * same call created. The order of a listing is the service's: UTF-8 order, but for names that mix astral characters
 * with U+E000-FFFF.
 */
class BlobStore implements ObjectStore {
  readonly #container: ContainerClient;
  readonly #pageSize: number;

  constructor(options: BlobStoreOptions) {
    this.#container = options.container;
    this.#pageSize = options.pageSize ?? 5000;
  }

  async read(path: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    assertObjectPath(path);
    const start = Math.max(0, range?.start ?? 0);
    const count = range === undefined ? undefined : Math.max(0, range.end - start);
    if (count === 0) return (await this.head(path)) === undefined ? undefined : new Uint8Array(0);
    try {
      const response = await this.#container.getBlobClient(path).download(start, count);
      return await collect(response.readableStreamBody, response.contentLength ?? 0);
    } catch (error) {
      if (isMissingBlob(error)) return undefined;
      // 416 InvalidRange: the object ends before the range begins.
      if (statusOf(error) === 416) return new Uint8Array(0);
      throw this.#errorOf(error, 'read', path);
    }
  }

  async head(path: string): Promise<ObjectInfo | undefined> {
    assertObjectPath(path);
    try {
      const properties = await this.#container.getBlobClient(path).getProperties();
      return {
        path,
        sizeBytes: properties.contentLength ?? 0,
        lastModifiedMs: properties.lastModified?.getTime() ?? 0,
      };
    } catch (error) {
      if (isMissingBlob(error)) return undefined;
      throw this.#errorOf(error, 'read the properties of', path);
    }
  }

  /** One Put Blob: an upload in blocks would have to carry the condition on its last request. */
  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutIfAbsentResult> {
    assertObjectPath(path);
    try {
      await this.#container
        .getBlockBlobClient(path)
        .upload(asBody(bytes), bytes.byteLength, { conditions: { ifNoneMatch: '*' } });
      return { kind: 'created' };
    } catch (error) {
      if (isAlreadyThere(error)) return { kind: 'exists' };
      throw this.#errorOf(error, 'create', path);
    }
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    assertObjectPath(path);
    try {
      await this.#container.getBlockBlobClient(path).upload(asBody(bytes), bytes.byteLength);
    } catch (error) {
      throw this.#errorOf(error, 'write', path);
    }
  }

  async *list(prefix: string, options: { readonly startAfter?: string } = {}): AsyncIterable<ObjectInfo> {
    assertPathPrefix(prefix);
    const { startAfter } = options;
    // Only a hint: older services and Azurite ignore it, and it includes its own name.
    const hint = startAfter?.startsWith(prefix) ? { startFrom: startAfter } : {};
    const pages = this.#container
      .listBlobsFlat({ prefix, includeMetadata: true, ...hint })
      .byPage({ maxPageSize: this.#pageSize });
    try {
      for await (const page of pages) {
        for (const item of page.segment.blobItems) {
          if (isDirectory(item)) continue;
          if (startAfter !== undefined && comparePaths(item.name, startAfter) <= 0) continue;
          yield infoOf(item);
        }
      }
    } catch (error) {
      throw this.#errorOf(error, 'list', prefix);
    }
  }

  async delete(path: string): Promise<boolean> {
    assertObjectPath(path);
    try {
      await this.#container.getBlobClient(path).delete({ deleteSnapshots: 'include' });
      return true;
    } catch (error) {
      if (isMissingBlob(error)) return false;
      throw this.#errorOf(error, 'delete', path);
    }
  }

  #errorOf(error: unknown, verb: string, path: string): Error {
    return storageError(error, () => `${verb} "${path}" in container ${this.#container.containerName}`);
  }
}

/** With a hierarchical namespace a flat listing also returns directories, as empty blobs with this mark. */
function isDirectory(item: BlobItem): boolean {
  return item.metadata?.hdi_isfolder?.toLowerCase() === 'true';
}

function infoOf(item: BlobItem): ObjectInfo {
  return {
    path: item.name,
    sizeBytes: item.properties.contentLength ?? 0,
    lastModifiedMs: item.properties.lastModified.getTime(),
  };
}

/** The SDK takes a Buffer as it is; anything else it would read through a stream. */
function asBody(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function collect(body: NodeJS.ReadableStream | undefined, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let filled = 0;
  for await (const chunk of body ?? []) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes.set(piece, filled);
    filled += piece.byteLength;
  }
  if (filled !== sizeBytes) throw new Error(`received ${filled} of ${sizeBytes} bytes`);
  return bytes;
}

export function createBlobStore(options: BlobStoreOptions): ObjectStore {
  return new BlobStore(options);
}
