// Spark reads the change data feed of a table from which rows were deleted here.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deleteRows, parseRowPredicate } from '../../shared/delta/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import { Engines, rowTexts } from './engines.js';
import { createTableFolder, openAt, ourRowTexts } from './ourTable.js';
import { prepareSpark } from './python.js';

const obstacle = prepareSpark();

describe('a table whose changes Spark reads', { skip: obstacle ?? false }, () => {
  const cleanup = reverseCleanup({ after });
  let engines: Engines;
  before(async () => {
    engines = await Engines.start(cleanup);
  });

  for (const clause of ['', 'partitioned by (part)']) {
    it(`tells of the rows that went, and of no others${clause === '' ? '' : `, ${clause}`}`, async () => {
      const table = createTableFolder(cleanup)(clause === '' ? 'plain' : 'parts');
      const name = `delta.\`${table.path}\``;
      await engines.sql(
        `create table ${name} (id bigint, part string, place struct<x: int>) using delta ${clause} tblproperties ('delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = 'false')`,
        `insert into ${name} select id, if(id < 4, 'a', 'b'), named_struct('x', cast(id as int)) from range(0, 8, 1, 1)`,
        `insert into ${name} select id, 'c', null from range(8, 10, 1, 1)`,
        'select 1',
      );
      const { version } = await openAt(table);
      const deleteWhere = async (text: string) =>
        deleteRows({ ...table, predicate: parseRowPredicate(text, await openAt(table)) });
      await deleteWhere("part = 'c' OR place.x IN (1, 6)"); // one file as a whole, and rows of others
      await deleteWhere("part = 'b'");
      const changes = await engines.sql(
        `select _commit_version - ${version} as version, _change_type as change, id, part, place.x as x from table_changes_by_path('${table.path}', ${version + 1}) order by version, id`,
      );
      const deleted = (commit: number, id: number, part: string, x: number | null) => ({
        version: String(commit),
        change: 'delete',
        id: String(id),
        part,
        x,
      });
      assert.deepEqual(changes, [
        deleted(1, 1, 'a', 1),
        deleted(1, 6, 'b', 6),
        deleted(1, 8, 'c', null),
        deleted(1, 9, 'c', null),
        deleted(2, 4, 'b', 4),
        deleted(2, 5, 'b', 5),
        deleted(2, 7, 'b', 7),
      ]);
      const { rows } = await engines.ask('sparkRead', { path: table.path });
      assert.equal(rows.length, 3);
      assert.deepEqual(await ourRowTexts(table, await openAt(table)), rowTexts(rows));
    });
  }
});
