// Files land in the container, and the function app turns them into rows: the local stack from the blob to the table.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import pipeline from '../../pipeline.js';
import type { App } from '../../shared/app.js';
import type { FileRow } from '../../shared/autoloader/index.js';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import { readHistory, type Snapshot } from '../../shared/delta/index.js';
import { queryTable, type Row } from '../support/duckdb.js';
import { LocalStack, type RunningHost, until } from '../support/localStack.js';
import { patienceMs } from '../support/waiting.js';

const golden = join(import.meta.dirname, '..', '..', '..', 'test', 'golden', 'seed');
const [stream] = pipeline.files;
const { container, table, name: streamName } = stream!;

async function openLanding(stack: LocalStack): Promise<ContainerClient> {
  const landing = BlobServiceClient.fromConnectionString(stack.azurite.connectionString).getContainerClient(
    container,
  );
  await landing.createIfNotExists();
  return landing;
}

async function send(landing: ContainerClient, path: string, content: string | Buffer): Promise<void> {
  const bytes = Buffer.from(content);
  await landing.getBlockBlobClient(path).upload(bytes, bytes.byteLength);
}

async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>) {
  const queue = [...items];
  const lanes = Array.from({ length: width }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  });
  await Promise.all(lanes);
}

/** The stream's table; undefined while there is none. */
async function tableOf(app: App): Promise<Snapshot | undefined> {
  try {
    return (await app.loadTable(table)).snapshot;
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'DELTA_TABLE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function rowCount(app: App): Promise<number> {
  return (await tableOf(app))?.totalRows ?? 0;
}

async function query(app: App, sql: string, name = table): Promise<Row[]> {
  const { store, snapshot } = await app.loadTable(name);
  return queryTable(store, snapshot, sql);
}

async function knownFiles(app: App): Promise<Map<string, FileRow>> {
  const { ledger } = await app.openFileStream(streamName);
  const files = new Map<string, FileRow>();
  for await (const file of ledger.files()) files.set(file.path, file);
  return files;
}

/** Whether a batch is planned and its files are not marked yet. */
async function isLoading(app: App): Promise<boolean> {
  const { ledger } = await app.openFileStream(streamName);
  const committed = (await tableOf(app))?.transactions.get(`autoloader/${streamName}`) ?? -1;
  return (
    (await ledger.batchState(committed + 1)) === 'planned' ||
    (committed >= 0 && (await ledger.batchState(committed)) === 'planned')
  );
}

/** The records have the ids from 0 on. */
async function assertIdsOnce(app: App, count: number): Promise<void> {
  assert.equal(await rowCount(app), count);
  const [counts] = await query(
    app,
    'select count(distinct id)::int as ids, max(id)::int as last from {files}',
  );
  assert.deepEqual(counts, { ids: count, last: count - 1 });
}

async function untilLoaded(
  stack: LocalStack,
  app: App,
  fileCount: number,
  timeoutMs = patienceMs,
): Promise<void> {
  let states = 'none known';
  await until(
    async () => {
      const files = [...(await knownFiles(app)).values()];
      const done = files.filter(({ state }) => state !== 'waiting');
      states = `${files.length} known, ${done.length} done`;
      return done.length >= fileCount;
    },
    { timeoutMs, describe: () => `${states}\n${stack.logLines.slice(-30).join('\n')}` },
  );
}

async function loadNow(stack: LocalStack, host: RunningHost, timeoutMs = patienceMs): Promise<unknown> {
  const started = await fetch(`${host.url}/api/streams/${streamName}/load`, { method: 'POST' });
  assert.equal(started.status, 202, await started.clone().text());
  const { statusQueryGetUri } = (await started.json()) as { statusQueryGetUri: string };
  let last: { runtimeStatus?: string; output?: unknown } = {};
  await until(
    async () => {
      const response = await fetch(statusQueryGetUri);
      last = (await response.json()) as typeof last;
      return ['Completed', 'Failed'].includes(last.runtimeStatus ?? '');
    },
    { timeoutMs, describe: () => `${JSON.stringify(last)}\n${stack.logLines.slice(-30).join('\n')}` },
  );
  assert.equal(last.runtimeStatus, 'Completed', JSON.stringify(last));
  return last.output;
}

describe('files that land', () => {
  it('become the rows of the seed, and its two traps lose nothing', async (t) => {
    const stack = await LocalStack.start(t);
    const landing = await openLanding(stack);
    const host = await stack.startHost();
    const app = await stack.openApp();
    const names = ['iot_sample.json', 'iot_sample_part2.json', 'iot_sample_with_alerts.json'];
    for (const name of names) await send(landing, name, readFileSync(join(golden, name)));
    await untilLoaded(stack, app, names.length);
    assert.equal(await rowCount(app), 40);
    const [row] = await query(
      app,
      `select * exclude (_file_modified, _ingest_time, _rescued_data), typeof(local_ts) as type from {files}
       where _file_path = 'iot_sample.json' and _file_row = 0`,
    );
    assert.deepEqual(row, {
      deviceId: 'sensor-001',
      local_ts: new Date('2025-10-05T18:40:10Z'),
      temperature: 22.5,
      humidity: 41.8,
      pressure: 1012.3,
      battery: 0.94,
      lat: 49.2827,
      lon: -123.1207,
      status: 'OK',
      _file_path: 'iot_sample.json',
      _file_row: 0n,
      type: 'TIMESTAMP WITH TIME ZONE',
    });

    await send(landing, 'bad.json', JSON.stringify({ deviceId: 'x', temperature: 'abc' }));
    await send(landing, 'new.json', JSON.stringify({ deviceId: 'y', co2: 415 }));
    // A name that the library takes for a number, where it can.
    await send(landing, '2025', JSON.stringify({ deviceId: 'w' }));
    await untilLoaded(stack, app, 6);
    const [bad] = await query(app, `select temperature, _rescued_data from {files} where deviceId = 'x'`);
    assert.equal(bad?.temperature, null);
    assert.deepEqual(JSON.parse(String(bad?._rescued_data)), { temperature: 'abc', _file_path: 'bad.json' });
    const { snapshot } = await app.loadTable(table);
    assert.match(snapshot.metadata.schemaString, /"co2","type":"long"/);

    await send(landing, 'more.json', JSON.stringify({ deviceId: 'z' }));
    assert.match(JSON.stringify(await loadNow(stack, host)), /"rows":[01]/);
    assert.equal(await rowCount(app), 44);

    const status = (await (await fetch(`${host.url}/api/status`)).json()) as { files: unknown };
    assert.deepEqual(status.files, [{ stream: streamName, filesOutstanding: 0, bytesOutstanding: 0 }]);
  });

  it('come in thousands at once, and only the trigger sees them: each record once, in few commits', async (t) => {
    const fileCount = 10_000;
    const stack = await LocalStack.start(t);
    const landing = await openLanding(stack);
    const app = await stack.openApp();
    await stack.startHost();
    const startMs = Date.now();
    const timings: string[] = [];
    const note = (what: string) =>
      timings.push(`${what} after ${((Date.now() - startMs) / 1_000).toFixed(1)} s`);
    const names = Array.from({ length: fileCount }, (_, n) => `swarm/${n % 10}/${n}.json`);
    await inParallel([...names.entries()], 32, ([n, name]) =>
      send(landing, name, `[{"n":${2 * n}},{"n":${2 * n + 1}}]`),
    );
    note('uploaded');
    let rows = 0;
    await until(
      async () => {
        rows = await rowCount(app);
        return rows >= 2 * fileCount;
      },
      {
        ...{ timeoutMs: 600_000, everyMs: 1_000 },
        describe: () => `${rows} rows\n${stack.logLines.slice(-30).join('\n')}`,
      },
    );
    note('loaded');
    const [counts] = await query(
      app,
      'select count(*)::int as rows, count(distinct n)::int as n, count(distinct _file_path)::int as files from {files}',
    );
    assert.deepEqual(counts, { rows: 2 * fileCount, n: 2 * fileCount, files: fileCount });
    const { snapshot } = await app.loadTable(table);
    const commits = (await readHistory({ ...app.upkeepOptions(table) })).filter(
      ({ operation }) => operation === 'WRITE',
    );
    t.diagnostic(`${timings.join(', ')}, ${commits.length} commits`);
    assert.ok(commits.length <= 20, `${commits.length} commits`);
    assert.equal(snapshot.transactions.get(`autoloader/${streamName}`), commits.length - 1);
  });

  it('are loaded once each though the host is killed again and again while it loads', async (t) => {
    const kills = 22;
    const random = seededRandom(20_251);
    const stack = await LocalStack.start(t);
    const landing = await openLanding(stack);
    const app = await stack.openApp();
    let sent = 0;
    let cutBatches = 0;
    for (let round = 0; round < kills; round++) {
      const host = await stack.startHost('one');
      for (let n = 0; n < 6; n++, sent++) {
        const lines = [
          { id: 2 * sent, deviceId: 'a' },
          { id: 2 * sent + 1, deviceId: 'b', [`c${round}`]: true },
        ];
        await send(
          landing,
          `round-${round}/${n}.ndjson`,
          lines.map((line) => JSON.stringify(line)).join('\n'),
        );
      }
      const started = await fetch(`${host.url}/api/streams/${streamName}/load`, { method: 'POST' });
      assert.equal(started.status, 202);
      // At any time, or as soon as a batch is seen to be under way.
      const killAtMs = Date.now() + random.next() * 1_500;
      const waitsForBatch = random.next() < 0.7;
      await until(async () => Date.now() >= killAtMs || (waitsForBatch && (await isLoading(app))), {
        ...{ timeoutMs: patienceMs, everyMs: 10 },
        describe: () => 'the clock stands still',
      });
      await host.kill();
      if (await isLoading(app)) cutBatches++;
    }
    t.diagnostic(`${cutBatches} of ${kills} kills left a batch half-way`);
    assert.ok(cutBatches > 0, 'no kill came between plan and marks');
    await stack.startHost('one');
    await untilLoaded(stack, app, sent);
    await assertIdsOnce(app, 2 * sent);
  });

  it('are loaded once each by two hosts at once, with events that come twice, out of order, or for nothing', async (t) => {
    const fileCount = 120;
    const random = seededRandom(7);
    const stack = await LocalStack.start(t);
    const landing = await openLanding(stack);
    const app = await stack.openApp();
    // Each with a Durable backend of its own: two orchestrations of the stream, which know nothing of each other.
    const hosts = [await stack.startHost('one'), await stack.startHost('two')];
    const names = Array.from({ length: fileCount }, (_, n) => `race/${n}.json`);
    await inParallel([...names.entries()], 8, ([n, name]) =>
      send(landing, name, `[{"id":${2 * n}},{"id":${2 * n + 1}}]`),
    );
    const events = [...names, ...names.slice(0, 40), 'race/never-there.json']
      .map((name) => ({ name, order: random.next() }))
      .sort((left, right) => left.order - right.order);
    const loads = hosts.map((host) =>
      fetch(`${host.url}/api/streams/${streamName}/load`, { method: 'POST' }),
    );
    await inParallel(events, 8, async ({ name }) => {
      const event = {
        eventType: 'Microsoft.Storage.BlobCreated',
        data: { url: `${landing.url}/${name}`, blobType: 'BlockBlob' },
      };
      const host = hosts[Math.floor(random.next() * hosts.length)]!;
      const answer = await fetch(
        `${host.url}/runtime/webhooks/blobs?functionName=Host.Functions.landedFile-${streamName}`,
        { method: 'POST', body: JSON.stringify([event]), headers: { 'aeg-event-type': 'Notification' } },
      );
      assert.equal(answer.status, 202, await answer.text());
    });
    for (const answer of await Promise.all(loads)) assert.equal(answer.status, 202);
    await untilLoaded(stack, app, fileCount);
    await assertIdsOnce(app, 2 * fileCount);
  });

  it('may be anything at all: each has a clear outcome, and none holds up the others', async (t) => {
    const stack = await LocalStack.start(t);
    const landing = await openLanding(stack);
    const app = await stack.openApp();
    const record = (n: number) => JSON.stringify({ deviceId: 'ok', n });
    const deep = `${'d/'.repeat(120)}${'n'.repeat(750)}.json`;
    const named = [
      '2025',
      'with space.json',
      '100%.json',
      'a#b.json',
      'a%20b.json',
      'smile-\u{1f600}.json',
      deep,
    ];
    for (const [n, name] of named.entries()) await send(landing, name, record(n));
    await send(landing, 'bomb.json.gz', gzipSync(Buffer.alloc(200 * 2 ** 20, '['), { level: 9 }));
    await send(landing, 'empty.json', '');
    await send(landing, 'noise.bin', Buffer.from([0, 255, 1, 254, 2, 253]));
    const wide = Array.from({ length: 200 }, (_, n) => `c${n}`);
    await send(landing, 'wide.csv', `${wide.join(',')}\n${wide.map((_, n) => n).join(',')}\n`);
    await send(landing, 'gone.json', record(98));
    await send(landing, 'growing.ndjson', record(99));
    const { discovery } = await app.openFileStream(streamName);
    await discovery.list();
    await landing.getBlobClient('gone.json').delete();
    await send(landing, 'growing.ndjson', `${record(99)}\n${record(100)}\n`);

    await stack.startHost();
    await untilLoaded(stack, app, named.length + 6);
    const files = await knownFiles(app);
    const stateOf = (path: string) => files.get(path)?.state;
    for (const name of named) assert.equal(stateOf(name), 'committed', name);
    assert.equal(stateOf('bomb.json.gz'), 'unreadable');
    assert.equal(stateOf('empty.json'), 'committed');
    assert.equal(stateOf('noise.bin'), 'unreadable');
    assert.equal(stateOf('wide.csv'), 'committed');
    assert.equal(stateOf('gone.json'), 'missing');
    assert.equal(stateOf('growing.ndjson'), 'committed');
    const [counts] = await query(app, 'select count(*)::int as rows, count(c199)::int as wide from {files}');
    assert.deepEqual(counts, { rows: named.length + 1 + 2, wide: 1 });
    const paths = await query(app, 'select _file_path as path from {files} where n < 90 order by n');
    assert.deepEqual(
      paths.map(({ path }) => path),
      named,
    );
    const bad = await query(
      app,
      "select distinct _partition as path from {files} where _source = 'files/landed' order by path",
      'quarantine',
    );
    assert.deepEqual(
      bad.map(({ path }) => path),
      ['bomb.json.gz', 'gone.json', 'noise.bin'],
    );
  });
});
