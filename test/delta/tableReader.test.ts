// How a reader follows a table: what it reads, what it costs, and what it makes of a damaged log.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { createTable, openTable, TableWriter } from '../../shared/delta/index.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import { blindAppend, partitionAppend, readingsBatch, readingsSchema } from '../support/deltaFixtures.js';
import { FaultyStore } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';
import { storeWith } from '../support/storeWith.js';

const root = 'tables/readings';

function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  return { store: createMemoryStore(clock), root, clock, random: seededRandom(1), schema: readingsSchema };
}

type Table = ReturnType<typeof setUp>;

const commitName = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`;

async function putText(table: Table, path: string, text: string): Promise<void> {
  await storeBelow(table.store, root).put(path, new TextEncoder().encode(text));
}

async function putCommit(table: Table, version: number, lines: readonly object[]): Promise<void> {
  await putText(table, commitName(version), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

function addOf(path: string, rows: number | null = 1, size = 10) {
  const stats = rows === null ? {} : { stats: `{"numRecords":${rows}}` };
  return { add: { path, partitionValues: {}, size, modificationTime: 1, dataChange: true, ...stats } };
}

const removeOf = (path: string) => ({ remove: { path, dataChange: true, deletionTimestamp: 5 } });

describe('following a table', () => {
  it('reads new commits only, and lists nothing', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    for (let version = 1; version <= 5; version++)
      await writer.append(blindAppend(readingsBatch('a', 1, version)));
    const store = new FaultyStore(table.store);
    const reader = await openTable({ ...table, store });
    assert.equal(store.listCount, 1);
    assert.equal(reader.snapshot.version, 5);
    store.readPaths.length = 0;

    assert.equal((await reader.refresh()).version, 5);
    assert.deepEqual(store.readPaths, [`${root}/${commitName(6)}`]);
    store.readPaths.length = 0;

    await writer.append(blindAppend(readingsBatch('a', 1, 2)));
    assert.equal((await reader.refresh()).version, 6);
    assert.deepEqual(store.readPaths, [`${root}/${commitName(6)}`, `${root}/${commitName(7)}`]);
    assert.equal(store.listCount, 1);
    assert.equal(reader.snapshot.totalRows, 1 + 2 + 3 + 4 + 5 + 2);
  });

  it('reads many missed commits each once, several at a time', async () => {
    const table = setUp();
    const store = new FaultyStore(table.store);
    const reader = await createTable({ ...table, store });
    const writer = new TableWriter(table);
    for (let version = 1; version <= 40; version++)
      await writer.append(blindAppend(readingsBatch('a', 1, 1)));
    store.readPaths.length = 0;
    assert.equal((await reader.refresh()).version, 40);
    const found = store.readPaths.filter((path) => path <= `${root}/${commitName(40)}`);
    assert.equal(new Set(found).size, 40);
    assert.equal(found.length, 40);
    assert.ok(store.readPaths.length <= 40 + 16);
  });

  it('sees in a refresh what was committed before it began, also when refreshes overlap', async () => {
    const table = setUp();
    const reader = await createTable(table);
    const writer = new TableWriter(table);
    const first = reader.refresh();
    await writer.append(blindAppend(readingsBatch('a', 1, 1)));
    const [, second] = await Promise.all([first, reader.refresh()]);
    assert.equal(second.version, 1);
  });

  it('leaves snapshots that were handed out as they were', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(partitionAppend('p0', 1, 3));
    const reader = await openTable(table);
    const before = reader.snapshot;
    const files = [...before.files.keys()];
    const iterator = before.files.values();
    iterator.next();
    await writer.append(partitionAppend('p0', 4, 5));
    await putCommit(table, 3, [removeOf(files[0]!), { txn: { appId: 'ingest/p1', version: 1 } }]);
    const after = await reader.refresh();
    assert.equal(after.version, 3);
    assert.deepEqual([...before.files.keys()], files);
    assert.deepEqual([...iterator], []);
    assert.deepEqual([before.version, before.totalRows, before.transactions.get('ingest/p0')], [1, 3, 3]);
    assert.equal(before.transactions.has('ingest/p1'), false);
    assert.deepEqual([after.files.size, after.totalRows, after.transactions.get('ingest/p0')], [1, 2, 5]);
  });

  it('costs what a commit holds, not what the table holds', async (t) => {
    const table = setUp();
    await createTable(table);
    const manyFiles = Array.from({ length: 20_000 }, (_, index) => addOf(`file${index}`));
    const manyTransactions = Array.from({ length: 1_000 }, (_, index) => ({
      txn: { appId: `a${index}`, version: 1 },
    }));
    await putCommit(table, 1, [...manyFiles, ...manyTransactions]);
    const reader = await openTable(table);
    for (let version = 2; version <= 11; version++) {
      const txn = { txn: { appId: 'a1', version } };
      await putCommit(table, version, [addOf(`new${version}`), removeOf(`file${version}`), txn]);
    }
    const touched = countMapOperations(t);
    await reader.refresh();
    assert.ok(touched() > 20, 'the count does not work');
    assert.ok(touched() < 300, `${touched()} operations on maps for 30 actions`);
    t.mock.restoreAll();
    assert.equal(reader.snapshot.version, 11);
    assert.equal(reader.snapshot.files.size, 20_000);
    assert.equal(reader.snapshot.totalRows, 20_000);
  });

  /** Copying a map sets every entry in the copy, or iterates over the original. */
  function countMapOperations(t: TestContext): () => number {
    const names = ['set', 'get', 'delete', 'entries', 'values', 'keys', 'forEach'] as const;
    const mocks = names.map((name) => t.mock.method(Map.prototype, name));
    return () => mocks.reduce((sum, { mock }) => sum + mock.callCount(), 0);
  }

  it('stops at a commit that makes the table unreadable', async () => {
    const table = setUp();
    const reader = await createTable(table);
    await putCommit(table, 1, [addOf('a')]);
    const readerFeatures = ['variantType'];
    await putCommit(table, 2, [
      {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures,
          writerFeatures: readerFeatures,
        },
      },
    ]);
    await putCommit(table, 3, [addOf('b')]);
    for (const attempt of ['first', 'second']) {
      await assert.rejects(
        reader.refresh(),
        { code: 'DELTA_PROTOCOL_UNSUPPORTED', message: /variantType/ },
        attempt,
      );
      assert.equal(reader.snapshot.version, 1);
    }
  });

  it('notices within a minute that a table was made anew, or deleted', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    for (const last of [3, 5]) await writer.append(partitionAppend('p0', 1, last));
    const reader = await openTable(table);
    const remove = async (newest: number) => {
      for (let version = 0; version <= newest; version++)
        await table.store.delete(`${root}/${commitName(version)}`);
    };
    await remove(2);
    await createTable({ ...table, random: seededRandom(77) });
    assert.equal((await reader.refresh()).version, 2);
    table.clock.advance(60_001);
    assert.equal((await reader.refresh()).version, 0);
    // Without the look the writer would leave a gap: version 3 behind version 0.
    assert.equal((await writer.append(partitionAppend('p0', 1, 3))).version, 1);
    await remove(1);
    table.clock.advance(60_001);
    await assert.rejects(reader.refresh(), { code: 'DELTA_TABLE_NOT_FOUND' });
    await assert.rejects(writer.append(partitionAppend('p0', 1, 2)), { code: 'DELTA_TABLE_NOT_FOUND' });
    assert.equal((await writer.append(partitionAppend('p0', 1, 2))).version, 1, 'it is created');
    assert.equal((await reader.refresh()).totalRows, 2);
  });

  it('notices a table made anew that has grown to the known version', async () => {
    const table = setUp();
    await new TableWriter(table).append(partitionAppend('p0', 1, 3));
    const reader = await openTable(table);
    table.clock.advance(60_001);
    await reader.refresh();
    for (const version of [0, 1]) await table.store.delete(`${root}/${commitName(version)}`);
    table.clock.advance(60_001);
    await new TableWriter({ ...table, random: seededRandom(77) }).append(partitionAppend('p0', 1, 7));
    assert.equal((await reader.refresh()).totalRows, 7);
  });

  it('notices by its id that the next commit is that of another table', async () => {
    const table = setUp();
    await new TableWriter(table).append(partitionAppend('p0', 1, 3));
    const reader = await openTable(table);
    const writer = new TableWriter({ ...table, random: seededRandom(5) });
    await writer.append(partitionAppend('p0', 1, 4));
    await reader.refresh();
    for (const version of [0, 1, 2]) await table.store.delete(`${root}/${commitName(version)}`);
    const other = new TableWriter({ ...table, random: seededRandom(77) });
    for (const last of [1, 2]) await other.append(partitionAppend('p1', 1, last));
    const { metadata } = (await openTable(table)).snapshot;
    await putCommit(table, 3, [{ metaData: { ...metadata, name: 'renamed' } }]);
    const snapshot = await reader.refresh();
    assert.deepEqual([snapshot.version, snapshot.totalRows], [3, 2]);
    // The writer meets that commit when it loses the race for its version, and must not count on what it knew.
    const result = await writer.append(partitionAppend('p0', 1, 6));
    assert.deepEqual(result, { kind: 'committed', version: 4, rowCount: 6 });
    assert.equal((await reader.refresh()).totalRows, 8);
  });

  it('looks at the newest known commit once a minute at most', async () => {
    const table = setUp();
    const counted: string[] = [];
    const store = storeWith(table.store, {
      async head(path) {
        counted.push(path);
        return table.store.head(path);
      },
    });
    const writer = new TableWriter({ ...table, store });
    for (let last = 1; last <= 20; last++) {
      await writer.append(partitionAppend('p0', 1, last));
      table.clock.advance(10_000);
    }
    assert.equal(counted.length, 2, counted.join());
  });

  it('lists again after an hour, so that a table made anew is noticed', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(partitionAppend('p0', 1, 3));
    await writer.append(partitionAppend('p0', 4, 5));
    const reader = await openTable(table);
    for (let version = 0; version <= 2; version++) await table.store.delete(`${root}/${commitName(version)}`);
    await createTable({ ...table, random: seededRandom(77) });
    assert.equal((await reader.refresh()).version, 2);
    table.clock.advance(3_600_001);
    assert.equal((await reader.refresh()).version, 0);
    assert.deepEqual(await writer.append(partitionAppend('p0', 1, 3)), {
      kind: 'committed',
      version: 1,
      rowCount: 3,
    });
  });
});

describe('reconciling actions', () => {
  const states = async (table: Table, commits: readonly (readonly object[])[]) => {
    await createTable(table);
    for (const [index, lines] of commits.entries()) await putCommit(table, index + 1, lines);
    const { snapshot } = await openTable(table);
    return snapshot;
  };

  it('lets the newest action on a file count', async () => {
    const snapshot = await states(setUp(), [
      [addOf('a', 1, 100), addOf('b', 2, 200)],
      [removeOf('a'), removeOf('never-there')],
      [addOf('a', 7, 700)],
      [addOf('b', 3, 300)],
    ]);
    assert.deepEqual(
      [...snapshot.files.values()].map(({ path, size }) => [path, size]),
      [
        ['b', 300],
        ['a', 700],
      ],
    );
    assert.equal(snapshot.totalBytes, 1000);
    assert.equal(snapshot.totalRows, 10);
  });

  it('recognises a file in another spelling', async () => {
    const spellings = ['p=M%C3%BCnchen/a%20b', 'p=M\u00fcnchen/a%20b'] as const;
    for (const [added, removed] of [spellings, spellings.toReversed()]) {
      const snapshot = await states(setUp(), [[addOf(added!)], [removeOf(removed!)]]);
      assert.equal(snapshot.files.size, 0);
      assert.equal(snapshot.totalBytes, 0);
    }
  });

  it('does not know the rows while a file lacks statistics', async () => {
    const table = setUp();
    const snapshot = await states(table, [[addOf('a', 5), addOf('b', null)]]);
    assert.equal(snapshot.totalRows, undefined);
    await putCommit(table, 2, [removeOf('b')]);
    assert.equal((await openTable(table)).snapshot.totalRows, 5);
  });

  it('does not take a column called numRecords for the number of rows', async () => {
    const odd = { add: { ...addOf('a').add, stats: '{"minValues":{"numRecords":99},"numRecords":4}' } };
    const broken = { add: { ...addOf('b').add, stats: '{"numRecords":' } };
    assert.equal((await states(setUp(), [[odd]])).totalRows, 4);
    assert.equal((await states(setUp(), [[odd, broken]])).totalRows, undefined);
  });

  it('ignores actions and fields that it does not know, and nulls', async () => {
    const snapshot = await states(setUp(), [
      [
        { domainMetadata: { domain: 'd', configuration: '{}', removed: false } },
        { somethingNew: { a: 1 } },
        { cdc: { path: 'c', size: 1 } },
        { commitInfo: { operationParameters: { n: 5, deep: { x: [] } }, timestamp: 'odd' } },
        { add: { ...addOf('a').add, tags: null, deletionVector: null, baseRowId: 4 }, remove: null },
      ],
    ]);
    assert.deepEqual([...snapshot.files.keys()], ['a']);
  });

  it('replaces the whole metadata', async () => {
    const table = setUp();
    const metaData = {
      id: 'new',
      format: { provider: 'parquet', options: {} },
      schemaString: '{"type":"struct","fields":[]}',
      partitionColumns: [],
      configuration: {},
    };
    const snapshot = await states({ ...table, name: 'old', configuration: { a: 'b' } } as Table, [
      [{ metaData }],
    ]);
    assert.deepEqual(snapshot.metadata, metaData);
  });
});

describe('a damaged log', () => {
  async function tableWith(path: string, text: string): Promise<Table> {
    const table = setUp();
    await createTable(table);
    await putText(table, path, text);
    return table;
  }

  const good = JSON.stringify(addOf('a'));
  const damages: readonly [string, string, RegExp][] = [
    [
      'a truncated line',
      `${good}\n${good.slice(0, -10)}`,
      /Line 2 of tables\/readings\/_delta_log\/0+1\.json is not complete JSON/,
    ],
    ['garbage', 'garbage\n', /Line 1 of .*1\.json is not complete JSON/],
    ['a line that is no object', `${good}\n\n[1]\n`, /Line 3 of .* is not a JSON object/],
    ['an empty file', '', /the file is empty/],
    ['an add without a path', '{"add":{"size":1,"dataChange":true}}\n', /Line 1 .*"add" lacks path/],
    ['an add without a size', '{"add":{"path":"a","dataChange":true}}\n', /"add" lacks size/],
    [
      'a version that is not exact',
      '{"txn":{"appId":"a","version":9007199254740993}}\n',
      /"txn.version" should be an integer below 2\^53/,
    ],
    ['a version that is text', '{"txn":{"appId":"a","version":"1"}}\n', /"txn.version" should be an integer/],
    ['a protocol without numbers', '{"protocol":{}}\n', /"protocol" lacks minReaderVersion/],
    [
      'features that are no list',
      '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":"x"}}\n',
      /list of strings/,
    ],
  ];
  for (const [what, text, message] of damages) {
    it(`with ${what} is refused by name and line`, async () => {
      const table = await tableWith(commitName(1), text);
      await assert.rejects(openTable(table), { code: 'DELTA_LOG_CORRUPT', message, retry: 'operator' });
    });

    it(`with ${what} is refused by a reader that comes to it later, which keeps what it had`, async () => {
      const table = setUp();
      const reader = await createTable(table);
      await putText(table, commitName(1), text);
      await assert.rejects(reader.refresh(), { code: 'DELTA_LOG_CORRUPT', message });
      assert.equal(reader.snapshot.version, 0);
    });
  }

  it('that is not UTF-8 is refused', async () => {
    const table = setUp();
    await createTable(table);
    await storeBelow(table.store, root).put(commitName(1), Uint8Array.of(0x7b, 0xff, 0x7d));
    await assert.rejects(openTable(table), { code: 'DELTA_LOG_CORRUPT', message: /UTF-8/ });
  });

  it('with lines that JSON allows but other splitters break is read', async () => {
    const table = await tableWith(commitName(1), `${JSON.stringify(addOf('a\u2028b'))}\r\n`);
    assert.deepEqual([...(await openTable(table)).snapshot.files.keys()], ['a\u2028b']);
  });

  it('with half a deletion vector is refused', async () => {
    const vector = { add: { ...addOf('a').add, deletionVector: { storageType: 'u' } } };
    const table = await tableWith(commitName(1), JSON.stringify(vector));
    await assert.rejects(openTable(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: /"deletionVector" lacks pathOrInlineDv/,
    });
  });

  const gaps: readonly [string, readonly number[], RegExp][] = [
    ['without version 0', [1, 2], /lacks version 0 \(0{20}\.json\), but has version 1/],
    ['without its first versions', [5, 6], /lacks versions 0 to 4 /],
    ['with a hole', [0, 1, 4], /Table tables\/readings: The log lacks versions 2 to 3 .*but has version 4/],
  ];
  for (const [what, versions, message] of gaps) {
    it(`${what} is refused`, async () => {
      const table = setUp();
      await createTable(table);
      const first = (await storeBelow(table.store, root).read(commitName(0)))!;
      await table.store.delete(`${root}/${commitName(0)}`);
      for (const version of versions) await storeBelow(table.store, root).put(commitName(version), first);
      await assert.rejects(openTable(table), { code: 'DELTA_LOG_GAP', message });
    });
  }

  for (const action of ['protocol', 'metaData']) {
    it(`without ${action} is refused`, async () => {
      const table = setUp();
      await createTable(table);
      const text = new TextDecoder().decode(await storeBelow(table.store, root).read(commitName(0)));
      const lines = text.split('\n').filter((line) => !line.startsWith(`{"${action}"`));
      await putText(table, commitName(0), lines.join('\n'));
      await assert.rejects(openTable(table), {
        code: 'DELTA_LOG_CORRUPT',
        message: new RegExp(`no ${action}`),
      });
    });
  }

  it('with other files in its folder is read all the same', async () => {
    const table = setUp();
    await new TableWriter(table).append(partitionAppend('p0', 1, 2));
    const others = [
      '00000000000000000000.crc',
      '00000000000000000001.00000000000000000001.compacted.json',
      '00000000000000000099.checkpoint.parquet', // empty: an upload that died
      '_last_checkpoint',
      '_sidecars/x.parquet',
      '_staged_commits/00000000000000000002.0a.json',
      '.00000000000000000002.json.0a.tmp',
      '_commit_0a.json.tmp',
    ];
    for (const name of others)
      await storeBelow(table.store, root).put(`_delta_log/${name}`, new Uint8Array(0));
    assert.equal((await openTable(table)).snapshot.version, 1);
  });
});
