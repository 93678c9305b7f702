// Finds blobs that are new or changed since the last look, by listing their container.
import type { BlobItem, BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import type { BlobPathPattern } from './blobPath.js';
import { isNotFound } from './storageAccount.js';

/** A blob may be written behind the listing's back while another one, listed later, is younger. */
const overlapMs = 10_000;

const parallelHandOvers = 32;

export interface BlobScanOptions {
  readonly container: ContainerClient;
  readonly path: BlobPathPattern;
  /** Keeps how far the scan has come, so that a restart does not look at every receipt again. */
  readonly scanInfo: BlockBlobClient;
}

export class BlobScan {
  readonly #options: BlobScanOptions;
  /** Modification time of the youngest blob of the last full sweep; undefined before the first. */
  #youngestMs: number | undefined;
  /** Versions handed on that are within the overlap, so that the next sweep lists them once more. */
  #handedOn: ReadonlySet<string> = new Set();

  constructor(options: BlobScanOptions) {
    this.#options = options;
  }

  /** Hands on each new version of a blob. When that fails, the whole sweep counts as not done. */
  async sweep(signal: AbortSignal, handOn: (blob: BlobItem) => Promise<void>): Promise<void> {
    const { container, path } = this.#options;
    this.#youngestMs ??= await this.#readScanInfo();
    const fromMs = this.#youngestMs - overlapMs;
    const candidates: BlobItem[] = [];
    for await (const blob of container.listBlobsFlat(path.prefix === '' ? {} : { prefix: path.prefix })) {
      if (signal.aborted) return;
      if (modifiedMs(blob) >= fromMs && path.match(blob.name) !== undefined) candidates.push(blob);
    }
    const fresh = candidates.filter((blob) => !this.#handedOn.has(versionOf(blob)));
    await forEachInParallel(fresh, parallelHandOvers, async (blob) => {
      if (!signal.aborted) await handOn(blob);
    });
    if (signal.aborted) return;
    const youngestMs = candidates.reduce(
      (latest, blob) => Math.max(latest, modifiedMs(blob)),
      this.#youngestMs,
    );
    this.#handedOn = new Set(
      candidates.filter((blob) => modifiedMs(blob) >= youngestMs - overlapMs).map(versionOf),
    );
    if (youngestMs > this.#youngestMs) await this.#writeScanInfo(youngestMs);
    this.#youngestMs = youngestMs;
  }

  async #readScanInfo(): Promise<number> {
    try {
      const text = (await this.#options.scanInfo.downloadToBuffer()).toString();
      return Date.parse(/"LatestScan":\s*"([^"]*)"/.exec(text)?.[1] ?? '') || 0;
    } catch (error) {
      if (isNotFound(error)) return 0;
      throw error;
    }
  }

  async #writeScanInfo(youngestMs: number): Promise<void> {
    const text = JSON.stringify({ LatestScan: new Date(youngestMs).toISOString() });
    await this.#options.scanInfo.upload(text, Buffer.byteLength(text));
  }
}

function modifiedMs(blob: BlobItem): number {
  return blob.properties.lastModified.getTime();
}

function versionOf(blob: BlobItem): string {
  return `${blob.properties.etag}\n${blob.name}`;
}

async function forEachInParallel<T>(
  items: readonly T[],
  parallel: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const remaining = items[Symbol.iterator]();
  const runner = async () => {
    for (const item of { [Symbol.iterator]: () => remaining }) await work(item);
  };
  await Promise.all(Array.from({ length: parallel }, runner));
}
