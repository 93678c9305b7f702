import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { addColumns, openTable, readRows, type StructType, TableWriter } from '../../shared/delta/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';
import { blindAppend, field, readingsBatch, readingsSchema } from '../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';
import { Interleaving } from '../support/interleaving.js';

const clock = new InstantClock(Date.UTC(2026, 0, 1));
const wider: StructType = {
  type: 'struct',
  fields: [...readingsSchema.fields, field('humidity', 'double', false)],
};

async function setUp() {
  const table = { store: createMemoryStore(clock), root: 't', clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  await writer.append(blindAppend(readingsBatch('a', 1, 3)));
  return { table, writer };
}

async function columnNames(table: Awaited<ReturnType<typeof setUp>>['table']): Promise<string[]> {
  const { snapshot } = await openTable(table);
  return (JSON.parse(snapshot.metadata.schemaString) as StructType).fields.map(({ name }) => name);
}

describe('addColumns', () => {
  it('adds what is missing at the end, nullable, and keeps the identity of the table', async () => {
    const { table } = await setUp();
    const before = (await openTable(table)).snapshot;
    assert.deepEqual(await addColumns({ ...table, schema: wider }), {
      kind: 'added',
      version: 2,
      columns: ['humidity'],
    });
    const { metadata } = (await openTable(table)).snapshot;
    assert.equal(metadata.id, before.metadata.id);
    const added = (JSON.parse(metadata.schemaString) as StructType).fields.at(-1);
    assert.deepEqual(added, { name: 'humidity', type: 'double', nullable: true, metadata: {} });
  });

  it('does nothing when all columns are there, in whatever case', async () => {
    const { table } = await setUp();
    const shouting = readingsSchema.fields.map((column) => ({ ...column, name: column.name.toUpperCase() }));
    const result = await addColumns({ ...table, schema: { type: 'struct', fields: shouting } });
    assert.deepEqual(result, { kind: 'unchanged', version: 1 });
  });

  it('takes the snapshot that the caller has, and mends its plan when that was stale', async () => {
    const { table, writer } = await setUp();
    const snapshot = await writer.snapshot();
    const counting = new FaultyStore(table.store);
    await addColumns({ ...table, store: counting, schema: readingsSchema, snapshot });
    assert.deepEqual([counting.listCount, counting.readPaths], [0, []]);
    await addColumns({ ...table, schema: wider });
    assert.equal((await addColumns({ ...table, schema: wider, snapshot })).kind, 'unchanged');
    assert.equal((await columnNames(table)).filter((name) => name === 'humidity').length, 1);
  });

  it('refuses another type, naming both', async () => {
    const { table } = await setUp();
    const schema: StructType = { type: 'struct', fields: [field('temperature', 'string')] };
    await assert.rejects(addColumns({ ...table, schema }), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /"temperature" of table t is "double", but string is wanted/,
    });
  });

  it('lets a writer that was open before go on, with the old columns and with the new ones', async () => {
    const { table, writer } = await setUp();
    await addColumns({ ...table, schema: wider });
    await writer.append(blindAppend(readingsBatch('b', 1, 2)));
    const narrow = readingsBatch('c', 1, 1);
    await writer.append(
      blindAppend({
        rowCount: 1,
        fields: [...narrow.fields, { name: 'humidity', type: 'double', nullable: true }],
        columns: [...narrow.columns, { kind: 'numbers', values: Float64Array.of(44) }],
      }),
    );
    const { snapshot } = await openTable(table);
    const humidity: unknown[] = [];
    for await (const { rowCount, columns } of readRows({ ...table, snapshot, columns: ['humidity'] })) {
      const [column] = columns;
      for (let row = 0; row < rowCount; row++) {
        const isThere =
          column?.kind === 'numbers' && (column.validity === undefined || column.validity[row] === 1);
        humidity.push(isThere ? column.values[row] : null);
      }
    }
    assert.deepEqual(humidity.sort(), [44, null, null, null, null, null]);
  });

  it('adds each column once when many instances start at the same time', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const { table } = await setUp();
      const race = new Interleaving(seededRandom(seed));
      const results = await race.run(
        [1, 2, 3].map(
          (task) => () =>
            addColumns({
              ...table,
              store: race.view(table.store),
              random: seededRandom(seed * 10 + task),
              schema: wider,
            }),
        ),
      );
      const kinds = results.map((result) =>
        result.status === 'fulfilled' ? result.value.kind : String(result.reason),
      );
      assert.deepEqual(kinds.sort(), ['added', 'unchanged', 'unchanged'], `seed ${seed}`);
      assert.equal((await columnNames(table)).filter((name) => name === 'humidity').length, 1);
    }
  });

  it('is done or not done after a crash at its write, and completes when repeated', async () => {
    let crashes = 0;
    for (const when of ['before', 'after'] as const) {
      const { table } = await setUp();
      const dying = new FaultyStore(table.store, { crash: { atWrite: 1, when } });
      await assert.rejects(addColumns({ ...table, store: dying, schema: wider }), ProcessKilled);
      crashes += dying.faultCount;
      assert.equal((await columnNames(table)).includes('humidity'), when === 'after');
      const { kind } = await addColumns({ ...table, random: seededRandom(2), schema: wider });
      assert.equal(kind, when === 'after' ? 'unchanged' : 'added');
    }
    assert.equal(crashes, 2);
  });
});
