// functions/deliverAlerts.ts in the host, with webhooks of the test's own: what arrives, what is written down, and what a host
// that was killed does again.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createHubSender } from '../../shared/messaging/index.js';
import { alertEventsOf } from '../support/alertEvents.js';
import { queryTable } from '../support/duckdb.js';
import { LocalStack } from '../support/localStack.js';
import { until } from '../support/waiting.js';
import { verifyWebhook } from '../support/webhookReceiverExample.js';

const compiled = join(import.meta.dirname, '..', '..');
const root = join(compiled, '..');
const secret = 'a-secret-of-some-length';

interface Request {
  readonly path: string;
  readonly id: string;
  readonly subject: string;
  readonly isGenuine: boolean;
}

/** `/good` takes everything, `/bad` nothing, `/flaky` each alert at the second attempt. */
async function startReceiver(
  t: TestContext,
): Promise<{ readonly port: number; readonly requests: Request[] }> {
  const requests: Request[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { id, subject } = JSON.parse(body.toString()) as { id: string; subject: string };
    const path = request.url ?? '';
    const isFirst = !requests.some((earlier) => earlier.path === path && earlier.id === id);
    requests.push({ path, id, subject, isGenuine: verifyWebhook(secret, request.headers, body) });
    if (path === '/flaky' && isFirst) response.writeHead(503).end();
    else response.writeHead(path === '/bad' ? 404 : 200).end(path === '/bad' ? 'not here' : '');
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, requests };
}

/** The function and all it needs, with another pipeline.ts. @returns the app's folder */
function createWebhookApp(stack: LocalStack, port: number): string {
  const app = join(stack.folder, 'app');
  mkdirSync(join(app, 'dist', 'functions'), { recursive: true });
  cpSync(join(compiled, 'shared'), join(app, 'dist', 'shared'), { recursive: true });
  cpSync(join(compiled, 'functions', 'deliverAlerts.js'), join(app, 'dist', 'functions', 'deliverAlerts.js'));
  cpSync(join(root, 'host.json'), join(app, 'host.json'));
  symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ type: 'module', main: 'dist/functions/*.js' }));
  const webhook = (name: string) => ({
    url: `http://localhost:${port}/${name}`,
    secretSetting: 'HookSecret',
  });
  const webhooks = { good: webhook('good'), bad: webhook('bad'), flaky: webhook('flaky') };
  const definition = {
    source: { eventHub: 'sensor-data' },
    deviceId: { from: 'id' },
    eventTime: { from: 'time' },
    fields: { temperature: { type: 'double' } },
    alerts: { webhooks },
  };
  writeFileSync(
    join(app, 'dist', 'pipeline.js'),
    `import { definePipeline } from './shared/pipeline/index.js';\nexport default definePipeline(${JSON.stringify(definition)});\n`,
  );
  return app;
}

const alertsOf = (deviceId: string) => alertEventsOf(deviceId, [31, 36, 20]);

describe('deliverAlerts', () => {
  it('delivers each alert in order and writes down once what is not taken, also after the host was killed', async (t) => {
    const stack = await LocalStack.start(t);
    const { port, requests } = await startReceiver(t);
    const args = ['--app', createWebhookApp(stack, port), '--setting', `HookSecret=${secret}`];
    const host = await stack.startHost('host', args);
    const { settings } = stack;
    const sender = createHubSender({ eventHub: 'alerts', connection: 'EventHubs', settings });
    t.after(() => sender.close());
    const app = await stack.openApp();
    const undelivered = async () => {
      const { store, snapshot } = await app.loadTable('undelivered_alerts');
      if (snapshot.files.size === 0) return [];
      return queryTable(
        store,
        snapshot,
        'select webhook, device_id, alert_id, reason, detail, attempts from {files}',
      );
    };
    const untilUndelivered = (count: number) =>
      // The host makes the table before it posts anything.
      until(
        async () => requests.length > 0 && (await undelivered()).length >= count,
        () => `${JSON.stringify(requests)}\n${stack.logLines.slice(-30).join('\n')}`,
      );

    const first = ['device_1', 'device_2'].flatMap(alertsOf);
    await sender.send(first);
    await untilUndelivered(6);
    await host.kill();
    const second = alertsOf('device_3');
    await sender.send(second);
    await stack.startHost('host', args);
    await untilUndelivered(9);

    const sent = [...first, ...second];
    const rows = await undelivered();
    assert.deepEqual(rows.map((row) => row.alert_id).sort(), sent.map(({ messageId }) => messageId).sort());
    for (const { webhook, reason, detail, attempts } of rows) {
      assert.deepEqual([webhook, reason, detail, attempts], ['bad', 'refused', 'status 404: not here', 1]);
    }
    assert.ok(requests.every(({ isGenuine }) => isGenuine));
    for (const path of ['/good', '/flaky']) {
      for (const device of ['device_1', 'device_2', 'device_3']) {
        const ofDevice = requests.filter((request) => request.path === path && request.subject === device);
        const order = [...new Set(ofDevice.map(({ id }) => id))];
        const expected = sent
          .filter(({ partitionKey }) => partitionKey === device)
          .map(({ messageId }) => messageId);
        assert.deepEqual(order, expected, `${path} ${device}`);
      }
    }
  });
});
