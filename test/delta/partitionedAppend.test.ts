// Appends to partitioned tables: one file for each partition, and rows that read back whatever the values are.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock, seededRandom } from '../../shared/base/index.js';
import {
  type AppendRequest,
  createTable,
  deleteRows,
  openTable,
  optimizeTable,
  type StructType,
  TableWriter,
  type TableWriterOptions,
  vacuumTable,
  writeCheckpoint,
} from '../../shared/delta/index.js';
import { readParquet } from '../../shared/parquet/index.js';
import { createMemoryStore, type ObjectStore } from '../../shared/storage/index.js';
import { blindAppend, field, readLogLines } from '../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled, type WriteFault } from '../support/faultyStore.js';
import { readOnlyFolderStore } from '../support/folderStore.js';
import { deleteCommits, putCommitLines } from '../support/foreignTable.js';
import { InstantClock } from '../support/instantClock.js';
import { Interleaving } from '../support/interleaving.js';
import { batchOf, type Cells, type RowObject, rowObjects } from '../support/rowObjects.js';
import { ofSeeds } from '../support/seeds.js';

const root = 'tables/t';
const schema: StructType = {
  type: 'struct',
  fields: [field('Site', 'string'), field('id', 'long', false), field('day', 'date')],
};

function setUp(partitionColumns: readonly string[] = ['site', 'day']) {
  const clock = new InstantClock(1_700_000_000_000);
  return {
    store: createMemoryStore(clock),
    root,
    clock,
    random: seededRandom(1),
    schema,
    partitionColumns,
  };
}

type Table = ReturnType<typeof setUp>;

/** One row per site, with ids from `from` on and one day for all. */
function rowsOf(from: number, sites: readonly (string | null)[], day: number | null = 20_000) {
  return batchOf({
    id: ['long', sites.map((_, row) => from + row)],
    day: ['date', sites.map(() => day)],
    SITE: ['string', sites],
  });
}

function onceOnly(from: number, sites: readonly (string | null)[]): AppendRequest {
  const appId = `source/${from}`;
  return {
    prepare: (committed) =>
      committed.has(appId)
        ? undefined
        : { batch: rowsOf(from, sites), transactions: [{ appId, version: 1 }], readAppIds: [] },
  };
}

interface LoggedAdd {
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly stats: string;
}

async function adds(store: ObjectStore, folder = root): Promise<LoggedAdd[]> {
  const lines = (await readLogLines(store, folder)).flat();
  return lines.flatMap(({ add }) => (add === undefined ? [] : [add as LoggedAdd]));
}

async function sitesById(table: Pick<Table, 'store' | 'root' | 'clock'>): Promise<unknown[]> {
  const rows = await rowObjects(table);
  return rows.sort((left, right) => Number(left.id) - Number(right.id)).map(({ Site }) => Site);
}

describe('creating a partitioned table', () => {
  it('names the partition columns in the spelling of the schema', async () => {
    const { snapshot } = await createTable(setUp());
    assert.deepEqual(snapshot.metadata.partitionColumns, ['Site', 'day']);
    const table = setUp();
    await createTable(table);
    const [[{ commitInfo } = {}] = []] = await readLogLines(table.store, root);
    const { operationParameters } = commitInfo as { operationParameters: { partitionBy: string } };
    assert.equal(operationParameters.partitionBy, '["Site","day"]');
  });

  const bad: readonly [string[], RegExp][] = [
    [['nowhere'], /no column "nowhere"/],
    [['site', 'SITE'], /named twice/],
    [['site', 'id', 'day'], /no column would be left/],
  ];
  for (const [columns, message] of bad) {
    it(`refuses ${columns.join(', ')}`, async () => {
      await assert.rejects(createTable(setUp(columns)), { code: 'DELTA_SCHEMA_MISMATCH', message });
    });
  }
});

describe('an append to a partitioned table', () => {
  it('writes one file for each partition, without the partition columns, in one commit', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const result = await writer.append(blindAppend(rowsOf(1, ['a', 'b', 'a', null])));
    assert.deepEqual(result, { kind: 'committed', version: 1, rowCount: 4 });
    const files = await adds(table.store);
    assert.deepEqual(
      files.map(({ partitionValues }) => partitionValues),
      [
        { Site: 'a', day: '2024-10-04' },
        { Site: 'b', day: '2024-10-04' },
        { Site: null, day: '2024-10-04' },
      ],
    );
    assert.deepEqual(
      files.map(({ path }) => path.replace(/part-.*/, '')),
      ['Site=a/day=2024-10-04/', 'Site=b/day=2024-10-04/', 'Site=__HIVE_DEFAULT_PARTITION__/day=2024-10-04/'],
    );
    assert.deepEqual(JSON.parse(files[0]!.stats), {
      numRecords: 2,
      minValues: { id: 1 },
      maxValues: { id: 3 },
      nullCount: { id: 0 },
    });
    const first = await readParquet((await table.store.read(`${root}/${files[0]!.path}`))!);
    assert.deepEqual(
      first.fields.map(({ name }) => name),
      ['id'],
    );
    assert.deepEqual(await sitesById(table), ['a', 'b', 'a', null]);
    assert.deepEqual(writer.metrics.dataFileCount, 3);
    const [, [{ commitInfo } = {}] = []] = await readLogLines(table.store, root);
    assert.deepEqual((commitInfo as { operationParameters: unknown }).operationParameters, {
      mode: 'Append',
      partitionBy: '["Site","day"]',
    });
    const metrics = (commitInfo as { operationMetrics: Record<string, string> }).operationMetrics;
    assert.deepEqual([metrics.numFiles, metrics.numOutputRows], ['3', '4']);
  });

  it('keeps rows of values that are hard on file names', async () => {
    const table = setUp(['site']);
    const sites = [
      'a/b',
      '../..',
      'a=b',
      '100%',
      '%2F',
      'M\u00fcnchen',
      '\u{1f600}',
      'tab\there',
      'back\\slash',
      'quote"s',
      'x'.repeat(2000),
      'dot.',
      ' ',
      "it's",
      'a b',
      '__HIVE_DEFAULT_PARTITION__',
    ];
    await new TableWriter(table).append(blindAppend(rowsOf(1, sites)));
    assert.deepEqual(await sitesById(table), sites);
    assert.equal((await adds(table.store)).length, sites.length);
  });

  it('takes an empty text for null', async () => {
    const table = setUp(['site']);
    await new TableWriter(table).append(blindAppend(rowsOf(1, ['', null, 'a'])));
    assert.deepEqual(
      (await adds(table.store)).map(({ partitionValues }) => partitionValues),
      [{ Site: null }, { Site: 'a' }],
    );
    assert.deepEqual(await sitesById(table), [null, null, 'a']);
  });

  it('fills in null for a partition column that the batch lacks', async () => {
    const table = setUp(['site', 'day']);
    await new TableWriter(table).append(blindAppend(batchOf({ id: ['long', [1, 2]] })));
    assert.deepEqual(await sitesById(table), [null, null]);
    assert.equal((await adds(table.store)).length, 1);
  });

  const typed: readonly [string, Cells][] = [
    ['boolean', [0, 1, null]],
    ['integer', [-1, 0, 2 ** 31 - 1, null]],
    ['long', [-(2n ** 63n), 5n, 2n ** 63n - 1n]],
    ['double', [0.1, 0, -0, 1e300, -5e-324, Number.NaN, Number.POSITIVE_INFINITY, 12_345_678]],
    ['float', [0.5, -0, 0, Math.fround(0.1), Math.fround(3e38)]],
    ['date', [-719_162, 0, 2_932_896]],
    ['timestamp', [-1, 0, 1_718_479_845_000_001]],
    ['timestamp_ntz', [-1, 0, 1_718_479_845_000_000]],
    ['binary', [Uint8Array.of(0xc3, 0xa4), null]],
  ];
  for (const [type, cells] of typed) {
    it(`reads back values of the type ${type}`, async () => {
      const fields = [field('id', 'long'), field('p', type as 'long')];
      const table = { ...setUp(['p']), schema: { type: 'struct' as const, fields } };
      const ids = cells.map((_, row) => row);
      const rows = batchOf({ id: ['long', ids], p: [type as 'long', cells] });
      await new TableWriter(table).append(blindAppend(rows));
      const read = (await rowObjects(table)).sort((left, right) => Number(left.id) - Number(right.id));
      // Numbers that need no 64 bits come back as such.
      assert.deepEqual(
        read.map(({ p }) => (typeof p === 'bigint' ? p : (p as unknown))),
        cells.map((cell) => (typeof cell === 'bigint' && cell === 5n ? 5 : cell)),
      );
      assert.equal((await adds(table.store)).length, cells.length);
    });
  }

  it('refuses null and empty text in a partition column that may have none, naming column and row', async () => {
    const fields = [field('site', 'string', false), field('id', 'long')];
    for (const sites of [
      ['a', null],
      ['a', ''],
    ]) {
      const table = { ...setUp(['site']), schema: { type: 'struct' as const, fields } };
      const rows = batchOf({ id: ['long', [1, 2]], site: ['string', sites] });
      await assert.rejects(new TableWriter(table).append(blindAppend(rows)), {
        code: 'DELTA_SCHEMA_MISMATCH',
        message: /"site" may not be null, but is in row 1/,
      });
    }
  });

  it('is refused where the log names a partition column that the schema does not have, in that spelling', async () => {
    const table = setUp();
    const { snapshot } = await createTable(table);
    const metaData = { ...snapshot.metadata, partitionColumns: ['site', 'day'] };
    await putCommitLines(table.store, root, 1, [{ metaData }]);
    await assert.rejects(new TableWriter(table).append(blindAppend(rowsOf(1, ['a']))), {
      code: 'DELTA_LOG_CORRUPT',
      message: /partitioned by "site", which is none of its columns/,
    });
  });

  it('refuses bytes that the log has no form for', async () => {
    const fields = [field('id', 'long'), field('p', 'binary')];
    const table = { ...setUp(['p']), schema: { type: 'struct' as const, fields } };
    const rows = batchOf({ id: ['long', [1, 2]], p: ['binary', [null, Uint8Array.of(0xff)]] });
    await assert.rejects(new TableWriter(table).append(blindAppend(rows)), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /"p" has bytes in row 1/,
    });
  });

  it('may bring new columns', async () => {
    const table = setUp(['site']);
    const writer = new TableWriter(table);
    await writer.append(blindAppend(rowsOf(1, ['a'])));
    const rows = batchOf({ id: ['long', [2]], site: ['string', ['b']], note: ['string', ['x']] });
    const evolve: StructType = { type: 'struct', fields: [field('note', 'string')] };
    await writer.append({ prepare: () => ({ batch: rows, transactions: [], readAppIds: [], evolve }) });
    assert.deepEqual((await rowObjects(table)).map(({ Site, note }) => `${Site} ${note}`).sort(), [
      'a null',
      'b x',
    ]);
    assert.deepEqual((await openTable(table)).snapshot.metadata.partitionColumns, ['Site']);
  });
});

describe('a group on a partitioned table', () => {
  it('joins the rows that its members have for one partition', async () => {
    const table = setUp(['site']);
    const writer = new TableWriter(table);
    const results = await Promise.all([
      writer.append(onceOnly(1, ['a', 'b'])),
      writer.append(onceOnly(3, ['b', 'c', 'b'])),
      writer.append(onceOnly(6, ['a'])),
    ]);
    assert.deepEqual(new Set(results.map(({ version }) => version)), new Set([1]));
    assert.deepEqual(
      (await adds(table.store)).map(({ partitionValues, stats }) => [
        partitionValues.Site,
        JSON.parse(stats).numRecords,
      ]),
      [
        ['a', 2],
        ['b', 3],
        ['c', 1],
      ],
    );
    assert.deepEqual(await sitesById(table), ['a', 'b', 'b', 'c', 'b', 'a']);
  });

  it('is cut at the limit of files, and one append with more goes through', async () => {
    const table = setUp(['site']);
    const writer = new TableWriter({ ...table, limits: { maxFiles: 3 } });
    const results = await Promise.all([
      writer.append(onceOnly(1, ['a', 'b'])),
      writer.append(onceOnly(3, ['b', 'c'])),
      writer.append(onceOnly(5, ['d'])),
      writer.append(onceOnly(6, ['a', 'b', 'c', 'd', 'e'])),
    ]);
    assert.deepEqual(
      results.map(({ version }) => version),
      [1, 1, 2, 3],
    );
  });

  it('fails only the member whose value may not be', async () => {
    const fields = [field('site', 'string', false), field('id', 'long'), field('day', 'date')];
    const table = { ...setUp(['site']), schema: { type: 'struct' as const, fields } };
    const writer = new TableWriter(table);
    const results = await Promise.allSettled([
      writer.append(onceOnly(1, ['a'])),
      writer.append(onceOnly(2, [''])),
      writer.append(onceOnly(3, ['b'])),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });
});

describe('upkeep of a partitioned table that was written here', () => {
  it('compacts each partition, deletes rows and takes away what nobody needs', async () => {
    const table = setUp(['site']);
    const writer = new TableWriter(table);
    for (let round = 0; round < 3; round++) await writer.append(onceOnly(round * 10, ['a/b', null, 'c']));
    const before = await sitesById(table);
    const optimized = await optimizeTable(table);
    assert.ok(optimized.kind === 'optimized');
    assert.deepEqual([optimized.removedCount, optimized.addedCount], [9, 3]);
    assert.deepEqual(await sitesById(table), before);
    await deleteRows({
      ...table,
      predicate: {
        description: 'id = 0',
        columns: ['id'],
        matches: ({ columns }, row) => columns[0]?.kind === 'numbers' && columns[0].values[row] === 0,
      },
    });
    assert.deepEqual(await sitesById(table), before.slice(1));
    table.clock.advance(30 * 86_400_000);
    await vacuumTable(table);
    const { version } = (await openTable(table)).snapshot;
    await writeCheckpoint({ ...table, version });
    await deleteCommits(table.store, root, 0, version);
    assert.deepEqual(await sitesById(table), before.slice(1));
    await writer.append(onceOnly(100, ['a/b']));
    assert.deepEqual(await sitesById(table), [...before.slice(1), 'a/b']);
  });
});

describe('partitioned appends under faults and races', () => {
  const work = [[onceOnly(1, ['a', 'b', null])], [onceOnly(4, ['a']), onceOnly(5, ['c', 'a'])]];
  const everything = ['a', 'b', null, 'a', 'c', 'a'];

  async function run(table: Table, store: TableWriterOptions['store'], seed: number): Promise<void> {
    const writer = new TableWriter({ ...table, store, random: seededRandom(seed) });
    for (const group of work) await Promise.all(group.map((request) => writer.append(request)));
  }

  it('leave a readable table after a crash at any write, and a rerun completes', async () => {
    const counting = new FaultyStore(setUp(['site']).store);
    await run(setUp(['site']), counting, 1);
    assert.equal(counting.writeCount, 8); // the table, three files, a commit, two files, a commit
    for (let atWrite = 1; atWrite <= counting.writeCount; atWrite++) {
      for (const when of ['before', 'after'] as const) {
        const table = setUp(['site']);
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(run(table, dying, 1), ProcessKilled, `write ${atWrite}, ${when}`);
        if (atWrite > 1 || when === 'after') {
          const rows = await rowObjects(table);
          assert.ok([0, 3, 6].includes(rows.length), `${rows.length} rows after ${atWrite}, ${when}`);
        }
        await run(table, table.store, 2);
        assert.deepEqual(await sitesById(table), everything, `write ${atWrite}, ${when}`);
      }
    }
  });

  for (const kind of ['lostError', 'lostExists', 'late', 'refused'] as const satisfies WriteFault[]) {
    it(`double nothing when an answer is lost (${kind}) at any write`, async () => {
      for (let faulty = 1; faulty <= 8; faulty++) {
        const table = setUp(['site']);
        const store = new FaultyStore(table.store, {
          writeFault: (write) => (write === faulty ? kind : undefined),
        });
        await run(table, store, 1);
        assert.equal(store.faultCount, 1);
        assert.deepEqual(await sitesById(table), everything, `write ${faulty}`);
      }
    });
  }

  it('lose and double nothing in many interleavings, new columns included', async () => {
    let preparedAgain = 0;
    for (let seed = 0; seed < ofSeeds(60); seed++) {
      const table = setUp(['site']);
      const race = new Interleaving(seededRandom(seed));
      const writers = [0, 1, 2].map((index) => {
        const random = seededRandom(seed * 10 + index);
        return new TableWriter({ ...table, store: race.view(table.store), random });
      });
      const widening = (index: number): AppendRequest => ({
        prepare: (committed) =>
          committed.has(`wide/${index}`)
            ? undefined
            : {
                batch: batchOf({
                  id: ['long', [100 + index]],
                  site: ['string', ['b']],
                  [`note${index}`]: ['string', ['x']],
                }),
                transactions: [{ appId: `wide/${index}`, version: 1 }],
                readAppIds: [],
                evolve: { type: 'struct', fields: [field(`note${index}`, 'string')] },
              },
      });
      const results = await race.run(
        writers.map((writer, index) => async () => {
          await writer.append(onceOnly(0, ['a', 'b'])); // the same for all
          await Promise.all([writer.append(widening(index)), writer.append(onceOnly(10 + index, ['a']))]);
        }),
      );
      for (const result of results)
        assert.ok(result.status === 'fulfilled', `seed ${seed}: ${'reason' in result && result.reason}`);
      assert.deepEqual(await sitesById(table), ['a', 'b', 'a', 'a', 'a', 'b', 'b', 'b'], `seed ${seed}`);
      const rows: readonly RowObject[] = await rowObjects(table);
      for (const index of [0, 1, 2])
        assert.equal(rows.filter((row) => row[`note${index}`] === 'x').length, 1, `seed ${seed}`);
      for (const { metrics } of writers) preparedAgain += metrics.attemptCount - metrics.commitCount;
    }
    assert.ok(preparedAgain > ofSeeds(60), `only ${preparedAgain} races were lost`);
  });
});

const cases = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'delta-cases');

describe('partitioned tables of other engines', {
  skip: existsSync(cases) ? false : `${cases} is not there`,
}, () => {
  async function copyOf(folder: string) {
    const clock = new ManualClock(1_700_000_000_000);
    const store = createMemoryStore(clock);
    const from = readOnlyFolderStore(join(cases, folder));
    for await (const { path } of from.list('')) await store.put(path, (await from.read(path))!);
    return { store, root: '', clock, random: seededRandom(1) };
  }

  it('take rows into the partitions that they have and into new ones', async () => {
    const table = await copyOf('dat/basic_partitioned/delta');
    const before = await rowObjects(table);
    const rows = batchOf({ number: ['long', [77, 78]], letter: ['string', ['a', 'new / one']] });
    await new TableWriter(table).append(blindAppend(rows));
    const [second, first] = (await adds(table.store, '')).reverse();
    assert.deepEqual(
      [first!.partitionValues, second!.partitionValues],
      [{ letter: 'a' }, { letter: 'new / one' }],
    );
    assert.match(first!.path, /^letter=a\/part-/);
    assert.match(second!.path, /^letter=new%20%252F%20one\/part-/);
    const after = await rowObjects(table);
    assert.equal(after.length, before.length + 2);
    assert.deepEqual(
      after.filter(({ number }) => Number(number) > 70).map(({ letter, a_float }) => [letter, a_float]),
      [
        ['a', null],
        ['new / one', null],
      ],
    );
  });

  it('keep one partition for values that they spell as we do', async () => {
    const table = await copyOf('dat/multi_partitioned/delta');
    const rows = batchOf({
      letter: ['string', ['a']],
      date: ['date', [0]],
      data: ['binary', [new TextEncoder().encode('hello')]],
      number: ['long', [77]],
    });
    await new TableWriter(table).append(blindAppend(rows));
    const all = await adds(table.store, '');
    const same = all.filter(
      ({ partitionValues }) =>
        JSON.stringify(partitionValues) === JSON.stringify(all.at(-1)?.partitionValues),
    );
    assert.ok(same.length > 1, JSON.stringify(all.at(-1)));
  });
});
