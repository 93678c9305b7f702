// Deletes many objects, a bounded number at once.
import { type Clock, describeError, type Random } from '../../base/index.js';
import type { ObjectStore } from '../../storage/index.js';
import { isTransient, retryTransient } from '../retry.js';

/** Enough to hide the latency of a request, few enough for a storage account's limits. */
const parallelDeletes = 16;
const maxAttempts = 4;

export interface DeletionResult {
  /** Gone now; those that were gone before count, too. */
  readonly deletedCount: number;
  /** Refused by the storage for good, as an immutability policy does. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * In the order given, as far as batches go: all of a batch are gone before the next one starts.
 * @throws TributaryError STORAGE_UNAVAILABLE; what is deleted stays deleted, and the same call completes the rest
 */
export async function deleteAll(
  store: ObjectStore,
  paths: readonly string[],
  context: { readonly clock: Clock; readonly random: Random },
  onProgress: (doneCount: number) => void = () => {},
): Promise<DeletionResult> {
  const refused: { path: string; reason: string }[] = [];
  for (let start = 0; start < paths.length; start += parallelDeletes) {
    const batch = paths.slice(start, start + parallelDeletes);
    await Promise.all(
      batch.map(async (path) => {
        try {
          await retryTransient(() => store.delete(path), maxAttempts, context);
        } catch (error) {
          if (isTransient(error) || !isRefusal(error)) throw error;
          refused.push({ path, reason: describeError(error) });
        }
      }),
    );
    onProgress(start + batch.length);
  }
  return { deletedCount: paths.length - refused.length, refused };
}

function isRefusal(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return code === 'STORAGE_REJECTED' || code === 'STORAGE_INVALID_PATH';
}
