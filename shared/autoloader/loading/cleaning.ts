// Takes files that were loaded out of the landing container, and forgets those that are too old to come again.
import { type Clock, TributaryError } from '../../base/index.js';
import type { FileStream } from '../../pipeline/index.js';
import type { LandingStore } from '../../storage/index.js';
import type { FileLedger, FileRow } from '../ledger/index.js';
import { folderOf } from './fileMatch.js';

export interface CleaningOptions {
  readonly stream: FileStream;
  readonly landing: LandingStore;
  readonly ledger: FileLedger;
  readonly clock: Clock;
}

export interface CleaningResult {
  readonly archivedCount: number;
  readonly forgottenCount: number;
}

/**
 * Safe to repeat and to run beside a loader: only files are touched that are in the table, in the version that was loaded.
 * @throws TributaryError STORAGE_DENIED, STORAGE_UNAVAILABLE; STORAGE_REJECTED for the first file that cannot be archived, once all others
 * are dealt with
 */
export async function cleanSource(options: CleaningOptions): Promise<CleaningResult> {
  const { stream, ledger, clock } = options;
  const nowMs = clock.nowMs();
  let archivedCount = 0;
  const forgotten: string[] = [];
  const failures: unknown[] = [];
  for await (const file of ledger.files()) {
    const { mode, retentionMs } = stream.cleanSource;
    const isDue =
      mode !== 'off' &&
      file.state === 'committed' &&
      file.archivedTo === undefined &&
      (file.committedMs ?? nowMs) + retentionMs <= nowMs;
    try {
      if (isDue && (await archive(file, options))) archivedCount++;
    } catch (error) {
      if (!concernsOneFile(error)) throw error;
      failures.push(error);
    }
    const isOld = stream.maxFileAgeMs !== undefined && file.modifiedMs + stream.maxFileAgeMs < nowMs;
    if (isOld && file.state !== 'waiting') forgotten.push(file.id);
  }
  await ledger.forget(forgotten);
  if (failures.length > 0) throw failures[0];
  return { archivedCount, forgottenCount: forgotten.length };
}

/** As a name that is too long below the archive's. */
function concernsOneFile(error: unknown): boolean {
  return error instanceof TributaryError && error.code === 'STORAGE_REJECTED';
}

/** @returns false when another version lies there now, which stays */
async function archive(file: FileRow, { stream, landing, ledger }: CleaningOptions): Promise<boolean> {
  const { mode } = stream.cleanSource;
  const target = mode === 'move' ? targetOf(file, stream) : '';
  const result = mode === 'move' ? await landing.move(file, target) : await landing.delete(file);
  if (result.kind === 'changed') return false;
  await ledger.markArchived(file, target);
  return true;
}

/** Versions of one path must not replace each other in the archive. */
function targetOf(file: FileRow, stream: FileStream): string {
  const inside = file.path.slice(folderOf(stream).length);
  const version = stream.allowOverwrites ? `~${file.etag}` : '';
  return `${stream.cleanSource.moveTo ?? ''}/${inside}${version}`;
}
