// Appends to one table. Appends that wait while a commit is under way share the next one (group commit).
import { type Clock, type Logger, type Random, silentLogger, TributaryError } from '../base/index.js';
import { buildAppendCommit } from './appendCommit.js';
import { type EncodedFile, encodeParts, writeFiles } from './appendFiles.js';
import {
  type AppendPlan,
  type GroupLimits,
  type GroupPlan,
  type PlannedAppend,
  planGroup,
} from './appendGroup.js';
import { type AttemptBudget, type CommitResult, type Crowding, commitAppend } from './commit.js';
import { createTable, defaultEngineInfo } from './createTable.js';
import type { ParquetEncoder } from './dataFile.js';
import type { TableLog } from './log.js';
import { logOf, openTable, type TableLocation, type TableReader } from './tableReader.js';
import type { AppendRequest, AppendResult, Snapshot, StructType, TransactionVersions } from './types.js';
import { type WritableTable, writableTable } from './writableTable.js';

export interface TableWriterOptions extends TableLocation {
  readonly clock: Clock;
  readonly random: Random;
  /** Creates the table with this schema when it is missing. Without it a missing table is an error. */
  readonly schema?: StructType;
  /** For a table that is created: columns by whose values its files are kept apart. Default none. */
  readonly partitionColumns?: readonly string[];
  /** For a table that is created. */
  readonly name?: string;
  readonly description?: string;
  readonly configuration?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
  /** Goes to `commitInfo.engineInfo`. */
  readonly engineInfo?: string;
  /** Default `encodeParquet`. */
  readonly encode?: ParquetEncoder;
  /** Of one commit; a single larger append still goes through. Defaults 1,000,000 rows, 256 MiB, 1000 files. */
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

/** Appends that share a commit. */
interface Group {
  readonly members: readonly Member[];
  /** The table once they are committed. */
  readonly table: WritableTable;
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
    this.#limits = { maxRows: 1_000_000, maxBytes: 2 ** 28, maxFiles: 1000, ...options.limits };
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
    let group: Group;
    try {
      reader = await this.#readerForWriting();
      group = await this.#plan(waiting, reader);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      return;
    }
    await this.#commitGroup(group, reader);
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

  /**
   * Settles the appends that need no commit, sends back those that must wait, and returns the others. Before an append is told that
   * it does not fit, the table is looked at again: a rival may have widened it.
   */
  async #plan(waiting: readonly WaitingAppend[], reader: TableReader): Promise<Group> {
    const known = reader.snapshot;
    let group = this.#planOn(waiting, known);
    if (group.plans.some(isMismatch)) {
      const { version } = await reader.refresh();
      // Also when only transactions are new: a commit is checked against rivals from the reader's version on.
      if (version !== known.version) group = this.#planOn(waiting, reader.snapshot);
    }
    return { members: this.#settlePlans(waiting, group.plans, reader.snapshot.version), table: group.table };
  }

  #planOn(waiting: readonly WaitingAppend[], snapshot: Snapshot): GroupPlan {
    return planGroup({
      name: this.#log.table,
      version: snapshot.version,
      table: this.#writableTable(snapshot),
      requests: waiting.map(({ request }) => request),
      committed: snapshot.transactions,
      limits: this.#limits,
    });
  }

  #settlePlans(
    waiting: readonly WaitingAppend[],
    plans: readonly AppendPlan[],
    version: number,
  ): readonly Member[] {
    const members: Member[] = [];
    const deferred: WaitingAppend[] = [];
    for (const [index, plan] of plans.entries()) {
      const entry = waiting[index]!;
      if (plan.kind === 'member') members.push({ waiting: entry, append: plan.append });
      else if (plan.kind === 'deferred') deferred.push(entry);
      else if (plan.kind === 'failed') entry.reject(plan.error);
      else entry.resolve({ kind: 'alreadyCommitted', version });
    }
    this.#queue.unshift(...deferred);
    return members;
  }

  #writableTable({ protocol, metadata }: Snapshot): WritableTable {
    const known = this.#table;
    if (known?.definition.protocol === protocol && known.definition.metadata === metadata) return known;
    const table = writableTable(this.#log.table, { protocol, metadata });
    this.#table = table;
    return table;
  }

  /** Prepares again after each conflict, until the members are committed or have nothing left. */
  async #commitGroup(planned: Group, reader: TableReader): Promise<void> {
    const budget: AttemptBudget = { used: 0, max: this.#options.maxCommitAttempts ?? 60 };
    let group = planned;
    try {
      while (group.members.length > 0) {
        const encoded = this.#encode(group);
        if (encoded.kind === 'failed') {
          if (group.members.length === 1) throw encoded.error;
          await this.#commitOneByOne(group, reader);
          return;
        }
        const result = await this.#commitEncoded(group, encoded.files, reader, budget);
        if (result.kind === 'committed') {
          this.#settle(group.members, result.version, budget);
          return;
        }
        this.#logger.log('info', 'Append is prepared again after a conflict', {
          table: this.#log.table,
          conflict: result.conflict.kind,
          version: reader.snapshot.version,
        });
        await reader.reloadIfOld();
        group = await this.#plan(
          group.members.map(({ waiting }) => waiting),
          reader,
        );
      }
    } catch (error) {
      this.#mayBeBehind = true;
      for (const { waiting } of group.members) waiting.reject(error);
    } finally {
      this.#metrics.attemptCount += budget.used;
    }
  }

  /** One member's rows cannot be written; alone, each meets its own fate. */
  async #commitOneByOne({ members }: Group, reader: TableReader): Promise<void> {
    for (const { waiting } of members) {
      let alone: Group;
      try {
        alone = await this.#plan([waiting], reader);
      } catch (error) {
        waiting.reject(error);
        continue;
      }
      await this.#commitGroup(alone, reader);
    }
  }

  #encode({
    members,
    table,
  }: Group): { kind: 'encoded'; files: readonly EncodedFile[] } | { kind: 'failed'; error: unknown } {
    const parts = members.flatMap(({ append }) => append.parts);
    try {
      return { kind: 'encoded', files: encodeParts(parts, table, this.#options.encode) };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  async #commitEncoded(
    { members, table }: Group,
    files: readonly EncodedFile[],
    reader: TableReader,
    budget: AttemptBudget,
  ): Promise<CommitResult> {
    const { clock, random } = this.#options;
    const log = this.#log;
    const { snapshot } = reader;
    const written = await writeFiles(files, table, { store: log.store, clock, random });
    this.#metrics.dataFileCount += written.length;
    this.#metrics.dataBytes += written.reduce((sum, { size }) => sum + size, 0);
    const staged = members.flatMap(({ append }) => append.files.map(({ add }) => add));
    const commit = buildAppendCommit({
      members: members.map(({ append }) => append),
      adds: [...written, ...staged],
      rowCount: members.reduce((sum, { append }) => sum + append.rowCount, 0),
      before: snapshot,
      after: table.definition,
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
      rowCount += append.rowCount;
      waiting.resolve({ kind: 'committed', version, rowCount: append.rowCount });
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

function isMismatch(plan: AppendPlan): boolean {
  const error = plan.kind === 'failed' ? plan.error : undefined;
  return error instanceof TributaryError && error.code === 'DELTA_SCHEMA_MISMATCH';
}
