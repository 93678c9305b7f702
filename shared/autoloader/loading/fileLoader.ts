// Loads the files of one stream into its table, batch by batch. Any number of loaders may be at work, and any may die anywhere: each
// batch is planned once (the ledger), its outcome counts once (an object), and the table takes it once (its transaction).
import { type Clock, type Logger, type Random, TributaryError } from '../../base/index.js';
import {
  dataFieldOf,
  openTable,
  parseTableColumns,
  type Snapshot,
  type StagedFile,
  type StructType,
  stageDataFile,
  type TableLocation,
  type TableReader,
  TableWriter,
  unreadableType,
} from '../../delta/index.js';
import { quarantineSchema } from '../../events/index.js';
import type { DataBatch, DataField } from '../../parquet/index.js';
import type { FileStream } from '../../pipeline/index.js';
import type { LandingStore, ObjectStore } from '../../storage/index.js';
import type { BatchLimits, FileLedger, FinishedFile, GatheringLimits } from '../ledger/index.js';
import {
  evolveColumns,
  mergedFields,
  recordFieldsOf,
  type SchemaRules,
  withHintedColumns,
} from '../schema/index.js';
import { type GroupLimits, groupLimits, groupsOf } from '../staging/fileGroups.js';
import { type FoundFields, scanGroup } from '../staging/scanGroup.js';
import { type StagedGroup, type StageLimits, stageGroup, stageLimits } from '../staging/stageGroup.js';
import type {
  BatchToLoad,
  CommitInput,
  EvolveInput,
  LoadedBatch,
  ScanInput,
  StageInput,
  StepCall,
} from './batchSteps.js';
import { type BatchOutcome, OutcomeStore } from './outcome.js';

export interface FileLoaderOptions {
  readonly stream: FileStream;
  readonly rules: SchemaRules;
  readonly ledger: FileLedger;
  readonly landing: LandingStore;
  /** The lake's container; outcomes go to `state/autoloader/<stream>/`. */
  readonly lake: ObjectStore;
  /** Folders of the tables in it. */
  readonly tableRoot: string;
  readonly quarantineRoot: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits?: { readonly group?: Partial<GroupLimits>; readonly stage?: Partial<StageLimits> };
}

export interface PlanRequest {
  /** Files discovered from then on are left for another time. */
  readonly discoveredBeforeMs?: number;
  /** Waits until a batch is full, or no more files come. */
  readonly gathers?: boolean;
}

export type LoadPlan =
  | { readonly kind: 'idle' }
  /** Look again then. */
  | { readonly kind: 'gathering'; readonly waitMs: number }
  | { readonly kind: 'batch'; readonly load: BatchToLoad };

const gathering: GatheringLimits = {
  quietMs: 2_000,
  swarmFiles: 100,
  swarmQuietMs: 10_000,
  longestMs: 60_000,
};

export class FileLoader {
  readonly #options: FileLoaderOptions;
  readonly #appId: string;
  readonly #outcomes: OutcomeStore;
  readonly #table: TableLocation;
  readonly #quarantine: TableLocation;
  #reader: TableReader | undefined;

  constructor(options: FileLoaderOptions) {
    this.#options = options;
    const { lake: store, stream, tableRoot, quarantineRoot } = options;
    this.#appId = `autoloader/${stream.name}`;
    this.#outcomes = new OutcomeStore(store, stream.name);
    this.#table = { store, root: tableRoot };
    this.#quarantine = { store, root: quarantineRoot };
  }

  /**
   * The batch that is next, by whomever it was planned; marks what an earlier one left unmarked.
   * @throws TributaryError FILE_BATCH_SUPERSEDED, FILE_LEDGER_MISMATCH, DELTA_SCHEMA_MISMATCH, and as opening a table does
   */
  async plan({ discoveredBeforeMs, gathers = false }: PlanRequest = {}): Promise<LoadPlan> {
    const { ledger, stream, limits } = this.#options;
    const snapshot = await this.#readTable();
    const committed = this.#committedBatch(snapshot);
    await this.#finishCommitted(committed);
    const batchLimits: BatchLimits = {
      maxFiles: stream.maxFilesPerBatch,
      maxBytes: stream.maxBytesPerBatch,
      ...(discoveredBeforeMs !== undefined && { discoveredBeforeMs }),
      ...(gathers && { gathering }),
    };
    const result = await ledger.plan(committed, batchLimits);
    if (result.kind === 'idle') await this.#assertNotAhead(committed);
    if (result.kind !== 'batch') return result;
    const { batch, plannedMs, files } = result.plan;
    const groups = groupsOf(files, { ...groupLimits, ...limits?.group });
    const columns = snapshot === undefined ? [] : this.#columnsOf(snapshot);
    const isFirst = recordFieldsOf(columns, stream).length === 0;
    return { kind: 'batch', load: { batch, plannedMs, groups, columns, isFirst } };
  }

  /** One input of a step: what an activity does. */
  async run(step: StepCall['step'], input: unknown): Promise<unknown> {
    switch (step) {
      case 'scan':
        return oneAtATime(() => this.scan(input as ScanInput));
      case 'evolve':
        return this.evolve(input as EvolveInput);
      case 'stage':
        return oneAtATime(() => this.stage(input as StageInput));
      case 'commit':
        return this.commit(input as CommitInput);
    }
  }

  scan({ columns, files }: ScanInput): Promise<FoundFields> {
    const { landing, stream, rules } = this.#options;
    return scanGroup(files, { landing, stream, rules, columns });
  }

  evolve({ columns, found }: EvolveInput): readonly DataField[] {
    const { fields, added, widened } = evolveColumns(
      columns,
      mergedFields(found.flat()),
      this.#options.rules,
    );
    const { logger, stream } = this.#options;
    const paths = (changes: typeof added) => changes.map(({ path }) => path).join(', ');
    if (columns.length > 0 && added.length + widened.length > 0) {
      logger.log('info', 'Files brought columns that the table lacks', {
        stream: stream.name,
        added: paths(added),
        widened: paths(widened),
      });
    }
    return fields;
  }

  stage({ batch, plannedMs, columns, isFinal, files }: StageInput): Promise<StagedGroup> {
    const { landing, stream, rules, limits } = this.#options;
    return stageGroup(files, {
      ...{ landing, stream, rules, batch, plannedMs, columns, isFinal },
      limits: { ...stageLimits, ...limits?.stage },
      writeRows: (rows) => this.#stageFile(rows, this.#table, structOf(columns)),
      writeBadRows: (rows) => this.#stageFile(rows, this.#quarantine, quarantineSchema()),
    });
  }

  /** Writes down the outcome, unless a rival has, and brings the batch that counts to its end. */
  async commit({ batch, plannedMs, columns, changesSchema, groups }: CommitInput): Promise<LoadedBatch> {
    const files = groups.flatMap(({ files: planned, staged }) =>
      planned.map((file, index): FinishedFile => ({ file, outcome: staged.outcomes[index]! })),
    );
    const outcome = await this.#outcomes.settle({
      format: 1,
      stream: this.#options.stream.name,
      ...{ batch, plannedMs, columns, changesSchema, files },
      rows: groups.flatMap(({ staged }) => staged.rows),
      badRows: groups.flatMap(({ staged }) => staged.badRows),
    });
    return this.#complete(outcome);
  }

  /** The table first: only its transaction says that a batch is in. Everything here may be repeated. */
  async #complete(outcome: BatchOutcome): Promise<LoadedBatch> {
    const { batch, files } = outcome;
    const { ledger, logger, stream } = this.#options;
    const version = await this.#appendRows(outcome);
    await this.#appendBadRows(outcome);
    if (outcome.changesSchema) await this.#outcomes.noteSchema(outcome);
    await ledger.finish({ batch, version, files });
    const sum = (staged: readonly StagedFile[]) => staged.reduce((rows, { rowCount }) => rows + rowCount, 0);
    const loaded = {
      ...{ batch, version, fileCount: files.length },
      rowCount: sum(outcome.rows),
      badCount: sum(outcome.badRows),
    };
    logger.log('info', 'Loaded a batch of files', { stream: stream.name, ...loaded });
    return loaded;
  }

  async #appendRows({ batch, columns, rows }: BatchOutcome): Promise<number> {
    const { clock, random, logger, stream } = this.#options;
    const schema = structOf(columns);
    const name = stream.table;
    const writer = new TableWriter({ ...this.#table, clock, random, logger, schema, name });
    await this.#assertStaged(writer, this.#table, batch, rows);
    const { version } = await writer.append({
      prepare: (transactions) => {
        const committed = transactions.get(this.#appId) ?? -1;
        if (committed >= batch) return undefined;
        if (committed < batch - 1) throw this.#mismatch(batch - 1, 'the table lacks it');
        return {
          batch: noRows,
          files: rows,
          transactions: [{ appId: this.#appId, version: batch }],
          readAppIds: [this.#appId],
          evolve: schema,
          allowTypeWidening: stream.schemaEvolutionMode === 'addNewColumnsWithTypeWidening',
        };
      },
    });
    return version;
  }

  async #appendBadRows({ batch, badRows }: BatchOutcome): Promise<void> {
    if (badRows.length === 0) return;
    const { clock, random, logger } = this.#options;
    const writer = new TableWriter({
      ...this.#quarantine,
      clock,
      random,
      logger,
      schema: quarantineSchema(),
    });
    await writer.append({
      prepare: (transactions) => {
        if ((transactions.get(this.#appId) ?? -1) >= batch) return undefined;
        return {
          batch: noRows,
          files: badRows,
          transactions: [{ appId: this.#appId, version: batch }],
          readAppIds: [this.#appId],
        };
      },
    });
  }

  /** Vacuum takes files that have waited for too long for orphans; a commit of them would break the table. */
  async #assertStaged(
    writer: TableWriter,
    { store, root }: TableLocation,
    batch: number,
    files: readonly StagedFile[],
  ): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const old = files.filter(({ add }) => add.modificationTime + certainlyKeptMs < nowMs);
    if (old.length === 0) return;
    if (((await writer.committedTransactions()).get(this.#appId) ?? -1) >= batch) return;
    for (const { add } of old) {
      if ((await store.head(`${root}/${decodeURIComponent(add.path)}`)) !== undefined) continue;
      const what = `its data file ${add.path} was deleted before it was committed; delete ${this.#outcomes.pathOf(batch)}, and its files are read again`;
      throw this.#mismatch(batch, what);
    }
  }

  async #finishCommitted(committed: number): Promise<void> {
    if (committed < 0) return;
    const state = await this.#options.ledger.batchState(committed);
    if (state === 'finished') return;
    const outcome = state === 'planned' ? await this.#outcomes.read(committed) : undefined;
    if (outcome === undefined) {
      const what =
        state === 'planned' ? 'the record of what it holds is gone' : 'the ledger does not know it';
      throw this.#mismatch(committed, what);
    }
    await this.#complete(outcome);
  }

  /** A finished batch that the table lacks: unless a rival has just committed it, the table is another one than it was. */
  async #assertNotAhead(committed: number): Promise<void> {
    if ((await this.#options.ledger.batchState(committed + 1)) !== 'finished') return;
    if (this.#committedBatch(await this.#readTable()) > committed) return;
    throw this.#mismatch(committed + 1, 'the table lacks it, though the ledger says that it was committed');
  }

  #mismatch(batch: number, what: string): TributaryError {
    const { name, table } = this.#options.stream;
    return new TributaryError(
      'FILE_LEDGER_MISMATCH',
      `Batch ${batch} of file stream ${name}: ${what}. Was table ${table} deleted, or its ledger? ` +
        'Nothing more is loaded, since files might be loaded twice. Put back what is missing, or rename the stream to load everything anew.',
    );
  }

  #committedBatch(snapshot: Snapshot | undefined): number {
    return snapshot?.transactions.get(this.#appId) ?? -1;
  }

  /** Undefined when there is no table yet. */
  async #readTable(): Promise<Snapshot | undefined> {
    try {
      this.#reader ??= await openTable({ ...this.#table, clock: this.#options.clock });
      return await this.#reader.refresh();
    } catch (error) {
      this.#reader = undefined;
      if (error instanceof TributaryError && error.code === 'DELTA_TABLE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  #columnsOf({ metadata }: Snapshot): readonly DataField[] {
    const columns = parseTableColumns(metadata.schemaString);
    const foreign = columns.find(({ type }) => unreadableType(type) !== undefined);
    if (foreign !== undefined) {
      throw new TributaryError(
        'DELTA_SCHEMA_MISMATCH',
        `Column "${foreign.name}" of table ${this.#options.stream.table} is of a type that cannot be written. Load the files into another table.`,
      );
    }
    return withHintedColumns(columns.map(dataFieldOf), this.#options.rules);
  }

  #stageFile(rows: DataBatch, table: TableLocation, schema: StructType): Promise<StagedFile> {
    const { clock, random } = this.#options;
    return stageDataFile(rows, { ...table, clock, random, schema });
  }
}

const certainlyKeptMs = 24 * 3_600_000;
const noRows: DataBatch = { rowCount: 0, fields: [], columns: [] };

function structOf(columns: readonly DataField[]): StructType {
  return { type: 'struct', fields: columns.map((column) => ({ ...column, metadata: {} })) };
}

/** In a process, so that memory is that of one group however wide an orchestration fans out. */
let lastWork: Promise<unknown> = Promise.resolve();

function oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
  const result = lastWork.then(work);
  lastWork = result.catch(() => {}); // the caller gets the error; the next in line starts afresh
  return result;
}
