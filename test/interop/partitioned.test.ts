// delta-rs reads a table that was partitioned and got new columns here, and writes to it; then both are read here.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { seededRandom, systemClock } from '../../shared/base/index.js';
import { openTable, type StructType, TableWriter } from '../../shared/delta/index.js';
import type { ColumnType } from '../../shared/parquet/index.js';
import { createMemoryStore, type ObjectStore } from '../../shared/storage/index.js';
import { field } from '../support/deltaFixtures.js';
import { batchOf, type Cells, rowObjects } from '../support/rowObjects.js';
import { preparePython, runPython } from './python.js';

const obstacle = preparePython();

/** Columns by which the table is partitioned, with values that are hard to spell. */
const partitions: Readonly<Record<string, readonly [ColumnType, Cells]>> = {
  text: ['string', ['a/b %20', '', 'M\u00fcnchen', '\u{1f600}=', null]],
  flag: ['boolean', [0, 1, null, 1, 0]],
  whole: ['long', [-(2n ** 63n), 0n, 2n ** 63n - 1n, null, 5n]],
  day: ['date', [-719_162, 0, 20_000, null, -1]],
  moment: ['timestamp', [-1, 0, 1_718_479_845_000_001, null, 1_718_479_845_000_000]],
};

async function writeToFolder(store: ObjectStore, folder: string): Promise<void> {
  for await (const { path } of store.list('')) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), (await store.read(path))!);
  }
}

async function readFromFolder(folder: string): Promise<ObjectStore> {
  const store = createMemoryStore(systemClock);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await store.put(path.slice(folder.length + 1), await readFile(path));
  }
  return store;
}

describe('a partitioned table in delta-rs', { skip: obstacle ?? false }, () => {
  it('has the same rows, and its appends go into the same partitions', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'partitioned-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const names = Object.keys(partitions);
    const schema: StructType = {
      type: 'struct',
      fields: [field('id', 'long'), ...names.map((name) => field(name, partitions[name]![0]))],
    };
    const store = createMemoryStore(systemClock);
    const table = { store, root: '', clock: systemClock, random: seededRandom(1) };
    const writer = new TableWriter({ ...table, schema, partitionColumns: names });
    const ids = [1, 2, 3, 4, 5];
    const batch = batchOf({ id: ['long', ids], ...partitions });
    await writer.append({ prepare: () => ({ batch, transactions: [], readAppIds: [] }) });
    const wider = batchOf({ id: ['long', [6]], text: ['string', ['a/b %20']], note: ['string', ['new']] });
    const evolve: StructType = { type: 'struct', fields: [field('note', 'string')] };
    await writer.append({ prepare: () => ({ batch: wider, transactions: [], readAppIds: [], evolve }) });
    const before = await rowObjects(table);
    await writeToFolder(store, folder);

    const seen = runPython('partitioned.py', { folder });
    assert.deepEqual(seen.partitionColumns, names);
    assert.deepEqual(seen.fields, [
      ['id', 'long'],
      ...names.map((name) => [name, partitions[name]![0]]),
      ['note', 'string'],
    ]);
    const rows = seen.rows as (string | number)[][];
    assert.deepEqual(
      rows.map(([id]) => id),
      [1, 2, 3, 4, 5, 6],
    );
    // In the order of the names: day, flag, moment, note, text, whole.
    assert.deepEqual(rows[0]?.slice(1), [
      '0001-01-01',
      'False',
      '1969-12-31 23:59:59.999999+00:00',
      'None',
      'a/b %20',
      '-9223372036854775808',
    ]);
    assert.deepEqual(rows[1]?.slice(4), ['None', 'None', '0']);
    assert.equal(rows[5]?.[4], 'new');

    const theirs = { ...table, store: await readFromFolder(folder) };
    const { files, version } = (await openTable(theirs)).snapshot;
    assert.equal(version, 3);
    const after = await rowObjects(theirs);
    assert.deepEqual(sorted(after), sorted([...before, ...before]));
    const distinct = new Set(
      [...files.values()].map(({ partitionValues }) =>
        JSON.stringify(names.filter((name) => name !== 'moment').map((name) => partitionValues[name])),
      ),
    );
    assert.equal(distinct.size, 6);
  });
});

function sorted(rows: readonly object[]): string[] {
  return rows
    .map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value)))
    .sort();
}
