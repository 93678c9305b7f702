// Many writers in several processes on one table, as a scaled-out function app is: nothing is lost, doubled or given up.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { systemClock, systemRandom } from '../../shared/base/index.js';
import { type AddAction, createTable, openTable } from '../../shared/delta/index.js';
import { createBlobStore } from '../../shared/storage/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import type { ContentionReport, ContentionTask } from '../support/contentionWorker.js';
import {
  committedRows,
  dataFiles,
  expectedRows,
  readingsSchema,
  readLogLines,
} from '../support/deltaFixtures.js';
import { startTestAzurite } from '../support/testAzurite.js';

const root = 'tables/readings';
const processCount = 4;
const writersPerProcess = 8;
const commitsPerWriter = 50;
const rowsPerCommit = 5;
const commitCount = processCount * writersPerProcess * commitsPerWriter;

it('32 writers in 4 processes make 50 commits each on one table', async (t) => {
  const cleanup = reverseCleanup(t);
  const { connectionString } = await startTestAzurite(cleanup);
  const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('lake');
  await container.create();
  const store = createBlobStore({ container });
  await createTable({ store, root, schema: readingsSchema, clock: systemClock, random: systemRandom });

  const partitions = Array.from({ length: processCount * writersPerProcess }, (_, index) => `p${index}`);
  const workers = Array.from({ length: processCount }, (_, index) =>
    startWorker(cleanup, {
      connectionString,
      container: 'lake',
      root,
      partitions: partitions.slice(index * writersPerProcess, (index + 1) * writersPerProcess),
      commitsPerWriter,
      rowsPerCommit,
    }),
  );
  for (const worker of workers) assert.deepEqual(await worker.next(), { kind: 'ready' });
  const startMs = performance.now();
  for (const worker of workers) worker.go();
  const reports = await Promise.all(workers.map((worker) => worker.next()));
  const seconds = (performance.now() - startMs) / 1000;
  const done = reports.map((report) => {
    assert.equal(report.kind, 'done', JSON.stringify(report));
    return report as Extract<ContentionReport, { kind: 'done' }>;
  });
  describeRun(t, done, seconds);

  // Every append got a version of its own, without a gap.
  const versions = done.flatMap((report) => report.versions).sort((left, right) => left - right);
  assert.deepEqual(
    versions,
    Array.from({ length: commitCount }, (_, index) => index + 1),
  );
  const log = await readLogLines(store, root);
  assert.equal(log.length, commitCount + 1);
  // Losing a race costs no second data file, and no file is referred to twice.
  assert.equal(
    done.reduce((sum, report) => sum + report.dataFileCount, 0),
    commitCount,
  );
  const paths = log.flat().flatMap(({ add }) => (add === undefined ? [] : [(add as AddAction).path]));
  assert.equal(new Set(paths).size, commitCount);
  assert.deepEqual(paths.sort(), (await dataFiles(store, root)).sort());
  // Every row once.
  const lasts = Object.fromEntries(
    partitions.map((partition) => [partition, commitsPerWriter * rowsPerCommit]),
  );
  assert.deepEqual(await committedRows(store, root), expectedRows(lasts));
  const { snapshot } = await openTable({ store, root, clock: systemClock });
  assert.equal(snapshot.version, commitCount);
  assert.equal(snapshot.totalRows, commitCount * rowsPerCommit);
});

function describeRun(
  t: TestContext,
  done: readonly Extract<ContentionReport, { kind: 'done' }>[],
  seconds: number,
): void {
  const attempts = done.flatMap((report) => report.attempts).sort((left, right) => left - right);
  const quantile = (share: number) => attempts[Math.floor(share * attempts.length)];
  const total = attempts.reduce((sum, count) => sum + count, 0);
  t.diagnostic(
    `${commitCount} commits in ${seconds.toFixed(1)} s: ${total} attempts, ` +
      `median ${quantile(0.5)}, 99 % up to ${quantile(0.99)}, most ${attempts.at(-1)} for one append`,
  );
}

interface Worker {
  /** @returns the next report; a `failed` one when the process ended without */
  next(): Promise<ContentionReport>;
  go(): void;
}

function startWorker(cleanup: { after(callback: () => unknown): void }, task: ContentionTask): Worker {
  const script = join(import.meta.dirname, '..', 'support', 'contentionWorker.js');
  const child: ChildProcess = fork(script, [JSON.stringify(task)], {
    execArgv: ['--enable-source-maps'],
  });
  const exited = once(child, 'exit');
  cleanup.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    async next() {
      const ended = exited.then(
        ([code]): ContentionReport => ({
          kind: 'failed',
          reason: `the process ended with ${code}`,
        }),
      );
      const message = once(child, 'message').then(([report]) => report as ContentionReport);
      return Promise.race([message, ended]);
    },
    go: () => void child.send('go'),
  };
}
