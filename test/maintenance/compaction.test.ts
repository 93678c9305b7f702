import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { openTable, optimizeTable, TableWriter, type UpkeepOptions } from '../../shared/delta/index.js';
import { commitCompaction, planCompaction, rewriteFiles, tendLog } from '../../shared/maintenance/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';
import { blindAppend, readingsBatch, readingsSchema } from '../support/deltaFixtures.js';
import { putCommitLines } from '../support/foreignTable.js';
import { InstantClock } from '../support/instantClock.js';

const limits = { targetFileBytes: 128 * 2 ** 20, minimumSmallFiles: 5 };
const sortBy = ['device_id', 'event_time'];
const feature = 'deletionVectors';

/** A table with `fileCount` files of ten rows. */
async function smallFiles(
  fileCount: number,
  configuration: Readonly<Record<string, string>> = {},
): Promise<UpkeepOptions> {
  const clock = new InstantClock(Date.UTC(2026, 0, 1));
  const table = { store: createMemoryStore(clock), root: 't', clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema, configuration });
  for (let file = 0; file < fileCount; file++) {
    await writer.append(blindAppend(readingsBatch(`device_${file % 3}`, file * 10, file * 10 + 9)));
  }
  return table;
}

async function filesAndRows(table: UpkeepOptions) {
  const { snapshot } = await openTable(table);
  return { files: snapshot.files.size, rows: snapshot.totalRows };
}

describe('compaction in three steps', () => {
  it('merges small files and keeps the rows', async () => {
    const table = await smallFiles(12);
    const plan = await planCompaction(table, limits);
    const results = await Promise.all(plan.bins.map((bin) => rewriteFiles(table, bin, sortBy)));
    const result = await commitCompaction(table, plan, results);
    assert.deepEqual(result, { kind: 'compacted', version: 13, removedCount: 12, addedCount: 1 });
    assert.deepEqual(await filesAndRows(table), { files: 1, rows: 120 });
  });

  it('goes by the size that the table asks for, unless another is given', async () => {
    const table = await smallFiles(12, { 'delta.targetFileSize': '4kb' });
    const { snapshot } = await openTable(table);
    const perBin = Math.floor(4096 / Math.max(...[...snapshot.files.values()].map(({ size }) => size)));
    assert.ok(perBin > 1 && perBin < 6, `${perBin} files in a bin`);
    const byTable = await planCompaction(table, { targetFileBytes: undefined, minimumSmallFiles: 2 });
    assert.ok(byTable.bins.length > 1);
    assert.equal((await planCompaction(table, limits)).bins.length, 1);
  });

  it('waits until enough small files have gathered', async () => {
    const { bins } = await planCompaction(await smallFiles(4), limits);
    assert.deepEqual(bins, []);
  });

  it('does not wait to be rid of deleted rows', async () => {
    const table = await smallFiles(1);
    const [file] = (await openTable(table)).snapshot.files.values();
    const deletionVector = { storageType: 'i', pathOrInlineDv: '', sizeInBytes: 1, cardinality: 9 };
    await putCommitLines(table.store, 't', 2, [
      {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: [feature],
          writerFeatures: [feature],
        },
      },
      { remove: { path: file!.path, dataChange: true } },
      { add: { ...file, deletionVector } },
    ]);
    assert.deepEqual((await planCompaction(table, limits)).bins, [{ paths: [file!.path] }]);
  });

  it('changes nothing when its commit is repeated after a lost answer', async () => {
    const table = await smallFiles(6);
    const plan = await planCompaction(table, limits);
    const results = await Promise.all(plan.bins.map((bin) => rewriteFiles(table, bin, sortBy)));
    await commitCompaction(table, plan, results);
    assert.deepEqual(await commitCompaction(table, plan, results), { kind: 'aborted' });
    assert.deepEqual(await filesAndRows(table), { files: 1, rows: 60 });
  });

  it('leaves a bin out whose files a rival has removed since the plan', async () => {
    const table = await smallFiles(6);
    const plan = await planCompaction(table, limits);
    await optimizeTable(table);
    const results = await Promise.all(plan.bins.map((bin) => rewriteFiles(table, bin, sortBy)));
    assert.deepEqual(results, [{ kind: 'stale' }]);
    assert.deepEqual(await commitCompaction(table, plan, results), { kind: 'nothing' });
    assert.deepEqual(await filesAndRows(table), { files: 1, rows: 60 });
  });

  it('drops its work when a rival removes the files between the rewrite and the commit', async () => {
    const table = await smallFiles(6);
    const plan = await planCompaction(table, limits);
    const results = await Promise.all(plan.bins.map((bin) => rewriteFiles(table, bin, sortBy)));
    await optimizeTable(table);
    assert.deepEqual(await commitCompaction(table, plan, results), { kind: 'aborted' });
    assert.deepEqual(await filesAndRows(table), { files: 1, rows: 60 });
  });

  it('drops its work when a rival deletes rows of an input by a vector between the rewrite and the commit', async () => {
    const table = await smallFiles(6);
    const plan = await planCompaction(table, limits);
    const results = await Promise.all(plan.bins.map((bin) => rewriteFiles(table, bin, sortBy)));
    const [file] = (await openTable(table)).snapshot.files.values();
    const deletionVector = { storageType: 'i', pathOrInlineDv: '', sizeInBytes: 1, cardinality: 1 };
    await putCommitLines(table.store, 't', 7, [
      { commitInfo: { timestamp: 1, operation: 'DELETE' } },
      { remove: { path: file!.path, dataChange: true, deletionTimestamp: 1 } },
      { add: { ...file, deletionVector } },
    ]);
    assert.deepEqual(await commitCompaction(table, plan, results), { kind: 'aborted' });
  });

  it('hands names from step to step, not what the log says of the files', async () => {
    const table = await smallFiles(200);
    const plan = await planCompaction(table, limits);
    const results = await Promise.all(plan.bins.map((bin) => rewriteFiles(table, bin, sortBy)));
    assert.ok(JSON.stringify(plan).length < 200 * 80);
    assert.ok(JSON.stringify(results).length < 2_000);
  });

  it('keeps rows that are appended meanwhile', async () => {
    const table = await smallFiles(6);
    const plan = await planCompaction(table, limits);
    const results = await Promise.all(plan.bins.map((bin) => rewriteFiles(table, bin, sortBy)));
    await new TableWriter(table).append(blindAppend(readingsBatch('late', 0, 4)));
    await commitCompaction(table, plan, results);
    assert.deepEqual(await filesAndRows(table), { files: 2, rows: 65 });
  });
});

describe('tendLog', () => {
  it('writes a checkpoint when ten versions have passed, and not again at once', async () => {
    const table = await smallFiles(12);
    assert.deepEqual(await tendLog(table), { checkpointVersion: 12, deletedLogFileCount: 0 });
    assert.deepEqual(await tendLog(table), { checkpointVersion: null, deletedLogFileCount: 0 });
  });
});
