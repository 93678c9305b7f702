// A store that fails on purpose, and counts what it was asked and how often it failed.
import { type Random, TributaryError } from '../../shared/base/index.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutIfAbsentResult } from '../../shared/storage/index.js';

/** The process is gone: this call does not return to it, and no later one is made. */
export class ProcessKilled extends Error {
  constructor() {
    super('the process was killed');
    this.name = 'ProcessKilled';
  }
}

/**
 * What happens to one write:
 * - `lostError`: it lands, the caller is told STORAGE_UNAVAILABLE;
 * - `lostExists`: it lands, the SDK's own retry meets it, and the caller is told `exists`;
 * - `late`: the caller is told STORAGE_UNAVAILABLE, and it lands when the store has served a few more calls;
 * - `refused`: it does not land, the caller is told STORAGE_UNAVAILABLE.
 */
export type WriteFault = 'lostError' | 'lostExists' | 'late' | 'refused';

export interface FaultPlan {
  /** Kills the process at its n-th write (1 is the first), before or after it lands. */
  readonly crash?: { readonly atWrite: number; readonly when: 'before' | 'after' };
  /** Asked at each write. */
  readonly writeFault?: (writeNumber: number, path: string) => WriteFault | undefined;
  /** Reads and listings fail with this chance. */
  readonly flakyReads?: { readonly random: Random; readonly probability: number };
}

/** Calls until a `late` write lands. */
const callsUntilLate = 2;

export class FaultyStore implements ObjectStore {
  /** Faults that happened, for tests to prove that they tested something. */
  faultCount = 0;
  writeCount = 0;
  listCount = 0;
  readonly readPaths: string[] = [];
  readonly writtenPaths: string[] = [];
  #isKilled = false;
  readonly #late: { callsLeft: number; land: () => Promise<unknown> }[] = [];

  constructor(
    private readonly inner: ObjectStore,
    private readonly plan: FaultPlan = {},
  ) {}

  async read(path: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    await this.#enter();
    this.readPaths.push(path);
    this.#maybeFlaky();
    return this.inner.read(path, range);
  }

  async head(path: string): Promise<ObjectInfo | undefined> {
    await this.#enter();
    this.#maybeFlaky();
    return this.inner.head(path);
  }

  putIfAbsent(path: string, bytes: Uint8Array): Promise<PutIfAbsentResult> {
    return this.#write(path, () => this.inner.putIfAbsent(path, bytes));
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.#write(path, async () => {
      await this.inner.put(path, bytes);
      return { kind: 'created' };
    });
  }

  async *list(prefix: string, options?: { readonly startAfter?: string }): AsyncIterable<ObjectInfo> {
    await this.#enter();
    this.listCount++;
    this.#maybeFlaky();
    yield* this.inner.list(prefix, options);
  }

  async delete(path: string): Promise<boolean> {
    await this.#enter();
    return this.inner.delete(path);
  }

  async #write(path: string, land: () => Promise<PutIfAbsentResult>): Promise<PutIfAbsentResult> {
    await this.#enter();
    const writeNumber = ++this.writeCount;
    this.writtenPaths.push(path);
    this.#crashIf('before', writeNumber);
    const fault = this.plan.writeFault?.(writeNumber, path);
    if (fault !== undefined) return this.#faultyWrite(fault, land);
    const result = await land();
    this.#crashIf('after', writeNumber);
    return result;
  }

  async #faultyWrite(fault: WriteFault, land: () => Promise<PutIfAbsentResult>): Promise<PutIfAbsentResult> {
    this.faultCount++;
    if (fault === 'late') this.#late.push({ callsLeft: callsUntilLate, land });
    if (fault === 'lostError' || fault === 'lostExists') await land();
    if (fault === 'lostExists') return { kind: 'exists' };
    throw unavailable();
  }

  #crashIf(when: 'before' | 'after', writeNumber: number): void {
    const { crash } = this.plan;
    if (crash?.atWrite !== writeNumber || crash.when !== when) return;
    this.#isKilled = true;
    this.faultCount++;
    throw new ProcessKilled();
  }

  async #enter(): Promise<void> {
    if (this.#isKilled) throw new ProcessKilled();
    for (const write of [...this.#late]) {
      write.callsLeft--;
      if (write.callsLeft > 0) continue;
      this.#late.splice(this.#late.indexOf(write), 1);
      await write.land();
    }
  }

  #maybeFlaky(): void {
    const { flakyReads } = this.plan;
    if (flakyReads === undefined || flakyReads.random.next() >= flakyReads.probability) return;
    this.faultCount++;
    throw unavailable();
  }
}

function unavailable(): TributaryError {
  return new TributaryError('STORAGE_UNAVAILABLE', 'The store gave no answer (a fault put in by a test).');
}
