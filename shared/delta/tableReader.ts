// A table as one process sees it: its newest known state, moved on by reading only the commits that are new.
import { type Clock, TributaryError } from '../base/index.js';
import { type ObjectInfo, type ObjectStore, storeBelow } from '../storage/index.js';
import type { CommitActions } from './actions.js';
import { loadState } from './loadState.js';
import { readCommit, type TableLog } from './log.js';
import { commitPath } from './paths.js';
import { assertReadable } from './protocol.js';
import { advanceState, type TableState } from './replay.js';
import type { Snapshot } from './types.js';

export interface TableLocation {
  readonly store: ObjectStore;
  /** The table's folder in `store`, e.g. `tables/readings`. */
  readonly root: string;
}

export interface OpenTableOptions extends TableLocation {
  readonly clock: Clock;
}

/** Called for each commit that a reader moves over, in order. */
export type CommitVisitor = (version: number, actions: CommitActions) => void;

/**
 * After this time the log is listed again instead of probed for the next version: had cleanup removed that version, or
 * the table been made anew, a probe would never notice. Far below any log retention.
 */
const maxUnlistedMs = 3_600_000;

/** After this time the newest known commit is looked at again: were it gone, or another, the table was made anew. */
const maxUnconfirmedMs = 60_000;

/** Commits probed at once, when there turn out to be many. */
const maxLookahead = 16;

export function logOf({ store, root }: TableLocation): TableLog {
  return { table: root === '' ? '.' : root, store: storeBelow(store, root) };
}

export class TableReader {
  #state: TableState;
  #listedAtMs: number;
  #confirmedAtMs: number;
  /** The newest known commit as storage had it when it was last looked at. */
  #confirmed: { readonly version: number; readonly info: ObjectInfo } | undefined;
  /** Calls take turns, so that each sees what was committed before it began. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly log: TableLog,
    private readonly clock: Clock,
    state: TableState,
  ) {
    this.#state = state;
    this.#listedAtMs = clock.nowMs();
    this.#confirmedAtMs = this.#listedAtMs;
  }

  /** @returns undefined when there is no table */
  static async openIfExists(options: OpenTableOptions): Promise<TableReader | undefined> {
    const log = logOf(options);
    const state = await loadState(log);
    if (state === undefined) return undefined;
    assertReadable(log.table, state.protocol, state.metadata);
    return new TableReader(log, options.clock, state);
  }

  /** The newest state known to this reader; costs nothing. */
  get snapshot(): Snapshot {
    return this.#state;
  }

  /** Looks for new commits, and reads only those. @throws TributaryError as `openTable` does */
  refresh(): Promise<Snapshot> {
    return this.#inTurn(async () => {
      if (await this.#mayBeAnother()) await this.#reload();
      else await this.#advance(() => {});
      if (this.#isUnlistedForLong()) await this.#reload(); // what came was the commit of another table
      return this.#state;
    });
  }

  /** For writers: like `refresh`, and shows them each commit on the way. */
  advance(visit: CommitVisitor): Promise<Snapshot> {
    return this.#inTurn(async () => {
      await this.#advance(visit);
      return this.#state;
    });
  }

  /** For writers: takes over a commit whose actions are known already. */
  adopt(version: number, actions: CommitActions): Snapshot {
    if (version === this.#state.version + 1) this.#accept(version, actions);
    return this.#state;
  }

  /** For writers that no longer trust what they know: loads the state from the log. */
  reload(): Promise<Snapshot> {
    return this.#inTurn(async () => {
      await this.#reload();
      return this.#state;
    });
  }

  /** For writers: loads again when the table may have been made anew, or has not been listed for an hour. */
  async reloadIfOld(): Promise<Snapshot> {
    return (await this.#mayBeAnother()) ? this.reload() : this.#state;
  }

  async #mayBeAnother(): Promise<boolean> {
    if (this.#isUnlistedForLong()) return true;
    const nowMs = this.clock.nowMs();
    if (nowMs - this.#confirmedAtMs <= maxUnconfirmedMs) return false;
    const { version } = this.#state;
    const info = await this.log.store.head(commitPath(version));
    const before = this.#confirmed?.version === version ? this.#confirmed.info : undefined;
    this.#confirmedAtMs = nowMs;
    this.#confirmed = info === undefined ? undefined : { version, info };
    if (info === undefined) return true;
    return (
      before !== undefined &&
      (before.sizeBytes !== info.sizeBytes || before.lastModifiedMs !== info.lastModifiedMs)
    );
  }

  #isUnlistedForLong(): boolean {
    return this.clock.nowMs() - this.#listedAtMs > maxUnlistedMs;
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {}); // the caller gets the error; the next in line starts afresh
    return result;
  }

  async #advance(visit: CommitVisitor): Promise<void> {
    for (let found = 0; ; ) {
      const first = this.#state.version + 1;
      const count = Math.min(maxLookahead, Math.max(1, found));
      const versions = Array.from({ length: count }, (_, index) => first + index);
      const commits = await Promise.all(versions.map((version) => readCommit(this.log, version)));
      for (const [index, version] of versions.entries()) {
        const actions = commits[index];
        if (actions === undefined) return;
        if (version !== this.#state.version + 1) continue; // adopted meanwhile
        this.#accept(version, actions);
        visit(version, actions);
        found++;
      }
    }
  }

  #accept(version: number, actions: CommitActions): void {
    if (actions.protocol !== undefined || actions.metadata !== undefined) {
      const protocol = actions.protocol ?? this.#state.protocol;
      assertReadable(this.log.table, protocol, actions.metadata ?? this.#state.metadata);
    }
    const { id } = this.#state.metadata;
    // Another table's, or one that replaced this: a new listing tells, and the next call makes it.
    if (actions.metadata !== undefined && actions.metadata.id !== id)
      this.#listedAtMs = Number.NEGATIVE_INFINITY;
    this.#state = advanceState(this.#state, version, actions);
  }

  async #reload(): Promise<void> {
    const listedAtMs = this.clock.nowMs();
    const state = await loadState(this.log);
    if (state === undefined) throw tableNotFound(this.log.table);
    assertReadable(this.log.table, state.protocol, state.metadata);
    this.#state = state;
    this.#listedAtMs = listedAtMs;
    this.#confirmedAtMs = listedAtMs;
    this.#confirmed = undefined;
  }
}

export function tableNotFound(table: string): TributaryError {
  return new TributaryError(
    'DELTA_TABLE_NOT_FOUND',
    `There is no Delta table at ${table}: its _delta_log holds no commit. Check the name, or create the table first.`,
  );
}

/** @throws TributaryError DELTA_TABLE_NOT_FOUND, DELTA_PROTOCOL_UNSUPPORTED, DELTA_LOG_CORRUPT, DELTA_LOG_GAP */
export async function openTable(options: OpenTableOptions): Promise<TableReader> {
  const reader = await TableReader.openIfExists(options);
  if (reader === undefined) throw tableNotFound(logOf(options).table);
  return reader;
}
