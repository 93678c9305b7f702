// What a stream knows of its files: each is discovered once, waits, and is loaded in exactly one batch.
import type { Clock } from '../../base/index.js';
import { TributaryError } from '../../base/index.js';
import type { Ledger, LedgerChange, LedgerRow } from '../../storage/index.js';
import { maxLedgerChanges } from '../../storage/index.js';
import { batchKey, fileId, fileKey, fileRange, idOfTodo, stateKey, todoKey, todoRange } from './fileKeys.js';
import {
  type FileRow,
  type FileState,
  fileRowOf,
  fileValues,
  type LandedFile,
  landedOf,
  landedValues,
  type WaitingFile,
} from './fileRows.js';
import { type GatheringLimits, restOfGathering } from './gathering.js';

export interface FileLedgerOptions {
  readonly ledger: Ledger;
  readonly stream: string;
  /** A file that is written again under its name counts as another file. */
  readonly allowOverwrites: boolean;
  readonly clock: Clock;
}

export interface BatchLimits {
  readonly maxFiles: number;
  /** Soft: the last file may exceed it. */
  readonly maxBytes: number;
  /** Files discovered from then on wait for a later batch. */
  readonly discoveredBeforeMs?: number;
  /** A batch that is not full waits for more files to come. */
  readonly gathering?: GatheringLimits;
}

/** There is a batch to load, it is not time for one yet, or nothing waits. */
export type PlanResult =
  | { readonly kind: 'batch'; readonly plan: BatchPlan }
  | { readonly kind: 'gathering'; readonly waitMs: number }
  | { readonly kind: 'idle' };

/** The files of one batch. Written down before anything is read, and never changed. */
export interface BatchPlan {
  readonly batch: number;
  /** The same at every attempt to load it. */
  readonly plannedMs: number;
  readonly files: readonly WaitingFile[];
}

export type FileOutcome =
  | { readonly kind: 'loaded'; readonly rowCount: number; readonly badCount: number }
  | { readonly kind: 'unreadable'; readonly badCount: number }
  | { readonly kind: 'missing' }
  /** Other bytes lie under its name now; they are loaded in a later batch. */
  | { readonly kind: 'changed'; readonly now: LandedFile };

/** `finished`: its files have been marked. Rows of batches are kept for ever. */
export type BatchState = 'unknown' | 'planned' | 'finished';

export interface FinishedFile {
  readonly file: WaitingFile;
  readonly outcome: FileOutcome;
}

export interface CommittedBatch {
  readonly batch: number;
  readonly version: number;
  readonly files: readonly FinishedFile[];
}

/** Keys of waiting files in one text of a batch's row: 36 characters each, and a text takes 32,768. */
const keysPerText = 800;

/** So many files fit into a batch's row (1 MiB). */
export const maxFilesPerBatch = 12_000;

/**
 * Of a batch's files as JSON, UTF-8. An orchestration hands all of them, and what became of each, to one activity; the Durable Task
 * Scheduler takes 1 MiB for that, and names may have 1,024 characters.
 */
const maxPlanBytes = 640 * 1024;
const encoder = new TextEncoder();

/** A file has up to three rows that change together. */
const filesPerChange = Math.floor(maxLedgerChanges / 3);

export class FileLedger {
  readonly #options: FileLedgerOptions;

  constructor(options: FileLedgerOptions) {
    this.#options = options;
  }

  /**
   * When the stream was born, which is the first time that this is asked; whatever was there before is old.
   * @throws TributaryError STORAGE_UNAVAILABLE, STORAGE_DENIED, as every method
   */
  async birthMs(): Promise<number> {
    const { clock, stream } = this.#options;
    const row = await this.#get(stateKey);
    if (row !== undefined) return Number(row.values.bornMs);
    await this.#ledger.change(stream, [{ kind: 'insert', row: stateKey, values: { bornMs: clock.nowMs() } }]);
    return Number((await this.#get(stateKey))?.values.bornMs);
  }

  /** Ids of all files that the stream knows. */
  async knownIds(): Promise<Set<string>> {
    const ids = new Set<string>();
    for await (const { row } of this.#list(fileRange)) ids.add(row.slice('f:'.length));
    return ids;
  }

  /** What is known of a version of a file; of any version of it where overwrites do not count. */
  async find(version: Pick<LandedFile, 'path' | 'etag'>): Promise<FileRow | undefined> {
    const row = await this.#get(fileKey(this.idOf(version)));
    return row === undefined ? undefined : fileRowOf(row);
  }

  idOf({ path, etag }: Pick<LandedFile, 'path' | 'etag'>): string {
    return fileId(this.#options.allowOverwrites ? `${path}\n${etag}` : path);
  }

  /**
   * Takes files in that are not known yet. Safe to call with the same file any number of times, in any number of places.
   * @param state of the new ones: `waiting`, or `skipped` for files that are not to be loaded
   * @returns those that were new
   */
  async discover<File extends LandedFile>(
    files: readonly File[],
    state: 'waiting' | 'skipped' = 'waiting',
  ): Promise<readonly File[]> {
    const unique = [...new Map(files.map((file) => [this.idOf(file), file])).values()];
    const discovered: File[] = [];
    for (let start = 0; start < unique.length; start += filesPerChange) {
      discovered.push(...(await this.#insert(unique.slice(start, start + filesPerChange), state)));
    }
    return discovered;
  }

  /** At most `filesPerChange` files, together if none is known, else those that are not. */
  async #insert<File extends LandedFile>(
    files: readonly File[],
    state: 'waiting' | 'skipped',
  ): Promise<readonly File[]> {
    let unknown = files;
    while (unknown.length > 0) {
      const changes = unknown.flatMap((file) => this.#insertion(file, state));
      const result = await this.#ledger.change(this.#options.stream, changes);
      if (result.kind === 'changed') return unknown;
      if (files.length === 1) return [];
      const rows = await Promise.all(unknown.map((file) => this.#get(fileKey(this.idOf(file)))));
      unknown = unknown.filter((_, index) => rows[index] === undefined);
    }
    return [];
  }

  #insertion(file: LandedFile, state: 'waiting' | 'skipped'): LedgerChange[] {
    const id = this.idOf(file);
    const discoveredMs = this.#options.clock.nowMs();
    const values = { ...landedValues(file), state, discoveredMs };
    const insertion: LedgerChange = { kind: 'insert', row: fileKey(id), values };
    return state === 'skipped' ? [insertion] : [insertion, waitingInsertion(id, file, discoveredMs)];
  }

  /**
   * The batch that follows `committedBatch` (-1 for none): the one that was planned already, by anyone, or a new one of
   * the files that have waited longest. Files of `committedBatch` must have been finished.
   */
  async plan(committedBatch: number, limits: BatchLimits): Promise<PlanResult> {
    const batch = committedBatch + 1;
    const planned = await this.#plannedBatch(batch);
    if (planned !== undefined) return { kind: 'batch', plan: planned };
    const { files, isFull } = await this.#chooseFiles(limits);
    if (files.length === 0) return { kind: 'idle' };
    const nowMs = this.#options.clock.nowMs();
    const waitMs =
      isFull || limits.gathering === undefined ? 0 : restOfGathering(files, limits.gathering, nowMs);
    if (waitMs > 0) return { kind: 'gathering', waitMs };
    const plan = await this.#writePlan(batch, files);
    return plan === undefined ? { kind: 'idle' } : { kind: 'batch', plan };
  }

  /** @returns what is written down: by a rival that was first, or by our own request whose answer was lost */
  async #writePlan(batch: number, files: readonly WaitingFile[]): Promise<BatchPlan | undefined> {
    const values = { plannedMs: this.#options.clock.nowMs(), fileCount: files.length, ...keyTexts(files) };
    const row = batchKey(batch);
    const result = await this.#ledger.change(this.#options.stream, [{ kind: 'insert', row, values }]);
    if (result.kind === 'changed') return { batch, plannedMs: values.plannedMs, files };
    return this.#plannedBatch(batch);
  }

  /** Whether the files of a committed batch have yet to be marked. */
  async isUnfinished(batch: number): Promise<boolean> {
    const row = await this.#get(batchKey(batch));
    return row !== undefined && row.values.finished !== true;
  }

  async batchState(batch: number): Promise<BatchState> {
    const row = await this.#get(batchKey(batch));
    if (row === undefined) return 'unknown';
    return row.values.finished === true ? 'finished' : 'planned';
  }

  /** Marks the files of a committed batch. Safe to repeat, also after a crash half-way. */
  async finish({ batch, version, files }: CommittedBatch): Promise<void> {
    for (let start = 0; start < files.length; start += filesPerChange) {
      await this.#finishFiles(files.slice(start, start + filesPerChange), batch, version);
    }
    const { clock, stream } = this.#options;
    const row = await this.#get(batchKey(batch));
    if (row === undefined || row.values.finished === true) return;
    const { plannedMs = 0, fileCount = 0 } = row.values;
    const values = { plannedMs, fileCount, version, finished: true, finishedMs: clock.nowMs() };
    await this.#ledger.change(stream, [{ kind: 'put', row: batchKey(batch), values }]);
  }

  /** Files and bytes that wait. */
  async outstanding(): Promise<{ readonly fileCount: number; readonly byteCount: number }> {
    let fileCount = 0;
    let byteCount = 0;
    for await (const row of this.#list(todoRange())) {
      fileCount++;
      byteCount += landedOf(row).sizeBytes;
    }
    return { fileCount, byteCount };
  }

  /** Every file that the stream knows, in no order that means anything. */
  async *files(): AsyncIterable<FileRow> {
    for await (const row of this.#list(fileRange)) yield fileRowOf(row);
  }

  /** Writes down that the file itself is gone; the ledger keeps knowing it. */
  async markArchived(file: FileRow, archivedTo: string): Promise<void> {
    const values = fileValues({ ...file, archivedTo });
    await this.#ledger.change(this.#options.stream, [{ kind: 'put', row: fileKey(file.id), values }]);
  }

  /** Forgets files for good: should one appear again, it is loaded again. */
  async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      // A rival that was faster is no matter.
      await this.#ledger.change(this.#options.stream, [{ kind: 'remove', row: fileKey(id) }]);
    }
  }

  get #ledger(): Ledger {
    return this.#options.ledger;
  }

  #get(row: string): Promise<LedgerRow | undefined> {
    return this.#ledger.get({ partition: this.#options.stream, row });
  }

  #list(range: { readonly rowFrom: string; readonly rowBefore: string }): AsyncIterable<LedgerRow> {
    return this.#ledger.list({ partition: this.#options.stream, ...range });
  }

  async #chooseFiles({
    maxFiles,
    maxBytes,
    discoveredBeforeMs,
  }: BatchLimits): Promise<{ readonly files: readonly WaitingFile[]; readonly isFull: boolean }> {
    const files: WaitingFile[] = [];
    let bytes = 0;
    let planBytes = 0;
    for await (const row of this.#list(todoRange(discoveredBeforeMs))) {
      const file = waitingOf(row);
      planBytes += encoder.encode(JSON.stringify(file)).byteLength;
      if (planBytes > maxPlanBytes) return { files, isFull: true };
      files.push(file);
      bytes += file.sizeBytes;
      if (files.length >= Math.min(maxFiles, maxFilesPerBatch) || bytes >= maxBytes)
        return { files, isFull: true };
    }
    return { files, isFull: false };
  }

  async #plannedBatch(batch: number): Promise<BatchPlan | undefined> {
    const row = await this.#get(batchKey(batch));
    if (row === undefined || row.values.finished === true) return undefined;
    const keys = keysOf(row);
    const files = new Map<string, WaitingFile>();
    for await (const waiting of this.#list(rangeOf(keys))) files.set(waiting.row, waitingOf(waiting));
    const planned = keys.map((key) => files.get(key) ?? this.#lostFile(batch, key));
    return { batch, plannedMs: Number(row.values.plannedMs), files: planned };
  }

  /** A rival has finished the batch meanwhile; looking again shows a newer version of the table. */
  #lostFile(batch: number, key: string): never {
    throw new TributaryError(
      'FILE_BATCH_SUPERSEDED',
      `Batch ${batch} of stream ${this.#options.stream} was finished by another run (row ${key} is gone). Start over from the table's present version.`,
    );
  }

  async #finishFiles(files: readonly FinishedFile[], batch: number, version: number): Promise<void> {
    let open = files;
    while (open.length > 0) {
      const changes = open.flatMap((finished) => this.#completion(finished, batch, version));
      const result = await this.#ledger.change(this.#options.stream, changes);
      if (result.kind === 'changed') return;
      // A file without its waiting row was finished by an earlier attempt, or a rival.
      const rows = await Promise.all(files.map(({ file }) => this.#get(file.key)));
      open = files.filter((_, index) => rows[index] !== undefined);
    }
  }

  #completion({ file, outcome }: FinishedFile, batch: number, version: number): LedgerChange[] {
    const { clock } = this.#options;
    const removal: LedgerChange = { kind: 'remove', row: file.key };
    if (outcome.kind === 'changed') {
      const discoveredMs = Math.max(clock.nowMs(), file.discoveredMs + 1);
      const values = { ...landedValues(outcome.now), state: 'waiting', discoveredMs };
      return [
        { kind: 'put', row: fileKey(file.id), values },
        removal,
        waitingInsertion(file.id, outcome.now, discoveredMs),
      ];
    }
    const row = {
      ...landedValues(file),
      state: stateAfter(outcome),
      discoveredMs: file.discoveredMs,
      batch,
      committedVersion: version,
      committedMs: clock.nowMs(),
      ...(outcome.kind === 'loaded' ? { rowCount: outcome.rowCount, badCount: outcome.badCount } : {}),
      ...(outcome.kind === 'unreadable' ? { rowCount: 0, badCount: outcome.badCount } : {}),
    };
    return [{ kind: 'put', row: fileKey(file.id), values: row }, removal];
  }
}

function stateAfter(outcome: Exclude<FileOutcome, { readonly kind: 'changed' }>): FileState {
  if (outcome.kind === 'loaded') return 'committed';
  return outcome.kind;
}

function waitingInsertion(id: string, file: LandedFile, discoveredMs: number): LedgerChange {
  return { kind: 'insert', row: todoKey(discoveredMs, id), values: { ...landedValues(file), discoveredMs } };
}

function waitingOf(row: LedgerRow): WaitingFile {
  return {
    ...landedOf(row),
    id: idOfTodo(row.row),
    key: row.row,
    discoveredMs: Number(row.values.discoveredMs),
  };
}

function keyTexts(files: readonly WaitingFile[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (let start = 0; start < files.length; start += keysPerText) {
    const part = files.slice(start, start + keysPerText).map(({ key }) => key);
    texts[`files${start / keysPerText}`] = part.join(',');
  }
  return texts;
}

/** They are in order, since the files were chosen so. */
function rangeOf(keys: readonly string[]): { readonly rowFrom: string; readonly rowBefore: string } {
  return { rowFrom: keys[0] ?? 't:', rowBefore: `${keys.at(-1) ?? 't:'}~` };
}

function keysOf({ values }: LedgerRow): readonly string[] {
  const keys: string[] = [];
  for (let part = 0; typeof values[`files${part}`] === 'string'; part++) {
    keys.push(...String(values[`files${part}`]).split(','));
  }
  return keys;
}
