// Columns that change to wider types: what the log says, and that old and new rows are read alike.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import {
  type AppendRequest,
  addColumns,
  openTable,
  optimizeTable,
  type StructType,
  scanTable,
  TableWriter,
  type TableWriterOptions,
} from '../../shared/delta/index.js';
import { widenBatch } from '../../shared/delta/wideType.js';
import { type ColumnType, type DataType, readParquet } from '../../shared/parquet/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';
import { plainRows } from '../parquet/nestedValues.js';
import { blindAppend, dataFiles, field, readLogLines } from '../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled } from '../support/faultyStore.js';
import { putCommitLines } from '../support/foreignTable.js';
import { InstantClock } from '../support/instantClock.js';
import { Interleaving } from '../support/interleaving.js';
import { batchOf, type Cells, objectsOf, rowObjects } from '../support/rowObjects.js';
import { ofSeeds } from '../support/seeds.js';

const root = 'tables/t';

function schemaOf(type: DataType): StructType {
  const value = { name: 'Value', type, nullable: true, metadata: {} };
  return { type: 'struct', fields: [field('id', 'long', false), value] };
}

function setUp(type: ColumnType) {
  const clock = new InstantClock(1_700_000_000_000);
  return { store: createMemoryStore(clock), root, clock, random: seededRandom(1), schema: schemaOf(type) };
}

type Table = ReturnType<typeof setUp>;

/** Rows with ids from `id` on, once only. */
function appendOf(
  id: number,
  type: ColumnType,
  cells: Cells,
  allowTypeWidening: boolean | 'no evolution' = true,
): AppendRequest {
  const appId = `source/${id}`;
  return {
    prepare(committed) {
      if (committed.has(appId)) return undefined;
      return {
        batch: batchOf({ id: ['long', cells.map((_, row) => id + row)], value: [type, cells] }),
        transactions: [{ appId, version: 1 }],
        readAppIds: [],
        ...(allowTypeWidening !== 'no evolution' && { evolve: schemaOf(type), allowTypeWidening }),
      };
    },
  };
}

async function values(table: Table): Promise<unknown[]> {
  const rows = await rowObjects(table);
  return rows.sort((left, right) => Number(left.id) - Number(right.id)).map(({ Value }) => Value);
}

describe('an append with a wider type', () => {
  it('changes the column, records the change and asks readers for the feature, in one commit', async () => {
    const table = setUp('integer');
    const writer = new TableWriter(table);
    await writer.append(appendOf(1, 'integer', [1, null]));
    await writer.append(appendOf(3, 'long', [2 ** 40]));
    const lines = (await readLogLines(table.store, root))[2] ?? [];
    assert.deepEqual(
      lines.map((line) => Object.keys(line)[0]),
      ['commitInfo', 'protocol', 'metaData', 'txn', 'add'],
    );
    assert.deepEqual(lines[1]?.protocol, {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['typeWidening'],
      writerFeatures: ['typeWidening', 'appendOnly', 'invariants'],
    });
    const { metadata } = (await openTable(table)).snapshot;
    assert.deepEqual(metadata.configuration, { 'delta.enableTypeWidening': 'true' });
    const [, value] = (JSON.parse(metadata.schemaString) as StructType).fields;
    assert.deepEqual(value, {
      ...field('Value', 'long'),
      metadata: { 'delta.typeChanges': [{ fromType: 'integer', toType: 'long' }] },
    });
    assert.deepEqual(await values(table), [1, null, 2 ** 40]);
  });

  it('needs leave', async () => {
    const table = setUp('integer');
    const writer = new TableWriter(table);
    await assert.rejects(writer.append(appendOf(1, 'long', [1], false)), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /"Value" of table tables\/t is "integer", but long is wanted/,
    });
    assert.equal((await openTable(table)).snapshot.protocol.minReaderVersion, 1);
  });

  const changes: readonly [ColumnType, Cells, ColumnType, Cells, unknown[]][] = [
    ['byte', [-128], 'short', [300], [-128, 300]],
    ['short', [-300], 'integer', [70_000], [-300, 70_000]],
    ['byte', [7], 'long', [2 ** 40], [7, 2 ** 40]],
    ['integer', [-(2 ** 31)], 'double', [0.5], [-(2 ** 31), 0.5]],
    ['float', [0.5], 'double', [0.1], [0.5, 0.1]],
    ['date', [-1, 20_000], 'timestamp_ntz', [1], [-86_400_000_000, 1_728_000_000_000_000, 1]],
  ];
  for (const [from, before, to, after, expected] of changes) {
    it(`reads rows of before and after it, ${from} to ${to}, also once they are compacted`, async () => {
      const table = setUp(from);
      const writer = new TableWriter(table);
      await writer.append(appendOf(0, from, before));
      await writer.append(appendOf(before.length, to, after));
      assert.deepEqual(await values(table), expected);
      assert.equal((await optimizeTable(table)).kind, 'optimized');
      assert.deepEqual(await values(table), expected);
    });
  }

  it('goes into one file with rows of the narrow type in the same group', async () => {
    const table = setUp('integer');
    const writer = new TableWriter(table);
    const results = await Promise.all([
      writer.append(appendOf(1, 'integer', [1, null], 'no evolution')),
      writer.append(appendOf(3, 'long', [2 ** 40])),
      writer.append(appendOf(4, 'short', [4], 'no evolution')),
    ]);
    assert.deepEqual(new Set(results.map(({ version }) => version)), new Set([1]));
    const [name, ...others] = await dataFiles(table.store, root);
    assert.deepEqual(others, []);
    const file = await readParquet((await table.store.read(`${root}/${name}`))!);
    assert.deepEqual(
      file.fields.map(({ type }) => type),
      ['long', 'long'],
    );
    assert.deepEqual(await values(table), [1, null, 2 ** 40, 4]);
  });

  it('to a decimal takes the rows of the same group along', async () => {
    const table = setUp('integer');
    const writer = new TableWriter(table);
    const decimal = { kind: 'decimal', precision: 12, scale: 2 } as const;
    const widen: AppendRequest = {
      prepare: () => ({
        batch: batchOf({ id: ['long', [9]] }),
        transactions: [],
        readAppIds: [],
        evolve: schemaOf(decimal),
        allowTypeWidening: true,
      }),
    };
    const narrow = writer.append(appendOf(1, 'integer', [1], 'no evolution'));
    const results = await Promise.all([narrow, writer.append(widen)]);
    assert.deepEqual(
      results.map(({ version }) => version),
      [1, 1],
    );
    const { snapshot } = await openTable(table);
    const rows: unknown[][] = [];
    for await (const batch of scanTable({ ...table, snapshot })) rows.push(...plainRows(batch));
    assert.deepEqual(rows, [
      [1n, 100n],
      [9n, null],
    ]);
  });

  it('leaves writers of the narrow type going on', async () => {
    const table = setUp('integer');
    const narrow = new TableWriter(table);
    await narrow.append(appendOf(1, 'integer', [1], 'no evolution'));
    await new TableWriter({ ...table, random: seededRandom(2) }).append(appendOf(2, 'long', [2]));
    await narrow.append(appendOf(3, 'integer', [3], 'no evolution'));
    await narrow.append(appendOf(4, 'integer', [4], true));
    assert.deepEqual(await values(table), [1, 2, 3, 4]);
    assert.equal((await openTable(table)).snapshot.metadata.schemaString.split('typeChanges').length, 2);
  });

  it('is as wide as the widest that comes, step by step', async () => {
    const table = setUp('byte');
    const writer = new TableWriter(table);
    for (const [id, type] of [...(['byte', 'short', 'integer', 'long'] as const).entries()])
      await writer.append(appendOf(id, type, [id]));
    const { metadata } = (await openTable(table)).snapshot;
    const [, value] = (JSON.parse(metadata.schemaString) as StructType).fields;
    assert.deepEqual(value?.metadata['delta.typeChanges'], [
      { fromType: 'byte', toType: 'short' },
      { fromType: 'short', toType: 'integer' },
      { fromType: 'integer', toType: 'long' },
    ]);
    assert.deepEqual(await values(table), [0, 1, 2, 3]);
  });
});

describe('a table with the typeWidening feature', () => {
  for (const name of ['typeWidening', 'typeWidening-preview']) {
    it(`${name}, as another engine made it, takes appends and further changes`, async () => {
      const table = setUp('short');
      const writer = new TableWriter(table);
      await writer.append(appendOf(1, 'short', [1]));
      const { metadata } = await writer.snapshot();
      const change = { tableVersion: 2, fromType: 'short', toType: 'integer' };
      const changed = { ...field('Value', 'integer'), metadata: { 'delta.typeChanges': [change] } };
      const fields = [field('id', 'long', false), changed];
      await putCommitLines(table.store, root, 2, [
        {
          protocol: {
            minReaderVersion: 3,
            minWriterVersion: 7,
            readerFeatures: [name],
            writerFeatures: [name],
          },
        },
        { metaData: { ...metadata, schemaString: JSON.stringify({ type: 'struct', fields }) } },
      ]);
      await writer.append(appendOf(2, 'integer', [70_000], 'no evolution'));
      await writer.append(appendOf(3, 'long', [2 ** 40]));
      assert.deepEqual(await values(table), [1, 70_000, 2 ** 40]);
      const { protocol, metadata: after } = (await openTable(table)).snapshot;
      assert.deepEqual(protocol.readerFeatures, [name]);
      const [, value] = (JSON.parse(after.schemaString) as StructType).fields;
      assert.deepEqual(value?.metadata['delta.typeChanges'], [
        change,
        { fromType: 'integer', toType: 'long' },
      ]);
    });
  }
});

describe('addColumns with leave to widen', () => {
  it('changes types without rows', async () => {
    const table = setUp('integer');
    const writer = new TableWriter(table);
    await writer.append(appendOf(1, 'integer', [1], 'no evolution'));
    const options = { ...table, schema: schemaOf('long'), allowTypeWidening: true };
    assert.deepEqual(await addColumns(options), { kind: 'added', version: 2, columns: ['Value'] });
    assert.deepEqual(await addColumns(options), { kind: 'unchanged', version: 2 });
    const [{ commitInfo } = {}] = (await readLogLines(table.store, root))[2] ?? [];
    assert.deepEqual((commitInfo as { operation: string }).operation, 'CHANGE COLUMNS');
    await writer.append(appendOf(2, 'integer', [2], 'no evolution'));
    assert.deepEqual(await values(table), [1, 2]);
  });
});

describe('widening under races and crashes', () => {
  it('loses no row and no change, in many interleavings', async () => {
    let preparedAgain = 0;
    for (let seed = 0; seed < ofSeeds(80); seed++) {
      const table = setUp('byte');
      const race = new Interleaving(seededRandom(seed));
      const types = ['short', 'integer', 'long'] as const;
      const writers = types.map((_, index) => {
        const random = seededRandom(seed * 10 + index);
        return new TableWriter({ ...table, store: race.view(table.store), random });
      });
      const results = await race.run(
        writers.map((writer, index) => async () => {
          await writer.append(appendOf(index * 10, 'byte', [index], 'no evolution'));
          await writer.append(appendOf(index * 10 + 1, types[index]!, [100 + index]));
          await writer.append(appendOf(index * 10 + 2, 'byte', [50 + index], 'no evolution'));
        }),
      );
      for (const result of results)
        assert.ok(result.status === 'fulfilled', `seed ${seed}: ${'reason' in result && result.reason}`);
      assert.deepEqual(await values(table), [0, 100, 50, 1, 101, 51, 2, 102, 52], `seed ${seed}`);
      const { fields } = JSON.parse((await openTable(table)).snapshot.metadata.schemaString) as StructType;
      assert.equal(fields[1]?.type, 'long');
      for (const { metrics } of writers) preparedAgain += metrics.dataFileCount - metrics.commitCount;
    }
    assert.ok(preparedAgain > ofSeeds(50), `only ${preparedAgain} data files were prepared again`);
  });

  it('leaves a readable table after a crash at any write, and a rerun completes', async () => {
    async function run(table: Table, store: TableWriterOptions['store'], seed: number): Promise<void> {
      const writer = new TableWriter({ ...table, store, random: seededRandom(seed) });
      await writer.append(appendOf(1, 'integer', [1]));
      await writer.append(appendOf(2, 'long', [2 ** 40]));
    }
    const counting = new FaultyStore(setUp('integer').store);
    await run(setUp('integer'), counting, 1);
    assert.equal(counting.writeCount, 5);
    for (let atWrite = 1; atWrite <= 5; atWrite++) {
      for (const when of ['before', 'after'] as const) {
        const table = setUp('integer');
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(run(table, dying, 1), ProcessKilled);
        if (atWrite > 1 || when === 'after') {
          const isWide = atWrite === 5 && when === 'after';
          const { protocol, metadata } = (await openTable(table)).snapshot;
          assert.equal(protocol.minReaderVersion, isWide ? 3 : 1);
          assert.equal(metadata.schemaString.includes('typeChanges'), isWide);
          const isFirstThere = atWrite > 3 || (atWrite === 3 && when === 'after');
          assert.deepEqual(await values(table), isWide ? [1, 2 ** 40] : isFirstThere ? [1] : []);
        }
        await run(table, table.store, 2);
        assert.deepEqual(await values(table), [1, 2 ** 40]);
      }
    }
  });
});

describe('widening a batch', () => {
  it('keeps nulls, names and columns of other types, and dates that need 64 bits', () => {
    const batch = batchOf({
      A: ['integer', [1, null]],
      b: ['string', ['x', null]],
      c: ['date', [null, 1_000_000]],
      d: ['float', [0.1, 2]],
    });
    const wide = widenBatch(batch, [
      field('a', 'long'),
      field('b', 'long'),
      field('c', 'timestamp_ntz'),
      field('d', 'double'),
    ]);
    assert.deepEqual(
      wide.fields.map(({ name, type }) => `${name} ${type}`),
      ['A long', 'b string', 'c timestamp_ntz', 'd double'],
    );
    assert.deepEqual(objectsOf(wide), [
      { A: 1, b: 'x', c: null, d: Math.fround(0.1) },
      { A: null, b: null, c: 86_400_000_000_000_000n, d: 2 },
    ]);
  });

  it('gives back the same batch when nothing is wider', () => {
    const batch = batchOf({ a: ['long', [1]], b: ['string', ['x']] });
    assert.equal(widenBatch(batch, [field('a', 'integer'), field('b', 'string')]), batch);
  });

  it('into a table is no reason to take a narrower one', async () => {
    const table = setUp('integer');
    const wide = batchOf({ id: ['long', [1]], value: ['long', [1]] });
    await assert.rejects(new TableWriter(table).append(blindAppend(wide)), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /"value" has the type long; in the table it is integer/,
    });
  });
});
