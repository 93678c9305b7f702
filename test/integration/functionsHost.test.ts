// The Functions host as a command: HTTP and timer functions, administration, refusals, signals.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import type { Azurite } from '../../local/azurite/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import { TestHost, type TestHostOptions } from '../support/functionsHost.js';
import { startTestAzurite } from '../support/testAzurite.js';
import { pollUntil } from '../support/waiting.js';

const shared = reverseCleanup({ after });
let azurite: Azurite;

before(async () => {
  azurite = await startTestAzurite(shared);
});

function options(overrides: Partial<TestHostOptions> = {}): TestHostOptions {
  return {
    app: 'httpAndTimer',
    settings: {
      AzureWebJobsStorage: azurite.connectionString,
      EVERY_SECOND: '* * * * * *',
      GREETING: 'good day',
    },
    ...overrides,
  };
}

interface TimerLine {
  readonly isPastDue: boolean;
  readonly scheduleStatus: { readonly last: string; readonly next: string } | null;
}

function timerLines(host: TestHost, name: string): TimerLine[] {
  return host.lines.flatMap((line) => {
    const at = line.indexOf(`[${name}] timer `);
    return at < 0 ? [] : [JSON.parse(line.slice(at + name.length + 9)) as TimerLine];
  });
}

describe('an HTTP function', () => {
  let host: TestHost;

  before(async () => {
    host = await TestHost.start(shared, options());
  });

  it('gets parameters, query, headers and the bytes of the body, and answers with headers, cookies and a body', async () => {
    const body = Buffer.from([0, 255, 13, 10, 128]);
    const response = await fetch(`${host.url}/api/echo/7/some%20name?tag=1&tag=2`, {
      method: 'POST',
      headers: { 'x-sent': 'hello' },
      body,
    });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('x-seen'), 'hello');
    assert.deepEqual(response.headers.getSetCookie(), [
      'session=a%20b; Max-Age=60; Path=/; HttpOnly; SameSite=Strict',
      'theme=dark; Path=/api',
    ]);
    assert.deepEqual(await response.json(), {
      params: { id: '7', name: 'some name' },
      query: ['1', '2'],
      body: body.toString('base64'),
    });
  });

  it('is found by route and method: the more specific one first, else 404 or 405', async () => {
    const statusOf = async (path: string, method: string) =>
      (await fetch(host.url + path, { method })).status;
    assert.equal(await (await fetch(`${host.url}/api/echo/latest`, { method: 'PUT' })).text(), 'literal');
    assert.equal(await statusOf('/api/echo/latest', 'POST'), 405);
    assert.equal(await statusOf('/api/echo/seven', 'POST'), 404);
    assert.equal(await statusOf('/echo/7', 'POST'), 404);
    const response = await fetch(`${host.url}/api/echo/7`);
    assert.equal(response.status, 405);
    assert.equal(response.headers.get('allow'), 'POST, PUT');
  });

  it('that returns nothing answers 204, one that throws 500, and the log says why', async () => {
    assert.equal((await fetch(`${host.url}/api/nothing`)).status, 204);
    assert.equal((await fetch(`${host.url}/api/failing`)).status, 500);
    await host.waitUntil('the error is logged', () =>
      host.lines.some((line) => line.includes('[failing] Failed after') && line.includes('on purpose')),
    );
  });

  it('sees the settings in its environment', async () => {
    assert.equal(await (await fetch(`${host.url}/api/setting`)).text(), 'good day');
  });

  it('is not called for a body above 100 MB', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const tooLarge = request(`${host.url}/api/echo/7`, {
        method: 'POST',
        headers: { 'content-length': String(100 * 1024 * 1024 + 1) },
      });
      tooLarge.on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
        tooLarge.destroy();
      });
      tooLarge.on('error', reject);
      tooLarge.flushHeaders();
    });
    assert.equal(status, 413);
  });

  it('is listed by the admin endpoints, and only a timer can be run through them', async () => {
    const status = (await (await fetch(`${host.url}/admin/host/status`)).json()) as { state: string };
    assert.equal(status.state, 'Running');
    const listed = (await (await fetch(`${host.url}/admin/functions`)).json()) as { name: string }[];
    assert.deepEqual(
      listed.map(({ name }) => name),
      [
        'echo',
        'literal',
        'nothing',
        'failing',
        'setting',
        'slow',
        'hanging',
        'yearly',
        'onStartup',
        'everySecond',
      ],
    );
    const run = async (name: string) =>
      (await fetch(`${host.url}/admin/functions/${name}`, { method: 'POST' })).status;
    assert.equal(await run('echo'), 400);
    assert.equal(await run('nobody'), 404);
    assert.equal(await run('yearly'), 202);
    await host.waitUntil('the timer ran', () => timerLines(host, 'yearly').length === 1);
  });
});

describe('a stopping host', () => {
  it('answers the request it is working on, then ends with exit code 0', async (t) => {
    const host = await TestHost.start(t, options());
    const answer = fetch(`${host.url}/api/slow`);
    await host.waitUntil('the function runs', () => host.lines.some((line) => line.includes('slow began')));
    process.kill(host.service.pid, 'SIGTERM');
    assert.equal(await (await answer).text(), 'late');
    assert.equal(await host.service.exited, 0);
  });

  it('ends at once at the second signal', async (t) => {
    const host = await TestHost.start(t, options());
    const answer = assert.rejects(fetch(`${host.url}/api/hanging`));
    await host.waitUntil('the function runs', () =>
      host.lines.some((line) => line.includes('hanging began')),
    );
    process.kill(host.service.pid, 'SIGINT');
    await host.waitUntil('the first signal is seen', () =>
      host.lines.some((line) => line.includes('is stopping')),
    );
    process.kill(host.service.pid, 'SIGINT');
    assert.equal(await host.service.exited, 1);
    await answer;
  });
});

describe('a timer function', () => {
  it('runs once with isPastDue for runs that were missed, and not again after the next start', async (t) => {
    const hosts = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      'azure-webjobs-hosts',
    );
    const settings = { ...options().settings, AzureFunctionsWebHost__hostid: 'past-due-test' };
    const status = hosts.getBlockBlobClient('timers/past-due-test/Host.Functions.yearly/status');
    const runOnce = async () => {
      const host = await TestHost.start(t, options({ settings, args: ['--instance', 'timers'] }));
      await host.waitUntil('the timers tick', () => timerLines(host, 'everySecond').length >= 2);
      await host.service.stop();
      return host;
    };

    const first = await runOnce();
    assert.deepEqual(timerLines(first, 'yearly'), []);
    assert.equal(timerLines(first, 'onStartup').length, 1);
    assert.equal(timerLines(first, 'everySecond')[0]?.scheduleStatus, null);
    assert.match((await status.downloadToBuffer()).toString(), /"Last":"0001-01-01T00:00:00"/);

    const missed = JSON.stringify({
      Last: '2020-01-01T00:00:00Z',
      Next: '2021-01-01T00:00:00Z',
      LastUpdated: '2020-01-01T00:00:00Z',
    });
    await status.upload(missed, missed.length);
    const second = await runOnce();
    const [run, ...more] = timerLines(second, 'yearly');
    assert.deepEqual(more, []);
    assert.equal(run?.isPastDue, true);
    assert.equal(run.scheduleStatus?.last, '2020-01-01T00:00:00.000Z');
    assert.equal(run.scheduleStatus.next, '2021-01-01T00:00:00.000Z');

    const third = await runOnce();
    assert.deepEqual(timerLines(third, 'yearly'), []);
  });

  it('runs in one host at a time; another one takes over when that stops', async (t) => {
    const settings = { ...options().settings, AzureFunctionsWebHost__hostid: 'singleton-test' };
    const first = await TestHost.start(t, options({ settings, args: ['--instance', 'first'] }));
    await first.waitUntil('the timer ticks', () => timerLines(first, 'everySecond').length >= 1);
    const second = await TestHost.start(t, options({ settings, args: ['--instance', 'second'] }));
    await second.waitUntil('the second host stands by', () =>
      second.lines.some((line) => line.includes('everySecond.Listener; this one stands by')),
    );
    const ticks = timerLines(first, 'everySecond').length;
    await first.waitUntil('the first goes on', () => timerLines(first, 'everySecond').length >= ticks + 2);
    assert.deepEqual(timerLines(second, 'everySecond'), []);
    await first.service.stop();
    await second.waitUntil('the second takes over', () => timerLines(second, 'everySecond').length >= 1);
  });
});

describe('a host that cannot run its app', () => {
  it('names the function and the trigger it does not support', async (t) => {
    await assert.rejects(
      TestHost.start(t, options({ app: 'queueTriggered' })),
      /Function "fromQueue" has a queueTrigger, which this host does not support/,
    );
  });

  it('names the function and the output binding it does not support', async (t) => {
    await assert.rejects(
      TestHost.start(t, options({ app: 'outputs' })),
      /Function "writes" has an output binding "copy" of type queue/,
    );
  });

  it('names a setting that is missing', async (t) => {
    const settings = { AzureWebJobsStorage: azurite.connectionString };
    await assert.rejects(
      TestHost.start(t, options({ settings })),
      /SETTING_MISSING: Function "everySecond" needs the setting "EVERY_SECOND"/,
    );
  });

  it('says that its port is taken', async (t) => {
    const host = await TestHost.start(t, options());
    const port = new URL(host.url).port;
    await assert.rejects(
      TestHost.start(t, options({ args: ['--port', port] })),
      /LOCAL_PORT_IN_USE: Port \d+ is taken/,
    );
  });

  it('says that its storage does not answer', async (t) => {
    const settings = {
      ...options().settings,
      AzureWebJobsStorage: azurite.connectionString.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:9'),
    };
    await assert.rejects(TestHost.start(t, options({ settings })), /STORAGE_UNAVAILABLE: The container/);
  });

  it('explains its options', async (t) => {
    await assert.rejects(
      TestHost.start(t, options({ args: ['--prot', '1'] })),
      /no option --prot. Did you mean --port/,
    );
    await assert.rejects(
      TestHost.start(t, options({ args: ['--help'] })),
      /Usage: node dist\/local\/host\/cli\.js/,
    );
  });
});

describe('a blob function', () => {
  interface BlobLine {
    readonly text: string;
    readonly stream: string;
    readonly name: string;
    readonly blobTrigger: string;
    readonly contentLength: number;
    readonly metadata: object;
    readonly running: number;
  }

  const blobOptions = (): TestHostOptions => ({
    app: 'blobs',
    settings: { AzureWebJobsStorage: azurite.connectionString, Landing: azurite.connectionString },
    args: ['--instance', 'blobs'],
  });
  const containerOf = (name: string) =>
    BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(name);
  const landing = () => containerOf('landing');
  /** Of the host's own queue, also those that a function has at the moment. */
  const waitingMessages = async (): Promise<number> => {
    const queues = QueueServiceClient.fromConnectionString(azurite.connectionString);
    let count = 0;
    for await (const { name } of queues.listQueues({ prefix: 'azure-webjobs-blobtrigger-' })) {
      count += (await queues.getQueueClient(name).getProperties()).approximateMessagesCount ?? 0;
    }
    return count;
  };
  const seen = (host: TestHost) => host.logged<BlobLine>('blob');
  const textsSeen = (host: TestHost) =>
    seen(host)
      .map(({ text }) => text)
      .sort();

  before(async () => {
    await landing().create();
    await containerOf('announced').create();
  });

  it('runs once for each version of a blob that its path means, over restarts too', async (t) => {
    const put = (name: string, text: string) =>
      landing()
        .getBlockBlobClient(name)
        .upload(text, text.length, { metadata: { kind: 'test' } });
    await put('iot/old.txt', 'there before');
    await put('iot/other.csv', 'not meant');
    const first = await TestHost.start(t, blobOptions());
    await first.waitUntil('the blob is seen', () => seen(first).length === 1);
    assert.deepEqual(seen(first)[0], {
      text: 'there before',
      stream: 'iot',
      name: 'old',
      blobTrigger: 'landing/iot/old.txt',
      contentLength: 12,
      metadata: { kind: 'test' },
      running: 1,
    });
    await put('iot/a/new.txt', 'new');
    await put('iot/old.txt', 'changed');
    await first.waitUntil('both are seen', () => seen(first).length === 3);
    assert.deepEqual(textsSeen(first), ['changed', 'new', 'there before']);
    // What a host has not done with when it dies comes again.
    await pollUntil('the host is done with all', async () => (await waitingMessages()) === 0);
    await first.service.kill();

    const second = await TestHost.start(t, blobOptions());
    await put('iot/last.txt', 'after the restart');
    await second.waitUntil('the new one is seen', () => seen(second).length >= 1);
    assert.deepEqual(textsSeen(second), ['after the restart']);
  });

  it('runs as many at a time as host.json allows', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-gate-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const gate = join(folder, 'open');
    const { settings, ...others } = blobOptions();
    const host = await TestHost.start(t, { ...others, settings: { ...settings, GATE: gate } });
    const names = Array.from({ length: 8 }, (_, index) => `many/${index}.txt`);
    await Promise.all(names.map((name) => landing().getBlockBlobClient(name).upload(name, name.length)));
    await pollUntil('all wait or run', async () => (await waitingMessages()) === names.length);
    await host.waitUntil('two are at work', () => seen(host).length >= 2);
    writeFileSync(gate, '');
    await host.waitUntil('all are seen', () => seen(host).length >= names.length);
    assert.deepEqual(textsSeen(host), names);
    assert.equal(Math.max(...seen(host).map(({ running }) => running)), 2);
  });

  it('is given up after five failures, and its message is kept in the poison queue', async (t) => {
    const host = await TestHost.start(t, blobOptions());
    await landing().getBlockBlobClient('iot/bad.txt').upload('poison', 6);
    await host.waitUntil('it is given up', () =>
      host.lines.some((line) => line.includes('Gave up landing/iot/bad.txt')),
    );
    assert.deepEqual(textsSeen(host), Array(5).fill('poison'));
    const poison = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient(
      'webjobs-blobtrigger-poison',
    );
    const message = await pollUntil('the poison message', async () => {
      const { receivedMessageItems } = await poison.receiveMessages();
      return receivedMessageItems[0];
    });
    const content = JSON.parse(Buffer.from(message.messageText, 'base64').toString());
    const { etag } = await landing().getBlockBlobClient('iot/bad.txt').getProperties();
    assert.deepEqual(content, {
      Type: 'BlobTrigger',
      FunctionId: 'Host.Functions.landed',
      BlobType: 'BlockBlob',
      ContainerName: 'landing',
      BlobName: 'iot/bad.txt',
      ETag: etag?.replaceAll('"', ''),
    });
  });

  it('runs for each Event Grid event, twice for one that is delivered twice', async (t) => {
    const host = await TestHost.start(t, blobOptions());
    const blob = containerOf('announced').getBlockBlobClient('iot/event.txt');
    await blob.upload('by event', 8);
    await host.waitUntil('the scan found it', () => seen(host).length === 1);
    const post = (headers: Record<string, string>, event: object) =>
      fetch(`${host.url}/runtime/webhooks/blobs?functionName=Host.Functions.announced&code=any`, {
        method: 'POST',
        headers,
        body: JSON.stringify([event]),
      });
    const handshake = await post(
      { 'aeg-event-type': 'SubscriptionValidation' },
      { data: { validationCode: 'abc' } },
    );
    assert.deepEqual(await handshake.json(), { validationResponse: 'abc' });
    const event = {
      eventType: 'Microsoft.Storage.BlobCreated',
      data: { url: blob.url, blobType: 'BlockBlob' },
    };
    const otherPath = { ...event, data: { ...event.data, url: blob.url.replace('event.txt', 'event.csv') } };
    for (const sent of [event, event, otherPath]) {
      assert.equal((await post({ 'aeg-event-type': 'Notification' }, sent)).status, 202);
    }
    await host.waitUntil('it ran for both', () => seen(host).length === 3);
    assert.deepEqual(textsSeen(host), ['by event', 'by event', 'by event']);
    const receipts = containerOf('azure-webjobs-hosts').listBlobsFlat({ prefix: 'blobreceipts/' });
    for await (const { name } of receipts) assert.ok(!name.includes('announced'), name);
  });
});
