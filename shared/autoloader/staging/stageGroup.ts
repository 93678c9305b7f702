// Reads the files of a group and writes their rows into data files that are not committed yet.
import type { StagedFile } from '../../delta/index.js';
import type { DataBatch, DataField } from '../../parquet/index.js';
import type { LandingStore } from '../../storage/index.js';
import type { FileObject, RecordChunk } from '../formats/index.js';
import type { FileOutcome, LandedFile } from '../ledger/index.js';
import {
  evolveColumns,
  grows,
  RecordShape,
  RecordWriter,
  type SchemaRules,
  unexpectedColumns,
} from '../schema/index.js';
import { BadRows } from './badRows.js';
import { prefetch, type ReadingRules, readFile, readsTexts } from './fileReading.js';
import { FileGone, LandedFileBytes } from './landedBytes.js';

export interface StageContext {
  readonly landing: LandingStore;
  readonly stream: ReadingRules & { readonly name: string; readonly allowOverwrites: boolean };
  readonly rules: SchemaRules;
  readonly batch: number;
  /** The rows' `_ingest_time`: the same at every attempt. */
  readonly plannedMs: number;
  /** All of the table, as they will be in the commit. */
  readonly columns: readonly DataField[];
  /** True when the files have been scanned for these columns: what does not fit now is rescued. */
  readonly isFinal: boolean;
  readonly writeRows: (batch: DataBatch) => Promise<StagedFile>;
  readonly writeBadRows: (batch: DataBatch) => Promise<StagedFile>;
  readonly limits: StageLimits;
}

/** A data file is cut when one of them is reached; it bounds the memory, too. */
export interface StageLimits {
  readonly maxRows: number;
  /** Of the records as they were read. */
  readonly maxSourceBytes: number;
}

export const stageLimits: StageLimits = { maxRows: 500_000, maxSourceBytes: 64 * 2 ** 20 };

export type StagedGroup =
  | {
      readonly kind: 'staged';
      /** Of the files, in their order. */
      readonly outcomes: readonly FileOutcome[];
      readonly rows: readonly StagedFile[];
      readonly badRows: readonly StagedFile[];
    }
  /** The columns do not hold what the files have, from this file on. */
  | { readonly kind: 'outgrown'; readonly fromFile: number };

/**
 * Safe to repeat: what an attempt leaves behind are files that no commit names, which vacuum removes.
 * @throws TributaryError STORAGE_UNAVAILABLE, STORAGE_DENIED, and as writing data files does
 */
export async function stageGroup(files: readonly LandedFile[], context: StageContext): Promise<StagedGroup> {
  const gone = new Map<number, FileOutcome>();
  for (;;) {
    const result = await new GroupAttempt(files, context, gone).run();
    if (result.kind !== 'gone') return result;
    gone.set(result.index, result.outcome);
  }
}

/** A file that went away while it was read has left rows behind: all is done again without it. */
interface GoneHalfway {
  readonly kind: 'gone';
  readonly index: number;
  readonly outcome: FileOutcome;
}

class Outgrown extends Error {}

class GroupAttempt {
  readonly #context: StageContext;
  readonly #writer: RecordWriter;
  readonly #badRows: BadRows;
  readonly #watchesGrowth: boolean;
  readonly #rows: StagedFile[] = [];
  readonly #bad: StagedFile[] = [];
  #sourceBytes = 0;
  /** Of the file that is read. */
  #counts = { rows: 0, bad: 0, isCut: false };

  constructor(
    readonly files: readonly LandedFile[],
    context: StageContext,
    readonly gone: ReadonlyMap<number, FileOutcome>,
  ) {
    this.#context = context;
    const { rules, columns, stream, batch, plannedMs } = context;
    this.#writer = new RecordWriter({
      fields: columns,
      rename: rules.rename,
      mode: rules.schemaEvolutionMode,
    });
    this.#badRows = new BadRows({ stream: stream.name, batch, plannedMs });
    const isStrict = rules.schemaEvolutionMode === 'failOnNewColumns';
    this.#watchesGrowth = !context.isFinal && (grows(rules) || isStrict);
  }

  async run(): Promise<StagedGroup | GoneHalfway> {
    const opened = this.files.map((file) => new LandedFileBytes(this.#context.landing, file));
    const outcomes: FileOutcome[] = [];
    for (const [index, file] of this.files.entries()) {
      prefetch(opened, index);
      this.#counts = { rows: 0, bad: 0, isCut: false };
      try {
        outcomes.push(await this.#outcomeOf(index, opened[index]!));
      } catch (error) {
        if (error instanceof Outgrown) return { kind: 'outgrown', fromFile: index };
        if (!(error instanceof FileGone)) throw error;
        const outcome = await this.#missOf(file);
        if (this.#counts.rows + this.#counts.bad > 0) return { kind: 'gone', index, outcome };
        outcomes.push(this.#noteMiss(file, outcome));
      }
    }
    await this.#flushRows();
    await this.#flushBadRows();
    return { kind: 'staged', outcomes, rows: this.#rows, badRows: this.#bad };
  }

  async #outcomeOf(index: number, bytes: LandedFileBytes): Promise<FileOutcome> {
    const file = this.files[index]!;
    const known = this.gone.get(index);
    if (known !== undefined) return this.#noteMiss(file, known);
    await this.#readFile(file, bytes);
    const { rows, bad, isCut } = this.#counts;
    if (rows === 0 && isCut) return { kind: 'unreadable', badCount: bad };
    return { kind: 'loaded', rowCount: rows, badCount: bad };
  }

  async #readFile(file: LandedFile, bytes: LandedFileBytes): Promise<void> {
    const { stream } = this.#context;
    const isText = readsTexts(file.path, stream);
    let declared: ReadonlySet<string> | undefined;
    for await (const chunk of readFile(bytes, stream)) {
      if (chunk.fields !== undefined && declared === undefined) {
        declared = new Set(chunk.fields.map(({ name }) => name));
        if (this.#watchesGrowth) this.#checkDeclared(chunk.fields);
      }
      this.#takeChunk(file, chunk, (record) => this.#checkGrowth(record, isText, declared));
      const { maxRows, maxSourceBytes } = this.#context.limits;
      const isFull = this.#writer.rowCount >= maxRows || this.#sourceBytes >= maxSourceBytes;
      if (isFull) await this.#flushRows();
      if (this.#badRows.byteCount >= maxSourceBytes || this.#badRows.rowCount >= maxRows)
        await this.#flushBadRows();
    }
  }

  #takeChunk(
    file: LandedFile,
    { records, sourceBytes }: RecordChunk,
    check: (record: FileObject) => void,
  ): void {
    const { path, modifiedMs } = file;
    const source = { path, modifiedMs, ingestTimeMs: this.#context.plannedMs };
    this.#sourceBytes += sourceBytes;
    for (const record of records) {
      if (record.kind === 'bad') {
        this.#badRows.add(file, record);
        this.#counts.bad++;
        this.#counts.isCut ||= record.row < 0;
        continue;
      }
      this.#writer.append(record.value, source, record.row);
      this.#counts.rows++;
      if (this.#watchesGrowth) check(record.value);
    }
  }

  /** @throws Outgrown when the record has what could become columns */
  #checkGrowth(record: FileObject, isText: boolean, declared: ReadonlySet<string> | undefined): void {
    const { outgrowth } = this.#writer;
    const { schemaEvolutionMode } = this.#context.rules;
    const isFlagged =
      outgrowth.hasNewField ||
      (outgrowth.hasMisfit && schemaEvolutionMode === 'addNewColumnsWithTypeWidening');
    outgrowth.hasNewField = false;
    outgrowth.hasMisfit = false;
    if (!isFlagged) return;
    const shape = new RecordShape(isText);
    shape.observe(record, declared);
    this.#throwIfOutgrown(shape);
  }

  #checkDeclared(fields: readonly DataField[]): void {
    const shape = new RecordShape(false);
    shape.declare(fields);
    this.#throwIfOutgrown(shape);
  }

  #throwIfOutgrown({ root }: RecordShape): void {
    const { columns, rules } = this.#context;
    if (!grows(rules)) {
      if (unexpectedColumns(columns, root, rules).length > 0) throw new Outgrown();
      return;
    }
    const { added, widened } = evolveColumns(columns, root, rules);
    if (added.length + widened.length > 0) throw new Outgrown();
  }

  async #missOf(file: LandedFile): Promise<FileOutcome> {
    const now = await this.#context.landing.head(file.path);
    return now === undefined ? { kind: 'missing' } : { kind: 'changed', now };
  }

  /** With `allowOverwrites` each version is a file of its own: this one is gone, and the next one was discovered by itself. */
  #noteMiss(file: LandedFile, outcome: FileOutcome): FileOutcome {
    if (outcome.kind === 'changed' && !this.#context.stream.allowOverwrites) return outcome;
    const what = outcome.kind === 'changed' ? 'written over' : 'deleted';
    this.#badRows.addMissing(file, `${file.path} was ${what} before it could be read.`);
    return { kind: 'missing' };
  }

  async #flushRows(): Promise<void> {
    if (this.#writer.rowCount > 0) this.#rows.push(await this.#context.writeRows(this.#writer.finish()));
    this.#writer.reset();
    this.#sourceBytes = 0;
  }

  async #flushBadRows(): Promise<void> {
    if (this.#badRows.rowCount > 0) this.#bad.push(await this.#context.writeBadRows(this.#badRows.take()));
  }
}
