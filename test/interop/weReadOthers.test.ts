// We read the tables that Spark and delta-rs write, with the features they use, and find what they find.
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addColumns, type ResolveUri, type Snapshot, writeCheckpoint } from '../../shared/delta/index.js';
import { createFolderStore } from '../support/folderStore.js';
import { reverseCleanup } from '../support/cleanup.js';
import { Engines, rowTexts } from './engines.js';
import { createTableFolder, openAt, ourRowTexts, type SharedTable } from './ourTable.js';
import { prepareSpark } from './python.js';
import { everyType, featureTables, sparkTables } from './sparkTables.js';

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
    if (snapshot.totalRows !== undefined) assert.equal(snapshot.totalRows, count, `${label}: rows in the log`);
    return snapshot;
  }

  for (const { name, statements, settings = {}, check } of sparkTables) {
    it(`Spark: ${name}, in every version`, async () => {
      const table = tableNamed(name.replaceAll(' ', '-'));
      const plain = Object.fromEntries(Object.keys(settings).map((key) => [key, null]));
      await engines.ask('setSpark', { settings });
      try {
        await engines.sql(...statements(`delta.\`${table.path}\``));
      } finally {
        await engines.ask('setSpark', { settings: plain });
      }
      const newest = await assertAsSpark(table);
      await check(newest, readdirSync(join(table.path, '_delta_log')), table);
      for (let version = 1; version < newest.version; version++) await assertAsSpark(table, version);
    });
  }
});
