// DELETE by a predicate.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../../shared/base/index.js';
import {
  deleteRows,
  openTable,
  optimizeTable,
  parseRowPredicate,
  planDelete,
  type RowPredicate,
  TableWriter,
} from '../../../shared/delta/index.js';
import { createMemoryStore } from '../../../shared/storage/index.js';
import { expectedRows, partitionAppend, readingsSchema, readLogLines } from '../../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled } from '../../support/faultyStore.js';
import { putCommitLines } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { isWhole, ofSeeds } from '../../support/seeds.js';
import { storeWith } from '../../support/storeWith.js';
import { TableRace } from '../../support/tableRace.js';
import { liveRows } from '../../support/tableRows.js';

const root = 'tables/readings';

const upTo = (device: string, last: number): RowPredicate => ({
  description: `device_id = '${device}' and sequence <= ${last}`,
  columns: ['sequence', 'device_id'],
  matches: ({ columns }, row) =>
    columns[1]!.values[row] === device && Number(columns[0]!.values[row]) <= last,
});

async function setUp(configuration: Readonly<Record<string, string>> = {}) {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema, configuration });
  for (const [partition, last] of [
    ['p0', 4],
    ['p1', 3],
    ['p0', 9],
  ] as const)
    await writer.append(partitionAppend(partition, 1, last));
  return table;
}

const left = expectedRows({ p0: 9, p1: 3 }).filter(
  (row) => !(row.startsWith('p0/') && Number(row.slice(3)) <= 6),
);

describe('a delete', () => {
  it('drops files whose rows all match, rewrites those with some, and leaves the others', async () => {
    const table = await setUp();
    const before = (await openTable(table)).snapshot;
    assert.deepEqual(await deleteRows({ ...table, predicate: upTo('p0', 6) }), {
      kind: 'deleted',
      version: 4,
      deletedRowCount: 6,
      copiedRowCount: 3,
      removedFileCount: 2,
      addedFileCount: 1,
    });
    assert.deepEqual(await liveRows(table), left);
    const { snapshot } = await openTable(table);
    assert.equal(snapshot.totalRows, left.length);
    assert.equal([...before.files.keys()].filter((path) => snapshot.files.has(path)).length, 1);
    const [info, ...files] = (await readLogLines(table.store, root)).at(-1)!;
    const { commitInfo } = info as { commitInfo: Record<string, unknown> };
    assert.equal(commitInfo.operation, 'DELETE');
    assert.deepEqual(commitInfo.operationParameters, {
      predicate: '["device_id = \'p0\' and sequence <= 6"]',
    });
    for (const line of files)
      assert.equal(((line.add ?? line.remove) as { dataChange: boolean }).dataChange, true);
  });

  it('of rows that are not there is no commit', async () => {
    const table = await setUp();
    assert.deepEqual(await deleteRows({ ...table, predicate: upTo('p7', 6) }), { kind: 'nothing' });
    assert.equal((await openTable(table)).snapshot.version, 3);
  });

  for (const [property, what] of [
    ['delta.appendOnly', /append-only/],
    ['delta.enableChangeDataFeed', /change data feed/],
  ] as const) {
    it(`is refused with ${property}`, async () => {
      const table = await setUp();
      const { metadata } = (await openTable(table)).snapshot;
      await putCommitLines(table.store, root, 4, [
        { metaData: { ...metadata, configuration: { [property]: 'true' } } },
      ]);
      await assert.rejects(deleteRows({ ...table, predicate: upTo('p0', 6) }), {
        code: 'DELTA_PROTOCOL_UNSUPPORTED',
        message: what,
      });
    });
  }

  it('sees rows that a rival appends meanwhile', async () => {
    const table = await setUp();
    let isFirst = true;
    const store = storeWith(table.store, {
      async putIfAbsent(path, bytes) {
        if (isFirst && path.endsWith('.json')) {
          isFirst = false;
          await new TableWriter({ ...table, random: seededRandom(5) }).append(partitionAppend('p2', 1, 4));
        }
        return table.store.putIfAbsent(path, bytes);
      },
    });
    const everybody: RowPredicate = {
      ...upTo('', 0),
      matches: ({ columns }, row) => Number(columns[0]!.values[row]) <= 2,
    };
    const result = await deleteRows({ ...table, store, predicate: everybody });
    assert.equal(result.kind === 'deleted' && result.deletedRowCount, 6);
    assert.deepEqual(
      await liveRows(table),
      expectedRows({ p0: 9, p1: 3, p2: 4 }).filter((row) => Number(row.slice(3)) > 2),
    );
  });

  it('gives up when rivals interfere every time', async () => {
    const table = await setUp();
    let last = 0;
    const store = storeWith(table.store, {
      async putIfAbsent(path, bytes) {
        if (path.endsWith('.json'))
          await new TableWriter({ ...table, random: seededRandom(50 + last) }).append(
            partitionAppend('p2', 1, ++last),
          );
        return table.store.putIfAbsent(path, bytes);
      },
    });
    const result = await deleteRows({ ...table, store, predicate: upTo('p0', 6), maxAttempts: 3 });
    assert.deepEqual(result, { kind: 'conflict', version: 6 });
    assert.equal((await liveRows(table)).length, 15);
  });

  it('that dies at any write deletes all or nothing, and the next one completes', async () => {
    let crashes = 0;
    for (const atWrite of [1, 2]) {
      for (const when of ['before', 'after'] as const) {
        const table = await setUp();
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(deleteRows({ ...table, store: dying, predicate: upTo('p0', 6) }), ProcessKilled);
        crashes += dying.faultCount;
        const rows = await liveRows(table);
        assert.deepEqual(rows, atWrite === 2 && when === 'after' ? left : expectedRows({ p0: 9, p1: 3 }));
        await deleteRows({ ...table, random: seededRandom(2), predicate: upTo('p0', 6) });
        assert.deepEqual(await liveRows(table), left);
      }
    }
    assert.equal(crashes, 4);
  });

  it('racing with an optimize: deleted rows stay deleted, the others stay', async () => {
    let aborted = 0;
    let lostDeletes = 0;
    let slowDeletes = 0;
    for (let seed = 0; seed < ofSeeds(120); seed++) {
      const table = await setUp();
      const race = new TableRace(table, seed);
      const results = await race.settle<string>([
        async () => (await optimizeTable(race.as(1))).kind,
        async () => {
          const result = await deleteRows({ ...race.as(2), predicate: upTo('p0', 6) });
          if (result.kind === 'deleted' && result.version > 4) slowDeletes++;
          return result.kind;
        },
        async () => (await new TableWriter(race.as(3)).append(partitionAppend('p2', 1, 2))).kind,
      ]);
      const kinds = results.map((result) =>
        result.status === 'fulfilled' ? result.value : String(result.reason),
      );
      if (kinds[0] === 'aborted') aborted++;
      if (kinds[1] !== 'deleted') lostDeletes++;
      assert.deepEqual(await liveRows(table), [...left, 'p2/000001', 'p2/000002'], `seed ${seed}: ${kinds}`);
    }
    assert.equal(lostDeletes, 0);
    // Seldom, as a delete reads all files and so is slower; its own lost races end in another attempt.
    assert.ok(aborted > 0 || !isWhole, 'no optimize was aborted');
    assert.ok(slowDeletes >= ofSeeds(6), `${slowDeletes} deletes came after a rival`);
  });
});

describe('a delete by a condition in SQL', () => {
  it('reads only files that can hold such rows, and a plan says what it will do', async () => {
    const table = await setUp();
    const { snapshot } = await openTable(table);
    const predicate = parseRowPredicate(" device_id = 'p0' AND sequence <= 6 ", snapshot);
    const progress: string[] = [];
    const store = new FaultyStore(table.store);
    const request = {
      ...table,
      store,
      predicate,
      onProgress: (done: number, files: number) => progress.push(`${done}/${files}`),
    };
    assert.deepEqual(await planDelete(request), {
      version: 3,
      fileCount: 3,
      readFileCount: 2,
      deletedRowCount: 6,
      copiedRowCount: 3,
      removedFileCount: 2,
      addedFileCount: 1,
    });
    assert.deepEqual(progress, ['1/2', '2/2']);
    assert.equal(store.writeCount, 0);
    const read = new Set(store.readPaths.filter((path) => path.endsWith('.parquet')));
    assert.equal(read.size, 2);
    assert.deepEqual(await deleteRows({ ...table, predicate }), {
      kind: 'deleted',
      version: 4,
      deletedRowCount: 6,
      copiedRowCount: 3,
      removedFileCount: 2,
      addedFileCount: 1,
    });
    assert.deepEqual(await liveRows(table), left);
    const [info] = (await readLogLines(table.store, root)).at(-1)!;
    assert.deepEqual((info as { commitInfo: Record<string, unknown> }).commitInfo.operationParameters, {
      predicate: '["device_id = \'p0\' AND sequence <= 6"]',
    });
  });

  it('deletes by null and by values of nullable columns', async () => {
    const table = await setUp();
    const { snapshot } = await openTable(table);
    const predicate = parseRowPredicate('temperature IS NULL OR temperature >= 4', snapshot);
    await deleteRows({ ...table, predicate });
    // Every third temperature is null; the others are half the sequence number.
    const kept = expectedRows({ p0: 9, p1: 3 }).filter((row) => {
      const sequence = Number(row.slice(3));
      return sequence % 3 !== 0 && sequence < 8;
    });
    assert.deepEqual(await liveRows(table), kept);
  });

  it('that matches nothing reads nothing where statistics tell', async () => {
    const table = await setUp();
    const { snapshot } = await openTable(table);
    const store = new FaultyStore(table.store);
    const predicate = parseRowPredicate("device_id IN ('p7', 'p8')", snapshot);
    assert.deepEqual(await deleteRows({ ...table, store, predicate }), { kind: 'nothing' });
    assert.ok(store.readPaths.every((path) => !path.endsWith('.parquet')));
  });
});
