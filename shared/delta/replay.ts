// Pure. Commits -> the state of a table, one version after the other (PROTOCOL.md "Action Reconciliation").
import type { CommitActions } from './actions.js';
import { logicalFileKey } from './paths.js';
import type { AddAction, Metadata, Protocol, Snapshot } from './types.js';
import { VersionedMap } from './versionedMap.js';

/** A snapshot that can be advanced. Earlier states stay valid, and advancing costs what the commit holds. */
export interface TableState extends Snapshot {
  readonly files: VersionedMap<string, AddAction>;
  readonly transactions: VersionedMap<string, number>;
  /** Rows of the files that have statistics. */
  readonly countedRows: number;
  readonly filesWithoutRowCount: number;
}

interface Totals {
  bytes: number;
  rows: number;
  filesWithoutRowCount: number;
}

export type ReplayResult<State> =
  | { readonly kind: 'state'; readonly state: State }
  | { readonly kind: 'incomplete'; readonly missing: 'protocol' | 'metaData' };

/** The first state, from a checkpoint's actions or those of version 0. */
export function startState(version: number, actions: CommitActions): ReplayResult<TableState> {
  if (actions.protocol === undefined) return { kind: 'incomplete', missing: 'protocol' };
  if (actions.metadata === undefined) return { kind: 'incomplete', missing: 'metaData' };
  const empty = emptyState(version, actions.protocol, actions.metadata);
  return { kind: 'state', state: advanceState(empty, version, actions) };
}

function emptyState(version: number, protocol: Protocol, metadata: Metadata): TableState {
  return {
    version,
    protocol,
    metadata,
    files: VersionedMap.empty(),
    transactions: VersionedMap.empty(),
    totalBytes: 0,
    totalRows: 0,
    countedRows: 0,
    filesWithoutRowCount: 0,
  };
}

/** The state after one more commit; for several actions on one file or application the commit's adds count last. */
export function advanceState(state: TableState, version: number, actions: CommitActions): TableState {
  const totals: Totals = {
    bytes: state.totalBytes,
    rows: state.countedRows,
    filesWithoutRowCount: state.filesWithoutRowCount,
  };
  const changes = fileChanges(state.files, actions, totals);
  const transactions = actions.transactions.map(({ appId, version }) => [appId, version] as const);
  return {
    version,
    protocol: actions.protocol ?? state.protocol,
    metadata: actions.metadata ?? state.metadata,
    files: changes.size === 0 ? state.files : state.files.with(changes),
    transactions: transactions.length === 0 ? state.transactions : state.transactions.with(transactions),
    totalBytes: totals.bytes,
    totalRows: totals.filesWithoutRowCount === 0 ? totals.rows : undefined,
    countedRows: totals.rows,
    filesWithoutRowCount: totals.filesWithoutRowCount,
  };
}

function fileChanges(
  files: ReadonlyMap<string, AddAction>,
  actions: CommitActions,
  totals: Totals,
): Map<string, AddAction | undefined> {
  const changes = new Map<string, AddAction | undefined>();
  const replace = (key: string, add: AddAction | undefined): void => {
    const before = changes.has(key) ? changes.get(key) : files.get(key);
    if (before === undefined && add === undefined) return;
    if (before !== undefined) count(totals, before, -1);
    if (add !== undefined) count(totals, add, 1);
    changes.set(key, add);
  };
  for (const remove of actions.removes) replace(logicalFileKey(remove), undefined);
  for (const add of actions.adds) replace(logicalFileKey(add), add);
  return changes;
}

function count(totals: Totals, add: AddAction, sign: 1 | -1): void {
  totals.bytes += sign * add.size;
  const rows = rowCountOf(add);
  if (rows === undefined) totals.filesWithoutRowCount += sign;
  else totals.rows += sign * (rows - (add.deletionVector?.cardinality ?? 0));
}

/** `numRecords` of the file's statistics, deleted rows included; undefined when there are none, or they cannot be read. */
export function rowCountOf(add: AddAction): number | undefined {
  if (add.stats === undefined) return undefined;
  try {
    const stats: unknown = JSON.parse(add.stats);
    const rows = (stats as { readonly numRecords?: unknown } | null)?.numRecords;
    return Number.isSafeInteger(rows) ? (rows as number) : undefined;
  } catch {
    return undefined;
  }
}
