// Histories that the Durable backend recorded while the whole stack worked, replayed by the unmodified library.
// With RECORD_HISTORIES=yes some of them become the golden ones of test/functions/recordedHistories.test.ts.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import pipeline from '../../pipeline.js';
import { LocalStack, type RunningHost } from '../support/localStack.js';
import {
  loadOrchestrators,
  type RecordedOrchestration,
  readRecordedOrchestrations,
  replayRecorded,
} from '../support/recordedOrchestrations.js';
import { cutEvents, simulatedEvents } from '../support/simulatedBatch.js';
import { until } from '../support/waiting.js';

const root = join(import.meta.dirname, '..', '..', '..');
const golden = join(root, 'test', 'golden', 'histories');
const [stream] = pipeline.files;

describe('recorded histories', () => {
  it('of all orchestrations are replayed alike, turn by turn', async (t) => {
    const stack = await LocalStack.start(t);
    await makeSmallFiles(stack);
    const host = await stack.startHost();
    await Promise.all([publishAlerts(stack, host), loadFiles(stack, host), maintain(stack, host)]);
    await host.stop();

    const recorded = await readRecordedOrchestrations(join(stack.folder, 'durable-host'));
    const orchestrators = await loadOrchestrators(root);
    assert.deepEqual(
      [...new Set(recorded.map(({ name }) => name))].sort(),
      [...orchestrators.keys()].sort(),
      'every orchestration of the app was at work',
    );
    let turns = 0;
    for (const one of recorded) turns += await replayRecorded(orchestrators.get(one.name)!, one);
    t.diagnostic(`${recorded.length} generations, ${turns} turns`);
    if (process.env.RECORD_HISTORIES === 'yes') writeGolden(recorded);
  });
});

/** More than maintenance leaves alone. */
async function makeSmallFiles(stack: LocalStack): Promise<void> {
  const app = await stack.openApp();
  const events = simulatedEvents('another-hub', '0', 600, 61);
  for (let from = 0; from < 600; from += 10) await app.ingestor.ingest(cutEvents(events, from, from + 10));
}

async function publishAlerts(stack: LocalStack, host: RunningHost): Promise<void> {
  const producer = stack.createProducer();
  const readings = Array.from({ length: 40 }, (_, device) => ({
    deviceId: `device-${device}`,
    timestamp: new Date().toISOString(),
    temperature: 99,
  }));
  for (const reading of readings) await producer.sendBatch([{ body: Buffer.from(JSON.stringify(reading)) }]);
  const app = await stack.openApp();
  await until(
    async () => ((await app.loadTable(pipeline.tables.alerts)).snapshot.totalRows ?? 0) >= 40,
    failure(stack, 'alerts'),
  );
  // The timer's publication, too: it goes through all shards.
  await untilEnded(stack, host, 'publishResults');
}

async function loadFiles(stack: LocalStack, host: RunningHost): Promise<void> {
  const landing = BlobServiceClient.fromConnectionString(stack.azurite.connectionString);
  const container = landing.getContainerClient(stream!.container);
  await container.createIfNotExists();
  for (let file = 0; file < 5; file++) {
    const body = `{"deviceId":"device-${file}","temperature":20}\n`;
    await container.getBlockBlobClient(`file-${file}.json`).upload(body, body.length);
  }
  const response = await fetch(`${host.url}/api/streams/${stream!.name}/load`, { method: 'POST' });
  assert.equal(response.status, 202);
  await untilEnded(stack, host, `loadFilesNow-${stream!.name}`);
  await untilEnded(stack, host, `loadFiles-${stream!.name}`);
}

async function maintain(stack: LocalStack, host: RunningHost): Promise<void> {
  for (const name of ['maintainTables', 'vacuumTables']) {
    const started = await fetch(`${host.url}/admin/functions/${name}`, { method: 'POST', body: '{}' });
    assert.equal(started.status, 202);
  }
  await untilEnded(stack, host, 'maintainTable-readings');
  await untilEnded(stack, host, 'vacuumTable-readings');
}

async function untilEnded(stack: LocalStack, host: RunningHost, instanceId: string): Promise<void> {
  const url = `${host.url}/runtime/webhooks/durabletask/instances/${instanceId}`;
  await until(
    async () => {
      const response = await fetch(url);
      // 404 until a trigger has started it.
      if (!response.ok) return false;
      const { runtimeStatus } = (await response.json()) as { runtimeStatus: string };
      assert.notEqual(runtimeStatus, 'Failed', instanceId);
      return runtimeStatus === 'Completed';
    },
    failure(stack, instanceId),
  );
}

function failure(stack: LocalStack, what: string): () => string {
  return () => `${what}; the host said:\n${stack.logLines.slice(-20).join('\n')}`;
}

/** Of each orchestration and each way to end the one with most turns that is not large. */
function writeGolden(recorded: readonly RecordedOrchestration[]): void {
  const chosen = new Map<string, RecordedOrchestration>();
  for (const one of recorded) {
    const { onlyAlerts } = JSON.parse(one.input ?? '{}') as { onlyAlerts?: boolean };
    const key = `${one.name}${onlyAlerts === true ? '-alerts' : ''}-${one.end.kind}`;
    const known = chosen.get(key);
    const isLarge = JSON.stringify(one).length > 250_000;
    if (!isLarge && (known === undefined || one.history.length > known.history.length)) chosen.set(key, one);
  }
  rmSync(golden, { recursive: true, force: true });
  mkdirSync(golden, { recursive: true });
  for (const [key, one] of chosen)
    writeFileSync(join(golden, `${key}.json`), `${JSON.stringify(one, null, 1)}\n`);
}
