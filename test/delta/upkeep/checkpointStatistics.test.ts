// Statistics in checkpoints: as JSON, as typed structs, in both forms or in none, as the table's properties say.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parquetMetadata } from 'hyparquet';
import { seededRandom } from '../../../shared/base/index.js';
import { jsonScalar, openTable, plainValue, writeCheckpoint } from '../../../shared/delta/index.js';
import { readParquet } from '../../../shared/parquet/index.js';
import { createMemoryStore, type ObjectStore } from '../../../shared/storage/index.js';
import { deleteCommits, logDigits, putCommitLines } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';

const root = 'tables/readings';
const types = [
  ...['byte', 'short', 'integer', 'long', 'float', 'double', 'string', 'boolean', 'binary', 'date'],
  ...['timestamp', 'timestamp_ntz', 'decimal(9,2)', 'decimal(18,6)', 'decimal(38,10)'],
];
const column = (name: string, type: unknown) => ({ name, type, nullable: true, metadata: {} });
const structOf = (...fields: object[]) => ({ type: 'struct', fields });
const stored = [
  ...types.map((type) => column(type, type)),
  column('place', structOf(column('city', 'string'), column('spot', structOf(column('x', 'double'))))),
  column('tags', { type: 'array', elementType: 'string', containsNull: true }),
];
const partitions = [column('day', 'date'), column('at', 'timestamp'), column('site', 'string')];

/** JSON text of the bounds, since JavaScript's numbers do not hold all of them. */
const bounds = (sign: '' | '-', year: number, milliseconds = '.123'): string =>
  `{"byte":${sign}5,"short":${sign}300,"integer":${sign}70000,"long":${sign}9007199254740993,"float":${sign}1.5,` +
  `"double":${sign}0.1,"string":"${sign}\u{1F600}","date":"${year}-02-28","timestamp":"${year}-06-15T12:30:00${milliseconds}Z",` +
  `"timestamp_ntz":"${year}-06-15T12:30:00${milliseconds}","decimal(9,2)":${sign}9999999.99,"decimal(18,6)":${sign}999999999999.999999,` +
  `"decimal(38,10)":${sign}9999999999999999999999999999.0000000001,"place":{"city":"Ulm","spot":{"x":${sign}2}}}`;
const nullCount = `{${types.map((type, index) => `"${type}":${index}`)},"place":{"city":1,"spot":{"x":2}},"tags":3}`;
const statsText = (milliseconds?: string): string =>
  `{"numRecords":20,"minValues":${bounds('-', 1203, milliseconds)},"maxValues":${bounds('', 2024, milliseconds)},"nullCount":${nullCount}}`;

const files = [
  { path: 'full', day: '2024-02-29', at: '2024-02-29 01:02:03.5', site: 'a', stats: statsText() },
  { path: 'nulls', day: null, at: null, site: '', stats: '{"numRecords":3}' },
  { path: 'none', day: '1969-12-31', at: '1969-12-31T00:00:00Z', site: 'b' },
  { path: 'broken', day: null, at: null, site: null, stats: '{"numRecords":' },
];

/** @param writer its version: from 3 on the properties oblige */
async function setUp(configuration: Readonly<Record<string, string>>, writer: 2 | 7 = 7) {
  const clock = new InstantClock(1_700_000_000_000);
  const table = { store: createMemoryStore(clock), root, clock, random: seededRandom(1) };
  const features = {
    readerFeatures: ['timestampNtz'],
    writerFeatures: ['timestampNtz', 'appendOnly', 'invariants'],
  };
  await putCommitLines(table.store, root, 0, [
    {
      protocol:
        writer === 7
          ? { minReaderVersion: 3, minWriterVersion: 7, ...features }
          : { minReaderVersion: 1, minWriterVersion: 2 },
    },
    {
      metaData: {
        id: 'id',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify(structOf(...stored, ...partitions)),
        partitionColumns: partitions.map(({ name }) => name),
        configuration,
      },
    },
    ...files.map(({ path, stats, ...partitionValues }) => ({
      add: { path, partitionValues, size: 1, modificationTime: 1, dataChange: true, stats },
    })),
  ]);
  return table;
}

async function checkpointOf({ store }: { readonly store: ObjectStore }) {
  const bytes = new Uint8Array((await store.read(`${root}/_delta_log/${logDigits(0)}.checkpoint.parquet`))!);
  const schema = parquetMetadata(bytes.buffer).schema as { readonly name: string }[];
  const batch = await readParquet(bytes, { columns: ['add'], allTypes: true });
  const adds: Record<string, unknown>[] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    const add = plainValue(batch.columns[0]!, batch.fields[0]!.type, row, jsonScalar);
    if (add !== null) adds.push(add as Record<string, unknown>);
  }
  return { names: new Set(schema.map(({ name }) => name)), adds };
}

/** Numbers of any length as texts. */
const exactly = (json: string): unknown =>
  JSON.parse(json.replace(/(?<=:)-?[\d.]+(?=[,}])/g, (number) => `"${number.replace(/(\.\d*?)0+$/, '$1')}"`));

describe('statistics in a checkpoint', () => {
  it('are written as structs of every type, and are the same when nothing else is left', async () => {
    const table = await setUp({
      'delta.checkpoint.writeStatsAsJson': 'false',
      'delta.checkpoint.writeStatsAsStruct': 'true',
    });
    await writeCheckpoint(table);
    const { names } = await checkpointOf(table);
    assert.ok(!names.has('stats'));
    await deleteCommits(table.store, root, 0, 0);
    const { snapshot } = await openTable(table);
    assert.deepEqual(
      [...snapshot.files.values()].map(({ path, partitionValues }) => ({ path, ...partitionValues })),
      files.map(({ stats: _, ...file }) => file),
    );
    const full = snapshot.files.get('full')!.stats!;
    assert.deepEqual(exactly(full), exactly(statsText('.123000')));
    assert.equal(JSON.parse(snapshot.files.get('nulls')!.stats!).numRecords, 3);
    for (const path of ['none', 'broken']) assert.equal(snapshot.files.get(path)!.stats, undefined, path);
    // And again from there: nothing gets lost on the way.
    await writeCheckpoint(table);
    assert.equal((await openTable(table)).snapshot.files.get('full')!.stats, full);
  });

  it('have the partition values in their types beside them', async () => {
    const table = await setUp({ 'delta.checkpoint.writeStatsAsStruct': 'true' });
    await writeCheckpoint(table);
    const { adds } = await checkpointOf(table);
    assert.deepEqual(
      adds.map((add) => add.partitionValues_parsed),
      [
        { day: '2024-02-29', at: '2024-02-29T01:02:03.500000Z', site: 'a' },
        { day: null, at: null, site: null },
        { day: '1969-12-31', at: '1969-12-31T00:00:00.000000Z', site: 'b' },
        { day: null, at: null, site: null },
      ],
    );
    assert.deepEqual(
      adds.map(({ stats }) => stats),
      files.map(({ stats = null }) => stats),
      'as JSON, too',
    );
  });

  it('cover the columns that have statistics, and say nothing of others', async () => {
    const table = await setUp({
      'delta.checkpoint.writeStatsAsStruct': 'true',
      'delta.dataSkippingStatsColumns': 'long,place.spot,binary',
    });
    await writeCheckpoint(table);
    const [full] = (await checkpointOf(table)).adds;
    assert.deepEqual(full?.stats_parsed, {
      numRecords: 20,
      minValues: { long: '-9007199254740993', place: { spot: { x: -2 } } },
      maxValues: { long: '9007199254740993', place: { spot: { x: 2 } } },
      nullCount: { long: 3, binary: 8, place: { spot: { x: 2 } } },
    });
  });

  it('are left out when the table asks for no form of them', async () => {
    const table = await setUp({ 'delta.checkpoint.writeStatsAsJson': 'false' });
    await writeCheckpoint(table);
    const { names } = await checkpointOf(table);
    assert.ok(!names.has('stats') && !names.has('stats_parsed'));
    await deleteCommits(table.store, root, 0, 0);
    assert.equal((await openTable(table)).snapshot.files.size, files.length);
  });

  it('are JSON alone below writer version 3, whatever the properties say', async () => {
    const properties = {
      'delta.checkpoint.writeStatsAsJson': 'false',
      'delta.checkpoint.writeStatsAsStruct': 'true',
    };
    const table = await setUp(properties, 2);
    await writeCheckpoint(table);
    const { names } = await checkpointOf(table);
    assert.ok(names.has('stats') && !names.has('stats_parsed'));
  });
});
