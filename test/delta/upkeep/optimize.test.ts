// OPTIMIZE: the plan, the rewrite, the commit; crashes, rivals and races lose and double nothing.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../../shared/base/index.js';
import {
  type AddAction,
  commitOptimize,
  openTable,
  optimizeLimits,
  optimizeTable,
  planOptimize,
  rewriteBin,
  type Snapshot,
  TableWriter,
} from '../../../shared/delta/index.js';
import { encodeParquet, readParquet } from '../../../shared/parquet/index.js';
import { createMemoryStore, storeBelow } from '../../../shared/storage/index.js';
import {
  dataFiles,
  expectedRows,
  partitionAppend,
  readingsBatch,
  readingsSchema,
  readLogLines,
} from '../../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled, type WriteFault } from '../../support/faultyStore.js';
import { putCommitLines } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { liveRows } from '../../support/tableRows.js';

const root = 'tables/readings';

function add(
  path: string,
  size: number,
  rows: number,
  modificationTime = 0,
  partition: string | null = null,
): AddAction {
  return {
    path,
    size,
    modificationTime,
    partitionValues: { p: partition },
    dataChange: true,
    stats: `{"numRecords":${rows}}`,
  };
}

function snapshotOf(files: readonly AddAction[]): Snapshot {
  return {
    version: 7,
    protocol: { minReaderVersion: 1, minWriterVersion: 2 },
    metadata: {
      id: 'x',
      format: { provider: 'parquet', options: {} },
      schemaString: '',
      partitionColumns: ['p'],
      configuration: {},
    },
    files: new Map(files.map((file) => [file.path, file])),
    transactions: new Map(),
    totalBytes: 0,
    totalRows: undefined,
  };
}

describe('the plan of an optimize', () => {
  const limits = optimizeLimits({ targetBytes: 100, maxBinRows: 1000 });
  const binsOf = (files: readonly AddAction[]) =>
    planOptimize(snapshotOf(files), limits).bins.map((bin) => bin.files.map(({ path }) => path));

  it('packs small files up to the target, in the order of time', () => {
    const files = [add('d', 40, 1, 4), add('a', 40, 1, 1), add('c', 40, 1, 3), add('b', 40, 1, 2)];
    assert.deepEqual(binsOf(files), [
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('takes files with many deleted rows, also large ones and single ones', () => {
    const withVector = (file: AddAction, cardinality: number): AddAction => ({
      ...file,
      deletionVector: { storageType: 'i', pathOrInlineDv: '', sizeInBytes: 1, cardinality },
    });
    const files = [
      withVector(add('few', 90, 100, 1), 5),
      withVector(add('large', 90, 100, 2), 6),
      withVector(add('beyond', 500, 100, 3), 100),
      withVector(add('uncounted', 80, 100, 4, 'q'), 1),
      withVector(add('alone', 1, 100, 5, 'r'), 5),
    ].map((file) => (file.path === 'uncounted' ? { ...file, stats: '{}' } : file));
    assert.deepEqual(binsOf(files), [['uncounted'], ['large'], ['beyond']]);
  });

  it('goes by the size that is given, else by that of the table, else by the preset', () => {
    const configuration = { 'delta.targetFileSize': '32mb', 'delta.tuneFileSizesForRewrites': 'true' };
    assert.equal(optimizeLimits({ targetBytes: 100 }, configuration).targetBytes, 100);
    assert.deepEqual(optimizeLimits({}, configuration), {
      targetBytes: 32 * 2 ** 20,
      smallFileBytes: 24 * 2 ** 20,
      maxBinRows: 2_000_000,
    });
    assert.equal(optimizeLimits({}, {}).targetBytes, 128 * 2 ** 20);
    assert.equal(optimizeLimits({}, {}, 5).targetBytes, 5);
    assert.throws(() => optimizeLimits({}, { 'delta.targetFileSize': 'big' }), {
      code: 'DELTA_PROTOCOL_UNSUPPORTED',
      message: /delta\.targetFileSize is "big"/,
    });
  });

  it('leaves large files, and bins of one file', () => {
    assert.deepEqual(binsOf([add('a', 75, 1), add('b', 200, 1), add('c', 10, 1)]), []);
    assert.deepEqual(binsOf([add('a', 60, 1, 1), add('b', 60, 1, 2), add('c', 30, 1, 3)]), [['b', 'c']]);
  });

  it('bounds the rows of a bin, with a guess for files without statistics', () => {
    assert.deepEqual(binsOf([add('a', 10, 600, 1), add('b', 10, 600, 2), add('c', 10, 300, 3)]), [
      ['b', 'c'],
    ]);
    const { stats: _, ...unknown } = add('x', 72, 0, 1);
    assert.deepEqual(binsOf([unknown, add('y', 10, 991, 2), add('z', 10, 992, 3)]), [['x', 'y']]);
  });

  it('keeps partitions apart', () => {
    const files = [
      add('a', 9, 1, 1, 'x'),
      add('b', 9, 1, 2),
      add('c', 9, 1, 3, 'x'),
      add('d', 9, 1, 4),
      add('e', 9, 1, 5, 'y'),
    ];
    const plan = planOptimize(snapshotOf(files), limits);
    assert.deepEqual(
      plan.bins.map(({ partitionValues, bytes }) => ({ ...partitionValues, bytes })),
      [
        { p: 'x', bytes: 18 },
        { p: null, bytes: 18 },
      ],
    );
    assert.equal(plan.version, 7);
  });

  it('is the same for the same table, and survives JSON', () => {
    const files = Array.from({ length: 30 }, (_, index) => add(`f${index}`, (index * 7) % 60, 1, index % 3));
    const plan = planOptimize(snapshotOf(files), limits);
    assert.deepEqual(planOptimize(snapshotOf([...files].reverse()), limits), plan);
    assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  });

  it('has nothing to do with its own result', () => {
    assert.deepEqual(binsOf([add('a', 90, 1), add('b', 74, 1)]), []);
  });
});

async function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (const [partition, last] of [
    ['p1', 4],
    ['p0', 3],
    ['p1', 9],
    ['p0', 5],
  ] as const) {
    await writer.append(partitionAppend(partition, 1, last));
    clock.advance(1000);
  }
  return table;
}

const everything = expectedRows({ p0: 5, p1: 9 });
const sortBy = ['device_id', 'event_time'];

describe('an optimize', () => {
  it('makes one sorted file of the small ones, in one commit that changes no data', async () => {
    const table = await setUp();
    const before = (await openTable(table)).snapshot;
    const result = await optimizeTable({ ...table, sortBy });
    assert.equal(result.kind, 'optimized');
    const { snapshot } = await openTable(table);
    assert.deepEqual(
      { version: snapshot.version, files: snapshot.files.size, rows: snapshot.totalRows },
      { version: 5, files: 1, rows: 14 },
    );
    assert.deepEqual(snapshot.transactions, before.transactions);
    assert.deepEqual(await liveRows(table), everything);

    const [file] = [...snapshot.files.values()];
    const batch = await readParquet((await storeBelow(table.store, root).read(file!.path))!);
    assert.deepEqual(
      Array.from(
        { length: batch.rowCount },
        (_, row) => `${batch.columns[0]!.values[row]}/${batch.columns[1]!.values[row]}`,
      ),
      [...[1, 2, 3, 4, 5].map((n) => `p0/${n}`), ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `p1/${n}`)],
    );
    const stats = JSON.parse(file!.stats!);
    assert.deepEqual([stats.numRecords, stats.minValues.device_id, stats.maxValues.sequence], [14, 'p0', 9]);
    assert.deepEqual(await optimizeTable({ ...table, sortBy }), { kind: 'nothing' });
  });

  it('copies the tags of another engine to the remove', async () => {
    const table = await setUp();
    const [first] = (await openTable(table)).snapshot.files.values();
    const tags = { INSERTION_TIME: '1700000000000000' };
    await putCommitLines(table.store, root, 5, [{ add: { ...first, tags, dataChange: false } }]);
    await optimizeTable(table);
    const removes = (await readLogLines(table.store, root))
      .at(-1)!
      .flatMap(({ remove }) => (remove === undefined ? [] : [remove as { path: string; tags?: unknown }]));
    assert.deepEqual(
      removes.map((remove) => [remove.path === first!.path, remove.tags]).sort(),
      [...Array.from({ length: 3 }, () => [false, undefined]), [true, tags]].sort(),
    );
  });

  it('writes what other engines look for', async () => {
    const table = await setUp();
    await optimizeTable({ ...table, engineInfo: 'test' });
    const lines = (await readLogLines(table.store, root)).at(-1)!;
    const { commitInfo } = lines[0] as { commitInfo: Record<string, Record<string, string>> };
    assert.equal(commitInfo.operation, 'OPTIMIZE');
    assert.equal(commitInfo.isBlindAppend, false);
    assert.equal(commitInfo.isolationLevel, 'SnapshotIsolation');
    assert.equal(commitInfo.readVersion, 4);
    assert.equal(commitInfo.engineInfo, 'test');
    assert.equal(commitInfo.operationMetrics!.numRemovedFiles, '4');
    assert.equal(commitInfo.operationMetrics!.minFileSize, commitInfo.operationMetrics!.numAddedBytes);
    const removes = lines.flatMap(({ remove }) => (remove ? [remove as Record<string, unknown>] : []));
    const adds = lines.flatMap((line) => (line.add ? [line.add as Record<string, unknown>] : []));
    assert.deepEqual([removes.length, adds.length, lines.length], [4, 1, 6]);
    for (const file of [...removes, ...adds]) {
      assert.equal(file.dataChange, false);
      assert.deepEqual(file.partitionValues, {});
      assert.ok(Number(file.size) > 0);
    }
    for (const { deletionTimestamp, extendedFileMetadata, stats } of removes) {
      assert.equal(deletionTimestamp, commitInfo.timestamp);
      assert.equal(extendedFileMetadata, true);
      assert.match(String(stats), /numRecords/);
    }
  });

  it('keeps the values of partitions, which are not in the files', async () => {
    const clock = new InstantClock(1_700_000_000_000);
    const store = createMemoryStore(clock);
    const table = { store, root, clock, random: seededRandom(1) };
    const files = storeBelow(store, root);
    const fields = [...readingsSchema.fields, { name: 'site', type: 'string', nullable: true, metadata: {} }];
    const adds: { add: AddAction }[] = [];
    for (const [site, from, to] of [
      ['a/b', 1, 2],
      [null, 3, 4],
      ['a/b', 5, 7],
      [null, 8, 8],
    ] as const) {
      const { bytes } = encodeParquet(readingsBatch('d', from, to));
      const path = `part-${from}.parquet`;
      await files.put(path, bytes);
      adds.push({
        add: {
          path,
          size: bytes.length,
          modificationTime: from,
          partitionValues: { site },
          dataChange: true,
        },
      });
    }
    await putCommitLines(store, root, 0, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
      {
        metaData: {
          id: 'x',
          format: { provider: 'parquet', options: {} },
          schemaString: JSON.stringify({ type: 'struct', fields }),
          partitionColumns: ['site'],
          configuration: {},
        },
      },
      ...adds,
    ]);
    assert.equal((await optimizeTable(table)).kind, 'optimized');
    const { snapshot } = await openTable(table);
    const rows = [...snapshot.files.values()].map(({ partitionValues, stats }) => [
      partitionValues.site,
      JSON.parse(stats!).numRecords,
    ]);
    assert.deepEqual(rows, [
      ['a/b', 5],
      [null, 3],
    ]);
    assert.deepEqual(await liveRows(table), expectedRows({ d: 8 }));
  });

  it('is refused where columns could be lost', async () => {
    const table = await setUp();
    const { snapshot } = await openTable(table);
    const fields = [
      ...readingsSchema.fields,
      { name: 'shape', type: 'variant', nullable: true, metadata: {} },
    ];
    await putCommitLines(table.store, root, 5, [
      { metaData: { ...snapshot.metadata, schemaString: JSON.stringify({ type: 'struct', fields }) } },
    ]);
    await assert.rejects(optimizeTable(table), { code: 'DELTA_PROTOCOL_UNSUPPORTED', message: /shape/ });
    assert.deepEqual(await liveRows(table), everything);
  });

  it('says which input is gone', async () => {
    const table = await setUp();
    const [path] = (await openTable(table)).snapshot.files.keys();
    await storeBelow(table.store, root).delete(path!);
    await assert.rejects(optimizeTable(table), { code: 'DELTA_FILE_MISSING' });
  });
});

describe('a rival of an optimize', () => {
  async function rewritten(table: Awaited<ReturnType<typeof setUp>>) {
    const { snapshot } = await openTable(table);
    const [bin] = planOptimize(snapshot, optimizeLimits()).bins;
    return {
      readVersion: snapshot.version,
      bins: [await rewriteBin({ ...table, snapshot, bin: bin!, sortBy: [] })],
    };
  }

  it('that appends does not matter', async () => {
    const table = await setUp();
    const work = await rewritten(table);
    await new TableWriter(table).append(partitionAppend('p2', 1, 2));
    const result = await commitOptimize({ ...table, ...work });
    assert.equal(result.kind === 'optimized' && result.version, 6);
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 5, p1: 9, p2: 2 }));
  });

  it('that deletes an input aborts it: deleted rows do not come back', async () => {
    const table = await setUp();
    const work = await rewritten(table);
    const [path] = (await openTable(table)).snapshot.files.keys();
    await putCommitLines(table.store, root, 5, [
      { remove: { path, dataChange: true, deletionTimestamp: 1 } },
    ]);
    assert.deepEqual(await commitOptimize({ ...table, ...work }), {
      kind: 'aborted',
      version: 5,
      conflict: 'readFileRemoved',
    });
    assert.equal((await liveRows(table)).length, 10);
    // The next plan knows.
    assert.equal((await optimizeTable(table)).kind, 'optimized');
    assert.equal((await liveRows(table)).length, 10);
  });

  it('that optimizes the same files wins', async () => {
    const table = await setUp();
    const work = await rewritten(table);
    await optimizeTable(table);
    assert.equal((await commitOptimize({ ...table, ...work })).kind, 'aborted');
    assert.deepEqual(await liveRows(table), everything);
  });

  it('that changes the schema aborts it', async () => {
    const table = await setUp();
    const work = await rewritten(table);
    const { metadata } = (await openTable(table)).snapshot;
    await putCommitLines(table.store, root, 5, [{ metaData: { ...metadata, configuration: { a: 'b' } } }]);
    assert.deepEqual(await commitOptimize({ ...table, ...work }), {
      kind: 'aborted',
      version: 5,
      conflict: 'metadataChanged',
    });
  });
});

describe('an optimize that dies or gets no answers', () => {
  const limits = { maxBinRows: 7 };

  it('at any write leaves every row there once, and the next one completes', async () => {
    const counting = new FaultyStore((await setUp()).store);
    await optimizeTable({ ...(await setUp()), store: counting, limits });
    assert.equal(counting.writeCount, 3, 'two bins and the commit');
    let crashes = 0;
    for (let atWrite = 1; atWrite <= 3; atWrite++) {
      for (const when of ['before', 'after'] as const) {
        const table = await setUp();
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(optimizeTable({ ...table, store: dying, limits }), ProcessKilled);
        crashes += dying.faultCount;
        assert.deepEqual(await liveRows(table), everything, `write ${atWrite}, ${when}`);
        await optimizeTable({ ...table, random: seededRandom(2), limits });
        assert.equal((await openTable(table)).snapshot.files.size, 2);
        assert.deepEqual(await liveRows(table), everything, `write ${atWrite}, ${when}`);
      }
    }
    assert.equal(crashes, 6);
  });

  for (const fault of ['lostError', 'lostExists', 'late', 'refused'] as const satisfies WriteFault[]) {
    it(`(${fault}) at any write ends as if nothing had happened`, async () => {
      for (let faulty = 1; faulty <= 3; faulty++) {
        const table = await setUp();
        const store = new FaultyStore(table.store, {
          writeFault: (write) => (write === faulty ? fault : undefined),
        });
        const result = await optimizeTable({ ...table, store, limits });
        assert.equal(store.faultCount, 1);
        assert.equal(result.kind === 'optimized' && result.version, 5);
        assert.equal((await dataFiles(table.store, root)).length, 6);
        assert.deepEqual(await liveRows(table), everything);
      }
    });
  }
});
