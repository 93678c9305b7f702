// Creating a table and appending to it: what lands in the log, and what a second reader sees.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger, seededRandom } from '../../shared/base/index.js';
import { createTable, openTable, parseTableSchema, TableWriter } from '../../shared/delta/index.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import {
  addedPaths,
  blindAppend,
  committedRows,
  dataFiles,
  expectedRows,
  field,
  partitionAppend,
  readingsBatch,
  readingsSchema,
  readLogLines,
} from '../support/deltaFixtures.js';
import { FaultyStore } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';

const root = 'tables/readings';

function setUp(seed = 1) {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const random = seededRandom(seed);
  return { store, root, clock, random, schema: readingsSchema };
}

async function commitText(table: ReturnType<typeof setUp>, version: number): Promise<string> {
  const path = `_delta_log/${String(version).padStart(20, '0')}.json`;
  return new TextDecoder().decode(await storeBelow(table.store, root).read(path));
}

describe('creating a table', () => {
  it('writes version 0 exactly so', async () => {
    const table = setUp();
    await createTable({
      ...table,
      name: 'readings',
      description: 'one row per reading',
      configuration: { 'delta.appendOnly': 'true' },
      engineInfo: 'Tributary/0.1.0',
    });
    const ids = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;
    const text = await commitText(table, 0);
    assert.equal(new Set(text.match(ids)).size, 2);
    const schema =
      '{\\"type\\":\\"struct\\",\\"fields\\":[{\\"name\\":\\"device_id\\",\\"type\\":\\"string\\",\\"nullable\\":false,\\"metadata\\":{}},' +
      '{\\"name\\":\\"sequence\\",\\"type\\":\\"long\\",\\"nullable\\":false,\\"metadata\\":{}},' +
      '{\\"name\\":\\"temperature\\",\\"type\\":\\"double\\",\\"nullable\\":true,\\"metadata\\":{}},' +
      '{\\"name\\":\\"event_time\\",\\"type\\":\\"timestamp\\",\\"nullable\\":true,\\"metadata\\":{}}]}';
    assert.equal(
      text.replace(ids, 'ID'),
      '{"commitInfo":{"timestamp":1700000000000,"operation":"CREATE TABLE","operationParameters":{"isManaged":"false","partitionBy":"[]","properties":"{\\"delta.appendOnly\\":\\"true\\"}"},"isBlindAppend":true,"operationMetrics":{},"engineInfo":"Tributary/0.1.0","txnId":"ID"}}\n' +
        '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}\n' +
        `{"metaData":{"id":"ID","name":"readings","description":"one row per reading","format":{"provider":"parquet","options":{}},"schemaString":"${schema}","partitionColumns":[],"configuration":{"delta.appendOnly":"true"},"createdTime":1700000000000}}\n`,
    );
  });

  it('opens the table that is there, without a write', async () => {
    const table = setUp();
    const first = await createTable(table);
    const store = new FaultyStore(table.store);
    const second = await createTable({
      ...table,
      store,
      schema: { type: 'struct', fields: [field('x', 'long')] },
    });
    assert.equal(store.writeCount, 0);
    assert.equal(second.snapshot.metadata.id, first.snapshot.metadata.id);
    assert.equal(second.snapshot.metadata.schemaString, first.snapshot.metadata.schemaString);
  });

  it('gives one table to forty rival creators', async () => {
    const table = setUp();
    const readers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => createTable({ ...table, random: seededRandom(index) })),
    );
    assert.equal(new Set(readers.map(({ snapshot }) => snapshot.metadata.id)).size, 1);
    assert.equal((await readLogLines(table.store, root)).length, 1);
  });

  it('asks for the timestampNtz feature only where a column needs it', async () => {
    const table = setUp();
    const schema = { type: 'struct' as const, fields: [field('local_time', 'timestamp_ntz')] };
    const { snapshot } = await createTable({ ...table, schema });
    assert.deepEqual(snapshot.protocol, {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['timestampNtz', 'appendOnly', 'invariants'],
    });
    assert.deepEqual((await openTable(table)).snapshot.protocol, snapshot.protocol);
  });

  it('keeps the metadata of columns', async () => {
    const table = setUp();
    const fields = [{ ...field('a', 'double'), metadata: { comment: 'celsius', nested: { deep: [1] } } }];
    await createTable({ ...table, schema: { type: 'struct', fields } });
    const { snapshot } = await openTable(table);
    assert.deepEqual(parseTableSchema(snapshot.metadata.schemaString).fields, [
      { kind: 'column', field: fields[0] },
    ]);
  });

  const badSchemas: readonly [string, string[], RegExp][] = [
    ['no columns', [], /has no columns/],
    ['two columns that differ in case only', ['a', 'A'], /two columns "A"/],
    ['a name with a space', ['a b'], /"a b"/],
    ['a name with an equals sign', ['a=b'], /"a=b"/],
    ['an empty name', [''], /empty name/],
  ];
  for (const [what, names, message] of badSchemas) {
    it(`refuses ${what}`, async () => {
      const schema = { type: 'struct' as const, fields: names.map((name) => field(name, 'long')) };
      await assert.rejects(createTable({ ...setUp(), schema }), { code: 'DELTA_SCHEMA_MISMATCH', message });
    });
  }

  for (const [key, value] of [
    ['delta.enableDeletionVectors', 'true'],
    ['delta.constraints.x', 'true'],
    ['delta.feature.rowTracking', 'supported'],
    ['delta.checkpointPolicy', 'v2'],
    ['delta.universalFormat.enabledFormats', 'iceberg'],
    ['delta.logRetentionDuration', '30 days'],
    ['delta.deletedFileRetentionDuration', 'interval 1 month'],
  ] as const) {
    it(`refuses the property ${key} ${value}`, async () => {
      await assert.rejects(createTable({ ...setUp(), configuration: { [key]: value } }), {
        code: 'CONFIG_INVALID',
        message: new RegExp(key),
      });
    });
  }

  it('keeps properties that ask for nothing, also unknown ones', async () => {
    const configuration = {
      'delta.checkpointPolicy': 'classic',
      'delta.logRetentionDuration': 'interval 12 hours',
      'delta.autoOptimize.optimizeWrite': 'true',
      owner: 'somebody',
    };
    const { snapshot } = await createTable({ ...setUp(), configuration });
    assert.deepEqual(snapshot.metadata.configuration, configuration);
  });
});

describe('opening a table', () => {
  it('says that there is none', async () => {
    const table = setUp();
    await assert.rejects(openTable(table), { code: 'DELTA_TABLE_NOT_FOUND', message: /tables\/readings/ });
    await assert.rejects(
      new TableWriter({ store: table.store, root, clock: table.clock, random: table.random }).append(
        blindAppend(readingsBatch('a', 1, 1)),
      ),
      { code: 'DELTA_TABLE_NOT_FOUND' },
    );
  });

  it('does not take a folder with other files for a table', async () => {
    const table = setUp();
    await table.store.put(`${root}/_delta_log/00000000000000000000.crc`, new Uint8Array(1));
    await table.store.put(`${root}/_delta_log/_commit_x.json.tmp`, new Uint8Array(1));
    await assert.rejects(openTable(table), { code: 'DELTA_TABLE_NOT_FOUND' });
  });
});

describe('appending', () => {
  it('writes one data file and one commit, exactly so', async () => {
    const table = setUp(7);
    const writer = new TableWriter({ ...table, engineInfo: 'Tributary/0.1.0' });
    const result = await writer.append(partitionAppend('p0', 1, 5));
    assert.deepEqual(result, { kind: 'committed', version: 1, rowCount: 5 });
    const [name] = await dataFiles(table.store, root);
    const size = (await table.store.head(`${root}/${name}`))?.sizeBytes;
    const stats =
      '{\\"numRecords\\":5,' +
      '\\"minValues\\":{\\"device_id\\":\\"p0\\",\\"sequence\\":1,\\"temperature\\":0.5,\\"event_time\\":\\"2023-11-14T22:13:20.000Z\\"},' +
      '\\"maxValues\\":{\\"device_id\\":\\"p0\\",\\"sequence\\":5,\\"temperature\\":2.5,\\"event_time\\":\\"2023-11-14T22:13:20.001Z\\"},' +
      '\\"nullCount\\":{\\"device_id\\":0,\\"sequence\\":0,\\"temperature\\":1,\\"event_time\\":0}}';
    const text = await commitText(table, 1);
    const txnId = /"txnId":"([^"]+)"/.exec(text)?.[1];
    assert.match(txnId!, /^[0-9a-f-]{36}$/);
    assert.equal(
      text,
      `{"commitInfo":{"timestamp":1700000000000,"operation":"WRITE","operationParameters":{"mode":"Append","partitionBy":"[]"},"readVersion":0,"isBlindAppend":true,"operationMetrics":{"numFiles":"1","numOutputRows":"5","numOutputBytes":"${size}"},"engineInfo":"Tributary/0.1.0","txnId":"${txnId}"}}\n` +
        '{"txn":{"appId":"ingest/p0","version":5,"lastUpdated":1700000000000}}\n' +
        `{"add":{"path":"${name}","partitionValues":{},"size":${size},"modificationTime":1700000000000,"dataChange":true,"stats":"${stats}"}}\n`,
    );
    assert.match(name!, /^part-00000-[0-9a-f-]{36}-c000\.snappy\.parquet$/);
  });

  it('shows a second reader the same rows, transactions and totals', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(partitionAppend('p0', 1, 5));
    await writer.append(partitionAppend('p1', 1, 3));
    const { snapshot } = await openTable(table);
    assert.equal(snapshot.version, 2);
    assert.equal(snapshot.files.size, 2);
    assert.equal(snapshot.totalRows, 8);
    assert.equal(
      snapshot.totalBytes,
      [...snapshot.files.values()].reduce((sum, { size }) => sum + size, 0),
    );
    assert.deepEqual([...snapshot.transactions].sort(), [
      ['ingest/p0', 5],
      ['ingest/p1', 3],
    ]);
    const own = await writer.snapshot();
    assert.deepEqual(
      { ...own, files: [...own.files], transactions: [...own.transactions] },
      { ...snapshot, files: [...snapshot.files], transactions: [...snapshot.transactions] },
    );
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 5, p1: 3 }));
  });

  it('trims a redelivery that is cut at other places, and does not commit what is there', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(partitionAppend('p0', 1, 5));
    assert.deepEqual(await writer.append(partitionAppend('p0', 3, 8)), {
      kind: 'committed',
      version: 2,
      rowCount: 3,
    });
    assert.deepEqual(await writer.append(partitionAppend('p0', 2, 8)), {
      kind: 'alreadyCommitted',
      version: 2,
    });
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 8 }));
  });

  it('commits transactions without rows, and nothing at all without either', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const empty = readingsBatch('a', 1, 0);
    const result = await writer.append({
      prepare: () => ({ batch: empty, transactions: [{ appId: 'a', version: 9 }], readAppIds: [] }),
    });
    assert.deepEqual(result, { kind: 'committed', version: 1, rowCount: 0 });
    assert.deepEqual(await dataFiles(table.store, root), []);
    assert.deepEqual(await writer.append(blindAppend(empty)), { kind: 'alreadyCommitted', version: 1 });
    assert.equal((await openTable(table)).snapshot.transactions.get('a'), 9);
    assert.equal((await readLogLines(table.store, root)).length, 2);
  });

  it('costs two writes, and no read or listing, while no rival commits', async () => {
    const table = setUp();
    const store = new FaultyStore(table.store);
    const writer = new TableWriter({ ...table, store });
    await writer.append(partitionAppend('p0', 1, 1));
    const before = { writes: store.writeCount, reads: store.readPaths.length, lists: store.listCount };
    for (let last = 2; last <= 11; last++) await writer.append(partitionAppend('p0', 1, last));
    assert.equal(store.writeCount - before.writes, 20);
    assert.equal(store.readPaths.length, before.reads);
    assert.equal(store.listCount, before.lists);
  });

  it('honours the compression codec of the table where it can', async () => {
    const table = setUp();
    const configuration = { 'delta.parquet.compression.codec': 'uncompressed' };
    await new TableWriter({ ...table, configuration }).append(partitionAppend('p0', 1, 2));
    assert.match((await dataFiles(table.store, root))[0]!, /-c000\.parquet$/);
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 2 }));
  });

  it('draws another name when a file of that name is there with other contents', async () => {
    const table = setUp();
    await createTable(table);
    const sameNames = () => new TableWriter({ ...table, random: seededRandom(99) });
    await sameNames().append(partitionAppend('p0', 1, 3));
    await sameNames().append(partitionAppend('p1', 1, 4));
    assert.equal(new Set(await addedPaths(table.store, root)).size, 2);
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 3, p1: 4 }));
  });

  it('reports each commit to the logger and in its counts', async () => {
    const table = setUp();
    const lines: string[] = [];
    const writer = new TableWriter({ ...table, logger: createLogger((line) => lines.push(line)) });
    await writer.append(partitionAppend('p0', 1, 3));
    assert.match(lines.join('\n'), /Committed .*"version":1,"appendCount":1,"rowCount":3,"attemptCount":1/);
    const { dataBytes, ...counts } = writer.metrics;
    assert.ok(dataBytes > 100);
    assert.deepEqual(counts, {
      appendCount: 1,
      commitCount: 1,
      attemptCount: 1,
      dataFileCount: 1,
      rowCount: 3,
    });
  });
});
