// The number of shards is part of the state: written when the first app starts on a lake, and never changed.
import { TributaryError } from '../base/index.js';
import type { ObjectStore } from '../storage/index.js';

const path = 'state/shards.json';

/** @throws TributaryError SHARD_COUNT_CHANGED when the lake's state was born with another number */
export async function fixShardCount(store: ObjectStore, shards: number): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify({ version: 1, shards })}\n`);
  const put = await store.putIfAbsent(path, bytes);
  if (put.kind === 'created') return;
  const born = shardsIn(await store.read(path));
  if (born === shards) return;
  throw new TributaryError(
    'SHARD_COUNT_CHANGED',
    `windows.shards is ${shards}, but the state of this lake was born with ${born ?? 'a number that cannot be read'} (${path}): devices would ` +
      'move to shards that know nothing of their open windows. Put the old number back, or see docs/shards.md for how to move',
  );
}

function shardsIn(bytes: Uint8Array | undefined): number | undefined {
  try {
    const { shards } = JSON.parse(new TextDecoder().decode(bytes)) as { shards?: unknown };
    return typeof shards === 'number' ? shards : undefined;
  } catch {
    return undefined;
  }
}
