// Signals of several batches in shared requests.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../../shared/base/index.js';
import { SignalRounds } from '../../shared/ingest/signalRounds.js';
import type { AddressedSignal, ShardSignal } from '../../shared/shards/index.js';

const shardCount = 4;

function signal(shard: number, from: number, readingCount = 1): AddressedSignal {
  const numbers = Array.from({ length: readingCount }, (_, index) => from + index);
  return {
    shard,
    signal: {
      ...{ v: 1, source: 'hub', partition: '0', from, to: from, nowMs: 0 },
      ...{ fields: [], devices: ['d'], values: [] },
      device: numbers.map(() => 0),
      ...{ sequenceNumber: numbers, index: numbers, eventTime: numbers },
    },
  };
}

function start() {
  const clock = new ManualClock(0);
  const requests: string[] = [];
  const failing = new Set<number>();
  const client = {
    signal: async (shard: number, signals: readonly ShardSignal[]) => {
      if (failing.has(shard)) throw new Error(`shard ${shard}`);
      requests.push(`${shard}: ${signals.map(({ from }) => from).join(' ')}`);
    },
    hold: async () => {},
    outboxBytes: async () => 0,
    publishAlerts: async () => true,
  };
  const rounds = new SignalRounds({ shardCount, clock });
  const send = (...signals: AddressedSignal[]) => rounds.send(signals, client);
  return { clock, requests, failing, send };
}

const allShards = (from: number, readingCount?: number) =>
  [0, 1, 2, 3].map((shard) => signal(shard, from, readingCount));

describe('rounds of signals', () => {
  it('follow each other at once while they wake few shards', async () => {
    const { requests, send } = start();
    await send(signal(0, 1), signal(1, 1));
    await send(signal(0, 2), signal(3, 2));
    assert.deepEqual(requests, ['0: 1', '1: 1', '0: 2', '3: 2']);
  });

  it('wait after one that woke most shards, and take what comes meanwhile in one request a shard', async () => {
    const { clock, requests, send } = start();
    await send(...allShards(1));
    requests.length = 0;
    const waiting = [send(...allShards(2)), send(signal(0, 3)), send(signal(2, 4))];
    clock.advance(999);
    await Promise.resolve();
    assert.deepEqual(requests, []);
    clock.advance(1);
    await Promise.all(waiting);
    assert.deepEqual(requests, ['0: 2 3', '1: 2', '2: 2 4', '3: 2']);
  });

  it('do not wait when many readings have gathered', async () => {
    const { requests, send } = start();
    await send(...allShards(1));
    requests.length = 0;
    const waiting = send(...allShards(2, 47));
    const worthIt = send(...allShards(3, 1));
    await Promise.all([waiting, worthIt]);
    assert.deepEqual(requests, ['0: 2 3', '1: 2 3', '2: 2 3', '3: 2 3']);
  });

  it('cut requests that would grow too large', async () => {
    const { requests, send } = start();
    await send(signal(0, 1, 4_000), signal(0, 2, 90), signal(0, 3, 90));
    assert.deepEqual(requests, ['0: 1 2', '0: 3']);
  });

  it('fail the batches that a failed request carried, and no others', async () => {
    const { clock, failing, requests, send } = start();
    failing.add(1);
    const outcomes = await Promise.allSettled([
      send(signal(0, 1)),
      send(signal(1, 2), signal(2, 2)),
      send(signal(2, 3)),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    failing.clear();
    const later = send(signal(1, 4));
    clock.advance(1_000);
    await later;
    assert.ok(requests.includes('1: 4'));
  });

  it('have nothing to do for a batch without readings', async () => {
    const { requests, send } = start();
    await send();
    assert.deepEqual(requests, []);
  });
});
