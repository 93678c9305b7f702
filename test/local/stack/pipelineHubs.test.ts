// The hubs of the local stack follow from the pipeline.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { connectionsOf, hubsOf } from '../../../local/stack/pipelineHubs.js';
import { definePipeline } from '../../../shared/pipeline/index.js';

const base = {
  deviceId: { from: 'id' },
  eventTime: { from: 'time' },
  fields: { a: { type: 'double' } },
} as const;

it('a stack has the hub of the readings and that of the alerts, with the groups of their readers', () => {
  const pipeline = definePipeline({ ...base, source: { eventHub: 'readings' } });
  assert.deepEqual(hubsOf(pipeline, 8), [
    { name: 'readings', partitionCount: 8, consumerGroups: [] },
    { name: 'alerts', partitionCount: 4, consumerGroups: ['webhooks', 'subscribe'] },
  ]);
  assert.deepEqual(connectionsOf(pipeline), ['EventHubs']);
});

it('a stack has the names that the pipeline chooses', () => {
  const source = { eventHub: 'readings', connection: 'Hubs', consumerGroup: 'tributary' };
  const alerts = { eventHub: 'events', connection: 'Others' };
  const pipeline = definePipeline({ ...base, source, alerts });
  assert.deepEqual(
    hubsOf(pipeline, 2).map(({ name, consumerGroups }) => [name, consumerGroups]),
    [
      ['readings', ['tributary']],
      ['events', ['webhooks', 'subscribe']],
    ],
  );
  assert.deepEqual(connectionsOf(pipeline), ['Hubs', 'Others']);
});
