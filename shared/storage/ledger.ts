// The table port: small rows under a two-part key, changed with optimistic concurrency.

/** Absent values are left out. Numbers are doubles. Not `partitionKey`, `rowKey`, `etag`, `timestamp`, which rows have anyway. */
export type LedgerValues = Readonly<Record<string, string | number | boolean>>;

/**
 * Rows of one partition are kept in the order of their row keys (by UTF-16 code units) and can be changed together.
 * Each part has 1 to 512 characters; not `/`, `\`, `#`, `?`, nor control characters.
 */
export interface LedgerKey {
  readonly partition: string;
  readonly row: string;
}

export interface LedgerRow extends LedgerKey {
  readonly values: LedgerValues;
  /** Changes with every write. */
  readonly version: string;
}

export interface LedgerRange {
  readonly partition: string;
  /** Inclusive. */
  readonly rowFrom?: string;
  /** Exclusive. */
  readonly rowBefore?: string;
}

/** What `LedgerTable.change` does to one row, under the condition that its kind names. */
export type LedgerChange =
  /** The row must not be there. */
  | { readonly kind: 'insert'; readonly row: string; readonly values: LedgerValues }
  /** The row must be there in this version; its values are replaced as a whole. */
  | {
      readonly kind: 'replace';
      readonly row: string;
      readonly values: LedgerValues;
      readonly version: string;
    }
  /** No condition; values are replaced as a whole. */
  | { readonly kind: 'put'; readonly row: string; readonly values: LedgerValues }
  /** The row must be there. */
  | { readonly kind: 'remove'; readonly row: string };

export type LedgerChangeResult =
  | { readonly kind: 'changed' }
  /**
   * Nothing was changed: a row whose condition did not hold. It may be by our own earlier attempt, whose answer was lost:
   * look at the row.
   */
  | { readonly kind: 'conflict'; readonly row: string };

/** Changes that can be made at once. */
export const maxLedgerChanges = 100;

/**
 * Contract (test/storage/ledgerContract.ts runs it on every implementation):
 * - a read that starts after a write returned sees that write;
 * - `change` is atomic: all of the changes or none; each row at most once; at most `maxLedgerChanges`;
 * - errors are TributaryError: STORAGE_UNAVAILABLE when the outcome is unknown or the service is down, STORAGE_DENIED,
 *   STORAGE_INVALID_PATH for keys that break the rules above, STORAGE_REJECTED for rows that are too large
 *   (32,768 characters per text, 1 MiB per row, 4 MiB per change) or names that the service does not take.
 */
export interface Ledger {
  get(key: LedgerKey): Promise<LedgerRow | undefined>;
  /** Ascending by row key; pages are followed. */
  list(range: LedgerRange): AsyncIterable<LedgerRow>;
  change(partition: string, changes: readonly LedgerChange[]): Promise<LedgerChangeResult>;
}
