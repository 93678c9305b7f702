// Pure. The ledger's rows as what they mean.
import type { LedgerRow, LedgerValues } from '../../storage/index.js';

/** A file as it lies in the landing container. */
export interface LandedFile {
  /** In the container. */
  readonly path: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/**
 * - `waiting`: discovered, or in a batch that is not committed;
 * - `committed`: its rows are in the table;
 * - `unreadable`: committed, but nothing in it could be read: quarantine says why;
 * - `missing`: it was gone before it could be read;
 * - `skipped`: not to be loaded: there before the stream began, or too old.
 */
export type FileState = 'waiting' | 'committed' | 'unreadable' | 'missing' | 'skipped';

/** A file of the ledger, as `cloud_files_state` of Auto Loader shows it. */
export interface FileRow extends LandedFile {
  readonly id: string;
  readonly state: FileState;
  readonly discoveredMs: number;
  readonly batch: number | undefined;
  readonly committedVersion: number | undefined;
  readonly committedMs: number | undefined;
  readonly rowCount: number | undefined;
  readonly badCount: number | undefined;
  /** Where the file went, when it was moved; empty when it was deleted. */
  readonly archivedTo: string | undefined;
}

/** A file that waits. */
export interface WaitingFile extends LandedFile {
  readonly id: string;
  readonly key: string;
  readonly discoveredMs: number;
}

/** `etag` is a name that rows have for their own. */
export function landedValues({ path, etag, sizeBytes, modifiedMs }: LandedFile): LedgerValues {
  return { path, fileEtag: etag, sizeBytes, modifiedMs };
}

export function landedOf({ values }: LedgerRow): LandedFile {
  return {
    path: String(values.path),
    etag: String(values.fileEtag),
    sizeBytes: Number(values.sizeBytes),
    modifiedMs: Number(values.modifiedMs),
  };
}

export function fileRowOf(row: LedgerRow): FileRow {
  const { values } = row;
  const number = (name: string) => (typeof values[name] === 'number' ? values[name] : undefined);
  return {
    ...landedOf(row),
    id: row.row.slice('f:'.length),
    state: String(values.state) as FileState,
    discoveredMs: Number(values.discoveredMs),
    batch: number('batch'),
    committedVersion: number('committedVersion'),
    committedMs: number('committedMs'),
    rowCount: number('rowCount'),
    badCount: number('badCount'),
    archivedTo: typeof values.archivedTo === 'string' ? values.archivedTo : undefined,
  };
}

export function fileValues({ etag, ...file }: Omit<FileRow, 'id'>): LedgerValues {
  const entries = Object.entries({ ...file, id: undefined, fileEtag: etag });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as LedgerValues;
}
