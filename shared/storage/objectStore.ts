// The blob port: the least that a Delta table needs from a storage service.

export interface ObjectInfo {
  /** Path below the store's root, decoded, with `/` between segments and none at the start. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Storage clock; whole seconds on Azure. */
  readonly lastModifiedMs: number;
}

export type PutIfAbsentResult =
  | { readonly kind: 'created' }
  /** Somebody's object is there already. It may be our own, when an earlier response was lost: compare contents. */
  | { readonly kind: 'exists' };

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Contract (test/storage/contract.ts runs it on every implementation):
 * - a read or list that starts after a write returned sees that write;
 * - `putIfAbsent` is atomic and linearisable: of any number of rivals exactly one gets `created`;
 * - an object is visible whole or not at all;
 * - errors are TributaryError: STORAGE_UNAVAILABLE (transient) when the outcome is unknown or the service is down,
 *   STORAGE_DENIED, STORAGE_INVALID_PATH (empty, absolute, `.`/`..` or backslash segments, over 1,024 characters).
 */
export interface ObjectStore {
  /** The whole object, or the bytes of `range` cut to the object's end; undefined when there is none. */
  read(path: string, range?: ByteRange): Promise<Uint8Array | undefined>;
  /** Size and time without the bytes; undefined when there is none. */
  head(path: string): Promise<ObjectInfo | undefined>;
  putIfAbsent(path: string, bytes: Uint8Array): Promise<PutIfAbsentResult>;
  /** Creates or overwrites. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Objects whose path starts with `prefix` and is > `startAfter`, in ascending UTF-8 order; pages are followed. */
  list(prefix: string, options?: { readonly startAfter?: string }): AsyncIterable<ObjectInfo>;
  /** True when it was there. A missing object is not an error. */
  delete(path: string): Promise<boolean>;
}
