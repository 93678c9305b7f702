// A landing container in memory, for tests and benchmarks.
import type { Clock } from '../base/index.js';
import type {
  LandedInfo,
  LandedVersion,
  LandingMiss,
  LandingRead,
  LandingRemoval,
  LandingStore,
} from './landingStore.js';
import { comparePaths } from './objectPath.js';

interface StoredFile extends LandedInfo {
  readonly bytes: Uint8Array;
}

/** What a sender does, besides. */
export interface MemoryLanding extends LandingStore {
  /** Creates or overwrites. @param modifiedMs default: now */
  put(path: string, bytes: Uint8Array, modifiedMs?: number): void;
}

class MemoryLandingStore implements MemoryLanding {
  readonly #files = new Map<string, StoredFile>();
  #writes = 0;

  constructor(private readonly clock: Clock) {}

  put(path: string, bytes: Uint8Array, modifiedMs = this.clock.nowMs()): void {
    this.#writes++;
    const etag = `0x${this.#writes.toString(16).toUpperCase()}`;
    this.#files.set(path, { path, etag, sizeBytes: bytes.length, modifiedMs, bytes: bytes.slice() });
  }

  async *list(prefix: string): AsyncIterable<LandedInfo> {
    for (const path of [...this.#files.keys()].sort(comparePaths)) {
      const info = path.startsWith(prefix) ? await this.head(path) : undefined;
      if (info !== undefined) yield info;
    }
  }

  async head(path: string): Promise<LandedInfo | undefined> {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    const { bytes, ...info } = file;
    return info;
  }

  async read(
    version: LandedVersion,
    { start, end }: { readonly start: number; readonly end: number },
  ): Promise<LandingRead> {
    const found = this.#find(version);
    return found.kind === 'found' ? { kind: 'read', bytes: found.file.bytes.slice(start, end) } : found;
  }

  async move(version: LandedVersion, target: string): Promise<LandingRemoval> {
    const found = this.#find(version);
    if (found.kind !== 'found') return found;
    this.put(target, found.file.bytes);
    return this.delete(version);
  }

  async delete(version: LandedVersion): Promise<LandingRemoval> {
    const found = this.#find(version);
    if (found.kind !== 'found') return found;
    this.#files.delete(version.path);
    return { kind: 'done' };
  }

  #find({ path, etag }: LandedVersion): { readonly kind: 'found'; readonly file: StoredFile } | LandingMiss {
    const file = this.#files.get(path);
    if (file === undefined) return { kind: 'missing' };
    return file.etag === etag ? { kind: 'found', file } : { kind: 'changed' };
  }
}

/** An empty container; bytes are copied in and out. `clock` dates the files. */
export function createMemoryLanding(clock: Clock): MemoryLanding {
  return new MemoryLandingStore(clock);
}
