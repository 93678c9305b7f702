// Checkpoints that this project writes: their schema is Spark's, they lose nothing, and readers need no older commit.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { seededRandom } from '../../../shared/base/index.js';
import {
  lastCheckpointChecksum,
  openTable,
  TableWriter,
  writeCheckpoint,
  writeCheckpointIfDue,
} from '../../../shared/delta/index.js';
import { createMemoryStore, storeBelow } from '../../../shared/storage/index.js';
import { committedRows, partitionAppend, readingsSchema } from '../../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled } from '../../support/faultyStore.js';
import {
  deleteCommits,
  logDigits,
  logNames,
  putCommitLines,
  setProperties,
} from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';

const root = 'tables/readings';
const dayMs = 86_400_000;
const startMs = 1_700_000_000_000;

async function setUp(configuration: Readonly<Record<string, string>> = {}) {
  const clock = new InstantClock(startMs);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema, name: 'readings', configuration });
  for (let last = 1; last <= 5; last++) await writer.append(partitionAppend('p0', 1, last * 2));
  return { ...table, files: storeBelow(store, root) };
}

type Table = Awaited<ReturnType<typeof setUp>>;
type Row = Record<string, Record<string, unknown> | undefined>;

async function checkpointRows(table: Table, version: number): Promise<Row[]> {
  const bytes = await table.files.read(`_delta_log/${logDigits(version)}.checkpoint.parquet`);
  return (await parquetReadObjects({ file: new Uint8Array(bytes!).buffer, compressors })) as Row[];
}

async function hint(table: Table): Promise<Record<string, unknown>> {
  return JSON.parse(new TextDecoder().decode(await table.files.read('_delta_log/_last_checkpoint')));
}

/** Entries sorted, so that the order of replay does not matter. */
async function stateOf(table: Table) {
  const { snapshot } = await openTable(table);
  const sorted = <Value>(map: ReadonlyMap<string, Value>) =>
    [...map].sort(([left], [right]) => (left < right ? -1 : 1));
  return {
    ...snapshot,
    files: sorted(snapshot.files).map(([path, add]) => [path, { ...add, dataChange: false }]),
    transactions: sorted(snapshot.transactions),
  };
}

describe('a written checkpoint', () => {
  it('stands for the commits before it', async () => {
    const table = await setUp({ 'delta.appendOnly': 'false' });
    const before = await stateOf(table);
    const result = await writeCheckpoint(table);
    assert.deepEqual(
      { ...result, sizeBytes: 0 },
      {
        version: 5,
        actionCount: 8,
        fileCount: 5,
        tombstoneCount: 0,
        sizeBytes: 0,
      },
    );
    await deleteCommits(table.store, root, 0, 4);
    assert.deepEqual(await stateOf(table), before);
    await deleteCommits(table.store, root, 5, 5);
    assert.deepEqual(await stateOf(table), before);
  });

  it('is where the next one starts from', async () => {
    const table = await setUp();
    await writeCheckpoint(table);
    await deleteCommits(table.store, root, 0, 5);
    const writer = new TableWriter(table);
    await writer.append(partitionAppend('p1', 1, 3));
    const before = await stateOf(table);
    await writeCheckpoint(table);
    await deleteCommits(table.store, root, 6, 6);
    await table.files.delete(`_delta_log/${logDigits(5)}.checkpoint.parquet`);
    assert.deepEqual(await stateOf(table), before);
  });

  it('may be of an older version, and then does not move the hint back', async () => {
    const table = await setUp();
    await writeCheckpoint(table);
    assert.equal((await writeCheckpoint({ ...table, version: 3 })).fileCount, 3);
    assert.equal((await hint(table)).version, 5);
    assert.deepEqual(
      (await logNames(table.store, root)).filter((name) => name.includes('checkpoint')),
      [`${logDigits(3)}.checkpoint.parquet`, `${logDigits(5)}.checkpoint.parquet`, '_last_checkpoint'],
    );
  });

  it('is named by a hint with its size, its files and a checksum', async () => {
    const table = await setUp();
    const { sizeBytes } = await writeCheckpoint(table);
    const found = await hint(table);
    assert.equal(found.checksum, lastCheckpointChecksum(found));
    assert.deepEqual(
      { ...found, checksum: '' },
      {
        version: 5,
        size: 8,
        sizeInBytes: sizeBytes,
        numOfAddFiles: 5,
        checksum: '',
      },
    );
  });

  it('moves a hint back that names a checkpoint that is gone, as of a table that was here before', async () => {
    const table = await setUp();
    const stale = new TextEncoder().encode('{"version":1000,"size":3}');
    await table.files.put('_delta_log/_last_checkpoint', stale);
    const { snapshot } = await openTable(table);
    assert.equal((await writeCheckpointIfDue(snapshot, table)).kind, 'notDue');
    await setProperties(table, { 'delta.checkpointInterval': '5' });
    assert.equal((await writeCheckpointIfDue((await openTable(table)).snapshot, table)).kind, 'written');
    assert.equal((await hint(table)).version, 6);
  });

  it('has no lists of features where the versions have none, though another engine spelled empty ones out', async () => {
    const table = await setUp();
    const protocol = { minReaderVersion: 1, minWriterVersion: 2, readerFeatures: [], writerFeatures: [] };
    await putCommitLines(table.store, root, 6, [{ protocol }]);
    await writeCheckpoint(table);
    const row = (await checkpointRows(table, 6)).find((found) => found.protocol)!.protocol!;
    assert.deepEqual([row.minReaderVersion, row.minWriterVersion], [1, 2]);
    assert.deepEqual([row.readerFeatures ?? null, row.writerFeatures ?? null], [null, null]);
  });

  it('replaces one that cannot be read', async () => {
    const table = await setUp();
    const path = `_delta_log/${logDigits(5)}.checkpoint.parquet`;
    await table.files.put(path, new TextEncoder().encode('not Parquet'));
    await writeCheckpoint(table);
    await deleteCommits(table.store, root, 0, 5);
    assert.equal((await stateOf(table)).totalRows, 10);
  });

  it('has one action a row and nothing else in it', async () => {
    const table = await setUp();
    await writeCheckpoint(table);
    const rows = await checkpointRows(table, 5);
    const kinds = rows.map((row) => Object.keys(row).filter((key) => (row[key] ?? null) !== null));
    assert.deepEqual(kinds, [
      ['protocol'],
      ['metaData'],
      ['txn'],
      ...Array.from({ length: 5 }, () => ['add']),
    ]);
    for (const { add } of rows.slice(3)) {
      assert.equal(add!.dataChange, false);
      assert.equal(add!.deletionVector ?? null, null);
    }
    assert.equal(rows[0]!.protocol!.readerFeatures ?? null, null);
  });
});

describe('tombstones and transactions in a checkpoint', () => {
  async function withTombstones(table: Table): Promise<string[]> {
    const paths = (await stateOf(table)).files.map(([path]) => String(path));
    const remove = (path: string | undefined, deletionTimestamp?: number) => ({
      remove: {
        path,
        dataChange: true,
        extendedFileMetadata: true,
        partitionValues: {},
        size: 7,
        stats: '{}',
        deletionTimestamp,
      },
    });
    await putCommitLines(table.store, root, 6, [
      { commitInfo: { operation: 'DELETE' } },
      remove(paths[0], startMs),
      remove(paths[1], startMs - 8 * dayMs),
      remove(paths[2]),
    ]);
    return paths;
  }

  it('stay until the retention has passed', async () => {
    const table = await setUp();
    const [recent] = await withTombstones(table);
    const result = await writeCheckpoint(table);
    assert.equal(result.tombstoneCount, 1);
    assert.equal(result.fileCount, 2);
    const removes = (await checkpointRows(table, 6)).flatMap(({ remove }) => (remove ? [remove] : []));
    assert.deepEqual(
      removes.map(({ path, deletionTimestamp, dataChange, extendedFileMetadata, size }) => ({
        path,
        deletionTimestamp,
        dataChange,
        extendedFileMetadata,
        size,
      })),
      [
        {
          path: recent,
          deletionTimestamp: BigInt(startMs),
          dataChange: false,
          extendedFileMetadata: true,
          size: 7n,
        },
      ],
    );
    // The next checkpoint starts from this one and still knows it.
    table.clock.advance(dayMs);
    await deleteCommits(table.store, root, 0, 6);
    assert.equal((await writeCheckpoint(table)).tombstoneCount, 1);
    table.clock.advance(7 * dayMs);
    assert.equal((await writeCheckpoint(table)).tombstoneCount, 0);
  });

  it('go by delta.deletedFileRetentionDuration', async () => {
    const table = await setUp({ 'delta.deletedFileRetentionDuration': 'interval 2 weeks' });
    await withTombstones(table);
    assert.equal((await writeCheckpoint(table)).tombstoneCount, 2);
  });

  it('keep every transaction, unless the table has a retention for them', async () => {
    for (const [configuration, expected] of [
      [{}, ['ingest/p0', 'old', 'timeless']],
      [{ 'delta.setTransactionRetentionDuration': 'interval 1 day' }, ['ingest/p0']],
    ] as const) {
      const table = await setUp(configuration);
      await putCommitLines(table.store, root, 6, [
        { txn: { appId: 'old', version: 1, lastUpdated: startMs - 2 * dayMs } },
        { txn: { appId: 'timeless', version: 1 } },
      ]);
      await writeCheckpoint(table);
      const rows = await checkpointRows(table, 6);
      assert.deepEqual(
        rows.flatMap(({ txn }) => txn?.appId ?? []),
        expected,
      );
    }
  });

  it('keep fields that only other engines use', async () => {
    const table = await setUp();
    const add = {
      path: 'part-x.parquet',
      partitionValues: {},
      size: 1,
      modificationTime: 2,
      dataChange: true,
      tags: { ZCUBE_ID: 'a' },
      baseRowId: 12,
      defaultRowCommitVersion: 3,
      clusteringProvider: 'liquid',
    };
    await putCommitLines(table.store, root, 6, [{ add }]);
    await writeCheckpoint(table);
    await deleteCommits(table.store, root, 0, 6);
    await writeCheckpoint({ ...table, version: 6 });
    const kept = (await checkpointRows(table, 6)).find((row) => row.add?.path === 'part-x.parquet')!.add!;
    assert.deepEqual(kept.tags, { ZCUBE_ID: 'a' });
    assert.deepEqual(
      [kept.baseRowId, kept.defaultRowCommitVersion, kept.clusteringProvider],
      [12n, 3n, 'liquid'],
    );
  });
});

describe('a checkpoint is not written', () => {
  for (const [what, configuration, message] of [
    ['of the policy v2', { 'delta.checkpointPolicy': 'v2' }, /policy v2 \(delta\.checkpointPolicy\)/],
    [
      'with a retention that cannot be read',
      { 'delta.deletedFileRetentionDuration': '1 month' },
      /"1 month"/,
    ],
  ] as const) {
    it(what, async () => {
      const table = await setUp();
      await setProperties(table, configuration);
      await assert.rejects(writeCheckpoint(table), { code: 'DELTA_PROTOCOL_UNSUPPORTED', message });
      assert.ok((await logNames(table.store, root)).every((name) => name.endsWith('.json')));
    });
  }

  it('of a table that is not there, or a version that is not', async () => {
    const table = await setUp();
    await assert.rejects(writeCheckpoint({ ...table, root: 'tables/none' }), {
      code: 'DELTA_TABLE_NOT_FOUND',
    });
    await assert.rejects(writeCheckpoint({ ...table, version: 6 }), { code: 'DELTA_VERSION_NOT_FOUND' });
  });

  it('when commits are missing', async () => {
    const table = await setUp();
    await deleteCommits(table.store, root, 2, 2);
    await assert.rejects(writeCheckpoint(table), {
      code: 'DELTA_LOG_GAP',
      message: /lacks version 2 \(0+2\.json\)/,
    });
  });

  it('until it is due', async () => {
    const table = await setUp({ 'delta.checkpointInterval': '3' });
    const snapshot = async () => (await openTable(table)).snapshot;
    assert.equal((await writeCheckpointIfDue(await snapshot(), table)).kind, 'written');
    assert.deepEqual(await writeCheckpointIfDue(await snapshot(), table), {
      kind: 'notDue',
      version: 5,
      interval: 3,
    });
    const writer = new TableWriter(table);
    for (let last = 1; last <= 3; last++) await writer.append(partitionAppend('p1', 1, last));
    assert.equal((await writeCheckpointIfDue(await snapshot(), table)).kind, 'written');
  });
});

describe('a crash while a checkpoint is written', () => {
  it('leaves a readable table, and the next attempt completes', async () => {
    let crashes = 0;
    for (const atWrite of [1, 2]) {
      for (const when of ['before', 'after'] as const) {
        const table = await setUp();
        const before = await stateOf(table);
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(writeCheckpoint({ ...table, store: dying }), ProcessKilled);
        crashes += dying.faultCount;
        assert.deepEqual(await stateOf(table), before);
        await writeCheckpoint(table);
        assert.equal((await hint(table)).version, 5);
        await deleteCommits(table.store, root, 0, 5);
        assert.deepEqual(await stateOf(table), before);
      }
    }
    assert.equal(crashes, 4);
  });

  it('may be a lost answer only, and the write is tried again', async () => {
    const table = await setUp();
    const store = new FaultyStore(table.store, {
      writeFault: (write) => (write === 1 ? 'lostError' : undefined),
    });
    await writeCheckpoint({ ...table, store });
    assert.equal(store.faultCount, 1);
    assert.equal((await committedRows(table.store, root)).length, 10);
  });
});

describe('the checksum of the hint', () => {
  it('is that of the protocol', () => {
    const sample = {
      k0: "'v 0'",
      checksum: 'adsaskfljadfkjadfkj',
      k1: { k2: 2, k3: ['v3', [1, 2], { k4: 'v4', k5: ['v5', 'v6', 'v7'] }] },
    };
    assert.equal(lastCheckpointChecksum(sample), '6a92d155a59bf2eecbd4b4ec7fd1f875');
  });
});

const cases = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  '..',
  '..',
  'shared',
  'delta-cases',
  'kernel-golden',
);
const sparkTable = join(cases, 'basic-with-inserts-deletes-checkpoint', 'delta', '_delta_log');

describe('beside a checkpoint that Spark wrote', { skip: !existsSync(sparkTable) }, () => {
  interface Element {
    readonly name: string;
    readonly num_children?: number;
  }
  const metadataOf = (bytes: Uint8Array) => parquetMetadata(new Uint8Array(bytes).buffer);

  it('the schema is the same, but for the newer clusteringProvider', async () => {
    const table = await setUp();
    await writeCheckpoint(table);
    const ours = metadataOf((await table.files.read(`_delta_log/${logDigits(5)}.checkpoint.parquet`))!);
    const theirs = metadataOf(readFileSync(join(sparkTable, `${logDigits(10)}.checkpoint.parquet`)));
    // Nothing else may differ, so the count of add's fields is the only thing to put right.
    const comparable = (ours.schema as Element[])
      .filter(({ name }) => name !== 'clusteringProvider')
      .map((element) => (element.name === 'add' ? { ...element, num_children: 10 } : element));
    assert.deepEqual(comparable, theirs.schema);
    for (const chunk of ours.row_groups[0]!.columns) {
      assert.equal(chunk.meta_data!.codec, 'SNAPPY');
      assert.deepEqual(chunk.meta_data!.encodings, ['PLAIN', 'RLE']);
    }
  });

  it('the checksum of the hint is the same', () => {
    const found = JSON.parse(readFileSync(join(sparkTable, '_last_checkpoint'), 'utf8'));
    assert.match(found.checksum, /^[0-9a-f]{32}$/);
    assert.equal(lastCheckpointChecksum(found), found.checksum);
  });
});
