// Pure. What a rival's commit means for an append that lost the race to it (the append columns of Spark's conflict rules).
import type { CommitActions } from './actions.js';
import { canonicalPath } from './paths.js';
import type { AddAction } from './types.js';

export type Conflict =
  /** The append can go to the next version as it is. */
  | { readonly kind: 'none' }
  /** The rival changed what the append was checked against: protocol, schema or properties. */
  | { readonly kind: 'tableChanged' }
  /** The rival committed for applications whose versions decided what the append contains. */
  | { readonly kind: 'transaction'; readonly appIds: readonly string[] };

/**
 * Added and removed files of the rival never matter: an append reads no files.
 * @param readAppIds applications whose versions the append was prepared with
 */
export function checkAppendConflict(readAppIds: ReadonlySet<string>, winner: CommitActions): Conflict {
  if (winner.protocol !== undefined || winner.metadata !== undefined) return { kind: 'tableChanged' };
  const appIds = winner.transactions.map(({ appId }) => appId).filter((appId) => readAppIds.has(appId));
  return appIds.length === 0 ? { kind: 'none' } : { kind: 'transaction', appIds };
}

/**
 * What a transaction other than an append rests on. An append is the same with its `appIds` alone.
 *
 * | operation | files | removes | looksFor | changes |
 * |-|-|-|-|-|
 * | optimize | inputs | inputs | undefined: its rows stay the same | - |
 * | delete | candidates | rewritten files | rows of its predicate | - |
 * | restore | all | all that go | everything | maybe metadata |
 * | metadata, protocol | - | - | everything, when the table was read for it | one of both |
 */
export interface TransactionFacts {
  /** Applications that it reads or writes. */
  readonly appIds: ReadonlySet<string>;
  /** Canonical paths of the files that it read. */
  readonly files: ReadonlySet<string>;
  /** Canonical paths of the files that it removes. */
  readonly removes: ReadonlySet<string>;
  /** Whether an added file could hold rows that it should have seen; undefined when new rows do not concern it. */
  readonly looksFor: ((add: AddAction) => boolean) | undefined;
  readonly changesTable: boolean;
  /** `delta.isolationLevel`: with `WriteSerializable` blind appends of rivals may be ordered after this transaction. */
  readonly isolation: 'Serializable' | 'WriteSerializable';
}

export type TransactionConflict =
  | { readonly kind: 'none' }
  | { readonly kind: 'protocolChanged' }
  | { readonly kind: 'metadataChanged' }
  | { readonly kind: 'transaction'; readonly appIds: readonly string[] }
  /** The rival added rows that this transaction should have seen. */
  | { readonly kind: 'rowsAdded'; readonly paths: readonly string[] }
  /** The rival removed files that this transaction read. */
  | { readonly kind: 'readFileRemoved'; readonly paths: readonly string[] }
  /** The rival removed files that this transaction removes, too. */
  | { readonly kind: 'removedTwice'; readonly paths: readonly string[] };

/** Nothing but what is given: a transaction that rests on the protocol and the metadata only. */
export function transactionFacts(facts: Partial<TransactionFacts> = {}): TransactionFacts {
  return {
    appIds: new Set(),
    files: new Set(),
    removes: new Set(),
    looksFor: undefined,
    changesTable: false,
    isolation: 'Serializable',
    ...facts,
  };
}

/**
 * Spark's conflict rules in Spark's order. A changed protocol or metadata always stops the transaction: it was checked against the old
 * one. Deletion vectors do not matter: whoever rewrites a file's deletions removes its path first.
 */
export function checkConflict(facts: TransactionFacts, winner: CommitActions): TransactionConflict {
  if (winner.protocol !== undefined) return { kind: 'protocolChanged' };
  if (winner.metadata !== undefined) return { kind: 'metadataChanged' };
  const appIds = winner.transactions.map(({ appId }) => appId).filter((appId) => facts.appIds.has(appId));
  if (appIds.length > 0) return { kind: 'transaction', appIds };
  const added = addsThatMatter(facts, winner);
  if (added.length > 0) return { kind: 'rowsAdded', paths: added };
  const removed = winner.removes.map(({ path }) => canonicalPath(path));
  const read = removed.filter((path) => facts.files.has(path));
  if (read.length > 0) return { kind: 'readFileRemoved', paths: read };
  const twice = removed.filter((path) => facts.removes.has(path));
  return twice.length === 0 ? { kind: 'none' } : { kind: 'removedTwice', paths: twice };
}

function addsThatMatter(
  { looksFor, isolation, changesTable }: TransactionFacts,
  winner: CommitActions,
): string[] {
  if (looksFor === undefined) return [];
  const isBlind = winner.commitInfo?.isBlindAppend === true && winner.removes.length === 0;
  if (isBlind && isolation === 'WriteSerializable' && !changesTable) return [];
  return winner.adds.filter(looksFor).map(({ path }) => path);
}
