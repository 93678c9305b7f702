// Opening a table from a checkpoint, when the commits before it are gone, and when the checkpoint or its hint is no good.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { openTable, TableWriter } from '../../shared/delta/index.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import { type CheckpointRows, checkpointBytes } from '../support/checkpointFile.js';
import { partitionAppend, readingsSchema, readLogLines } from '../support/deltaFixtures.js';
import { FaultyStore } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';

const root = 'tables/readings';
const digits = (version: number): string => String(version).padStart(20, '0');
const checkpointPath = (version: number): string => `_delta_log/${digits(version)}.checkpoint.parquet`;

/** Six versions by the writer, and the actions that a checkpoint at version 4 holds. */
async function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const configuration = { 'delta.appendOnly': 'false' };
  const writer = new TableWriter({ ...table, schema: readingsSchema, name: 'readings', configuration });
  for (let last = 1; last <= 5; last++) await writer.append(partitionAppend('p0', 1, last * 2));
  const commits = await readLogLines(store, root);
  const lines = commits.slice(0, 5).flat();
  const actions: CheckpointRows = [
    ...lines.filter(({ protocol, metaData }) => protocol !== undefined || metaData !== undefined),
    ...lines.filter(({ add }) => add !== undefined),
    lines.findLast(({ txn }) => txn !== undefined)!,
  ];
  const files = storeBelow(store, root);
  return {
    ...table,
    actions,
    put: (path: string, bytes: Uint8Array) => files.put(path, bytes),
    hint: (body: string) => files.put('_delta_log/_last_checkpoint', new TextEncoder().encode(body)),
    async deleteCommits(to: number) {
      for (let version = 0; version <= to; version++)
        await files.delete(`_delta_log/${digits(version)}.json`);
    },
  };
}

type Table = Awaited<ReturnType<typeof setUp>>;

async function assertWhole(table: Table): Promise<void> {
  const { snapshot } = await openTable(table);
  assert.equal(snapshot.version, 5);
  assert.equal(snapshot.files.size, 5);
  assert.equal(snapshot.totalRows, 10);
  assert.equal(snapshot.transactions.get('ingest/p0'), 10);
  assert.equal(snapshot.metadata.name, 'readings');
  assert.deepEqual(snapshot.metadata.configuration, { 'delta.appendOnly': 'false' });
  assert.deepEqual(snapshot.metadata.partitionColumns, []);
  assert.deepEqual(snapshot.protocol, { minReaderVersion: 1, minWriterVersion: 2 });
}

describe('a checkpoint', () => {
  it('stands for the commits before it', async () => {
    const table = await setUp();
    const before = (await openTable(table)).snapshot;
    await table.put(checkpointPath(4), checkpointBytes(table.actions));
    await table.deleteCommits(3);
    await assertWhole(table);
    const after = (await openTable(table)).snapshot;
    assert.deepEqual(
      [...after.files].sort(([left], [right]) => (left < right ? -1 : 1)),
      [...before.files].sort(([left], [right]) => (left < right ? -1 : 1)),
    );
  });

  it('that the hint names is found without listing or reading what came before', async () => {
    const table = await setUp();
    await table.put(checkpointPath(4), checkpointBytes(table.actions));
    await table.hint('{"version":4,"size":7}');
    const store = new FaultyStore(table.store);
    await openTable({ ...table, store });
    assert.deepEqual(
      store.readPaths.map((path) => path.slice(root.length + 1)),
      ['_delta_log/_last_checkpoint', checkpointPath(4), `_delta_log/${digits(5)}.json`],
    );
    assert.equal(store.listCount, 1);
  });

  for (const [what, body] of [
    ['names a checkpoint that is gone', '{"version":3,"size":7}'],
    ['names a version that does not exist', '{"version":99,"size":7}'],
    ['is torn', '{"version":4,"si'],
    ['is no object', 'null'],
    ['has no version', '{"size":7}'],
    ['has an odd version', '{"version":-1.5}'],
  ] as const) {
    it(`is found when the hint ${what}`, async () => {
      const table = await setUp();
      await table.put(checkpointPath(4), checkpointBytes(table.actions));
      await table.deleteCommits(4);
      await table.hint(body);
      await assertWhole(table);
    });
  }

  it('that is damaged is replaced by the commits, while they are there', async () => {
    const table = await setUp();
    await table.put(checkpointPath(4), checkpointBytes(table.actions).slice(0, 300));
    await table.hint('{"version":4,"size":7}');
    await assertWhole(table);
  });

  it('that is damaged is replaced by an older one', async () => {
    const table = await setUp();
    await table.put(checkpointPath(4), checkpointBytes(table.actions));
    await table.put(checkpointPath(5), new TextEncoder().encode('not Parquet'));
    await table.deleteCommits(3);
    await assertWhole(table);
  });

  it('that is damaged is named when nothing can replace it', async () => {
    const table = await setUp();
    await table.put(checkpointPath(4), new TextEncoder().encode('not Parquet'));
    await table.deleteCommits(3);
    await assert.rejects(openTable(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: new RegExp(`checkpoint ${root}/${checkpointPath(4)} cannot be read as Parquet`),
    });
  });

  it('without a protocol is refused', async () => {
    const table = await setUp();
    const actions = table.actions.filter(({ protocol }) => protocol === undefined);
    await table.put(checkpointPath(4), checkpointBytes(actions));
    await table.deleteCommits(3);
    await assert.rejects(openTable(table), { code: 'DELTA_LOG_CORRUPT', message: /no protocol action/ });
  });

  it('in several parts is not used while a part is missing, and the error says so', async () => {
    const table = await setUp();
    await table.put(`_delta_log/${digits(4)}.checkpoint.0000000001.0000000002.parquet`, new Uint8Array(9));
    await assertWhole(table);
    await table.deleteCommits(3);
    await assert.rejects(openTable(table), {
      code: 'DELTA_LOG_GAP',
      message: /lacks versions 0 to 3 .*multi-part checkpoint \(version 4\) that lacks some of its parts/,
    });
  });

  it('serves a writer as well as a reader', async () => {
    const table = await setUp();
    await table.put(checkpointPath(4), checkpointBytes(table.actions));
    await table.deleteCommits(3);
    assert.deepEqual(await new TableWriter(table).append(partitionAppend('p0', 7, 12)), {
      kind: 'committed',
      version: 6,
      rowCount: 2,
    });
    assert.equal((await openTable(table)).snapshot.totalRows, 12);
  });
});
