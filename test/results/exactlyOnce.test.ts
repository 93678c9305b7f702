// From the event to the tables and the subscriber, with every fault that the parts between them may have.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom, TributaryError } from '../../shared/base/index.js';
import type { EventBatch } from '../../shared/events/index.js';
import { outboxBytesIn } from '../../shared/shards/index.js';
import { ProcessKilled } from '../support/faultyStore.js';
import { ofSeeds } from '../support/seeds.js';
import { accountRows } from '../support/shardAccounting.js';
import { minuteMs, shardPipeline, startMs } from '../support/shardHarness.js';
import {
  createWorld,
  rowsIn,
  type World,
  type WorldFaults,
  WorldProcess,
  WorldSubscriber,
} from '../support/shardWorld.js';
import { cutEvents } from '../support/simulatedBatch.js';

const eventCount = 60;
const oracle = { windowMs: minuteMs, threshold: 30 };
const pipeline = shardPipeline();
const none: WorldFaults = { duplicate: 0, delay: 0, rerun: 0, unstored: 0, crash: 0 };

/** Ten devices over six minutes; some events hold several readings, some are broken. */
function eventsOf(partition: string, random: Random): EventBatch {
  const sequenceNumbers = Array.from({ length: eventCount }, (_, index) => index);
  const reading = (sequenceNumber: number) => ({
    deviceId: `d${partition}${Math.floor(random.next() * 5)}`,
    ts: new Date(startMs + sequenceNumber * 4_000 - Math.floor(random.next() * 45_000)).toISOString(),
    temperature: random.next() < 0.1 ? null : Math.round(random.next() * 400) / 10,
  });
  const bodyOf = (sequenceNumber: number) => {
    const kind = random.next();
    if (kind < 0.05) return '{"broken"';
    if (kind < 0.3) return JSON.stringify(Array.from({ length: 3 }, () => reading(sequenceNumber)));
    return JSON.stringify(reading(sequenceNumber));
  };
  return {
    source: pipeline.source.eventHub,
    partition,
    bodies: sequenceNumbers.map((sequenceNumber) => Buffer.from(bodyOf(sequenceNumber))),
    sequenceNumbers,
    enqueuedMs: sequenceNumbers.map((sequenceNumber) => startMs + sequenceNumber * 4_000),
    systemProperties: sequenceNumbers.map(() => ({})),
    properties: sequenceNumbers.map(() => ({})),
  };
}

const allShards = {
  shardCount: pipeline.windows.shards,
  waiting: Array.from({ length: pipeline.windows.shards }, (_, shard) => ({ shard })),
};

/** Delivers both partitions in batches cut at random, publishing in between; a process that dies is followed by another. */
async function live(world: World, faults: WorldFaults, random: Random): Promise<WorldSubscriber> {
  const partitions = ['0', '1'].map((name) => ({ events: eventsOf(name, random), checkpoint: 0 }));
  const subscriber = new WorldSubscriber(world, faults.crash, random);
  let process = new WorldProcess(world, faults, random);
  while (partitions.some(({ checkpoint }) => checkpoint < eventCount)) {
    const partition = partitions[Math.floor(random.next() * partitions.length)]!;
    const from = Math.max(0, partition.checkpoint - Math.floor(random.next() * 10));
    const to = Math.min(eventCount, from + 1 + Math.floor(random.next() * 30));
    world.clock.advance(Math.floor(random.next() * 20_000));
    subscriber.follow();
    try {
      if (from < to) await process.ingest(cutEvents(partition.events, from, to));
      // The host's checkpoint moves on after the function, and not at all when the process dies.
      partition.checkpoint = Math.max(partition.checkpoint, to);
      if (random.next() < 0.5) await publishTwice([process, new WorldProcess(world, faults, random)], random);
      for (const { shard } of allShards.waiting) world.deliver(shard, faults, random);
    } catch (error) {
      if (!isKill(error)) throw error;
      process = new WorldProcess(world, faults, random);
    }
  }
  await finish(world);
  subscriber.followToTheEnd();
  return subscriber;
}

/** The timer's publication, and sometimes another at the same time, as after a start of the app on two machines. */
async function publishTwice(processes: readonly WorldProcess[], random: Random): Promise<void> {
  const publishing = processes.slice(0, random.next() < 0.4 ? 2 : 1);
  const outcomes = await Promise.allSettled(
    publishing.map((process, index) => process.publish({ ...allShards, onlyAlerts: index > 0 })),
  );
  const [first, second] = outcomes;
  if (second?.status === 'rejected' && !isKill(second.reason)) throw second.reason;
  if (first?.status === 'rejected') throw first.reason;
}

/** A process without faults brings everything home: signals on their way, silence, results. */
async function finish(world: World): Promise<void> {
  const random = seededRandom(1);
  for (const { shard } of allShards.waiting) world.deliver(shard, none, random, true);
  const process = new WorldProcess(world, none, random);
  await process.openTables();
  for (let minutes = 0; minutes < 15; minutes++) {
    await process.publish(allShards);
    world.clock.advance(minuteMs);
  }
}

function isKill(error: unknown): boolean {
  return error instanceof ProcessKilled || (error instanceof Error && isKill(error.cause));
}

async function check(world: World, { handled }: WorldSubscriber): Promise<ReturnType<typeof accountRows>> {
  const rows = await rowsIn(world);
  const result = accountRows(rows, oracle);
  assert.deepEqual(result.faults, []);
  const inTable = new Set(rows.alerts.map(({ alert_id }) => alert_id));
  const sent = new Set(world.sentAlerts.map(({ messageId }) => messageId));
  assert.deepEqual(
    [...sent].sort(),
    [...inTable].sort(),
    'every alert was sent, and none that is not in the table',
  );
  assert.deepEqual([...new Set(handled)].sort(), [...inTable].sort(), 'the subscriber handled every alert');
  for (const state of world.states.values()) {
    const { outbox } = JSON.parse(state) as { outbox: { rows: Record<string, unknown[]>; seal: unknown } };
    assert.deepEqual([Object.values(outbox.rows).flat(), outbox.seal], [[], null]);
  }
  return result;
}

describe('windows and alerts are exactly once', () => {
  const lives = ofSeeds(100);

  it('without faults', async () => {
    const world = createWorld(pipeline, startMs);
    const subscriber = await live(world, none, seededRandom(4));
    const { readings, windows, alerts, late } = await check(world, subscriber);
    assert.equal(subscriber.handled.length, alerts);
    assert.ok(
      readings > 150 && windows > 30 && alerts > 20 && late > 0,
      JSON.stringify({ readings, windows, alerts, late }),
    );
    assert.ok(world.sentAlerts.length >= alerts);
  });

  it(`in ${lives} lives full of faults: doubled, late and repeated operations, and processes and subscribers that die at any step`, async (t) => {
    const total = {
      crashes: 0,
      deaths: 0,
      handled: 0,
      duplicates: 0,
      unstored: 0,
      late: 0,
      windows: 0,
      alerts: 0,
      sent: 0,
    };
    for (let seed = 1; seed <= lives; seed++) {
      const random = seededRandom(seed);
      const faults = {
        duplicate: 0.2,
        delay: 0.3,
        rerun: 0.2,
        unstored: 0.1,
        crash: 0.02 + random.next() * 0.03,
      };
      const world = createWorld(pipeline, startMs);
      const subscriber = await live(world, faults, random);
      const { late, windows, alerts } = await check(world, subscriber).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
      total.crashes += world.crashCount;
      total.deaths += subscriber.deathCount;
      total.handled += subscriber.handled.length;
      total.duplicates += world.duplicateCount;
      total.unstored += world.unstoredCount;
      total.late += late;
      total.windows += windows;
      total.alerts += alerts;
      total.sent += world.sentAlerts.length;
    }
    t.diagnostic(JSON.stringify(total));
    assert.ok(total.crashes > ofSeeds(500), `only ${total.crashes} crashes`);
    assert.ok(total.duplicates > ofSeeds(500), `only ${total.duplicates} duplicates`);
    assert.ok(total.unstored > ofSeeds(500), `only ${total.unstored} answers without their state`);
    assert.ok(total.deaths > ofSeeds(100), `the subscriber died ${total.deaths} times only`);
    assert.ok(
      total.handled > total.alerts,
      'no alert was handled twice: the subscriber does not die between handling and position',
    );
    assert.ok(total.sent > total.alerts, 'no alert was sent twice: the faults do not bite');
  });

  it('while the alert hub is down for long: ingest waits, what waits in the shards is bounded, and all of it arrives in the end', async () => {
    // Small shards: 16 KiB of results make ingest wait.
    const small = shardPipeline({
      windows: {
        definitions: { minutes: { kind: 'tumbling', sizeMs: minuteMs } },
        shards: 4,
        maxShardBytes: 65_536,
      },
    });
    const world = createWorld(small, startMs);
    const process = new WorldProcess(world, none, seededRandom(2));
    const events = breaches(3_000);
    const held = (error: unknown) => error instanceof TributaryError && error.code === 'SHARD_OUTBOX_FULL';
    let checkpoint = 0;
    let holds = 0;
    let mostBytes = 0;
    world.isAlertHubDown = true;
    for (let attempt = 0; attempt < 200; attempt++) {
      if (attempt === 120) world.isAlertHubDown = false;
      world.clock.advance(1_000);
      const to = Math.min(events.bodies.length, checkpoint + 50);
      try {
        if (checkpoint < to) await process.ingest(cutEvents(events, checkpoint, to));
        checkpoint = to;
      } catch (error) {
        if (!held(error)) throw error;
        holds++;
      }
      await process.publish(allShards);
      for (const { shard } of allShards.waiting) {
        mostBytes = Math.max(mostBytes, outboxBytesIn(world.state(shard)));
      }
    }
    assert.ok(holds > 50, `held ${holds} times`);
    assert.equal(checkpoint, events.bodies.length);
    const { maxOutboxBytes } = world.plan.limits;
    // A shard may get what a batch brings beyond the limit, not more.
    assert.ok(mostBytes > maxOutboxBytes && mostBytes < 2 * maxOutboxBytes, `${mostBytes} bytes waited`);
    await finish(world);
    const subscriber = new WorldSubscriber(world, 0, seededRandom(1));
    subscriber.follow();
    const { alerts, readings } = await check(world, subscriber);
    assert.deepEqual([readings, alerts], [3_000, 3_000]);
  });
});

/** One hot reading each, of twenty devices. */
function breaches(count: number): EventBatch {
  const sequenceNumbers = Array.from({ length: count }, (_, index) => index);
  return {
    source: pipeline.source.eventHub,
    partition: '0',
    bodies: sequenceNumbers.map((number) => {
      const ts = new Date(startMs + number * 100).toISOString();
      return Buffer.from(JSON.stringify({ deviceId: `d${number % 20}`, ts, temperature: 36 }));
    }),
    sequenceNumbers,
    enqueuedMs: sequenceNumbers.map((number) => startMs + number * 100),
    systemProperties: sequenceNumbers.map(() => ({})),
    properties: sequenceNumbers.map(() => ({})),
  };
}
