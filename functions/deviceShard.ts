// Durable entity: one shard of devices. Host types in, one operation of shared/shards, host types out.
import * as df from 'durable-functions';
import pipeline from '../pipeline.js';
import {
  hasShards,
  planShards,
  type SealedBatch,
  ShardSession,
  sizeWarning,
} from '../shared/shards/index.js';

/** The operations of one batch share a context, so the state is parsed once for all of them. */
const sessions = new WeakMap<object, ShardSession>();

export function shardEntity(shard: number): df.EntityId {
  return new df.EntityId('deviceShard', String(shard));
}

if (hasShards(pipeline)) {
  const plan = planShards(pipeline);
  df.app.entity<unknown>('deviceShard', (context) => {
    const { operationName = '', entityId } = context.df;
    const session = sessions.get(context) ?? new ShardSession(context.df.getState(), plan);
    sessions.set(context, session);
    const { state, answer, problem } = session.run(operationName, context.df.getInput<unknown>());
    if (problem !== undefined) context.error(`Shard ${entityId.key}, ${operationName}: ${problem}`);
    const summary = operationName === 'seal' ? (answer as SealedBatch | undefined)?.summary : undefined;
    const warning = summary ? sizeWarning(entityId.key, summary, plan.limits) : undefined;
    if (warning !== undefined) context.warn(warning);
    // Once each: the library shifts the answers of a batch when one operation answers twice.
    if (answer !== undefined) context.df.return(answer);
    if (state !== undefined) context.df.setState(state);
  });
}
