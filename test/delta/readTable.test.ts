// Reading a snapshot's rows.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { openTable, type ReadRowsOptions, readRows, TableWriter } from '../../shared/delta/index.js';
import { partitionColumn } from '../../shared/delta/partitionValues.js';
import type { ColumnType } from '../../shared/parquet/index.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import { field, partitionAppend, readingsSchema, readLogLines } from '../support/deltaFixtures.js';
import { InstantClock } from '../support/instantClock.js';

const root = 'tables/readings';

/** Three files, a second apart: rows 1-4, 5-6 and 7-9. */
async function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (const last of [4, 6, 9]) {
    await writer.append(partitionAppend('p0', 1, last));
    clock.advance(1000);
  }
  return table;
}

type Table = Awaited<ReturnType<typeof setUp>>;

async function sequencesOf(table: Table, options: Partial<ReadRowsOptions> = {}): Promise<number[][]> {
  const { snapshot } = await openTable(table);
  const batches: number[][] = [];
  for await (const batch of readRows({
    store: table.store,
    root,
    snapshot,
    columns: ['sequence'],
    ...options,
  })) {
    assert.equal(batch.fields.length, 1);
    batches.push(Array.from(batch.columns[0]!.values.slice(0, batch.rowCount), Number));
  }
  return batches;
}

describe('reading rows', () => {
  it('gives a batch per file', async () => {
    assert.deepEqual(await sequencesOf(await setUp()), [
      [1, 2, 3, 4],
      [5, 6],
      [7, 8, 9],
    ]);
  });

  it('starts with the newest file on demand, and stops at a limit', async () => {
    const table = await setUp();
    assert.deepEqual(await sequencesOf(table, { newestFirst: true }), [
      [7, 8, 9],
      [5, 6],
      [1, 2, 3, 4],
    ]);
    assert.deepEqual(await sequencesOf(table, { newestFirst: true, limit: 4 }), [[7, 8, 9], [5]]);
    assert.deepEqual(await sequencesOf(table, { limit: 4 }), [[1, 2, 3, 4]]);
    assert.deepEqual(await sequencesOf(table, { limit: 0 }), []);
  });

  it('gives all columns in the table\u2019s order, nulls where a file lacks one', async () => {
    const table = await setUp();
    const [first = []] = await readLogLines(table.store, root);
    const metaData = first.find((line) => line.metaData !== undefined)?.metaData as object;
    const fields = [field('site', 'string'), ...readingsSchema.fields, field('count', 'long')];
    const line = { metaData: { ...metaData, schemaString: JSON.stringify({ type: 'struct', fields }) } };
    const path = '_delta_log/00000000000000000004.json';
    await storeBelow(table.store, root).put(path, new TextEncoder().encode(JSON.stringify(line)));
    const { snapshot } = await openTable(table);
    for await (const batch of readRows({ store: table.store, root, snapshot })) {
      assert.deepEqual(
        batch.fields.map(({ name }) => name),
        ['site', 'device_id', 'sequence', 'temperature', 'event_time', 'count'],
      );
      const [site, device, , , , count] = batch.columns;
      assert.deepEqual(site?.values, new Array(batch.rowCount).fill(null));
      assert.equal(device?.values[0], 'p0');
      assert.deepEqual(count?.kind === 'numbers' && count.validity, new Uint8Array(batch.rowCount));
    }
  });

  it('names a column that is not there, and a file that is gone', async () => {
    const table = await setUp();
    await assert.rejects(sequencesOf(table, { columns: ['SEQUENCE', 'nope'] }), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /no readable column "nope"\. It has device_id, sequence/,
    });
    for await (const { path } of table.store.list(`${root}/part-`)) await table.store.delete(path);
    await assert.rejects(sequencesOf(table), {
      code: 'DELTA_FILE_MISSING',
      message: /part-.* of table tables/,
    });
  });
});

describe('a partition value', () => {
  const cases: readonly [ColumnType, string, unknown][] = [
    ['string', 'a%20b', 'a%20b'],
    ['binary', '\u0001a', Uint8Array.of(1, 97)],
    ['boolean', 'true', 1],
    ['byte', '-128', -128],
    ['integer', '2147483647', 2147483647],
    ['long', '9007199254740993', 9007199254740993n],
    ['long', '42', 42],
    ['double', '1.0E10', 1e10],
    ['float', 'NaN', Number.NaN],
    ['double', '-Infinity', Number.NEGATIVE_INFINITY],
    ['double', 'inf', Number.POSITIVE_INFINITY],
    ['float', '-inf', Number.NEGATIVE_INFINITY],
    ['date', '1969-12-31', -1],
    ['timestamp', '2024-06-15T19:30:45.000001Z', 1_718_479_845_000_001],
    ['timestamp', '2024-06-15 19:30:45', 1_718_479_845_000_000],
    ['timestamp', '2024-06-15 19:30:45.5', 1_718_479_845_500_000],
    ['timestamp', '2024-06-15T12:30:45.5-07:00', 1_718_479_845_500_000],
    ['timestamp_ntz', '1969-12-31 23:59:59.999999', -1],
  ];
  for (const [type, text, value] of cases) {
    it(`${type} ${JSON.stringify(text)} is ${String(value)}`, () => {
      assert.deepEqual([...partitionColumn(type, text, 2).values], [value, value]);
    });
  }

  it('that is absent or empty is null', () => {
    for (const text of [null, undefined, '']) {
      assert.deepEqual(partitionColumn('string', text, 1).values, [null]);
      const column = partitionColumn('date', text, 1);
      assert.deepEqual(column.kind === 'numbers' && column.validity, Uint8Array.of(0));
    }
  });

  for (const [type, text] of [
    ['boolean', 'yes'],
    ['integer', 'x'],
    ['long', '1.5'],
    ['date', '2024-6-1'],
    ['timestamp', 'yesterday'],
  ] as const) {
    it(`${type} ${text} is refused`, () => {
      assert.throws(() => partitionColumn(type, text, 1), {
        code: 'DELTA_LOG_CORRUPT',
        message: new RegExp(text),
      });
    });
  }
});
