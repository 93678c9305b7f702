// A disk in memory that loses power: at a chosen operation it stops for good, and of what was not synced only a part is left.
import type { LogDisk } from '../../../local/durable/logDisk.js';
import type { Random } from '../../../shared/base/index.js';

interface StoredFile {
  /** Joined when they are read: a log grows by many small writes. */
  chunks: Buffer[];
  byteLength: number;
  syncedBytes: number;
}

function storedFile(bytes: Buffer): StoredFile {
  return { chunks: [Buffer.from(bytes)], byteLength: bytes.length, syncedBytes: bytes.length };
}

function addTo(file: StoredFile, bytes: Uint8Array): void {
  file.chunks.push(Buffer.from(bytes));
  file.byteLength += bytes.length;
}

export class MemoryDisk implements LogDisk {
  readonly #files: Map<string, StoredFile>;
  operationCount = 0;
  syncCount = 0;
  #crashAt = Number.POSITIVE_INFINITY;

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    this.#files = new Map([...files].map(([name, bytes]) => [name, storedFile(bytes)]));
  }

  /** The operation with this number, counted from now, and all after it fail. */
  crashAfter(operationCount: number): void {
    this.#crashAt = this.operationCount + operationCount;
  }

  get hasCrashed(): boolean {
    return this.operationCount > this.#crashAt;
  }

  /** What the next process finds. */
  survivor(random: Random): MemoryDisk {
    const left = new Map<string, Buffer>();
    for (const [name, { chunks, byteLength, syncedBytes }] of this.#files) {
      const kept = syncedBytes + Math.floor(random.next() * (byteLength - syncedBytes + 1));
      left.set(name, Buffer.concat(chunks).subarray(0, kept));
    }
    return new MemoryDisk(left);
  }

  async list(): Promise<readonly string[]> {
    return [...this.#files.keys()];
  }

  async read(name: string): Promise<Buffer> {
    return Buffer.concat(this.#file(name).chunks);
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const file = this.#files.get(name) ?? storedFile(Buffer.alloc(0));
    this.#files.set(name, file);
    // A write that is cut off may have got some way.
    const isLast = this.operationCount + 1 > this.#crashAt && !this.hasCrashed;
    if (isLast) addTo(file, bytes.subarray(0, bytes.length >> 1));
    this.#operate();
    addTo(file, bytes);
  }

  async sync(name: string): Promise<void> {
    this.#operate();
    this.syncCount++;
    const file = this.#file(name);
    file.syncedBytes = file.byteLength;
  }

  async truncate(name: string, byteLength: number): Promise<void> {
    this.#operate();
    this.#files.set(name, storedFile(Buffer.concat(this.#file(name).chunks).subarray(0, byteLength)));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#operate();
    this.#files.set(to, this.#file(from));
    this.#files.delete(from);
  }

  async remove(name: string): Promise<void> {
    this.#operate();
    this.#files.delete(name);
  }

  async close(): Promise<void> {}

  #operate(): void {
    this.operationCount++;
    if (this.operationCount > this.#crashAt) throw new Error('the power is gone');
  }

  #file(name: string): StoredFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`no file ${name}`);
    return file;
  }
}
