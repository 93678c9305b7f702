// History and restore.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../../shared/base/index.js';
import {
  openTable,
  optimizeTable,
  readHistory,
  restoreTable,
  TableWriter,
  vacuumTable,
  writeCheckpoint,
} from '../../../shared/delta/index.js';
import { createMemoryStore } from '../../../shared/storage/index.js';
import { expectedRows, partitionAppend, readingsSchema, readLogLines } from '../../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled } from '../../support/faultyStore.js';
import { deleteCommits, putCommitLines } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { storeWith } from '../../support/storeWith.js';
import { liveRows } from '../../support/tableRows.js';

const root = 'tables/readings';
const startMs = 1_700_000_000_000;

/** Versions 1 to 3 append, version 4 packs. */
async function setUp(configuration: Readonly<Record<string, string>> = {}) {
  const clock = new InstantClock(startMs);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema, configuration });
  for (let last = 1; last <= 3; last++) {
    clock.advance(1000);
    await writer.append(partitionAppend('p0', 1, last * 2));
  }
  await optimizeTable(table);
  return table;
}

describe('the history of a table', () => {
  it('tells its commits, newest first', async () => {
    const history = await readHistory(await setUp());
    assert.deepEqual(
      history.map(({ version, operation, isBlindAppend, readVersion }) => [
        version,
        operation,
        isBlindAppend,
        readVersion,
      ]),
      [
        [4, 'OPTIMIZE', false, 3],
        [3, 'WRITE', true, 2],
        [2, 'WRITE', true, 1],
        [1, 'WRITE', true, 0],
        [0, 'CREATE TABLE', true, undefined],
      ],
    );
    assert.equal(history[1]!.operationMetrics.numOutputRows, '2');
    assert.deepEqual(history[1]!.operationParameters, { mode: 'Append', partitionBy: '[]' });
  });

  it('has times that grow with the version, though storage gives whole seconds', async () => {
    const history = await readHistory(await setUp());
    // Version 4 was written with version 3, and version 1 with version 0.
    assert.deepEqual(
      history.map(({ timestampMs }) => timestampMs - startMs),
      [3001, 3000, 2000, 1001, 1000],
    );
  });

  it('may be cut short, and starts where the log starts', async () => {
    const table = await setUp();
    assert.deepEqual(
      (await readHistory({ ...table, limit: 2 })).map(({ version }) => version),
      [4, 3],
    );
    await writeCheckpoint(table);
    await deleteCommits(table.store, root, 0, 2);
    assert.deepEqual(
      (await readHistory(table)).map(({ version }) => version),
      [4, 3],
    );
    assert.deepEqual(await readHistory({ ...table, root: 'tables/none' }), []);
  });

  it('takes any JSON that an engine put there', async () => {
    const table = await setUp();
    await putCommitLines(table.store, root, 5, [
      { commitInfo: { operation: 7, operationParameters: 'x', readVersion: '4', userName: 'ann' } },
    ]);
    await putCommitLines(table.store, root, 6, [{ txn: { appId: 'a', version: 1 } }]);
    const [bare, odd] = await readHistory(table);
    assert.deepEqual([bare!.operation, bare!.operationMetrics], [undefined, {}]);
    assert.deepEqual(
      [odd!.operation, odd!.operationParameters, odd!.readVersion, odd!.userName],
      [undefined, {}, undefined, 'ann'],
    );
  });
});

describe('a restore', () => {
  it('makes a new version with the rows of an old one, and can itself be undone', async () => {
    const table = await setUp();
    assert.deepEqual(await restoreTable({ ...table, version: 2 }), {
      kind: 'restored',
      version: 5,
      restoredFileCount: 2,
      removedFileCount: 1,
    });
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 4 }));
    const { snapshot } = await openTable(table);
    assert.equal(snapshot.transactions.get('ingest/p0'), 6, 'the stream goes on where it was');
    await restoreTable({ ...table, version: 4 });
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 6 }));
    const lines = (await readLogLines(table.store, root)).at(-1)!;
    assert.deepEqual(
      lines.map((line) => Object.keys(line)[0]),
      ['commitInfo', 'remove', 'remove', 'add'],
    );
    assert.equal((lines[1]!.remove as Record<string, unknown>).dataChange, true);
  });

  it('to what the table holds is no commit', async () => {
    const table = await setUp();
    assert.deepEqual(await restoreTable({ ...table, version: 4 }), { kind: 'nothing', version: 4 });
    assert.equal((await readLogLines(table.store, root)).length, 5);
  });

  it('brings the schema and the properties back', async () => {
    const table = await setUp();
    const { metadata } = (await openTable(table)).snapshot;
    await putCommitLines(table.store, root, 5, [{ metaData: { ...metadata, configuration: { a: 'b' } } }]);
    assert.equal((await restoreTable({ ...table, version: 4 })).kind, 'restored');
    assert.deepEqual((await openTable(table)).snapshot.metadata, metadata);
  });

  it('is refused when a vacuum took the files', async () => {
    const table = await setUp();
    table.clock.advance(8 * 86_400_000);
    await vacuumTable(table);
    await assert.rejects(restoreTable({ ...table, version: 2 }), {
      code: 'DELTA_FILE_MISSING',
      message: /cannot go back to version 2: 2 of its data files are gone, part-/,
    });
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 6 }));
  });

  it('is refused when a cleanup took the log, and for versions that are not there', async () => {
    const table = await setUp();
    await writeCheckpoint(table);
    await deleteCommits(table.store, root, 0, 2);
    await assert.rejects(restoreTable({ ...table, version: 2 }), { code: 'DELTA_VERSION_NOT_FOUND' });
    await assert.rejects(restoreTable({ ...table, version: 9 }), { code: 'DELTA_VERSION_NOT_FOUND' });
  });

  it('is refused for append-only tables', async () => {
    const table = await setUp({ 'delta.appendOnly': 'true' });
    await assert.rejects(restoreTable({ ...table, version: 2 }), { message: /append-only/ });
  });

  it('gives way to whoever commits meanwhile', async () => {
    const table = await setUp();
    const racing = storeWith(table.store, {
      async putIfAbsent(path, bytes) {
        await putCommitLines(table.store, root, 5, [{ commitInfo: { operation: 'WRITE' } }]);
        return table.store.putIfAbsent(path, bytes);
      },
    });
    assert.deepEqual(await restoreTable({ ...table, store: racing, version: 2 }), {
      kind: 'conflict',
      version: 5,
    });
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 6 }));
  });

  it('that dies leaves the table as it was or as it should be', async () => {
    for (const [when, rows] of [
      ['before', 6],
      ['after', 4],
    ] as const) {
      const table = await setUp();
      const dying = new FaultyStore(table.store, { crash: { atWrite: 1, when } });
      await assert.rejects(restoreTable({ ...table, store: dying, version: 2 }), ProcessKilled);
      assert.deepEqual(await liveRows(table), expectedRows({ p0: rows }));
      await restoreTable({ ...table, random: seededRandom(2), version: 2 });
      assert.deepEqual(await liveRows(table), expectedRows({ p0: 4 }));
    }
  });
});
