// Spark and delta-rs read the tables that we write: every value, after every kind of change and upkeep.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  addColumns,
  cleanUpLog,
  deleteRows,
  optimizeTable,
  restoreTable,
  type StructType,
  TableWriter,
  vacuumTable,
  writeCheckpoint,
} from '../../shared/delta/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import { field } from '../support/deltaFixtures.js';
import { logNames } from '../support/foreignTable.js';
import { type EngineRow, Engines, rowTexts } from './engines.js';
import { createTableFolder, later, openAt, ourRowTexts, type SharedTable } from './ourTable.js';
import { prepareSpark } from './python.js';
import { batchOf, sampleRows, sampleSchema } from './sampleTable.js';

const obstacle = prepareSpark();

describe('Spark and delta-rs read what we write', { skip: obstacle ?? false }, () => {
  const cleanup = reverseCleanup({ after });
  let engines: Engines;
  let tableNamed: (name: string) => SharedTable;

  before(async () => {
    tableNamed = createTableFolder(cleanup);
    engines = await Engines.start(cleanup);
  });

  async function append(
    table: SharedTable,
    schema: StructType,
    rows: readonly EngineRow[],
    version: number,
  ): Promise<void> {
    const writer = new TableWriter({ ...table, schema });
    await writer.append({
      prepare: () => ({
        batch: batchOf(schema, rows),
        transactions: [{ appId: 'ingest/hub 1', version }],
        readAppIds: ['ingest/hub 1'],
      }),
    });
  }

  /** Both engines see these rows, this version and this transaction; Spark answers the count from our statistics. */
  async function assertSeen(
    table: SharedTable,
    rows: readonly EngineRow[],
    { version, transaction }: { version: number; transaction: number },
  ): Promise<void> {
    const { path } = table;
    const appId = 'ingest/hub 1';
    const bySpark = await engines.ask('sparkRead', { path });
    assert.deepEqual(rowTexts(bySpark.rows), rowTexts(rows), 'Spark: rows');
    assert.equal(bySpark.count, rows.length, 'Spark: count');
    const log = await engines.ask('sparkLog', { path });
    assert.equal(log.version, version, 'Spark: version');
    assert.deepEqual(log.transactions, { [appId]: transaction }, 'Spark: transactions');
    const byDeltaRs = await engines.ask('deltaRsRead', { path, app_ids: [appId] });
    assert.deepEqual(rowTexts(byDeltaRs.rows), rowTexts(rows), 'delta-rs: rows');
    assert.equal(byDeltaRs.version, version, 'delta-rs: version');
    assert.deepEqual(byDeltaRs.transactions, { [appId]: transaction }, 'delta-rs: transactions');
    assert.equal(byDeltaRs.fileCount, log.fileCount);
  }

  it('finds every value of every type, and the types', async () => {
    const table = tableNamed('sample');
    const { path } = table;
    await append(table, sampleSchema, sampleRows, 1);
    await assertSeen(table, sampleRows, { version: 1, transaction: 1 });
    const types = sampleSchema.fields.map(({ name, type, nullable }) => [name, type, nullable]);
    const typesOf = (schema: { fields: readonly { name: string; type: unknown; nullable: boolean }[] }) =>
      schema.fields.map(({ name, type, nullable }) => [name, type, nullable]);
    assert.deepEqual(typesOf((await engines.ask('deltaRsRead', { path })).schema), types);
    assert.deepEqual(typesOf((await engines.ask('sparkRead', { path })).schema), types);
  });

  it('finds timestamps without a zone', async () => {
    const table = tableNamed('local-times');
    const schema: StructType = {
      type: 'struct',
      fields: [field('id', 'integer'), field('moment', 'timestamp_ntz')],
    };
    const rows = [
      { id: 1, moment: '2024-03-31T02:30:00.000001' },
      { id: 2, moment: '1969-12-31T23:59:59.999999' },
      { id: 3, moment: null },
    ];
    await append(table, schema, rows, 1);
    await assertSeen(table, rows, { version: 1, transaction: 1 });
  });

  it('finds the same rows by our statistics as without them', async () => {
    const table = tableNamed('skipping');
    const { path } = table;
    for (const [index, row] of sampleRows.entries()) await append(table, sampleSchema, [row], index + 1);
    for (const { where, isSelective } of predicates()) {
      const { skipping, full } = await engines.ask('sparkSelect', { path, where, columns: ['id'] });
      assert.ok(full.rows.length > 0, `no row has ${where}`);
      assert.deepEqual(rowTexts(skipping.rows), rowTexts(full.rows), where);
      assert.equal(full.fileCount, sampleRows.length);
      if (isSelective) assert.ok(skipping.fileCount < full.fileCount, `${where} opens every file`);
      const query = `select id from t where ${where.replaceAll("X'", "x'")}`;
      assert.deepEqual(
        rowTexts(await engines.ask('deltaRsQuery', { path, query })),
        rowTexts(full.rows),
        `delta-rs: ${where}`,
      );
    }
  });

  it('finds the rows after every kind of change and upkeep, also in older versions', async () => {
    const table = tableNamed('lifecycle');
    const { path } = table;
    const wider: StructType = {
      type: 'struct',
      fields: [...sampleSchema.fields, field('note', 'string'), field('humidity', 'double')],
    };
    const before = [...sampleRows];
    await append(table, sampleSchema, before.slice(0, 4), 1);
    await append(table, sampleSchema, before.slice(4), 2);
    await assertSeen(table, before, { version: 2, transaction: 2 });

    assert.equal((await addColumns({ ...table, schema: wider })).kind, 'added');
    const old = before.map((row) => ({ ...row, note: null, humidity: null }));
    await assertSeen(table, old, { version: 3, transaction: 2 });
    const added = sampleRows.map((row) => ({ ...row, id: Number(row.id) + 100, note: 'n', humidity: -0.5 }));
    await append(table, wider, added, 4);
    await assertSeen(table, [...old, ...added], { version: 4, transaction: 4 });

    assert.equal((await optimizeTable({ ...table, sortBy: ['moment'] })).kind, 'optimized');
    await assertSeen(table, [...old, ...added], { version: 5, transaction: 4 });
    assert.equal((await engines.ask('sparkLog', { path })).fileCount, 1);

    const gone = (row: EngineRow) => Number(row.id) % 3 === 0;
    const deleted = await deleteRows({
      ...table,
      predicate: {
        description: 'id % 3 = 0',
        columns: ['id'],
        matches: ({ columns }, row) => Number(columns[0]!.values[row]) % 3 === 0,
      },
    });
    assert.equal(deleted.kind, 'deleted');
    const left = [...old, ...added].filter((row) => !gone(row));
    await assertSeen(table, left, { version: 6, transaction: 4 });

    assert.equal((await restoreTable({ ...table, version: 5 })).kind, 'restored');
    await assertSeen(table, [...old, ...added], { version: 7, transaction: 4 });
    assert.equal((await restoreTable({ ...table, version: 2 })).kind, 'restored');
    await assertSeen(table, before, { version: 8, transaction: 4 });

    const byVersion = [[], before.slice(0, 4), before, old, [...old, ...added], [...old, ...added], left];
    for (const [version, rows] of byVersion.entries()) {
      for (const op of ['sparkRead', 'deltaRsRead'] as const) {
        const seen = await engines.ask(op, { path, version });
        assert.deepEqual(rowTexts(seen.rows), rowTexts(rows), `${op}, version ${version}`);
      }
    }
  });

  it('streams every row once, whatever compaction did in between', async () => {
    const [table, target] = [tableNamed('stream-source'), tableNamed('stream-target')];
    const stream = () => engines.ask('sparkStream', { path: table.path, target: target.path });
    const seen = async () => ourRowTexts(target, await openAt(target));
    await append(table, sampleSchema, sampleRows.slice(0, 3), 1);
    await append(table, sampleSchema, sampleRows.slice(3, 6), 2);
    const queryId = await stream();
    assert.deepEqual(await seen(), rowTexts(sampleRows.slice(0, 6)));
    await append(table, sampleSchema, sampleRows.slice(6, 7), 3);
    assert.equal((await optimizeTable(table)).kind, 'optimized');
    await stream();
    assert.deepEqual(await seen(), rowTexts(sampleRows.slice(0, 7)));
    await append(table, sampleSchema, sampleRows.slice(7), 4);
    assert.equal((await optimizeTable(table)).kind, 'optimized');
    await stream();
    assert.deepEqual(await seen(), rowTexts(sampleRows));
    assert.ok((await openAt(target)).transactions.has(queryId), "the stream's own transactions");
  });

  it('finds the rows with a checkpoint and nothing before it, after cleanup and vacuum', async () => {
    const table = tableNamed('cleaned');
    const { path } = table;
    for (const [index, row] of sampleRows.entries()) await append(table, sampleSchema, [row], index + 1);
    await writeCheckpoint(table);
    await assertSeen(table, sampleRows, { version: 10, transaction: 10 });
    const { checkpointVersion } = await engines.ask('sparkLog', { path, isFresh: true });
    assert.equal(checkpointVersion, 10);

    await optimizeTable(table);
    await writeCheckpoint(table);
    assert.equal((await cleanUpLog({ ...table, clock: later })).kind, 'cleaned');
    assert.equal((await vacuumTable({ ...table, clock: later })).kind, 'vacuumed');
    assert.deepEqual(
      (await logNames(table.store, table.root)).filter((name) => name.endsWith('.json')),
      [11, 12, 13].map((version) => `${String(version).padStart(20, '0')}.json`),
    );
    const log = await engines.ask('sparkLog', { path, isFresh: true });
    assert.equal(log.checkpointVersion, 11);
    await assertSeen(table, sampleRows, { version: 13, transaction: 10 });

    const more = sampleRows.map((row) => ({ ...row, id: Number(row.id) + 100 }));
    await append(table, sampleSchema, more, 14);
    await assertSeen(table, [...sampleRows, ...more], { version: 14, transaction: 14 });
  });
});

/** Each finds something; `isSelective` where the statistics must rule files out. */
function predicates(): { where: string; isSelective: boolean }[] {
  const selective = [
    'id = 4',
    'id > 8',
    "text = 'plain'",
    "text = ''",
    "text >= '\u{10FFFF}' or text = '\u{1F600}\u{10FFFF}'",
    `text > '${'\u{1F600}'.repeat(31)}b'`,
    "text = 'M\u00FCnchen \u65E5\u672C'",
    'tiny = 127',
    'small < -1000',
    'long = 9007199254740993',
    'long = 9223372036854775807',
    'long < -9007199254740992',
    "day = date '9999-12-31'",
    "day < date '1600-01-01'",
    "moment = timestamp '2024-02-29T12:30:45.123456Z'",
    "moment >= timestamp '2024-12-31T23:59:59.999999Z'",
    "moment = timestamp '1969-12-31T23:59:59.999999Z'",
    "moment < timestamp '1800-01-01T00:00:00Z'",
    'number = 1.25',
    'text is null',
    'flag is null and tiny is null and text is null',
  ];
  const plain = [
    'flag = true',
    "bytes = X'00ff10'",
    "number = cast('NaN' as double)",
    'number > 1e300',
    'number = 0',
    "single = cast('Infinity' as float)",
    'text is not null',
  ];
  return [
    ...selective.map((where) => ({ where, isSelective: true })),
    ...plain.map((where) => ({ where, isSelective: false })),
  ];
}
