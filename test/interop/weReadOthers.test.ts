// We read the tables that Spark and delta-rs write, with the features they use, and find what they find.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ResolveUri, Snapshot } from '../../shared/delta/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import { createFolderStore } from '../support/folderStore.js';
import { deleteCommits } from '../support/foreignTable.js';
import { Engines, rowTexts } from './engines.js';
import { createTableFolder, openAt, ourRowTexts, type SharedTable } from './ourTable.js';
import { prepareSpark } from './python.js';
import { everyType, everyTypeRows, sparkTables } from './sparkTables.js';

const obstacle = prepareSpark();

describe('we read what Spark and delta-rs write', { skip: obstacle ?? false }, () => {
  const cleanup = reverseCleanup({ after });
  let engines: Engines;
  let tableNamed: (name: string) => SharedTable;

  before(async () => {
    tableNamed = createTableFolder(cleanup);
    engines = await Engines.start(cleanup);
  });

  /** Spark's rows are ours, in this version or the newest; returns our view of the table. */
  async function assertAsSpark(
    table: SharedTable,
    version?: number,
    resolveUri?: ResolveUri,
  ): Promise<Snapshot> {
    const at = version === undefined ? {} : { version };
    const { rows, count } = await engines.ask('sparkRead', { path: table.path, ...at });
    const snapshot = await openAt(table, version);
    const label = `version ${snapshot.version}`;
    assert.deepEqual(await ourRowTexts(table, snapshot, resolveUri), rowTexts(rows), label);
    if (snapshot.totalRows !== undefined)
      assert.equal(snapshot.totalRows, count, `${label}: rows in the log`);
    return snapshot;
  }

  for (const { name, statements, settings = {}, hasHistory = false, check } of sparkTables) {
    it(`Spark: ${name}${hasHistory ? ', in every version' : ''}`, async () => {
      const table = tableNamed(name.replaceAll(' ', '-'));
      const plain = Object.fromEntries(Object.keys(settings).map((key) => [key, null]));
      await engines.ask('setSpark', { settings });
      try {
        await engines.sql(...statements(`delta.\`${table.path}\``));
      } finally {
        await engines.ask('setSpark', { settings: plain });
      }
      const newest = await assertAsSpark(table);
      const log = readdirSync(join(table.path, '_delta_log'));
      check(newest, log);
      for (let version = 1; hasHistory && version < newest.version; version++)
        await assertAsSpark(table, version);
      const checkpoints = log.filter((file) => file.includes('.checkpoint.'));
      if (checkpoints.length === 0) return;
      // Once more from the checkpoint alone, without the commits that it sums up.
      const version = Math.max(...checkpoints.map((file) => Number(file.slice(0, 20))));
      await deleteCommits(table.store, table.root, 0, version - 1);
      await assertAsSpark(table);
    });
  }

  it('Spark: a shallow clone, and a clone of it, whose files and deletion vectors are elsewhere', async () => {
    const tables = [tableNamed('clone source \u00FC'), tableNamed('clone'), tableNamed('clone of the clone')];
    const [source, clone, second] = tables.map(({ path }) => `delta.\`${path}\``);
    const root = createFolderStore('/');
    await engines.sql(
      `create table ${source} (${everyType}) using delta partitioned by (flag) 
       tblproperties ('delta.enableDeletionVectors' = 'true')`,
      `insert into ${source} values ${everyTypeRows}`,
      `delete from ${source} where id = 4`,
      `create table ${clone} shallow clone ${source}`,
      `insert into ${clone} values ${everyTypeRows}`,
      `delete from ${clone} where id = 2`,
      `create table ${second} shallow clone ${clone}`,
    );
    const resolveUri: ResolveUri = (uri) => ({ store: root, path: fileURLToPath(uri).slice(1) });
    for (const table of tables.slice(1)) {
      const { files } = await assertAsSpark(table, undefined, resolveUri);
      assert.ok([...files.values()].some(({ deletionVector }) => deletionVector?.storageType === 'p'));
      await assert.rejects(ourRowTexts(table, await openAt(table)), { code: 'DELTA_PROTOCOL_UNSUPPORTED' });
    }
  });

  it('Spark: files that were there before they became a table', async () => {
    const table = tableNamed('converted');
    await engines.sql(
      `create table converted using parquet partitioned by (text) location '${table.path}' as
       select id, 'a/b %20=:#?' as text from range(3) union all select 4, 'M\u00FCnchen' union all select 5, null`,
      `convert to delta parquet.\`${table.path}\` partitioned by (text string)`,
      `insert into delta.\`${table.path}\` values (7, 'new %')`,
    );
    assert.equal((await assertAsSpark(table)).totalRows, 6);
  });

  it('Spark: a variant column is refused by name, and the table with it', async () => {
    const table = tableNamed('variant');
    await engines.sql(
      `create table delta.\`${table.path}\` (id int, anything variant) using delta`,
      `insert into delta.\`${table.path}\` select 1, parse_json('{"a": [1, 2]}')`,
    );
    await assert.rejects(openAt(table), { code: 'DELTA_PROTOCOL_UNSUPPORTED', message: /variantType/ });
  });

  /** delta-rs's rows are ours. */
  async function assertAsDeltaRs(table: SharedTable): Promise<Snapshot> {
    const { version, rows, fileCount } = await engines.ask('deltaRsRead', { path: table.path });
    const snapshot = await openAt(table);
    assert.equal(snapshot.version, version);
    assert.deepEqual(await ourRowTexts(table, snapshot), rowTexts(rows), `version ${version}`);
    assert.equal(snapshot.files.size, fileCount);
    if (snapshot.totalRows !== undefined) assert.equal(snapshot.totalRows, rows.length);
    return snapshot;
  }

  for (const partition_by of [[], ['flag', 'day', 'long', 'number']]) {
    it(`delta-rs: every type, partitioned by ${partition_by.join(', ') || 'nothing'}`, async () => {
      const [source, table] = [
        tableNamed(`rs-source-${partition_by.length}`),
        tableNamed(`rs-copy-${partition_by.length}`),
      ];
      // delta-rs reads INT96, Spark's default, as nanoseconds, which end in the year 2262; and writes required columns beside
      // table features without the feature that Spark then asks for.
      const settings = { 'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS' };
      await engines.ask('setSpark', { settings });
      await engines.sql(
        `create table delta.\`${source.path}\` (${everyType.replaceAll(' not null', '')}) using delta`,
        `insert into delta.\`${source.path}\` values ${everyTypeRows}`,
      );
      await engines.ask('deltaRsCopy', { source: source.path, target: table.path, partition_by });
      const { metadata } = await assertAsDeltaRs(table);
      assert.deepEqual(metadata.partitionColumns, partition_by);
      const { rows } = await engines.ask('sparkRead', { path: source.path });
      assert.deepEqual(await ourRowTexts(table, await openAt(table)), rowTexts(rows));
    });
  }

  it('delta-rs: every operation, checkpoints and compacted logs', async () => {
    const table = tableNamed('rs-operations');
    const { path } = table;
    const columns = [
      ['id', 'int64'],
      ['text', 'string'],
    ] as const;
    const rows = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => [from + index, `row ${from + index}`]);
    const steps: readonly (() => Promise<unknown>)[] = [
      () => engines.ask('deltaRsAppend', { path, columns, rows: rows(0, 100) }),
      () => engines.ask('deltaRsAppend', { path, columns, rows: rows(100, 50) }),
      () => engines.ask('deltaRsDelete', { path, predicate: 'id % 7 = 3' }),
      () => engines.ask('deltaRsUpdate', { path, predicate: 'id < 10', updates: { text: "'updated'" } }),
      () => engines.ask('deltaRsMerge', { path, columns, rows: rows(140, 20), on: 'id' }),
      () =>
        engines.ask('deltaRsAppend', {
          path,
          columns: [...columns, ['extra', 'float64']],
          rows: [[999, 'wider', 0.5]],
          schema_mode: 'merge',
        }),
      () => engines.ask('deltaRsCompactLogs', { path, start: 1, end: 4 }),
      () => engines.ask('deltaRsOptimize', { path }),
      () => engines.ask('deltaRsOptimize', { path, z_order: ['text'] }),
      () => engines.ask('deltaRsCheckpoint', { path }),
      () => engines.ask('deltaRsAppend', { path, columns, rows: rows(2000, 5), schema_mode: 'merge' }),
      () => engines.ask('deltaRsVacuum', { path }),
    ];
    for (const step of steps) {
      await step();
      await assertAsDeltaRs(table);
    }
    const { version } = await assertAsSpark(table);
    const log = readdirSync(join(path, '_delta_log'));
    const checkpoint = log.find((name) => name.endsWith('.checkpoint.parquet'));
    assert.ok(checkpoint !== undefined && log.some((name) => name.endsWith('.compacted.json')));
    await deleteCommits(table.store, table.root, 0, Number(checkpoint.slice(0, 20)) - 1);
    assert.equal((await assertAsDeltaRs(table)).version, version);
  });
});
