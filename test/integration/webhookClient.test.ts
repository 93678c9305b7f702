// One request to a webhook, over real sockets: what it carries, and answers that are slow, large, odd or missing.
import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ManualClock } from '../../shared/base/index.js';
import { createWebhookClient } from '../../shared/results/index.js';
import type { WebhookAnswer } from '../../shared/results/webhookPolicy.js';
import { patienceMs } from '../support/waiting.js';
import { verifyWebhook } from '../support/webhookReceiverExample.js';

const secrets = 'a-secret-of-some-length';
const nowMs = Date.parse('2025-10-06T10:00:00Z');
const body = new TextEncoder().encode('{"specversion":"1.0","id":"id-1","subject":"Gerät"}');
const event = { position: 0, id: 'id-1', deviceId: 'Gerät', body };

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}/alerts?token=t0ken`;
}

function post(url: string, timeoutMs = patienceMs): Promise<WebhookAnswer> {
  return createWebhookClient(new ManualClock(nowMs), timeoutMs)({ name: 'pager', url, secrets }, event);
}

describe('a request to a webhook', () => {
  it('carries the event as it is, signed', async (t) => {
    const received: { method?: string | undefined; headers: IncomingHttpHeaders; body: Buffer }[] = [];
    const url = await serve(t, async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      received.push({ method: request.method, headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(204).end();
    });
    assert.deepEqual(await post(url), {
      kind: 'answered',
      status: 204,
      retryAfterMs: undefined,
      detail: 'status 204',
    });
    const [request] = received;
    assert.equal(request?.method, 'POST');
    assert.equal(request?.headers['content-type'], 'application/cloudevents+json; charset=utf-8');
    assert.deepEqual(new Uint8Array(request!.body), body);
    assert.ok(verifyWebhook(secrets, request!.headers, request!.body, nowMs));
  });

  it('does not follow redirects', async (t) => {
    let requests = 0;
    const url = await serve(t, (_, response) => {
      requests += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    const answer = await post(url);
    assert.equal(answer.kind === 'answered' && answer.status, 307);
    assert.equal(requests, 1);
  });

  it('says what the answer said, in one short line, and how long to wait', async (t) => {
    const url = await serve(t, (_, response) => {
      response.writeHead(429, { 'retry-after': '7' }).end(`slow\u0000 down,\n  please ${'x'.repeat(5_000)}`);
    });
    const answer = await post(url);
    assert.ok(answer.kind === 'answered');
    assert.deepEqual([answer.status, answer.retryAfterMs], [429, 7_000]);
    assert.match(answer.detail, /^status 429: slow down, please x+$/);
    assert.ok(answer.detail.length < 250);
  });

  it('reads no more of an endless answer than it needs', async (t) => {
    let written = 0;
    const url = await serve(t, (_, response) => {
      response.writeHead(200);
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x'))) written += 65_536;
      };
      response.on('drain', write);
      write();
    });
    const answer = await post(url);
    assert.equal(answer.kind === 'answered' && answer.status, 200);
    assert.ok(written < 50_000_000, `${written} bytes`);
  });

  it('waits for an answer no longer than it may', async (t) => {
    const url = await serve(t, () => {});
    assert.deepEqual(await post(url, 100), { kind: 'noAnswer', detail: 'no answer within 100 ms' });
  });

  it('takes a status for the answer when the rest does not come', async (t) => {
    const url = await serve(t, (_, response) => {
      response.writeHead(200);
      response.write('begun');
    });
    // Long enough for the status to come on a busy machine.
    const answer = await post(url, 3_000);
    assert.equal(answer.kind === 'answered' && answer.status, 200);
  });

  it('takes a broken connection and a closed port for no answer, without naming the address', async (t) => {
    const breaking = await serve(t, (request) => request.socket.destroy());
    const broken = await post(breaking);
    assert.equal(broken.kind, 'noAnswer');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const refused = await post(`http://127.0.0.1:${port}/?token=t0ken`);
    assert.deepEqual(refused, { kind: 'noAnswer', detail: 'no answer (ECONNREFUSED)' });
    assert.ok(!broken.detail.includes('t0ken'));
  });
});
