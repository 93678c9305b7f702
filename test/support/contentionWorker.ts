// A process of several writers that append to one table as fast as they can, each with a TableWriter of its own. Reports to its parent when it is ready, waits for its word, and reports what happened.
import { BlobServiceClient } from '@azure/storage-blob';
import { describeError, systemClock, systemRandom } from '../../shared/base/index.js';
import { TableWriter } from '../../shared/delta/index.js';
import { createBlobStore, type ObjectStore } from '../../shared/storage/index.js';
import { partitionAppend } from './deltaFixtures.js';
import { storeWith } from './storeWith.js';

export interface ContentionTask {
  readonly connectionString: string;
  readonly container: string;
  readonly root: string;
  /** Partitions, one a writer. */
  readonly partitions: readonly string[];
  readonly commitsPerWriter: number;
  readonly rowsPerCommit: number;
}

export type ContentionReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reason: string }
  | {
      readonly kind: 'done';
      /** Versions that the appends were told. */
      readonly versions: readonly number[];
      /** Attempts of each append. */
      readonly attempts: readonly number[];
      readonly dataFileCount: number;
    };

function report(message: ContentionReport): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

const task = JSON.parse(process.argv[2] ?? '') as ContentionTask;
const service = BlobServiceClient.fromConnectionString(task.connectionString);
const store = rememberingCommits(createBlobStore({ container: service.getContainerClient(task.container) }));
const writers = task.partitions.map((partition) => ({
  partition,
  writer: new TableWriter({ store, root: task.root, clock: systemClock, random: systemRandom }),
}));
const versions: number[] = [];
const attempts: number[] = [];

/**
 * Every writer reads every commit, which on one machine would be most of the test's time and none of its point. A commit
 * that is there never changes, so the writers of a process may share what they read; what is absent is asked for each time.
 */
function rememberingCommits(inner: ObjectStore): ObjectStore {
  const commits = new Map<string, Uint8Array>();
  return storeWith(inner, {
    async read(path, range) {
      const known = commits.get(path);
      if (known !== undefined) return known;
      const bytes = await inner.read(path, range);
      if (bytes !== undefined && range === undefined && path.endsWith('.json')) commits.set(path, bytes);
      return bytes;
    },
  });
}

async function appendAll({ partition, writer }: (typeof writers)[number]): Promise<void> {
  for (let round = 0; round < task.commitsPerWriter; round++) {
    const first = round * task.rowsPerCommit + 1;
    const before = writer.metrics.attemptCount;
    const result = await writer.append(partitionAppend(partition, first, first + task.rowsPerCommit - 1));
    if (result.kind !== 'committed')
      throw new Error(`${partition}: an append of new rows was ${result.kind}`);
    versions.push(result.version);
    attempts.push(writer.metrics.attemptCount - before);
  }
}

process.once('message', async () => {
  try {
    await Promise.all(writers.map(appendAll));
    const dataFileCount = writers.reduce((sum, { writer }) => sum + writer.metrics.dataFileCount, 0);
    await report({ kind: 'done', versions, attempts, dataFileCount });
  } catch (error) {
    await report({ kind: 'failed', reason: describeError(error) });
  }
  process.disconnect();
});
await Promise.all(writers.map(({ writer }) => writer.snapshot()));
await report({ kind: 'ready' });
