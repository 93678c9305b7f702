// Finds a stream's files, one by one as their events come or all at once by listing the container, and enters them in the ledger.
import type { Clock } from '../../base/index.js';
import type { FileStream } from '../../pipeline/index.js';
import type { LandedInfo, LandingStore } from '../../storage/index.js';
import type { FileLedger } from '../ledger/index.js';
import { EntryGroups } from './entryGroups.js';
import { fileMatcher, folderOf } from './fileMatch.js';

export interface DiscoveryOptions {
  readonly stream: FileStream;
  readonly landing: LandingStore;
  readonly ledger: FileLedger;
  readonly clock: Clock;
}

export interface Listing {
  readonly fileCount: number;
  readonly newCount: number;
}

/** Files that are entered together, and held in memory. */
const filesPerEntry = 1_000;

export class FileDiscovery {
  readonly #options: DiscoveryOptions;
  readonly #isOfStream: (path: string) => boolean;
  readonly #groups = new EntryGroups((files: readonly LandedInfo[]) => this.#enterGroup(files));
  /** Never changes once it is written down. */
  #knownBirthMs: number | undefined;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#isOfStream = fileMatcher(options.stream);
  }

  /**
   * For events, which may come twice, late, in any order, or for files that are gone.
   * @returns whether the file waits to be loaded
   * @throws TributaryError STORAGE_UNAVAILABLE, STORAGE_DENIED, as every method
   */
  async enter(path: string): Promise<boolean> {
    if (!this.#isOfStream(path)) return false;
    const file = await this.#options.landing.head(path);
    return file !== undefined && this.#groups.add(file);
  }

  /** @returns for each whether it waits to be loaded */
  async #enterGroup(files: readonly LandedInfo[]): Promise<readonly boolean[]> {
    const entered = new Set(await this.#enter(files, await this.#bornMs()));
    return Promise.all(
      files.map(
        async (file) => entered.has(file) || (await this.#options.ledger.find(file))?.state === 'waiting',
      ),
    );
  }

  /** Enters every file that is not known; finds those whose event was lost. */
  async list(): Promise<Listing> {
    const { landing, ledger, stream } = this.#options;
    const bornMs = await this.#bornMs();
    const known = await ledger.knownIds();
    let fileCount = 0;
    let newCount = 0;
    let unknown: LandedInfo[] = [];
    const enterUnknown = async () => {
      newCount += (await this.#enter(unknown, bornMs)).length;
      unknown = [];
    };
    for await (const file of landing.list(folderOf(stream))) {
      if (!this.#isOfStream(file.path)) continue;
      fileCount++;
      if (known.has(ledger.idOf(file))) continue;
      unknown.push(file);
      if (unknown.length >= filesPerEntry) await enterUnknown();
    }
    await enterUnknown();
    return { fileCount, newCount };
  }

  /** Files from before that time are old; -Infinity where old ones count, too. */
  async #bornMs(): Promise<number> {
    this.#knownBirthMs ??= await this.#options.ledger.birthMs();
    return this.#options.stream.includeExistingFiles ? Number.NEGATIVE_INFINITY : this.#knownBirthMs;
  }

  /** @returns those that are new and wait now */
  async #enter(files: readonly LandedInfo[], bornMs: number): Promise<readonly LandedInfo[]> {
    const { ledger, clock, stream } = this.#options;
    const oldestMs = clock.nowMs() - (stream.maxFileAgeMs ?? Number.POSITIVE_INFINITY);
    const young = files.filter(({ modifiedMs }) => modifiedMs >= oldestMs);
    await ledger.discover(
      young.filter(({ modifiedMs }) => modifiedMs < bornMs),
      'skipped',
    );
    return ledger.discover(young.filter(({ modifiedMs }) => modifiedMs >= bornMs));
  }
}
