// Spark and delta-rs read checkpoints of ours that have statistics and partition values as structs. (Spark itself writes
// `partitionValues_parsed`, but no `stats_parsed`.)
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parquetMetadata } from 'hyparquet';
import { writeCheckpoint } from '../../shared/delta/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import { deleteCommits, logDigits } from '../support/foreignTable.js';
import { Engines, rowTexts } from './engines.js';
import { createTableFolder, openAt, ourRowTexts } from './ourTable.js';
import { prepareSpark } from './python.js';
import { everyType, everyTypeRows } from './sparkTables.js';

const obstacle = prepareSpark();

describe('a checkpoint with statistics as structs', { skip: obstacle ?? false }, () => {
  const cleanup = reverseCleanup({ after });
  let engines: Engines;
  before(async () => {
    engines = await Engines.start(cleanup);
    // Otherwise Spark writes timestamps as INT96.
    await engines.ask('setSpark', {
      settings: { 'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS' },
    });
  });

  for (const asJson of [true, false]) {
    it(`${asJson ? 'and as JSON' : 'alone'} is read by others, and says the same`, async () => {
      const table = createTableFolder(cleanup)('statistics');
      const name = `delta.\`${table.path}\``;
      const properties = [
        "'delta.checkpoint.writeStatsAsStruct' = 'true'",
        `'delta.checkpoint.writeStatsAsJson' = '${asJson}'`,
        "'delta.checkpointInterval' = '2'",
        "'delta.enableDeletionVectors' = 'false'",
      ];
      await engines.sql(
        `create table ${name} (${everyType}, part date, moment_part timestamp) using delta partitioned by (part, moment_part) tblproperties (${properties})`,
        `insert into ${name} select *, date '2024-02-29', timestamp '2024-02-29 12:30:00.5' from (values ${everyTypeRows})`,
        `insert into ${name} (id, text, number, part) values (100, 'z', 1e9, null)`, // version 2: Spark writes a checkpoint
        `insert into ${name} (id, text, number, part) values (200, 'zz', 2e9, date '1969-12-31')`,
        'select 1',
      );
      const partitionSchemaOf = async (version: number) => {
        const path = `${table.root}/_delta_log/${logDigits(version)}.checkpoint.parquet`;
        const bytes = new Uint8Array((await table.store.read(path))!);
        const schema = parquetMetadata(bytes.buffer).schema as { readonly name: string }[];
        const from = schema.findIndex((element) => element.name === 'partitionValues_parsed');
        return schema.slice(from, from + 3).map((element) => ({ ...element, logical_type: undefined }));
      };
      await writeCheckpoint(table);
      const { version } = await openAt(table);
      assert.deepEqual(await partitionSchemaOf(version), await partitionSchemaOf(2));
      await deleteCommits(table.store, table.root, 0, version - 1);
      const ours = await ourRowTexts(table, await openAt(table));
      assert.equal(ours.length, 6);
      const { rows } = await engines.ask('sparkRead', { path: table.path });
      assert.deepEqual(ours, rowTexts(rows));
      assert.equal((await engines.ask('deltaRsRead', { path: table.path })).rows.length, 6);
      const { fileCount } = await engines.ask('sparkLog', { path: table.path, isFresh: true });
      for (const [where, ids, isOfPartition] of [
        ["part = date '1969-12-31'", ['200'], true],
        ['part is null', ['100'], true],
        ["moment_part = timestamp '2024-02-29 12:30:00.5'", ['1', '2', '3', '4'], true],
        ['number > 1.5e9 and number < 3e9', ['200'], false],
        ["text = 'z'", ['100'], false],
        ['price = 1.25 and place.lat = 1.5', ['1'], false],
      ] as const) {
        const { skipping, full } = await engines.ask('sparkSelect', {
          path: table.path,
          where,
          columns: ['id'],
        });
        assert.deepEqual(rowTexts(skipping.rows), rowTexts(full.rows), where);
        assert.deepEqual(skipping.rows.map(({ id }) => String(id)).sort(), ids, where);
        // By statistics Spark skips only where they are JSON.
        if (asJson || isOfPartition)
          assert.ok(skipping.fileCount < fileCount, `${where}: ${skipping.fileCount} of ${fileCount} files`);
      }
    });
  }
});
