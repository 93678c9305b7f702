// Small files become few, by the timer function and its orchestration on the real host and Durable backend.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PipelineDefinition } from '../../shared/pipeline/index.js';
import { queryTable } from '../support/duckdb.js';
import { hubName, LocalStack } from '../support/localStack.js';
import { cutEvents, simulatedEvents } from '../support/simulatedBatch.js';
import { until } from '../support/waiting.js';

/** The test asks for the maintenance itself; a run by the clock in the middle of it would find fewer files. */
const rarelyMaintained: PipelineDefinition = {
  source: { eventHub: hubName },
  deviceId: { from: 'deviceId' },
  eventTime: { from: 'ts' },
  fields: { temperature: { type: 'double' }, battery: { type: 'double' } },
  maintenance: { schedule: '0 0 0 29 2 *' },
};
const batchCount = 60;
const eventsPerBatch = 50;
const content = `select count(*)::double as rows, count(distinct (_partition, _sequence_number, _index))::double as identities,
  sum(hash(device_id, event_time, temperature, battery))::varchar as digest from {files}`;

describe('the maintenance function', () => {
  it('merges small files without a change to the rows, and writes a checkpoint', async (t) => {
    const stack = await LocalStack.start(t, rarelyMaintained);
    const host = await stack.startHost();
    const app = await stack.openApp();
    const events = simulatedEvents(app.pipeline.source.eventHub, '0', batchCount * eventsPerBatch, 61);
    for (let batch = 0; batch < batchCount; batch++) {
      await app.ingestor.ingest(cutEvents(events, batch * eventsPerBatch, (batch + 1) * eventsPerBatch));
    }
    const before = await app.loadTable('readings');
    assert.equal(before.snapshot.files.size, batchCount);
    const [contentBefore] = await queryTable(before.store, before.snapshot, content);

    const started = await fetch(`${host.url}/admin/functions/maintainTables`, { method: 'POST', body: '{}' });
    assert.equal(started.status, 202, await started.text());
    const status = async (): Promise<{ runtimeStatus?: string; output?: unknown }> => {
      const path = 'runtime/webhooks/durabletask/instances/maintainTable-readings';
      const response = await fetch(`${host.url}/${path}`);
      // 404 until the timer function has started it.
      return response.ok ? ((await response.json()) as { runtimeStatus?: string }) : {};
    };
    await until(
      async () => ['Completed', 'Failed'].includes((await status()).runtimeStatus ?? ''),
      () => stack.logLines.slice(-20).join('\n'),
    );
    const { runtimeStatus, output } = await status();
    assert.equal(runtimeStatus, 'Completed', JSON.stringify(output));

    const after = await app.loadTable('readings');
    assert.equal(after.snapshot.files.size, 1, JSON.stringify(output));
    const [contentAfter] = await queryTable(after.store, after.snapshot, content);
    assert.deepEqual(contentAfter, contentBefore);
    assert.notEqual(await after.store.read('_delta_log/_last_checkpoint'), undefined);
    // Ingest goes on where it was: the transactions are still there.
    assert.deepEqual(await app.ingestor.ingest(events), {
      eventCount: events.bodies.length,
      readingCount: 0,
      quarantineCount: 0,
    });
  });
});
