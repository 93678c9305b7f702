// Spark reads checkpoints of ours that have statistics as structs alone, and skips files by them.
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
  });

  it('has the columns that Spark writes, and Spark reads and skips by it', async () => {
    const table = createTableFolder(cleanup)('statistics');
    const name = `delta.\`${table.path}\``;
    const properties = [
      "'delta.checkpoint.writeStatsAsStruct' = 'true'",
      "'delta.checkpoint.writeStatsAsJson' = 'false'",
      "'delta.checkpointInterval' = '2'",
      "'delta.enableDeletionVectors' = 'false'",
    ];
    await engines.sql(
      `create table ${name} (${everyType}, part date) using delta partitioned by (part) tblproperties (${properties})`,
      `insert into ${name} select *, date '2024-02-29' from (values ${everyTypeRows})`,
      `insert into ${name} (id, text, number, part) values (100, 'z', 1e9, null)`, // version 2: Spark writes a checkpoint
      `insert into ${name} (id, text, number, part) values (200, 'zz', 2e9, date '1969-12-31')`,
      'select 1',
    );
    const schemaOf = async (version: number) => {
      const path = `${table.root}/_delta_log/${logDigits(version)}.checkpoint.parquet`;
      const bytes = (await table.store.read(path))!;
      const schema = parquetMetadata(new Uint8Array(bytes).buffer).schema as { readonly name: string }[];
      // Everything from the statistics on, up to the next action.
      const from = schema.findIndex((element) => element.name === 'partitionValues_parsed');
      return schema.slice(
        from,
        schema.findIndex((element) => element.name === 'remove'),
      );
    };
    await writeCheckpoint(table);
    const { version } = await openAt(table);
    assert.deepEqual(await schemaOf(version), await schemaOf(2));
    await deleteCommits(table.store, table.root, 0, version - 1);
    const { rows } = await engines.ask('sparkRead', { path: table.path });
    assert.equal(rows.length, 6);
    assert.deepEqual(await ourRowTexts(table, await openAt(table)), rowTexts(rows));
    const { fileCount } = await engines.ask('sparkLog', { path: table.path, isFresh: true });
    for (const [where, ids] of [
      ['number > 1.5e9', ['200']],
      ["part = date '1969-12-31'", ['200']],
      ['part is null', ['100']],
      ["text = 'z'", ['100']],
      ['price = 1.25 and place.lat = 1.5', ['1']],
    ] as const) {
      const { skipping, full } = await engines.ask('sparkSelect', {
        path: table.path,
        where,
        columns: ['id'],
      });
      assert.deepEqual(rowTexts(skipping.rows), rowTexts(full.rows), where);
      assert.deepEqual(
        skipping.rows.map(({ id }) => String(id)),
        ids,
        where,
      );
      assert.ok(skipping.fileCount < fileCount, `${where}: ${skipping.fileCount} of ${fileCount} files`);
    }
  });
});
