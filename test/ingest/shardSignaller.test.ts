import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import pipeline from '../../pipeline.js';
import { ManualClock, seededRandom, silentLogger, TributaryError } from '../../shared/base/index.js';
import { TableWriter } from '../../shared/delta/index.js';
import {
  createEventDecoder,
  type EventBatch,
  quarantineSchema,
  readingSchema,
} from '../../shared/events/index.js';
import { Ingestor, type ShardClient, ShardSignaller } from '../../shared/ingest/index.js';
import { type ShardSignal, shardOf } from '../../shared/shards/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';

const shardCount = 4;
const firstMs = Date.UTC(2026, 0, 1);

/** Event n is of `devices[n % devices.length]`, temperature n. */
function events(from: number, to: number, devices: readonly string[], enqueuedFromMs = firstMs): EventBatch {
  const sequenceNumbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return {
    source: 'sensor-data',
    partition: '0',
    bodies: sequenceNumbers.map((number) =>
      Buffer.from(
        JSON.stringify({
          deviceId: devices[number % devices.length],
          ts: new Date(firstMs + number).toISOString(),
          temperature: number,
        }),
      ),
    ),
    sequenceNumbers,
    enqueuedMs: sequenceNumbers.map((number) => enqueuedFromMs + number),
    systemProperties: sequenceNumbers.map(() => ({})),
    properties: sequenceNumbers.map(() => ({})),
  };
}

class RecordingClient implements ShardClient {
  readonly signals: { shard: number; signal: ShardSignal }[] = [];
  readonly published: number[] = [];
  failing: number | undefined;
  /** Of the shards that have something waiting. */
  readonly outbox = new Map<number, number>();
  readonly looks: number[] = [];
  readonly held: number[] = [];
  isPublishing = false;

  async signal(shard: number, signals: readonly ShardSignal[]): Promise<void> {
    if (shard === this.failing) throw new Error('no answer');
    for (const signal of signals) this.signals.push({ shard, signal });
  }

  async outboxBytes(shard: number): Promise<number> {
    this.looks.push(shard);
    return this.outbox.get(shard) ?? 0;
  }

  async hold(shard: number): Promise<void> {
    this.held.push(shard);
  }

  async publishAlerts(shard: number): Promise<boolean> {
    this.published.push(shard);
    return !this.isPublishing;
  }

  /** `from-to` of what a shard was told. */
  ranges(shard: number): string[] {
    return this.signals
      .filter((sent) => sent.shard === shard)
      .map(({ signal }) => `${signal.from}-${signal.to}`);
  }
}

function start(breachAbove = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock(firstMs);
  const store = createMemoryStore(clock);
  const random = seededRandom(1);
  const ingestor = () =>
    new Ingestor({
      decoder: createEventDecoder(pipeline),
      readings: new TableWriter({ store, root: 'readings', schema: readingSchema(pipeline), clock, random }),
      quarantine: new TableWriter({ store, root: 'quarantine', schema: quarantineSchema(), clock, random }),
      clock,
      logger: silentLogger,
    });
  const signaller = new ShardSignaller({
    shardCount,
    maxOutboxBytes: 10_240,
    resultBytes: ({ device }) => 256 * device.length,
    fields: ['temperature'],
    mayBreach: ({ values }) => values[0]!.some((value) => value !== null && value > breachAbove),
    clock,
    logger: silentLogger,
  });
  return { clock, ingestor, signaller, client: new RecordingClient() };
}

/** Two devices in different shards. */
const [first = '', second = ''] = ['a', 'b', 'c', 'd', 'e'].filter(
  (device, index, all) => all.findIndex((other) => shardOf(other, 4) === shardOf(device, 4)) === index,
);
const shards = [shardOf(first, shardCount), shardOf(second, shardCount)] as const;

describe('ingest with shards', () => {
  it('tells each shard of its readings, and ranges join over the batches of one process', async () => {
    const { ingestor, signaller, client } = start();
    const process = ingestor();
    await process.ingest(events(10, 19, [first, second]), signaller.through(client));
    await process.ingest(events(20, 29, [first]), signaller.through(client));
    await process.ingest(events(30, 39, [first, second]), signaller.through(client));
    assert.deepEqual(client.ranges(shards[0]), ['10-19', '20-29', '30-39']);
    assert.deepEqual(client.ranges(shards[1]), ['10-19', '20-39']);
    const numbers = client.signals.flatMap(({ signal }) => signal.sequenceNumber);
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 30 }, (_, index) => index + 10),
    );
  });

  it('claims nothing about events that another process may have had', async () => {
    const { ingestor, signaller, client } = start();
    const process = ingestor();
    await process.ingest(events(0, 9, [first, second]), signaller.through(client));
    await process.ingest(events(25, 29, [first]), signaller.through(client));
    await process.ingest(events(30, 34, [second]), signaller.through(client));
    assert.deepEqual(client.ranges(shards[0]), ['0-9', '25-29']);
    assert.deepEqual(client.ranges(shards[1]), ['0-9', '30-34']);
  });

  it('signals again what was committed by a process that died before its signals', async () => {
    const { ingestor, signaller, client } = start();
    await ingestor().ingest(events(0, 9, [first]));
    const summary = await ingestor().ingest(events(5, 14, [first]), signaller.through(client));
    assert.equal(summary.readingCount, 5);
    assert.deepEqual(client.ranges(shards[0]), ['5-14']);
    assert.equal(client.signals[0]?.signal.sequenceNumber.length, 10);
  });

  it('fails when a signal fails, after all others were tried, and covers the same ground again', async () => {
    const { ingestor, signaller, client } = start();
    const process = ingestor();
    await process.ingest(events(0, 9, [first]), signaller.through(client));
    client.failing = shards[1];
    await assert.rejects(
      process.ingest(events(10, 19, [first, second]), signaller.through(client)),
      (error) => error instanceof TributaryError && error.code === 'SHARD_UNREACHABLE',
    );
    client.failing = undefined;
    await process.ingest(events(10, 19, [first, second]), signaller.through(client));
    assert.deepEqual(client.ranges(shards[0]), ['0-9', '10-19', '10-19']);
    assert.deepEqual(client.ranges(shards[1]), ['10-19']);
  });

  it('names a hub that was made again as its rows do', async () => {
    const { ingestor, signaller, client } = start();
    const process = ingestor();
    await process.ingest(events(0, 9, [first]), signaller.through(client));
    const again = events(0, 4, [first], firstMs + 60_000);
    await process.ingest(again, signaller.through(client));
    await ingestor().ingest(again, signaller.through(client));
    assert.deepEqual(
      client.signals.map(({ signal }) => `${signal.source} ${signal.from}-${signal.to}`),
      ['sensor-data 0-9', 'sensor-data#1 0-4', 'sensor-data#1 0-4'],
    );
  });

  it('publishes the shards of a breach, not more often than they look again by themselves', async () => {
    const { clock, ingestor, signaller, client } = start(14);
    const process = ingestor();
    await process.ingest(events(0, 9, [first, second]), signaller.through(client));
    assert.deepEqual(client.published, []);
    await process.ingest(events(10, 19, [first]), signaller.through(client));
    await process.ingest(events(20, 29, [first]), signaller.through(client));
    assert.deepEqual(client.published, [shards[0]]);
    clock.advance(500);
    client.isPublishing = true;
    await process.ingest(events(30, 39, [first]), signaller.through(client));
    await process.ingest(events(40, 49, [first]), signaller.through(client));
    assert.deepEqual(client.published, [shards[0], shards[0], shards[0]]);
  });

  it('goes on when the publication cannot be started: the timer comes anyway', async () => {
    const { ingestor, signaller, client } = start(0);
    client.publishAlerts = () => Promise.reject(new Error('busy'));
    const summary = await ingestor().ingest(events(0, 9, [first]), signaller.through(client));
    assert.equal(summary.readingCount, 10);
  });

  it('waits while results fill a shard, having sent nothing to any, and goes on when they have left', async () => {
    const { ingestor, signaller, client } = start();
    const process = ingestor();
    client.outbox.set(shards[1], 10_240);
    const batch = events(0, 9, [first, second]);
    await assert.rejects(
      process.ingest(batch, signaller.through(client)),
      (error) =>
        error instanceof TributaryError &&
        error.code === 'SHARD_OUTBOX_FULL' &&
        error.retry === 'transient' &&
        error.message.includes(`Shard ${shards[1]} holds 10240 bytes`),
    );
    assert.deepEqual(client.signals, []);
    // Readings for the other one wait as well.
    assert.deepEqual(client.held.toSorted(), [...shards].sort());
    client.outbox.set(shards[1], 10_239);
    await process.ingest(batch, signaller.through(client));
    assert.deepEqual([client.ranges(shards[0]), client.ranges(shards[1])], [['0-9'], ['0-9']]);
  });

  it('looks at a shard again when what it was sent could have filled the room that there was', async () => {
    const { ingestor, signaller, client } = start();
    const process = ingestor();
    // Room for 40 readings.
    for (let from = 0; from < 100; from += 10) {
      await process.ingest(events(from, from + 9, [first]), signaller.through(client));
    }
    assert.deepEqual(client.looks, [shards[0], shards[0], shards[0]]);
    client.outbox.set(shards[0], 20_000);
    await process.ingest(events(100, 109, [first]), signaller.through(client));
    await process.ingest(events(110, 119, [first]), signaller.through(client));
    await assert.rejects(
      process.ingest(events(120, 129, [first]), signaller.through(client)),
      /SHARD_OUTBOX_FULL|holds 20000 bytes/,
    );
  });

  it('says so when a shard cannot be looked at', async () => {
    const { ingestor, signaller, client } = start();
    client.outboxBytes = () => Promise.reject(new Error('no answer'));
    await assert.rejects(
      ingestor().ingest(events(0, 9, [first]), signaller.through(client)),
      (error) => error instanceof TributaryError && error.code === 'SHARD_UNREACHABLE',
    );
    assert.deepEqual(client.signals, []);
  });
});
