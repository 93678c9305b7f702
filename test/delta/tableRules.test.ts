// Rules that a table sets for its writers: kept, or refused by name before anything is written. Only what is in use binds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import {
  addColumns,
  deleteRows,
  openTable,
  optimizeTable,
  type Protocol,
  restoreTable,
  type StructType,
  TableWriter,
} from '../../shared/delta/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';
import { blindAppend, field } from '../support/deltaFixtures.js';
import { FaultyStore } from '../support/faultyStore.js';
import { putCommitLines } from '../support/foreignTable.js';
import { InstantClock } from '../support/instantClock.js';
import { batchOf, rowObjects } from '../support/rowObjects.js';

const root = 't';
const schema: StructType = {
  type: 'struct',
  fields: [field('id', 'long', false), field('value', 'integer')],
};

interface Rules {
  readonly protocol?: Protocol;
  readonly configuration?: Readonly<Record<string, string>>;
  /** Of the column `value`. */
  readonly fieldMetadata?: Readonly<Record<string, unknown>>;
}

/** A table with two files of a row each, which another engine then gave rules. */
async function setUp({ protocol, configuration = {}, fieldMetadata = {} }: Rules) {
  const clock = new InstantClock(1_700_000_000_000);
  const table = { store: createMemoryStore(clock), root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema });
  for (const id of [1, 2]) await writer.append(rowOf(id));
  const { metadata } = await writer.snapshot();
  const fields = [schema.fields[0], { ...schema.fields[1], metadata: fieldMetadata }];
  const schemaString = JSON.stringify({ type: 'struct', fields });
  await putCommitLines(table.store, root, 3, [
    ...(protocol === undefined ? [] : [{ protocol }]),
    { metaData: { ...metadata, schemaString, configuration } },
  ]);
  return table;
}

function rowOf(id: number | null) {
  return blindAppend(batchOf({ id: ['long', [7, id]], value: ['integer', [5, null]] }));
}

const legacy = (reader: number, writer: number): Protocol => ({
  minReaderVersion: reader,
  minWriterVersion: writer,
});

const listed = (...writerFeatures: string[]): Protocol => ({
  minReaderVersion: 1,
  minWriterVersion: 7,
  writerFeatures,
});

const everyRow = { description: 'true', columns: ['id'], matches: () => true };

describe('a table with rules that are not kept here', () => {
  const refused: readonly [string, Rules, RegExp][] = [
    [
      'a CHECK constraint',
      { protocol: legacy(1, 3), configuration: { 'delta.constraints.positive': 'value > 0' } },
      /checkConstraints/,
    ],
    [
      'a CHECK constraint, listed',
      { protocol: listed('checkConstraints'), configuration: { 'delta.constraints.positive': 'value > 0' } },
      /checkConstraints/,
    ],
    [
      'a column invariant',
      { fieldMetadata: { 'delta.invariants': '{"expression":{"expression":"value > 0"}}' } },
      /invariants/,
    ],
    [
      'a generated column',
      { protocol: legacy(1, 4), fieldMetadata: { 'delta.generationExpression': 'id * 2' } },
      /generatedColumns/,
    ],
    [
      'an identity column',
      { protocol: legacy(1, 6), fieldMetadata: { 'delta.identity.start': 1, 'delta.identity.step': 1 } },
      /identityColumns/,
    ],
    [
      'a column default',
      { protocol: listed('allowColumnDefaults'), fieldMetadata: { CURRENT_DEFAULT: '1' } },
      /allowColumnDefaults/,
    ],
    ['row tracking', { protocol: listed('rowTracking', 'domainMetadata') }, /rowTracking.*domainMetadata/],
  ];
  for (const [what, rules, message] of refused) {
    it(`(${what}) takes no append, no new columns, no delete and no compaction, and names the rule`, async () => {
      const table = await setUp(rules);
      const store = new FaultyStore(table.store);
      const guarded = { ...table, store };
      const expected = { code: 'DELTA_PROTOCOL_UNSUPPORTED', message };
      await assert.rejects(new TableWriter(guarded).append(rowOf(3)), expected);
      const wider: StructType = { type: 'struct', fields: [field('note', 'string')] };
      await assert.rejects(addColumns({ ...guarded, schema: wider }), expected);
      await assert.rejects(deleteRows({ ...guarded, predicate: everyRow }), expected);
      await assert.rejects(optimizeTable(guarded), expected);
      assert.equal(store.writeCount, 0);
      assert.equal((await rowObjects(table)).length, 4);
    });
  }
});

describe('a table whose version allows rules that it does not have', () => {
  const idle: readonly [string, Rules][] = [
    ['writer version 3', { protocol: legacy(1, 3) }],
    ['writer version 4', { protocol: legacy(1, 4) }],
    [
      'writer version 4 and a change data feed',
      { protocol: legacy(1, 4), configuration: { 'delta.enableChangeDataFeed': 'true' } },
    ],
    ['writer version 5', { protocol: legacy(2, 5) }],
    ['writer version 6', { protocol: legacy(2, 6), configuration: { 'delta.columnMapping.mode': 'none' } }],
    [
      'a list of features',
      {
        protocol: listed(
          'appendOnly',
          'invariants',
          'checkConstraints',
          'generatedColumns',
          'identityColumns',
          'allowColumnDefaults',
        ),
      },
    ],
  ];
  for (const [what, rules] of idle) {
    it(`(${what}) takes appends, also after its features were listed because a column got wider`, async () => {
      const table = await setUp(rules);
      const writer = new TableWriter(table);
      assert.equal((await writer.append(rowOf(3))).kind, 'committed');
      const before = (await writer.snapshot()).protocol;
      await writer.append({
        prepare: () => ({
          batch: batchOf({ id: ['long', [9]], value: ['long', [2 ** 40]] }),
          transactions: [],
          readAppIds: [],
          evolve: { type: 'struct', fields: [field('value', 'long')] },
          allowTypeWidening: true,
        }),
      });
      const { protocol } = (await openTable(table)).snapshot;
      assert.deepEqual([protocol.minReaderVersion, protocol.minWriterVersion], [3, 7]);
      for (const name of before.writerFeatures ?? [])
        assert.ok(protocol.writerFeatures?.includes(name), name);
      await writer.append(rowOf(4));
      assert.equal((await rowObjects(table)).length, 9);
    });
  }
});

describe('a column that may not be null', () => {
  it('refuses a batch with a null there, naming column and first row, and writes nothing', async () => {
    const table = await setUp({});
    const store = new FaultyStore(table.store);
    await assert.rejects(new TableWriter({ ...table, store }).append(rowOf(null)), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /column "id" may not be null, but is in row 1/,
    });
    assert.equal(store.writeCount, 0);
  });

  it('refuses a batch without it', async () => {
    const table = await setUp({});
    const rows = batchOf({ value: ['integer', [1]] });
    await assert.rejects(new TableWriter(table).append(blindAppend(rows)), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /column "id" is missing and may not be null/,
    });
  });

  it('stays so when a wider schema calls it nullable', async () => {
    const table = await setUp({});
    const evolve: StructType = { type: 'struct', fields: [field('id', 'long', true)] };
    const rows = batchOf({ id: ['long', [null]] });
    await assert.rejects(
      new TableWriter(table).append({
        prepare: () => ({ batch: rows, transactions: [], readAppIds: [], evolve }),
      }),
      { code: 'DELTA_SCHEMA_MISMATCH', message: /"id" may not be null, but is in row 0/ },
    );
  });
});

describe('an append-only table', () => {
  it('takes appends, new columns and compaction, and gives up no row', async () => {
    const table = await setUp({ configuration: { 'delta.appendOnly': 'true' } });
    await new TableWriter(table).append(rowOf(3));
    await addColumns({ ...table, schema: { type: 'struct', fields: [field('note', 'string')] } });
    assert.equal((await optimizeTable(table)).kind, 'optimized');
    const expected = { code: 'DELTA_PROTOCOL_UNSUPPORTED', message: /append-only/ };
    await assert.rejects(deleteRows({ ...table, predicate: everyRow }), expected);
    await assert.rejects(restoreTable({ ...table, version: 1 }), expected);
    assert.equal((await rowObjects(table)).length, 6);
  });
});

describe('a table without a column that a file can hold', () => {
  const voids = { name: 'nothing', type: 'void', nullable: true, metadata: {} };
  const day = { name: 'day', type: 'string', nullable: true, metadata: {} };

  async function setUpWith(fields: readonly object[], partitionColumns: readonly string[]) {
    const table = await setUp({});
    const { metadata } = (await openTable(table)).snapshot;
    const schemaString = JSON.stringify({ type: 'struct', fields });
    await putCommitLines(table.store, root, 4, [
      { metaData: { ...metadata, schemaString, partitionColumns } },
    ]);
    return new TableWriter(table);
  }

  it('takes no rows, whether its columns are void or for partitions only', async () => {
    const onlyVoid = await setUpWith([voids], []);
    const noColumns = { rowCount: 3, fields: [], columns: [] };
    const refused = { code: 'DELTA_SCHEMA_MISMATCH', message: /takes no rows/ };
    await assert.rejects(onlyVoid.append(blindAppend(noColumns)), refused);
    const onlyPartitions = await setUpWith([day, voids], ['day']);
    await assert.rejects(onlyPartitions.append(blindAppend(batchOf({ day: ['string', ['x']] }))), refused);
  });

  it('takes transactions, and rows once it gets a column', async () => {
    const writer = await setUpWith([voids], []);
    const transactions = [{ appId: 'a', version: 1 }];
    const empty = { rowCount: 0, fields: [], columns: [] };
    await writer.append({ prepare: () => ({ batch: empty, transactions, readAppIds: [] }) });
    const batch = batchOf({ value: ['integer', [5]] });
    const evolve: StructType = { type: 'struct', fields: [field('value', 'integer')] };
    const result = await writer.append({
      prepare: () => ({ batch, transactions: [], readAppIds: [], evolve }),
    });
    assert.equal(result.kind, 'committed');
  });
});
