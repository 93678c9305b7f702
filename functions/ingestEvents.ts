// Event Hub trigger: one batch of one partition -> readings and quarantine.
import { app, type EventHubFunctionOptions, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';
import { eventBatchFromTrigger, type ShardClient } from '../shared/ingest/index.js';
import { startSingleton } from '../shared/maintenance/index.js';
import type { PublicationInput } from '../shared/results/index.js';
import { hasShards, outboxBytesIn } from '../shared/shards/index.js';
import { shardEntity } from './deviceShard.js';

/**
 * `dataType: 'binary'`: with any other form the host parses the bodies as JSON, and one that is not JSON fails the
 * whole batch before this function runs. The library's types lack the option but hand it on.
 */
const options: EventHubFunctionOptions<Buffer[]> & { readonly dataType: 'binary' } = {
  connection: pipeline.source.connection,
  eventHubName: pipeline.source.eventHub,
  consumerGroup: pipeline.source.consumerGroup,
  cardinality: 'many',
  dataType: 'binary',
  // The host moves on after the last retry whether the batch was stored or not, so there is no last retry.
  retry: {
    strategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 1 },
    maximumInterval: { seconds: 60 },
  },
  extraInputs: hasShards(pipeline) ? [df.input.durableClient()] : [],
  handler: async (bodies, context) => {
    const batch = eventBatchFromTrigger(pipeline.source.eventHub, bodies, context.triggerMetadata);
    const { ingestor, shards } = await getApp();
    await ingestor.ingest(batch, shards?.signaller.through(shardClient(context)));
  },
};

function shardClient(context: InvocationContext): ShardClient {
  const client = df.getClient(context);
  return {
    signal: (shard, signals) => client.signalEntity(shardEntity(shard), 'ingest', signals),
    hold: (shard, nowMs) => client.signalEntity(shardEntity(shard), 'hold', { nowMs }),
    outboxBytes: async (shard) => {
      const { entityState } = await client.readEntityState<unknown>(shardEntity(shard));
      return outboxBytesIn(entityState);
    },
    publishAlerts: (shard) =>
      startSingleton(client, 'publishShards', {
        instanceId: `publishAlerts-${shard}`,
        input: {
          waiting: [{ shard }],
          shardCount: pipeline.windows.shards,
          onlyAlerts: true,
        } satisfies PublicationInput,
      }),
  };
}

app.eventHub('ingestEvents', options);
