// DELETE by a predicate.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../../shared/base/index.js';
import {
  addColumns,
  deleteRows,
  openTable,
  optimizeTable,
  parseRowPredicate,
  planDelete,
  type RowPredicate,
  type TableLocation,
  TableWriter,
  vacuumTable,
  writeCheckpoint,
} from '../../../shared/delta/index.js';
import { readParquet } from '../../../shared/parquet/index.js';
import { createMemoryStore } from '../../../shared/storage/index.js';
import {
  expectedRows,
  field,
  partitionAppend,
  readingsSchema,
  readLogLines,
} from '../../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled } from '../../support/faultyStore.js';
import { setProperties } from '../../support/foreignTable.js';
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

  it('is refused with delta.appendOnly', async () => {
    const table = await setUp();
    await setProperties(table, { 'delta.appendOnly': 'true' });
    await assert.rejects(deleteRows({ ...table, predicate: upTo('p0', 6) }), {
      code: 'DELTA_PROTOCOL_UNSUPPORTED',
      message: /append-only/,
    });
  });

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

interface ChangeFile {
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string>>;
  readonly size: number;
  readonly dataChange: boolean;
}

/** The `cdc` actions of the newest commit. */
async function recordedChanges(table: TableLocation): Promise<ChangeFile[]> {
  const lines = (await readLogLines(table.store, table.root)).at(-1)!;
  return lines.flatMap(({ cdc }) => (cdc === undefined ? [] : [cdc as ChangeFile]));
}

describe('a delete in a table with a change data feed', () => {
  async function setUpFeed() {
    const table = await setUp();
    await setProperties(table, { 'delta.enableChangeDataFeed': 'true' });
    return table;
  }

  /** Rows of the change files as `device/sequence`, with what became of them. */
  async function changesOf(table: TableLocation): Promise<string[]> {
    const rows: string[] = [];
    for (const { path, size, dataChange } of await recordedChanges(table)) {
      assert.match(path, /^_change_data\/part-/);
      assert.equal(dataChange, false);
      const bytes = (await table.store.read(`${table.root}/${path}`))!;
      assert.equal(bytes.length, size);
      const { rowCount, fields, columns } = await readParquet(bytes);
      assert.deepEqual(
        fields.map(({ name }) => name),
        [...readingsSchema.fields.map(({ name }) => name), '_change_type'],
      );
      for (let row = 0; row < rowCount; row++)
        rows.push(`${columns.at(-1)!.values[row]} ${columns[0]!.values[row]}/${columns[1]!.values[row]}`);
    }
    return rows.sort();
  }

  it('records the rows that go, also those of files that go as a whole', async () => {
    const table = await setUpFeed();
    await deleteRows({ ...table, predicate: upTo('p0', 6) });
    assert.deepEqual(await liveRows(table), left);
    assert.deepEqual(
      await changesOf(table),
      [1, 2, 3, 4, 5, 6].map((sequence) => `delete p0/${sequence}`),
    );
  });

  it('records nothing when only whole files go: their removal says it', async () => {
    const table = await setUpFeed();
    await deleteRows({ ...table, predicate: upTo('p0', 4) });
    assert.deepEqual(await recordedChanges(table), []);
    assert.equal((await liveRows(table)).length, 8);
  });

  it('does not disturb readers, checkpoints, optimize and vacuum, which takes the changes by their age', async () => {
    const table = await setUpFeed();
    await deleteRows({ ...table, predicate: upTo('p0', 6) });
    await writeCheckpoint(table);
    await optimizeTable(table);
    assert.deepEqual(await liveRows(table), left);
    const [change] = (await readLogLines(table.store, root)).flat().flatMap(({ cdc }) => (cdc ? [cdc] : []));
    const { path } = change as ChangeFile;
    table.clock.advance(6 * 86_400_000);
    await vacuumTable(table);
    assert.ok(await table.store.head(`${root}/${path}`));
    table.clock.advance(2 * 86_400_000);
    await vacuumTable(table);
    assert.equal(await table.store.head(`${root}/${path}`), undefined);
    assert.deepEqual(await liveRows(table), left);
  });

  it('that dies at any write deletes all or nothing, and the next one completes', async () => {
    for (let atWrite = 1; atWrite <= 4; atWrite++) {
      for (const when of ['before', 'after'] as const) {
        const table = await setUpFeed();
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(deleteRows({ ...table, store: dying, predicate: upTo('p0', 6) }), ProcessKilled);
        const isCommitted = atWrite === 4 && when === 'after';
        assert.deepEqual(await liveRows(table), isCommitted ? left : expectedRows({ p0: 9, p1: 3 }));
        await deleteRows({ ...table, random: seededRandom(2), predicate: upTo('p0', 6) });
        assert.deepEqual(await liveRows(table), left);
        assert.equal((await changesOf(table)).length, 6);
      }
    }
  });

  it('puts the changes of a partition under its values, without its columns', async () => {
    const base = await setUp();
    const table = { ...base, root: 'tables/parts' };
    const partitionColumns = ['device_id'];
    const writer = new TableWriter({ ...table, schema: readingsSchema, partitionColumns });
    await writer.append(partitionAppend('p0', 1, 4));
    await setProperties(table, { 'delta.enableChangeDataFeed': 'true' });
    await deleteRows({ ...table, predicate: upTo('p0', 3) });
    const [change] = await recordedChanges(table);
    assert.deepEqual(change!.partitionValues, { device_id: 'p0' });
    assert.match(change!.path, /^_change_data\/device_id=p0\/part-/);
    const { rowCount, fields } = await readParquet(
      (await table.store.read(`${table.root}/${change!.path}`))!,
    );
    assert.equal(rowCount, 3);
    assert.ok(fields.every(({ name }) => name !== 'device_id'));
  });

  it('is refused when the table has a column called as the feed calls its own', async () => {
    const table = await setUpFeed();
    const fields = [...readingsSchema.fields, field('_change_type', 'string')];
    await addColumns({ ...table, schema: { type: 'struct', fields } });
    await assert.rejects(deleteRows({ ...table, predicate: upTo('p0', 6) }), {
      code: 'DELTA_PROTOCOL_UNSUPPORTED',
      message: /change data feed, but has a column _change_type/,
    });
  });
});
