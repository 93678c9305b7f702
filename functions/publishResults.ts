// Timer, or ingest at a breach -> an orchestration that takes the results of the shards to tables, subscribers and latest state:
// seal, publish, acknowledge.
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';
import { startSingleton } from '../shared/maintenance/index.js';
import {
  mostSeals,
  type PublicationInput,
  type PublishOutcome,
  planPublication,
  type ShardBatch,
} from '../shared/results/index.js';
import { hasShards, type SealedBatch } from '../shared/shards/index.js';
import { shardEntity } from './deviceShard.js';

if (hasShards(pipeline)) {
  app.timer('publishResults', {
    schedule: pipeline.windows.publishSchedule,
    extraInputs: [df.input.durableClient()],
    handler: async (_, context) => {
      const { shards: shardCount } = pipeline.windows;
      const waiting = Array.from({ length: shardCount }, (_, shard) => ({ shard }));
      await startSingleton(df.getClient(context), 'publishShards', {
        instanceId: 'publishResults',
        input: { waiting, shardCount } satisfies PublicationInput,
      });
    },
  });

  df.app.orchestration('publishShards', publishShards);

  df.app.activity('publishBatch', {
    handler: async (batch: ShardBatch): Promise<PublishOutcome> => {
      const { shards } = await getApp();
      if (shards === undefined) throw new Error('The app has no shards.');
      return shards.publisher.publish(batch);
    },
  });
}

/**
 * A generation takes some of the waiting shards through one round, and goes on as a new one with those that have more: histories
 * stay short. A shard that fails is left to the next run.
 */
export function* publishShards(context: df.OrchestrationContext): Generator<df.Task, void, never> {
  const { df: durable } = context;
  const input = durable.getInput<PublicationInput>();
  const round = planPublication(input);
  const nowMs = durable.currentUtcDateTime.getTime();
  const sealAll = (seals: typeof round.seals) =>
    durable.Task.all(
      seals.map(({ shard, ...seal }) => durable.callEntity(shardEntity(shard), 'seal', { ...seal, nowMs })),
    );
  let sealed: readonly SealedBatch[] = yield sealAll(round.seals);
  for (let count = 1; count < mostSeals && round.again(sealed).length > 0; count++) {
    sealed = round.completed(sealed, yield sealAll(round.again(sealed)));
  }
  const batches = round.publishable(sealed);
  const outcomes: PublishOutcome[] =
    batches.length === 0
      ? []
      : yield durable.Task.all(batches.map((batch) => durable.callActivity('publishBatch', batch)));
  const { acknowledged, pauseMs, next } = round.after(batches, outcomes);
  for (const { shard, number } of acknowledged) durable.signalEntity(shardEntity(shard), 'ack', { number });
  if (pauseMs > 0) yield durable.createTimer(new Date(durable.currentUtcDateTime.getTime() + pauseMs));
  if (next !== undefined) durable.continueAsNew(next);
}
