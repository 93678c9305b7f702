// A landing container that is a folder on this machine, so that a peer can read the very same files.
import { open, readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { systemClock } from '../shared/base/index.js';
import type { LandedInfo, LandedVersion, LandingRead, LandingStore } from '../shared/storage/index.js';

export class LandingFolder implements LandingStore {
  /** @param latencyMs of a read, as a request to a storage account has it */
  constructor(
    readonly folder: string,
    readonly latencyMs = 0,
  ) {}

  async *list(prefix: string): AsyncIterable<LandedInfo> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = relative(this.folder, join(entry.parentPath, entry.name)).split(sep).join('/');
      const info = path.startsWith(prefix) ? await this.head(path) : undefined;
      if (info !== undefined) yield info;
    }
  }

  async head(path: string): Promise<LandedInfo | undefined> {
    const { size, mtimeMs } = await stat(join(this.folder, path));
    return { path, etag: String(mtimeMs), sizeBytes: size, modifiedMs: Math.floor(mtimeMs) };
  }

  async read(
    { path }: LandedVersion,
    { start, end }: { readonly start: number; readonly end: number },
  ): Promise<LandingRead> {
    if (this.latencyMs > 0) await systemClock.sleep(this.latencyMs);
    const file = await open(join(this.folder, path));
    try {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
      return { kind: 'read', bytes: bytes.subarray(0, bytesRead) };
    } finally {
      await file.close();
    }
  }

  move(): Promise<never> {
    throw new Error('Nothing is moved in a benchmark.');
  }

  delete(): Promise<never> {
    throw new Error('Nothing is deleted in a benchmark.');
  }
}
