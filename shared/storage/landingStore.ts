// The landing port: the container into which others write files, read version by version.

/** One version of a file. Names are the senders': any that Azure allows. */
export interface LandedVersion {
  readonly path: string;
  /** Without quotes. Changes with every write. */
  readonly etag: string;
}

export interface LandedInfo extends LandedVersion {
  readonly sizeBytes: number;
  /** Storage clock; whole seconds on Azure. */
  readonly modifiedMs: number;
}

/** Not the version that was asked for: it is `missing`, or `changed` and another one lies there. */
export type LandingMiss = { readonly kind: 'missing' } | { readonly kind: 'changed' };

export type LandingRead = { readonly kind: 'read'; readonly bytes: Uint8Array } | LandingMiss;
export type LandingRemoval = { readonly kind: 'done' } | LandingMiss;

/**
 * Contract (test/storage/landingContract.ts runs it on every implementation):
 * - all bytes that `read` gives for one version are of that version, however often the file is written meanwhile;
 * - errors are TributaryError: STORAGE_UNAVAILABLE, STORAGE_DENIED, STORAGE_CONTAINER_NOT_FOUND, STORAGE_REJECTED.
 */
export interface LandingStore {
  /** Files whose path starts with `prefix`, in ascending order; pages are followed. */
  list(prefix: string): AsyncIterable<LandedInfo>;
  head(path: string): Promise<LandedInfo | undefined>;
  /** @param range inside the file; `end` is exclusive. An empty one only tells whether the version is there. */
  read(version: LandedVersion, range: { readonly start: number; readonly end: number }): Promise<LandingRead>;
  /** Copies the version to `target`, whatever was there, and deletes it. Safe to repeat after a crash in between. */
  move(version: LandedVersion, target: string): Promise<LandingRemoval>;
  delete(version: LandedVersion): Promise<LandingRemoval>;
}
