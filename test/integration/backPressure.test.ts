// The alert hub is gone for a while: ingest waits instead of letting the shards grow, and nothing is lost when it is back.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PipelineDefinition } from '../../shared/pipeline/index.js';
import { readHub } from '../support/accounting.js';
import { hubName, LocalStack, type RunningHost } from '../support/localStack.js';
import { accountShards } from '../support/shardAccounting.js';
import { until } from '../support/waiting.js';

const readingCount = 2_000;
const maxShardBytes = 65_536;
const windowMs = 2_000;
const alertHub = 'alerts';
const oracle = { windowMs, threshold: 35 };

const pipeline: PipelineDefinition = {
  source: { eventHub: hubName },
  deviceId: { from: 'deviceId' },
  eventTime: { from: 'ts' },
  fields: { temperature: { type: 'double' } },
  windows: {
    definitions: { short: { kind: 'tumbling', sizeMs: windowMs } },
    shards: 2,
    maxShardBytes,
    allowedLatenessMs: 5_000,
    idleTimeoutMs: 1_000,
    publishSchedule: '* * * * * *',
  },
  alerts: {
    emit: 'every',
    rules: [
      {
        name: 'HOT',
        when: { field: 'temperature', is: '>', threshold: 35 },
        severity: 'CRITICAL',
        message: 'Hot: {temperature}',
      },
    ],
  },
};

describe('results that cannot leave', () => {
  it('make ingest wait, and go on by themselves, each once', async (t) => {
    const stack = await LocalStack.start(t, pipeline);
    stack.emulator.deleteHub(alertHub);
    const host = await stack.startHost();
    const app = await stack.openApp();
    const producer = stack.createProducer();
    const bodies = Array.from({ length: readingCount }, (_, index) => {
      const ts = new Date(Date.now() - index).toISOString();
      return { body: Buffer.from(JSON.stringify({ deviceId: `d${index % 50}`, ts, temperature: 36 })) };
    });
    const send = (from: number, to: number) => producer.sendBatch(bodies.slice(from, to));
    await send(0, 1_000);
    // More than the shards may hold, but nobody knew when it came.
    await untilLogged(stack, 'PUBLISH_FAILED');
    await send(1_000, readingCount);
    await untilLogged(stack, 'SHARD_OUTBOX_FULL');
    const held = await statesOf(host);
    for (const { bytes } of held) assert.ok(bytes < 4 * maxShardBytes, `${bytes} bytes of state`);

    stack.emulator.createHub({ name: alertHub, partitionCount: 4, consumerGroups: ['$Default', 'audit'] });
    const { tables } = app.pipeline;
    await until(
      async () => (await app.loadTable(tables.alerts)).snapshot.totalRows === readingCount,
      failure(stack),
    );
    // Every reading is in a window once its device has been idle.
    await until(async () => (await accountShards(app, oracle)).faults.length === 0, failure(stack));
    const consumer = stack.createConsumer(alertHub);
    let ids = new Set<string>();
    // Alerts leave after the commit.
    await until(
      async () => {
        const sent = await readHub(consumer);
        ids = new Set(
          sent.map(({ body }) => (JSON.parse(Buffer.from(body).toString()) as { id: string }).id),
        );
        return ids.size >= readingCount;
      },
      () => `${ids.size} of ${readingCount} alerts were sent`,
    );
    assert.equal(ids.size, readingCount);
  });
});

async function untilLogged(stack: LocalStack, text: string): Promise<void> {
  await until(() => stack.logLines.some((line) => line.includes(text)), failure(stack));
}

async function statesOf(host: RunningHost): Promise<{ readonly bytes: number }[]> {
  const response = await fetch(
    `${host.url}/runtime/webhooks/durabletask/entities/deviceshard?fetchState=true`,
  );
  const entities = (await response.json()) as readonly { readonly state: unknown }[];
  assert.ok(entities.length > 0);
  return entities.map(({ state }) => ({ bytes: JSON.stringify(state).length }));
}

function failure(stack: LocalStack): () => string {
  return () => `the host said:\n${stack.logLines.slice(-30).join('\n')}`;
}
