// An object store in memory, for tests and benchmarks.
import type { Clock } from '../base/index.js';
import { assertObjectPath, assertPathPrefix, comparePaths } from './objectPath.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutIfAbsentResult } from './objectStore.js';

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly lastModifiedMs: number;
}

class MemoryStore implements ObjectStore {
  readonly #objects = new Map<string, StoredObject>();
  #sortedPaths: string[] | undefined;

  constructor(private readonly clock: Clock) {}

  async read(path: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    assertObjectPath(path);
    const bytes = this.#objects.get(path)?.bytes;
    if (bytes === undefined) return undefined;
    if (range === undefined) return bytes.slice();
    return bytes.slice(Math.max(0, range.start), Math.max(0, range.end));
  }

  async head(path: string): Promise<ObjectInfo | undefined> {
    assertObjectPath(path);
    return this.#infoOf(path);
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutIfAbsentResult> {
    assertObjectPath(path);
    if (this.#objects.has(path)) return { kind: 'exists' };
    this.#store(path, bytes);
    return { kind: 'created' };
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    assertObjectPath(path);
    this.#store(path, bytes);
  }

  async *list(prefix: string, options: { readonly startAfter?: string } = {}): AsyncIterable<ObjectInfo> {
    assertPathPrefix(prefix);
    const paths = this.#pathsInOrder();
    for (let index = firstFrom(paths, prefix); index < paths.length; index++) {
      const path = paths[index]!;
      if (!path.startsWith(prefix)) return;
      if (options.startAfter !== undefined && comparePaths(path, options.startAfter) <= 0) continue;
      const info = this.#infoOf(path);
      if (info !== undefined) yield info;
    }
  }

  async delete(path: string): Promise<boolean> {
    assertObjectPath(path);
    const existed = this.#objects.delete(path);
    if (existed) this.#sortedPaths = undefined;
    return existed;
  }

  #store(path: string, bytes: Uint8Array): void {
    if (!this.#objects.has(path)) this.#sortedPaths = undefined;
    this.#objects.set(path, { bytes: bytes.slice(), lastModifiedMs: this.clock.nowMs() });
  }

  #infoOf(path: string): ObjectInfo | undefined {
    const object = this.#objects.get(path);
    if (object === undefined) return undefined;
    return { path, sizeBytes: object.bytes.byteLength, lastModifiedMs: object.lastModifiedMs };
  }

  #pathsInOrder(): readonly string[] {
    this.#sortedPaths ??= [...this.#objects.keys()].sort(comparePaths);
    return this.#sortedPaths;
  }
}

/** Index of the first path that is not below `prefix` in order. */
function firstFrom(paths: readonly string[], prefix: string): number {
  let low = 0;
  let high = paths.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePaths(paths[middle]!, prefix) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An empty store; bytes are copied in and out. `clock` dates the objects. */
export function createMemoryStore(clock: Clock): ObjectStore {
  return new MemoryStore(clock);
}
