// Multi-part and V2 checkpoints, compacted logs, and checkpoints whose statistics are only there in parsed form.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { openTable, readRows, readSnapshotAt, TableWriter } from '../../shared/delta/index.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import { type CheckpointRows, checkpointBytes, number, struct, text } from '../support/checkpointFile.js';
import {
  partitionAppend,
  readingsSchema,
  readLogLines,
  type TableOnStore,
} from '../support/deltaFixtures.js';
import { FaultyStore } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';

const root = 'tables/readings';
const digits = (version: number): string => String(version).padStart(20, '0');
const logPath = (name: string): string => `_delta_log/${name}`;
const commitName = (version: number): string => logPath(`${digits(version)}.json`);
const partName = (version: number, part: number, parts: number): string =>
  logPath(
    `${digits(version)}.checkpoint.${String(part).padStart(10, '0')}.${String(parts).padStart(10, '0')}.parquet`,
  );
const uuid = '80a083e8-7026-4e79-81be-64bd76c43a11';

/** Six versions by the writer, and the actions that a checkpoint at version 4 holds. */
async function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (let last = 1; last <= 5; last++) await writer.append(partitionAppend('p0', 1, last * 2));
  const commits = await readLogLines(store, root);
  const lines = commits.slice(0, 5).flat();
  const files = storeBelow(store, root);
  const others: CheckpointRows = [
    ...lines.filter(({ protocol, metaData }) => protocol !== undefined || metaData !== undefined),
    lines.findLast(({ txn }) => txn !== undefined)!,
  ];
  return {
    ...table,
    commits,
    others,
    adds: lines.filter(({ add }) => add !== undefined) as CheckpointRows,
    put: (path: string, bytes: Uint8Array) => files.put(path, bytes),
    putLines: (path: string, rows: CheckpointRows) =>
      files.put(path, new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))),
    async deleteCommits(to: number) {
      for (let version = 0; version <= to; version++) await files.delete(commitName(version));
    },
  };
}

type Table = Awaited<ReturnType<typeof setUp>>;

async function assertWhole(table: TableOnStore): Promise<void> {
  const { snapshot } = await openTable(table);
  assert.equal(snapshot.version, 5);
  assert.equal(snapshot.totalRows, 10);
  assert.equal(snapshot.transactions.get('ingest/p0'), 10);
  const rows: number[] = [];
  for await (const batch of readRows({ ...table, snapshot, columns: ['sequence'] })) {
    rows.push(...Array.from(batch.columns[0]!.values.slice(0, batch.rowCount), Number));
  }
  assert.deepEqual(
    rows.sort((left, right) => left - right),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
}

describe('a multi-part checkpoint', () => {
  const parts = ({ others, adds }: Table): CheckpointRows[] => [
    [...others.slice(0, 1), ...adds.slice(0, 1)],
    [...adds.slice(1), ...others.slice(1)],
  ];

  it('is read when all its parts are there', async () => {
    const table = await setUp();
    for (const [index, rows] of parts(table).entries()) {
      await table.put(partName(4, index + 1, 2), checkpointBytes(rows));
    }
    await table.deleteCommits(4);
    await assertWhole(table);
  });

  it('is passed over when a part is damaged, while the commits are there', async () => {
    const table = await setUp();
    await table.put(partName(4, 1, 2), checkpointBytes(parts(table)[0]!));
    await table.put(partName(4, 2, 2), new TextEncoder().encode('no Parquet'));
    await assertWhole(table);
    await table.deleteCommits(3);
    await assert.rejects(openTable(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: /0000000002\.0000000002\.parquet cannot be read as Parquet/,
    });
  });
});

describe('a V2 checkpoint', () => {
  const header = { checkpointMetadata: { version: 4 } };

  it('in JSON with its files inside is read', async () => {
    const table = await setUp();
    const rows = [header, ...table.others, ...table.adds];
    await table.putLines(logPath(`${digits(4)}.checkpoint.${uuid}.json`), rows);
    await table.deleteCommits(4);
    await assertWhole(table);
  });

  for (const [form, name] of [
    ['JSON', `${digits(4)}.checkpoint.${uuid}.json`],
    ['Parquet', `${digits(4)}.checkpoint.${uuid}.parquet`],
    ['Parquet under a classic name', `${digits(4)}.checkpoint.parquet`],
  ] as const) {
    const withSidecars = async (table: Table) => {
      const sidecars = ['first part.parquet', 'second.parquet'].map((path) => ({
        sidecar: { path: encodeURIComponent(path), sizeInBytes: 9, modificationTime: 1 },
      }));
      const rows = [header, ...table.others, ...sidecars];
      if (form === 'JSON') await table.putLines(logPath(name), rows);
      else await table.put(logPath(name), checkpointBytes(rows));
      await table.put(logPath('_sidecars/first part.parquet'), checkpointBytes(table.adds.slice(0, 2)));
      await table.put(logPath('_sidecars/second.parquet'), checkpointBytes(table.adds.slice(2)));
    };

    it(`in ${form} with sidecars is read`, async () => {
      const table = await setUp();
      await withSidecars(table);
      await table.deleteCommits(4);
      await assertWhole(table);
    });

    it(`in ${form} that lacks a sidecar is replaced by the commits, or named`, async () => {
      const table = await setUp();
      await withSidecars(table);
      await storeBelow(table.store, root).delete(logPath('_sidecars/second.parquet'));
      await assertWhole(table);
      await table.deleteCommits(3);
      await assert.rejects(openTable(table), {
        code: 'DELTA_LOG_CORRUPT',
        message: /_sidecars\/second\.parquet is listed or named, but not there/,
      });
    });
  }

  it('wins over a classic one of the same version', async () => {
    const table = await setUp();
    await table.put(logPath(`${digits(4)}.checkpoint.parquet`), new TextEncoder().encode('no Parquet'));
    const rows = [header, ...table.others, ...table.adds];
    await table.putLines(logPath(`${digits(4)}.checkpoint.${uuid}.json`), rows);
    await table.deleteCommits(4);
    const store = new FaultyStore(table.store);
    await assertWhole({ ...table, store });
    assert.ok(!store.readPaths.some((path) => path.endsWith('.checkpoint.parquet')));
  });

  it('with an action that makes no sense is replaced by the commits, or named', async () => {
    const table = await setUp();
    const name = logPath(`${digits(4)}.checkpoint.${uuid}.json`);
    await table.putLines(name, [header, ...table.others, { add: { path: 7 } }]);
    await assertWhole(table);
    await table.deleteCommits(3);
    await assert.rejects(openTable(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: /checkpoint\.80a083e8.*\.json "add\.path" should be a string/,
    });
  });

  it('that is torn is replaced by the commits', async () => {
    const table = await setUp();
    await table.put(
      logPath(`${digits(4)}.checkpoint.${uuid}.json`),
      new TextEncoder().encode('{"protocol":{"minRead'),
    );
    await assertWhole(table);
  });
});

describe('a compacted log', () => {
  const compacted = (from: number, to: number): string =>
    logPath(`${digits(from)}.${digits(to)}.compacted.json`);
  const contentOf = (table: Table, from: number, to: number): CheckpointRows => {
    const lines = table.commits.slice(from, to + 1).flat();
    return [
      ...lines.filter(({ txn, commitInfo }) => txn === undefined && commitInfo === undefined),
      lines.findLast(({ txn }) => txn !== undefined)!,
    ];
  };

  it('is read instead of its commits', async () => {
    const table = await setUp();
    await table.putLines(compacted(0, 1), contentOf(table, 0, 1));
    await table.putLines(compacted(0, 3), contentOf(table, 0, 3));
    const store = new FaultyStore(table.store);
    await assertWhole({ ...table, store });
    const read = store.readPaths
      .filter((path) => path.endsWith('.json'))
      .map((path) => path.slice(root.length + 1));
    assert.deepEqual(read.sort(), [compacted(0, 3), commitName(4), commitName(5)].sort());
  });

  it('that reaches beyond the wanted version is left alone', async () => {
    const table = await setUp();
    await table.putLines(compacted(1, 4), contentOf(table, 1, 4));
    const snapshot = await readSnapshotAt({ ...table, version: 3 });
    assert.equal(snapshot.totalRows, 6);
    await assertWhole(table);
  });

  it('that is damaged is replaced by its commits', async () => {
    const table = await setUp();
    await table.put(compacted(1, 4), new TextEncoder().encode('{"add":'));
    await assertWhole(table);
  });
});

describe('a checkpoint without statistics as text', () => {
  const stats = struct(
    'stats_parsed',
    number('numRecords'),
    struct('minValues', text('device_id'), number('sequence')),
    struct('nullCount', number('device_id'), number('sequence')),
  );
  const add = struct('add', text('path'), number('size'), number('modificationTime'), stats);

  it('gets it from the parsed form', async () => {
    const table = await setUp();
    const rows = table.adds.map(({ add: action }) => {
      const { path, size, modificationTime, stats: textual } = action as Record<string, string>;
      const { numRecords, minValues, nullCount } = JSON.parse(textual!);
      const { device_id, sequence } = minValues;
      return {
        add: {
          path,
          size,
          modificationTime,
          stats_parsed: {
            numRecords,
            minValues: { device_id, sequence },
            nullCount: { device_id: nullCount.device_id, sequence: nullCount.sequence },
          },
        },
      };
    });
    await table.put(
      logPath(`${digits(4)}.checkpoint.parquet`),
      checkpointBytes([...table.others, ...rows], { add }),
    );
    await table.deleteCommits(4);
    await assertWhole(table);
    const { snapshot } = await openTable(table);
    const [first] = [...snapshot.files.values()];
    assert.equal(
      first?.stats,
      '{"numRecords":2,"minValues":{"device_id":"p0","sequence":1},"nullCount":{"device_id":0,"sequence":0}}',
    );
  });
});
