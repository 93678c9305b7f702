// Windows and alerts on the real parts: hub, host, Durable backend, tables.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { EventHubProducerClient } from '@azure/event-hubs';
import type { App } from '../../shared/app.js';
import { seededRandom, systemClock } from '../../shared/base/index.js';
import type { PipelineDefinition } from '../../shared/pipeline/index.js';
import { inOneGroup, seedRules } from '../alerts/alertPlans.js';
import { readHub } from '../support/accounting.js';
import { hubName, LocalStack, partitionCount } from '../support/localStack.js';
import { accountShards, rowsOf } from '../support/shardAccounting.js';
import { pollUntil, until } from '../support/waiting.js';

const root = join(import.meta.dirname, '..', '..', '..');

/** The exercise that the seed files come from: windows of five minutes, the first matching rule for each reading. */
const seedPipeline: PipelineDefinition = {
  source: { eventHub: hubName },
  deviceId: { from: 'deviceId' },
  eventTime: { from: 'ts' },
  fields: { temperature: { type: 'double' }, battery: { type: 'double' } },
  windows: {
    definitions: { five_minutes: { kind: 'tumbling', sizeMs: 300_000 } },
    metrics: ['temperature', 'battery'],
    shards: 4,
    publishSchedule: '* * * * * *',
    latestStateIntervalMs: 1_000,
  },
  alerts: {
    emit: 'every',
    rules: inOneGroup(seedRules),
  },
};

/** Windows of two seconds, a second of lateness and of silence: everything that came is closed soon after. */
const windowMs = 2_000;
const fastPipeline: PipelineDefinition = {
  ...seedPipeline,
  fields: { temperature: { type: 'double' } },
  windows: {
    definitions: { short: { kind: 'tumbling', sizeMs: windowMs } },
    shards: 4,
    allowedLatenessMs: 1_000,
    idleTimeoutMs: 1_000,
    publishSchedule: '* * * * * *',
    latestStateIntervalMs: 1_000,
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
const oracle = { windowMs, threshold: 35 };

describe('windows and alerts, end to end', () => {
  it('computes the golden windows and alerts of the seed file', async (t) => {
    const stack = await LocalStack.start(t, seedPipeline);
    const host = await stack.startHost();
    const producer = stack.createProducer();
    const seed = readFileSync(join(root, 'test', 'golden', 'seed', 'iot_sample_with_alerts.json'));
    await producer.sendBatch([{ body: seed }], { partitionId: '0' });
    // Ten minutes later by the devices' clocks: the watermark reaches the end of the seed's window.
    const closing = [1, 2, 3, 4, 5].map((number) => ({
      deviceId: `device_${number}`,
      ts: '2025-10-06T10:10:00Z',
    }));
    await producer.sendBatch([{ body: Buffer.from(JSON.stringify(closing)) }], { partitionId: '0' });

    const app = await stack.openApp();
    await untilCount(app, app.pipeline.tables.windows, 5, stack);
    await untilCount(app, app.pipeline.tables.alerts, 15, stack);
    const windows = await rowsOf(
      app,
      'device_windows',
      `select device_id, strftime(window_start, '%H:%M') as starts, strftime(window_end, '%H:%M') as ends, message_count::double as n,
         round(avg_temperature, 3) as t, min_temperature as t0, max_temperature as t1, last_temperature as tl, temperature_range as tr,
         round(avg_battery, 3) as b, min_battery as b0, max_battery as b1, last_battery as bl, battery_range as br,
         window_name, closed_by from {files} order by device_id`,
    );
    const common = { starts: '10:00', ends: '10:05', window_name: 'five_minutes', closed_by: 'watermark' };
    const golden = (number: number, n: number, t: readonly number[], b: readonly number[]) => ({
      ...{ device_id: `device_${number}`, n, ...common },
      ...{ t: t[0], t0: t[1], t1: t[2], tl: t[3], tr: t[2]! - t[1]! },
      ...{ b: b[0], b0: b[1], b1: b[2], bl: b[3], br: b[2]! - b[1]! },
    });
    assert.deepEqual(windows, [
      golden(1, 5, [29, 25, 33, 29], [75, 65, 85, 65]),
      golden(2, 5, [28.3, 24.5, 32.5, 31.5], [27.6, 8, 90, 10]),
      golden(3, 5, [34.9, 26, 39, 39], [79.6, 70, 88, 70]),
      golden(4, 3, [42.333, 40, 45, 45], [3.333, 2, 5, 2]),
      golden(5, 2, [37.75, 37, 38.5, 38.5], [16, 15, 17, 17]),
    ]);
    const alerts = await rowsOf(
      app,
      'device_alerts',
      'select alert_type, severity, count(*)::double as n from {files} group by all order by n desc, alert_type',
    );
    assert.deepEqual(alerts, [
      { alert_type: 'CRITICAL_TEMPERATURE', severity: 'CRITICAL', n: 9 },
      { alert_type: 'HIGH_TEMPERATURE', severity: 'WARNING', n: 4 },
      { alert_type: 'CRITICAL_BATTERY', severity: 'CRITICAL', n: 1 },
      { alert_type: 'LOW_BATTERY', severity: 'WARNING', n: 1 },
    ]);
    const [message] = await rowsOf(
      app,
      'device_alerts',
      "select alert_message from {files} where alert_type = 'LOW_BATTERY'",
    );
    assert.deepEqual(message, { alert_message: 'Low battery warning: 12%' });

    const { faults, distinct } = await alertsInHub(stack, app);
    assert.deepEqual([faults, distinct], [[], 15]);

    const status = await pollUntil('every shard has told of itself', async () => {
      const found = (await (await fetch(`${host.url}/api/status`)).json()) as {
        tables: { name: string; rows: number }[];
        shards: { shard: number; devices: number }[];
      };
      return found.shards.length >= 4 && found;
    });
    assert.deepEqual(
      status.tables.map(({ name, rows }) => [name, rows]),
      [
        ['readings', 25],
        ['quarantine', 0],
        ['device_windows', 5],
        ['device_alerts', 15],
        ['late_readings', 0],
      ],
    );
    assert.deepEqual(
      status.shards.map(({ shard }) => shard),
      [0, 1, 2, 3],
    );
  });

  it('closes the windows of devices that fell silent', async (t) => {
    const stack = await LocalStack.start(t, fastPipeline);
    await stack.startHost();
    const app = await stack.openApp();
    await sendReadings(stack.createProducer(), { devices: 20, rounds: 1, seed: 3 });
    await untilSettled(app, stack, 20);
    const { faults, windows, late } = await accountShards(app, oracle);
    assert.deepEqual(faults, []);
    assert.equal(late, 0);
    assert.ok(windows >= 20);
    const closed = await rowsOf(
      app,
      'device_windows',
      'select closed_by, count(*) as n from {files} group by all',
    );
    assert.deepEqual(
      closed.map(({ closed_by }) => closed_by),
      ['idle'],
    );
  });

  it('loses and doubles nothing when signals come twice and out of order and operations run again', async (t) => {
    const stack = await LocalStack.start(t, fastPipeline);
    const faults = 'duplicate=0.3,delay=0.3,rerun=0.2,rerun-after-sending=0.1';
    await stack.startHost('host', ['--durable-faults', faults]);
    const app = await stack.openApp();
    await sendReadings(stack.createProducer(), { devices: 40, rounds: 60, seed: 5 });
    await untilSettled(app, stack, 2_400);
    const result = await accountShards(app, oracle);
    assert.deepEqual(result.faults, []);
    assert.equal(result.readings, 2_400);
    // On a fast machine all readings of a device fall into one window.
    assert.ok(result.alerts > 50 && result.windows >= 40, JSON.stringify(result));
  });

  it('loses and doubles nothing while the host is killed in mid-publication', async (t) => {
    const stack = await LocalStack.start(t, fastPipeline);
    const app = await stack.openApp();
    const producer = stack.createProducer();
    const random = seededRandom(17);
    for (let kill = 0; kill < 8; kill++) {
      const host = await stack.startHost();
      await sendReadings(producer, { devices: 40, rounds: 10, seed: 100 + kill });
      // The random moment is what is tested: committing, signalling, sealing, publishing, acknowledging.
      await systemClock.sleep(random.next() * 3_000);
      await host.kill();
    }
    await stack.startHost();
    await untilSettled(app, stack, 3_200);
    const result = await accountShards(app, oracle);
    assert.deepEqual(result.faults, []);
    assert.equal(result.readings, 3_200);
    const { faults, distinct, sent } = await alertsInHub(stack, app);
    assert.deepEqual([faults, distinct], [[], result.alerts]);
    t.diagnostic(`${sent} events for ${distinct} alerts`);
    t.diagnostic(JSON.stringify(result));
  });
});

/** Every alert in the table comes to the hub, at least once, and nothing else does. */
async function alertsInHub(stack: LocalStack, app: App) {
  const rows = await rowsOf(app, app.pipeline.tables.alerts, 'select alert_id from {files}');
  const inTable = new Set(rows.map(({ alert_id }) => String(alert_id)));
  const consumer = stack.createConsumer(app.pipeline.alerts.eventHub);
  let sent: string[] = [];
  // They leave after the commit.
  await until(
    async () => {
      const events = await readHub(consumer);
      sent = events.map(({ body }) => (JSON.parse(Buffer.from(body).toString()) as { id: string }).id);
      return new Set(sent).size >= inTable.size;
    },
    () => `${new Set(sent).size} of ${inTable.size} alerts are in the hub`,
  );
  const inHub = new Set(sent);
  const faults = [
    ...[...inTable].filter((id) => !inHub.has(id)).map((id) => `${id} was not sent`),
    ...[...inHub].filter((id) => !inTable.has(id)).map((id) => `${id} is not in the table`),
  ];
  return { faults, distinct: inHub.size, sent: sent.length };
}

async function rowCount(app: App, table: string): Promise<number> {
  return (await app.loadTable(table)).snapshot.totalRows ?? Number.NaN;
}

async function untilCount(app: App, table: string, count: number, stack: LocalStack): Promise<void> {
  let found = 0;
  await until(
    async () => {
      found = await rowCount(app, table);
      return found >= count;
    },
    () => `${found} of ${count} rows in ${table}; the host said:\n${stack.logLines.slice(-20).join('\n')}`,
  );
  assert.equal(found, count);
}

/** Every reading that was sent is in a closed window or late. */
async function untilSettled(app: App, stack: LocalStack, sentCount: number): Promise<void> {
  const { tables } = app.pipeline;
  let state = '';
  await until(
    async () => {
      const readings = await rowCount(app, tables.readings);
      const late = await rowCount(app, tables.lateReadings);
      const [counted] = await rowsOf(
        app,
        tables.windows,
        'select sum(message_count)::double as n from {files}',
      );
      const [last] = await rowsOf(app, tables.alerts, 'select count(*)::double as n from {files}');
      const [breaches] = await rowsOf(
        app,
        tables.readings,
        'select count(*)::double as n from {files} where temperature > 35',
      );
      state = `${readings} readings, ${late} late, ${counted?.n} in windows, ${last?.n} of ${breaches?.n} alerts`;
      return (
        readings >= sentCount &&
        readings === Number(counted?.n ?? 0) + late &&
        Number(last?.n ?? 0) === Number(breaches?.n)
      );
    },
    () => `${state} of ${sentCount}; the host said:\n${stack.logLines.slice(-20).join('\n')}`,
  );
}

/** Each round has a reading of every device, about now. */
async function sendReadings(
  producer: EventHubProducerClient,
  options: { readonly devices: number; readonly rounds: number; readonly seed: number },
): Promise<void> {
  const random = seededRandom(options.seed);
  for (let round = 0; round < options.rounds; round++) {
    for (let partition = 0; partition < partitionCount; partition++) {
      const bodies: { body: Buffer }[] = [];
      for (let device = partition; device < options.devices; device += partitionCount) {
        const reading = {
          deviceId: `d${device}`,
          ts: new Date(Date.now() - Math.floor(random.next() * 500)).toISOString(),
          temperature: Math.round(random.next() * 400) / 10,
        };
        bodies.push({ body: Buffer.from(JSON.stringify(reading)) });
      }
      await producer.sendBatch(bodies, { partitionId: String(partition) });
    }
  }
}
