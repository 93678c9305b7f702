// Files that were written before the append: their rows appear with the commit, together with columns and transaction.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import {
  type PreparedAppend,
  type StructType,
  stageDataFile,
  TableWriter,
} from '../../shared/delta/index.js';
import type { DataBatch } from '../../shared/parquet/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';
import { InstantClock } from '../support/instantClock.js';
import { batchOf, rowObjects } from '../support/rowObjects.js';

const root = 'tables/t';
const appId = 'loader';
const noRows: DataBatch = { rowCount: 0, fields: [], columns: [] };

function schemaOf(...names: string[]): StructType {
  return {
    type: 'struct',
    fields: names.map((name) => ({ name, type: 'long', nullable: true, metadata: {} })),
  };
}

function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  return { store, root, clock, random: seededRandom(3) };
}

const append = (version: number, prepared: Partial<PreparedAppend>) => ({
  prepare: (committed: ReadonlyMap<string, number>) =>
    (committed.get(appId) ?? -1) >= version
      ? undefined
      : { batch: noRows, transactions: [{ appId, version }], readAppIds: [appId], ...prepared },
});

describe('files written beforehand', () => {
  it('become part of the table in one commit with their columns and transaction', async () => {
    const table = setUp();
    const schema = schemaOf('a', 'b');
    const file = await stageDataFile(batchOf({ a: ['long', [1, 2]], b: ['long', [3, null]] }), {
      ...table,
      schema,
    });
    assert.equal(file.rowCount, 2);
    const writer = new TableWriter({ ...table, schema: schemaOf('a') });
    await writer.snapshot();
    assert.deepEqual(await rowObjects(table), []);
    const result = await writer.append(append(0, { files: [file], evolve: schema }));
    assert.deepEqual(result, { kind: 'committed', version: 1, rowCount: 2 });
    const rows = await rowObjects(table);
    assert.deepEqual(
      rows.map(({ a, b }) => [Number(a), b === null ? null : Number(b)]),
      [
        [1, 3],
        [2, null],
      ],
    );
    const snapshot = await writer.snapshot();
    assert.equal(snapshot.totalRows, 2);
    assert.equal(snapshot.transactions.get(appId), 0);
    assert.match([...snapshot.files.values()][0]?.stats ?? '', /"numRecords":2,"minValues":\{"a":1/);
  });

  it('go together with rows of the same append, and of others in the group', async () => {
    const table = setUp();
    const schema = schemaOf('a');
    const writer = new TableWriter({ ...table, schema });
    const file = await stageDataFile(batchOf({ a: ['long', [1]] }), { ...table, schema });
    const other = { batch: batchOf({ a: ['long', [3]] }), transactions: [], readAppIds: [] };
    const results = await Promise.all([
      writer.append(append(0, { files: [file], batch: batchOf({ a: ['long', [2]] }) })),
      writer.append({ prepare: () => other }),
    ]);
    assert.deepEqual(
      results.map(({ version }) => version),
      [1, 1],
    );
    assert.deepEqual((await rowObjects(table)).map(({ a }) => Number(a)).sort(), [1, 2, 3]);
  });

  it('are appended once, however often that is asked for', async () => {
    const table = setUp();
    const schema = schemaOf('a');
    const file = await stageDataFile(batchOf({ a: ['long', [1]] }), { ...table, schema });
    for (let attempt = 0; attempt < 3; attempt++)
      await new TableWriter({ ...table, schema }).append(append(0, { files: [file] }));
    assert.equal((await rowObjects(table)).length, 1);
  });

  it('are refused where the table is partitioned, or has another type', async () => {
    const isMismatch = (error: unknown) =>
      error instanceof TributaryError && error.code === 'DELTA_SCHEMA_MISMATCH';
    const schema = schemaOf('a', 'b');
    const partitioned = setUp();
    const file = await stageDataFile(batchOf({ a: ['long', [1]] }), { ...partitioned, schema });
    const writer = new TableWriter({ ...partitioned, schema, partitionColumns: ['b'] });
    await assert.rejects(writer.append(append(0, { files: [file] })), isMismatch);
    const other = setUp();
    const text: StructType = {
      type: 'struct',
      fields: [{ name: 'a', type: 'string', nullable: true, metadata: {} }],
    };
    const textWriter = new TableWriter({ ...other, schema: text });
    await assert.rejects(textWriter.append(append(0, { files: [file], evolve: schemaOf('a') })), isMismatch);
  });
});
