// Appends to one table. Appends that wait while a commit is under way share the next one (group commit).
import { type Clock, type Logger, type Random, silentLogger, TributaryError } from '../base/index.js';
import { concatBatches, type EncodedParquet } from '../parquet/index.js';
import { buildAppendCommit } from './appendCommit.js';
import { type GroupLimits, type PlannedAppend, planGroup } from './appendGroup.js';
import { type AttemptBudget, type CommitResult, type Crowding, commitAppend } from './commit.js';
import { createTable, defaultEngineInfo } from './createTable.js';
import { encodeRows, type ParquetEncoder, writeDataFile } from './dataFile.js';
import type { TableLog } from './log.js';
import { assertWritable } from './protocol.js';
import { columnsOf, parseTableSchema, type TableSchema } from './schema.js';
import { logOf, openTable, type TableLocation, type TableReader } from './tableReader.js';
import type {
  AppendRequest,
  AppendResult,
  Metadata,
  Protocol,
  Snapshot,
  StructType,
  TransactionVersions,
} from './types.js';

export interface TableWriterOptions extends TableLocation {
  readonly clock: Clock;
  readonly random: Random;
  /** Creates the table with this schema when it is missing. Without it a missing table is an error. */
  readonly schema?: StructType;
  /** For a table that is created. */
  readonly name?: string;
  readonly description?: string;
  readonly configuration?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
  /** Goes to `commitInfo.engineInfo`. */
  readonly engineInfo?: string;
  /** Default `encodeParquet`. */
  readonly encode?: ParquetEncoder;
  /** Of one commit; a single larger append still goes through. Defaults 1,000,000 rows, 256 MiB. */
  readonly limits?: Partial<GroupLimits>;
  /** Versions tried before an append gives up with DELTA_COMMIT_CONTENTION. Default 60. */
  readonly maxCommitAttempts?: number;
}

/** Counts since the writer was made. */
export interface WriterMetrics {
  readonly appendCount: number;
  readonly commitCount: number;
  /** Versions tried; more than `commitCount` where races were lost. */
  readonly attemptCount: number;
  /** Data files written; more than the commits with rows where appends had to be prepared again. */
  readonly dataFileCount: number;
  readonly rowCount: number;
  readonly dataBytes: number;
}

interface WaitingAppend {
  readonly request: AppendRequest;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

interface Member {
  readonly waiting: WaitingAppend;
  readonly append: PlannedAppend;
}

/** A table that passed the checks for writing. */
interface WritableTable {
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: TableSchema;
  readonly configuration: Readonly<Record<string, string>>;
}

export class TableWriter {
  readonly #options: TableWriterOptions;
  readonly #log: TableLog;
  readonly #logger: Logger;
  readonly #limits: GroupLimits;
  readonly #queue: WaitingAppend[] = [];
  #isDraining = false;
  /** Private to this writer: conflict checks rest on seeing every commit that it moves over. */
  #reader: Promise<TableReader> | undefined;
  /** Set after an error: the table may hold a commit of ours that we do not know of. */
  #mayBeBehind = false;
  #table: WritableTable | undefined;
  readonly #crowding: Crowding = { level: 0 };
  readonly #metrics = {
    appendCount: 0,
    commitCount: 0,
    attemptCount: 0,
    dataFileCount: 0,
    rowCount: 0,
    dataBytes: 0,
  };

  constructor(options: TableWriterOptions) {
    this.#options = options;
    this.#log = logOf(options);
    this.#logger = options.logger ?? silentLogger;
    this.#limits = { maxRows: 1_000_000, maxBytes: 2 ** 28, ...options.limits };
  }

  get metrics(): WriterMetrics {
    return { ...this.#metrics };
  }

  /** What the table has committed, as far as this writer knows; other writers may be ahead. Opens or creates the table. */
  async committedTransactions(): Promise<TransactionVersions> {
    return (await this.snapshot()).transactions;
  }

  /** The newest version that this writer knows. Opens or creates the table. */
  async snapshot(): Promise<Snapshot> {
    return (await this.#openReader()).snapshot;
  }

  /**
   * Resolves once the rows are committed, or known to be committed already. After an error nothing is known: the outcome
   * shows in the transactions when the same rows are appended again.
   * @throws what `request.prepare` throws; TributaryError DELTA_SCHEMA_MISMATCH, DELTA_COMMIT_CONTENTION, STORAGE_UNAVAILABLE,
   *   and as `openTable` does
   */
  append(request: AppendRequest): Promise<AppendResult> {
    this.#metrics.appendCount++;
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
      if (!this.#isDraining) void this.#drain();
    });
  }

  /** Never rejects: every error goes to the appends that it concerns. */
  async #drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.resolve(); // lets appends made in the same turn join the first group
    while (this.#queue.length > 0) await this.#commitNextGroup();
    this.#isDraining = false;
  }

  async #commitNextGroup(): Promise<void> {
    const waiting = this.#queue.splice(0);
    let reader: TableReader;
    let members: Member[];
    try {
      reader = await this.#readerForWriting();
      members = this.#plan(waiting, reader.snapshot);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      return;
    }
    await this.#commitMembers(members, reader);
  }

  async #readerForWriting(): Promise<TableReader> {
    const reader = await this.#openReader();
    try {
      if (this.#mayBeBehind) await reader.refresh();
      else await reader.reloadIfOld();
    } catch (error) {
      // Deleted since: the next append opens it again, or creates it.
      if (error instanceof TributaryError && error.code === 'DELTA_TABLE_NOT_FOUND') this.#reader = undefined;
      throw error;
    }
    this.#mayBeBehind = false;
    return reader;
  }

  #openReader(): Promise<TableReader> {
    if (this.#reader === undefined) {
      const { schema } = this.#options;
      const opening =
        schema === undefined ? openTable(this.#options) : createTable({ ...this.#options, schema });
      this.#reader = opening;
      opening.catch(() => {
        this.#reader = undefined; // the callers get the error; the next one tries again
      });
    }
    return this.#reader;
  }

  /** Settles the appends that need no commit, sends back those that must wait, and returns the others. */
  #plan(waiting: readonly WaitingAppend[], snapshot: Snapshot): Member[] {
    const plans = planGroup({
      table: this.#log.table,
      requests: waiting.map(({ request }) => request),
      committed: snapshot.transactions,
      schema: this.#writableTable(snapshot).schema,
      limits: this.#limits,
    });
    const members: Member[] = [];
    const deferred: WaitingAppend[] = [];
    for (const [index, plan] of plans.entries()) {
      const entry = waiting[index]!;
      if (plan.kind === 'member') members.push({ waiting: entry, append: plan.append });
      else if (plan.kind === 'deferred') deferred.push(entry);
      else if (plan.kind === 'failed') entry.reject(plan.error);
      else entry.resolve({ kind: 'alreadyCommitted', version: snapshot.version });
    }
    this.#queue.unshift(...deferred);
    return members;
  }

  #writableTable({ protocol, metadata }: Snapshot): WritableTable {
    if (this.#table?.protocol !== protocol || this.#table.metadata !== metadata) {
      assertWritable(this.#log.table, protocol, metadata);
      if (metadata.partitionColumns.length > 0) throw partitioned(this.#log.table, metadata);
      const schema = parseTableSchema(metadata.schemaString);
      this.#table = { protocol, metadata, schema, configuration: metadata.configuration };
    }
    return this.#table;
  }

  /** Prepares again after each conflict, until the members are committed or have nothing left. */
  async #commitMembers(planned: readonly Member[], reader: TableReader): Promise<void> {
    const budget: AttemptBudget = { used: 0, max: this.#options.maxCommitAttempts ?? 60 };
    let members = planned;
    try {
      while (members.length > 0) {
        const encoded = this.#encode(members, reader.snapshot);
        if (encoded.kind === 'failed') {
          if (members.length === 1) throw encoded.error;
          // One member's rows cannot be written; alone, each meets its own fate.
          for (const member of members) await this.#commitMembers([member], reader);
          return;
        }
        const result = await this.#commitEncoded(members, encoded.file, reader, budget);
        if (result.kind === 'committed') {
          this.#settle(members, result.version, budget);
          return;
        }
        this.#logger.log('info', 'Append is prepared again after a conflict', {
          table: this.#log.table,
          conflict: result.conflict.kind,
          version: reader.snapshot.version,
        });
        members = this.#plan(
          members.map(({ waiting }) => waiting),
          await reader.reloadIfOld(),
        );
      }
    } catch (error) {
      this.#mayBeBehind = true;
      for (const { waiting } of members) waiting.reject(error);
    } finally {
      this.#metrics.attemptCount += budget.used;
    }
  }

  #encode(
    members: readonly Member[],
    snapshot: Snapshot,
  ): { kind: 'encoded'; file: EncodedParquet | undefined } | { kind: 'failed'; error: unknown } {
    const table = this.#writableTable(snapshot);
    const batches = members.flatMap(({ append }) => append.batch ?? []);
    try {
      const [first, second] = batches;
      if (first === undefined) return { kind: 'encoded', file: undefined };
      const rows = second === undefined ? first : concatBatches(batches, columnsOf(table.schema));
      return { kind: 'encoded', file: encodeRows(rows, table, this.#options.encode) };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  async #commitEncoded(
    members: readonly Member[],
    encoded: EncodedParquet | undefined,
    reader: TableReader,
    budget: AttemptBudget,
  ): Promise<CommitResult> {
    const { clock, random, encode } = this.#options;
    const log = this.#log;
    const { snapshot } = reader;
    let add: Awaited<ReturnType<typeof writeDataFile>> | undefined;
    if (encoded !== undefined) {
      add = await writeDataFile(encoded, this.#writableTable(snapshot), {
        store: log.store,
        clock,
        random,
        ...(encode === undefined ? {} : { encode }),
      });
      this.#metrics.dataFileCount++;
      this.#metrics.dataBytes += add.size;
    }
    const commit = buildAppendCommit({
      members: members.map(({ append }) => append),
      add,
      rowCount: encoded?.rowCount ?? 0,
      readVersion: snapshot.version,
      nowMs: clock.nowMs(),
      txnId: random.uuid(),
      engineInfo: this.#options.engineInfo ?? defaultEngineInfo,
    });
    const appIds = new Set(members.flatMap(({ append }) => [...append.appIds]));
    return commitAppend(commit, appIds, {
      log,
      reader,
      clock,
      random,
      budget,
      crowding: this.#crowding,
    });
  }

  #settle(members: readonly Member[], version: number, budget: AttemptBudget): void {
    let rowCount = 0;
    for (const { waiting, append } of members) {
      const rows = append.batch?.rowCount ?? 0;
      rowCount += rows;
      waiting.resolve({ kind: 'committed', version, rowCount: rows });
    }
    this.#metrics.commitCount++;
    this.#metrics.rowCount += rowCount;
    this.#logger.log('debug', 'Committed', {
      table: this.#log.table,
      version,
      appendCount: members.length,
      rowCount,
      attemptCount: budget.used,
    });
  }
}

function partitioned(table: string, metadata: Metadata): TributaryError {
  return new TributaryError(
    'DELTA_SCHEMA_MISMATCH',
    `Table ${table} is partitioned by ${metadata.partitionColumns.join(', ')}; appends go to unpartitioned tables only.`,
  );
}
