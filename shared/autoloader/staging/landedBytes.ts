// One version of a landed file as the readers of formats want it: fetched in ranges, the next one while the last is read.
import type { LandedVersion, LandingMiss, LandingStore } from '../../storage/index.js';
import type { LandedBytes } from '../formats/index.js';
import type { LandedFile } from '../ledger/index.js';

/** The version is not there any more. Thrown through the reader, which does not know of versions. */
export class FileGone extends Error {
  constructor(
    readonly file: LandedVersion,
    readonly miss: LandingMiss,
  ) {
    super(`${file.path} is ${miss.kind}.`);
    this.name = 'FileGone';
  }
}

/** Of one request. */
const pieceBytes = 4 * 2 ** 20;

export class LandedFileBytes implements LandedBytes {
  readonly path: string;
  readonly size: number;
  #first: Promise<Uint8Array> | undefined;

  constructor(
    private readonly landing: LandingStore,
    private readonly file: LandedFile,
  ) {
    this.path = file.path;
    this.size = file.sizeBytes;
  }

  /** Begins to fetch what `stream` will ask for first. */
  prefetch(): void {
    this.#first ??= this.#fetch(0);
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    let next = this.#first ?? this.#fetch(0);
    this.#first = undefined;
    for (let start = 0; ; start += pieceBytes) {
      const piece = await next;
      const isLast = start + pieceBytes >= this.size;
      if (!isLast) next = this.#fetch(start + pieceBytes);
      if (piece.length > 0) yield piece;
      if (isLast) return;
    }
  }

  async read(range: { readonly start: number; readonly end: number }): Promise<Uint8Array> {
    const result = await this.landing.read(this.file, range);
    if (result.kind === 'read') return result.bytes;
    throw new FileGone(this.file, result);
  }

  #fetch(start: number): Promise<Uint8Array> {
    const fetching = this.read({ start, end: Math.min(this.size, start + pieceBytes) });
    fetching.catch(() => {}); // whoever awaits it gets the error; nobody may, when a reader stops early
    return fetching;
  }
}
