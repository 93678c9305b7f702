// The main job, end to end on real parts: AMQP in, Delta out.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { EventHubProducerClient } from '@azure/event-hubs';
import { compressText, createFleet, defaultMix } from '../../local/simulator/index.js';
import type { App } from '../../shared/app.js';
import { seededRandom, systemClock } from '../../shared/base/index.js';
import { account, readHub } from '../support/accounting.js';
import { queryTable } from '../support/duckdb.js';
import { hubDefinition, hubName, LocalStack, partitionCount } from '../support/localStack.js';
import { until } from '../support/waiting.js';

const root = join(import.meta.dirname, '..', '..', '..');

describe('the pipeline, end to end', () => {
  it('turns the three seed files into exactly their readings', async (t) => {
    const stack = await LocalStack.start(t);
    await stack.startHost();
    const producer = stack.createProducer();
    const files = ['iot_sample.json', 'iot_sample_part2.json', 'iot_sample_with_alerts.json'];
    const expected: Record<string, unknown>[] = [];
    for (const file of files) {
      const body = readFileSync(join(root, 'test', 'golden', 'seed', file));
      await producer.sendBatch([{ body }]);
      expected.push(...(JSON.parse(body.toString()) as Record<string, unknown>[]));
    }

    const app = await stack.openApp();
    await untilRows(app, { readings: 40, quarantine: 0 }, stack);
    const { store, snapshot } = await app.loadTable('readings');
    const rows = await queryTable(
      store,
      snapshot,
      `select device_id, epoch_us(event_time)::double as us, temperature, humidity, pressure, battery, lat, lon, status,
              _rescued_data, _rules from {files} order by event_time, device_id`,
    );
    assert.deepEqual(rows, expected.map(expectedRow).sort(byTimeAndDevice));
  });

  it('accounts for each of 10,000 simulated events, duplicates and bad bodies included', async (t) => {
    const stack = await LocalStack.start(t);
    await stack.startHost();
    const producer = stack.createProducer();
    const expected = await sendFleet(producer, { events: 10_000, seed: 11, duplicates: 0.001 });
    const app = await stack.openApp();
    await untilRows(app, expected, stack);

    const result = await account(app, await readHub(stack.createConsumer()));
    assert.deepEqual(result.faults, []);
    assert.equal(result.sentEvents, 10_000);
    assert.deepEqual({ readings: result.readings, quarantine: result.quarantined }, expected);
    assert.ok(expected.quarantine > 10, 'the fleet sent too few bad bodies to prove anything');
  });

  it('loses and doubles nothing while the host is killed 20 times', async (t) => {
    const stack = await LocalStack.start(t);
    const producer = stack.createProducer();
    const app = await stack.openApp();
    const random = seededRandom(29);
    const expected = { readings: 0, quarantine: 0 };
    const send = async (seed: number) => {
      const sent = await sendFleet(producer, { events: 400, seed, duplicates: 0.01 });
      expected.readings += sent.readings;
      expected.quarantine += sent.quarantine;
    };
    // How long this machine takes, so that the kills fall into the work and not behind it.
    const calm = await stack.startHost();
    await send(99);
    const sentMs = performance.now();
    await untilRows(app, expected, stack);
    const workMs = performance.now() - sentMs;
    await calm.kill();
    const kills = 20;
    let killsAtWork = 0;
    for (let kill = 0; kill < kills; kill++) {
      const host = await stack.startHost();
      await send(100 + kill);
      // The random moment is what is tested: starting, claiming partitions, reading, committing, writing checkpoints.
      await systemClock.sleep(random.next() * 1.2 * workMs);
      if ((await rowCounts(app)).readings < expected.readings) killsAtWork++;
      await host.kill();
    }
    t.diagnostic(
      `${killsAtWork} of ${kills} kills left work undone; calm work took ${Math.round(workMs)} ms`,
    );
    assert.ok(killsAtWork >= 3, `only ${killsAtWork} kills left work undone`);
    await stack.startHost();
    await untilRows(app, expected, stack);
    const result = await account(app, await readHub(stack.createConsumer()));
    assert.deepEqual(result.faults, []);
    assert.equal(result.sentEvents, (kills + 1) * 400);
  });

  it('keeps the equality when two hosts own the partitions at once', async (t) => {
    const stack = await LocalStack.start(t);
    const app = await stack.openApp();
    const producer = stack.createProducer();
    await stack.startHost('first');
    const sending = sendFleet(producer, { events: 6_000, seed: 41, duplicates: 0.01 });
    // The newcomer takes over half of the partitions in mid-stream; both work on the same events for a while.
    await stack.startHost('second');
    const expected = await sending;
    await untilRows(app, expected, stack);
    const result = await account(app, await readHub(stack.createConsumer()));
    assert.deepEqual(result.faults, []);
  });

  it('ingests a hub that was made again as a new source', async (t) => {
    const stack = await LocalStack.start(t);
    const app = await stack.openApp();
    const first = await stack.startHost();
    const before = await sendFleet(stack.createProducer(), { events: 500, seed: 51, duplicates: 0 });
    await untilRows(app, before, stack);
    // The host checkpoints after the function, which has the shards to tell when the rows are there.
    await until(
      async () => (await stack.checkpointedEvents()) === 500,
      () => stack.logLines.slice(-10).join('\n'),
    );
    await first.stop();

    await stack.emulator.deleteHub(hubName);
    await stack.emulator.createHub(hubDefinition);
    await assert.rejects(
      stack.startHost(),
      /LOCAL_STATE_MISMATCH/,
      'old checkpoints must not hide the new events',
    );
    await stack.startHost('host', ['--reset-checkpoints']);
    const after = await sendFleet(stack.createProducer(), { events: 300, seed: 52, duplicates: 0 });
    const expected = {
      readings: before.readings + after.readings,
      quarantine: before.quarantine + after.quarantine,
    };
    await untilRows(app, expected, stack);
    const { store, snapshot } = await app.loadTable('readings');
    const sources = await queryTable(
      store,
      snapshot,
      'select _source as source, count(*)::double as rows from {files} group by all order by all',
    );
    assert.deepEqual(sources, [
      { source: 'sensor-data', rows: before.readings },
      { source: 'sensor-data#1', rows: after.readings },
    ]);
  });
});

interface RowCounts {
  readings: number;
  quarantine: number;
}

async function rowCounts(app: App): Promise<RowCounts> {
  const [readings, quarantine] = await Promise.all(
    [app.pipeline.tables.readings, app.pipeline.tables.quarantine].map(async (name) => {
      const { snapshot } = await app.loadTable(name);
      return snapshot.totalRows ?? Number.NaN;
    }),
  );
  return { readings: readings!, quarantine: quarantine! };
}

async function untilRows(app: App, expected: RowCounts, stack: LocalStack): Promise<void> {
  let counts: RowCounts = { readings: 0, quarantine: 0 };
  await until(
    async () => {
      counts = await rowCounts(app);
      return counts.readings >= expected.readings && counts.quarantine >= expected.quarantine;
    },
    () =>
      `${JSON.stringify(counts)} of ${JSON.stringify(expected)}; the host said:\n${stack.logLines.slice(-10).join('\n')}`,
  );
  assert.deepEqual(counts, expected);
}

/** Sends in batches over all partitions. @returns the rows that must come of it */
async function sendFleet(
  producer: EventHubProducerClient,
  options: { readonly events: number; readonly seed: number; readonly duplicates: number },
): Promise<RowCounts> {
  const fleet = createFleet({
    deviceCount: 100,
    seed: options.seed,
    mix: { ...defaultMix, duplicates: options.duplicates, malformed: 0.02 },
    fastClocks: 0.03,
    fractionBatteries: 0.1,
    compress: compressText,
  });
  const expected = { readings: 0, quarantine: 0 };
  const perBatch = 100;
  for (let sent = 0; sent < options.events; sent += perBatch) {
    const events = Array.from({ length: Math.min(perBatch, options.events - sent) }, () =>
      fleet.next(Date.now()),
    );
    for (const { outcome } of events) {
      expected.readings += outcome.readings;
      expected.quarantine += outcome.quarantined;
    }
    const partitionId = String((sent / perBatch) % partitionCount);
    await producer.sendBatch(
      events.map(({ body }) => ({ body: Buffer.from(body) })),
      { partitionId },
    );
  }
  return expected;
}

function expectedRow(reading: Record<string, unknown>): Record<string, unknown> {
  const isFraction = String(reading.deviceId).startsWith('sensor-');
  const battery = reading.battery as number;
  return {
    device_id: reading.deviceId,
    us: Date.parse(String(reading.ts)) * 1000,
    temperature: reading.temperature,
    humidity: reading.humidity ?? null,
    pressure: reading.pressure ?? null,
    battery: isFraction ? Number(`${battery}e2`) : battery,
    lat: reading.lat ?? null,
    lon: reading.lon ?? null,
    status: reading.status ?? null,
    _rescued_data: null,
    _rules: isFraction ? 'battery_fraction_to_percent' : null,
  };
}

function byTimeAndDevice(a: Record<string, unknown>, b: Record<string, unknown>): number {
  return Number(a.us) - Number(b.us) || (String(a.device_id) < String(b.device_id) ? -1 : 1);
}
