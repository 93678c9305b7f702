// Upkeep of tables whose log starts with a multi-part or V2 checkpoint: nothing of the state is lost, and nothing needed is deleted.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { seededRandom } from '../../../shared/base/index.js';
import {
  cleanUpLog,
  createTable,
  deleteRows,
  openTable,
  optimizeTable,
  planVacuum,
  restoreTable,
  TableWriter,
  vacuumTable,
  writeCheckpoint,
} from '../../../shared/delta/index.js';
import { loadFullState } from '../../../shared/delta/upkeep/loadFullState.js';
import { createMemoryStore, storeBelow } from '../../../shared/storage/index.js';
import { checkpointBytes, number, struct, text } from '../../support/checkpointFile.js';
import {
  dataFiles,
  expectedRows,
  partitionAppend,
  readingsSchema,
  type TableOnStore,
} from '../../support/deltaFixtures.js';
import { type ForeignForm, foreignForms, replaceLogByCheckpoint } from '../../support/foreignCheckpoint.js';
import { deleteCommits, logDigits, logNames, putCommitLines } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { liveRows } from '../../support/tableRows.js';

const sparkLog = join(
  import.meta.dirname,
  ...['..', '..', '..', '..', '..', 'shared', 'delta-cases', 'kernel-golden'],
  ...['v2-checkpoint-parquet', 'delta', '_delta_log'],
);

const root = 'tables/readings';
const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 0, 1, 12);

/** Eight rows of p0 in one file that replaced four, which are tombstones; then two files of p1. Version 8 is the checkpoint. */
async function setUp(form: ForeignForm, configuration: Readonly<Record<string, string>> = {}) {
  const clock = new InstantClock(startMs);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const { snapshot } = await createTable({ ...table, schema: readingsSchema });
  const isV2 = form.startsWith('V2');
  const features = isV2 ? ['v2Checkpoint'] : ['vacuumProtocolCheck'];
  await putCommitLines(store, root, 1, [
    {
      protocol: {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: features,
        writerFeatures: [...features, 'appendOnly', 'invariants'],
      },
    },
    { metaData: { ...snapshot.metadata, configuration } },
  ]);
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (const last of [2, 4, 6, 8]) await writer.append(partitionAppend('p0', 1, last));
  await optimizeTable(table);
  for (const last of [2, 5]) await writer.append(partitionAppend('p1', 1, last));
  const { version, names } = await replaceLogByCheckpoint(store, root, form);
  assert.equal(version, 8);
  return { ...table, files: storeBelow(store, root), checkpointVersion: version, checkpointNames: names };
}

async function stateOf({ store, root: folder }: TableOnStore) {
  const state = await loadFullState({ table: folder, store: storeBelow(store, folder) });
  const sorted = (map: ReadonlyMap<string, object>) =>
    [...map]
      .map(([key, action]) => [key, { ...action, dataChange: false }] as const)
      .sort(([left], [right]) => (left < right ? -1 : 1));
  return {
    protocol: state!.protocol,
    metaData: state!.metaData,
    adds: sorted(state!.adds),
    removes: sorted(state!.removes),
    transactions: sorted(state!.transactions),
  };
}

const everything = expectedRows({ p0: 8, p1: 5 });

for (const form of foreignForms) {
  describe(`upkeep of a table with a checkpoint: ${form}`, () => {
    it('writes a checkpoint of its own that holds the same', async () => {
      const table = await setUp(form);
      const before = await stateOf(table);
      assert.equal(before.removes.length, 4);
      assert.deepEqual(
        before.transactions.map(([appId]) => appId),
        ['ingest/p0', 'ingest/p1'],
      );
      const result = await writeCheckpoint(table);
      assert.deepEqual(
        [result.version, result.fileCount, result.tombstoneCount],
        [table.checkpointVersion, 3, 4],
      );
      for (const name of table.checkpointNames) await table.files.delete(`_delta_log/${name}`);
      assert.deepEqual(await stateOf(table), before);
      assert.deepEqual(await liveRows(table), everything);
    });

    it('vacuums by the tombstones in it, and touches no file of the log', async () => {
      const table = await setUp(form);
      const log = await logNames(table.store, root);
      await table.files.put('part-orphan.parquet', new Uint8Array(3));
      table.clock.advance(6 * dayMs);
      assert.deepEqual((await planVacuum(table)).paths, []);
      table.clock.advance(60 * dayMs);
      assert.equal((await planVacuum(table)).paths.length, 5);
      await vacuumTable(table);
      assert.equal((await dataFiles(table.store, root)).length, 3);
      const after = await logNames(table.store, root);
      assert.deepEqual(
        log.filter((name) => !after.includes(name)),
        [],
      );
      assert.deepEqual(await liveRows(table), everything);
    });

    it('optimizes, deletes and restores', async () => {
      const table = await setUp(form);
      assert.equal((await optimizeTable(table)).kind, 'optimized');
      const deleted = await deleteRows({
        ...table,
        predicate: {
          description: 'sequence > 4',
          columns: ['sequence'],
          matches: ({ columns }, row) => Number(columns[0]!.values[row]) > 4,
        },
      });
      assert.equal(deleted.kind === 'deleted' && deleted.deletedRowCount, 5);
      assert.deepEqual(await liveRows(table), expectedRows({ p0: 4, p1: 4 }));
      // To the version of the checkpoint itself.
      assert.equal((await restoreTable({ ...table, version: table.checkpointVersion })).kind, 'restored');
      assert.deepEqual(await liveRows(table), everything);
    });

    it('cleans it up when it has expired, with its sidecars', async () => {
      const table = await setUp(form);
      const writer = new TableWriter({ ...table, random: seededRandom(7) });
      await writer.append(partitionAppend('p1', 1, 6));
      await writeCheckpoint(table);
      assert.deepEqual(await cleanUpLog(table), { kind: 'nothing' });
      table.clock.advance(32 * dayMs);
      assert.deepEqual(await cleanUpLog(table), {
        kind: 'cleaned',
        checkpointVersion: 9,
        deletedCount: table.checkpointNames.length,
      });
      assert.deepEqual(await logNames(table.store, root), [
        `${logDigits(9)}.checkpoint.parquet`,
        `${logDigits(9)}.json`,
        '_last_checkpoint',
      ]);
      assert.deepEqual(await liveRows(table), expectedRows({ p0: 8, p1: 6 }));
      assert.deepEqual(await cleanUpLog(table), { kind: 'nothing' });
    });
  });
}

describe('a cleanup beside sidecars', () => {
  it('keeps those that a checkpoint which stays refers to', async () => {
    const table = await setUp('V2 in Parquet with sidecars');
    await new TableWriter({ ...table, random: seededRandom(7) }).append(partitionAppend('p1', 1, 6));
    await table.files.put('_delta_log/_sidecars/orphan.parquet', new Uint8Array(1));
    table.clock.advance(60 * dayMs);
    assert.deepEqual(await cleanUpLog(table), {
      kind: 'cleaned',
      checkpointVersion: undefined,
      deletedCount: 1,
    });
    assert.deepEqual(
      (await logNames(table.store, root)).filter((name) => name.startsWith('_sidecars')),
      ['_sidecars/8-first.parquet', '_sidecars/8-second.parquet'],
    );
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 8, p1: 6 }));
  });

  it('keeps all of them, and says why, while a checkpoint cannot tell which are its own', async () => {
    const table = await setUp('V2 in JSON with sidecars');
    await writeCheckpoint(table);
    const name = table.checkpointNames.find((found) => found.endsWith('.json'))!;
    await table.files.put(`_delta_log/${name}`, new TextEncoder().encode('{"sidecar":'));
    await table.files.put('_delta_log/_sidecars/orphan.parquet', new Uint8Array(1));
    table.clock.advance(3 * dayMs);
    await assert.rejects(cleanUpLog(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: new RegExp(`${name} cannot be read as JSON`),
    });
    assert.ok((await logNames(table.store, root)).includes('_sidecars/orphan.parquet'));
    assert.deepEqual(await liveRows(table), everything);
  });

  it('that died before it came to the sidecars is completed by the next', async () => {
    const table = await setUp('V2 in JSON with sidecars');
    await writeCheckpoint(table);
    for (const name of table.checkpointNames)
      if (name.endsWith('.json')) await table.files.delete(`_delta_log/${name}`);
    table.clock.advance(3 * dayMs);
    const result = await cleanUpLog(table);
    assert.equal(result.kind === 'cleaned' && result.deletedCount, 2);
    assert.deepEqual(await liveRows(table), everything);
  });
});

describe('a checkpoint for a table with the feature v2Checkpoint', () => {
  const rowsOf = async (table: Awaited<ReturnType<typeof setUp>>) => {
    const bytes = await table.files.read(
      `_delta_log/${logDigits(table.checkpointVersion)}.checkpoint.parquet`,
    );
    return parquetReadObjects({ file: new Uint8Array(bytes!).buffer, compressors });
  };

  it('is of the V2 kind, with the files inside, when the table asks for it', async () => {
    const table = await setUp('V2 in JSON', { 'delta.checkpointPolicy': 'v2' });
    const before = await stateOf(table);
    const { actionCount } = await writeCheckpoint(table);
    const rows = await rowsOf(table);
    assert.equal(rows.length, actionCount);
    assert.deepEqual(rows[0]!.checkpointMetadata, { version: 8n, tags: undefined });
    assert.equal(rows.filter(({ checkpointMetadata }) => checkpointMetadata).length, 1);
    assert.ok(rows.every(({ sidecar }) => (sidecar ?? null) === null));
    for (const name of table.checkpointNames) await table.files.delete(`_delta_log/${name}`);
    assert.deepEqual(await stateOf(table), before);
  });

  it('has the columns of a V2 checkpoint that Spark wrote', { skip: !existsSync(sparkLog) }, async () => {
    const table = await setUp('V2 in JSON', { 'delta.checkpointPolicy': 'v2' });
    await writeCheckpoint(table);
    const name = readdirSync(sparkLog).find((found) => found.endsWith('.parquet'))!;
    const tailOf = (bytes: Uint8Array) => {
      const { schema } = parquetMetadata(new Uint8Array(bytes).buffer);
      return schema.slice(schema.findIndex((element) => element.name === 'checkpointMetadata'));
    };
    const bytes = await table.files.read(
      `_delta_log/${logDigits(table.checkpointVersion)}.checkpoint.parquet`,
    );
    const theirs = tailOf(readFileSync(join(sparkLog, name)));
    assert.deepEqual(
      theirs.filter(({ num_children: count }) => count === 4).map((element) => element.name),
      ['sidecar'],
    );
    // Theirs, the state being in sidecars, ends with the same two columns.
    assert.deepEqual(tailOf(bytes!), theirs);
  });

  it('is classic otherwise', async () => {
    const table = await setUp('V2 in JSON');
    await writeCheckpoint(table);
    const [first] = await rowsOf(table);
    assert.equal(Object.hasOwn(first!, 'checkpointMetadata'), false);
  });
});

describe('a compacted log', () => {
  it('gives upkeep its tombstones', async () => {
    const table = await setUp('two parts');
    const writer = new TableWriter({ ...table, random: seededRandom(7) });
    await writer.append(partitionAppend('p2', 1, 1));
    await optimizeTable(table);
    const text = async (version: number) =>
      new TextDecoder()
        .decode(await table.files.read(`_delta_log/${logDigits(version)}.json`))
        .split('\n')
        .filter((line) => line !== '' && !line.includes('commitInfo'));
    const removed = new Set((await stateOf(table)).removes.map(([path]) => path));
    const lines = [...(await text(9)), ...(await text(10))].filter((line) => {
      const { add } = JSON.parse(line) as { add?: { path: string } };
      return add === undefined || !removed.has(add.path);
    });
    const before = await stateOf(table);
    await table.files.put(
      `_delta_log/${logDigits(9)}.${logDigits(10)}.compacted.json`,
      new TextEncoder().encode(`${lines.join('\n')}\n`),
    );
    // A commit that says something else shows that it was not read.
    const kept = await table.files.read(`_delta_log/${logDigits(9)}.json`);
    await deleteCommits(table.store, root, 9, 9);
    await putCommitLines(table.store, root, 9, [{ txn: { appId: 'wrong', version: 1 } }]);
    assert.deepEqual(await stateOf(table), before);
    await table.files.put(`_delta_log/${logDigits(9)}.json`, kept!);
    assert.equal((await writeCheckpoint(table)).tombstoneCount, before.removes.length);
  });
});

describe('statistics that a checkpoint has as a struct only', () => {
  it('are text in the next checkpoint, so that they are not lost', async () => {
    const table = await setUp('two parts');
    const { snapshot } = await openTable(table);
    const [file] = [...snapshot.files.values()];
    const { numRecords, minValues } = JSON.parse(file!.stats!) as {
      numRecords: number;
      minValues: { sequence: number };
    };
    for (const name of table.checkpointNames) await table.files.delete(`_delta_log/${name}`);
    const parsed = struct('stats_parsed', number('numRecords'), struct('minValues', number('sequence')));
    const add = struct('add', text('path'), number('size'), number('modificationTime'), parsed);
    const { path, size, modificationTime } = file!;
    const rows = [
      { protocol: { ...snapshot.protocol } },
      { metaData: { ...snapshot.metadata } },
      {
        add: {
          path,
          size,
          modificationTime,
          stats_parsed: { numRecords, minValues: { sequence: BigInt(minValues.sequence) } },
        },
      },
    ];
    const name = `_delta_log/${logDigits(table.checkpointVersion)}.checkpoint.parquet`;
    await table.files.put(name, checkpointBytes(rows, { add }));
    await writeCheckpoint(table);
    const written = await parquetReadObjects({
      file: new Uint8Array((await table.files.read(name))!).buffer,
      compressors,
    });
    assert.deepEqual(
      written.flatMap((row) => (row.add ? [JSON.parse(row.add.stats)] : [])),
      [{ numRecords, minValues: { sequence: minValues.sequence } }],
    );
  });
});
