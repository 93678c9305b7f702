import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventPublisher } from '../../../local/sending/publisher.js';
import {
  compressText,
  createFleet,
  defaultMix,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../local/simulator/index.js';
import { ManualClock } from '../../../shared/base/index.js';

/** Takes events at once, or never while it hangs; remembers all it took. */
class RecordingPublisher implements EventPublisher {
  readonly partitionIds = ['0', '1', '2', '3'];
  readonly taken: { partition: string; body: Uint8Array }[] = [];
  hangs = false;
  failure: Error | undefined;

  async send(partition: string, bodies: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (this.hangs)
      await new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(new Error('given up'))),
      );
    for (const body of bodies) this.taken.push({ partition, body });
  }

  async close(): Promise<void> {}
}

function startWith(
  publisher: EventPublisher,
  clock: ManualClock,
  options: Partial<SimulatorOptions> = {},
): Simulator {
  const fleet = createFleet({
    deviceCount: 20,
    seed: 3,
    mix: defaultMix,
    fastClocks: 0.05,
    fractionBatteries: 0.2,
    compress: compressText,
  });
  return startSimulator({ fleet, publisher, clock, eventsPerSecond: 1000, ...options });
}

/** Lets everything run that waits for nothing but earlier promises. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

async function passTime(clock: ManualClock, durationMs: number, stepMs = 100): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
    clock.advance(stepMs);
    await settle();
  }
}

describe('the simulator', () => {
  it('sends at the rate asked for, however the clock ticks', async () => {
    const clock = new ManualClock(0);
    const publisher = new RecordingPublisher();
    const simulator = startWith(publisher, clock);
    await passTime(clock, 10_000, 130);
    await simulator.stop();
    const { events } = simulator.tally();
    assert.equal(events, publisher.taken.length);
    assert.ok(events > 9800 && events < 10_200, `${events} events`);
  });

  it('stops by itself after exactly as many events as asked for', async () => {
    const clock = new ManualClock(0);
    const publisher = new RecordingPublisher();
    const simulator = startWith(publisher, clock, { eventLimit: 777 });
    await passTime(clock, 2000);
    await simulator.finished;
    assert.equal(publisher.taken.length, 777);
  });

  it('stops by itself after the time asked for, with all that this time owes', async () => {
    const clock = new ManualClock(0);
    const simulator = startWith(new RecordingPublisher(), clock, { durationMs: 2000 });
    await passTime(clock, 3000);
    await simulator.finished;
    assert.equal(simulator.tally().events, 2000);
  });

  it('counts what must come of its events, by the rows each kind makes', async () => {
    const clock = new ManualClock(0);
    const simulator = startWith(new RecordingPublisher(), clock, { eventLimit: 5000 });
    await passTime(clock, 6000);
    await simulator.finished;
    const { events, eventsByKind, eventsByPartition, ...tally } = simulator.tally();
    assert.equal(
      Object.values(eventsByKind).reduce((sum, count) => sum + count, 0),
      events,
    );
    assert.equal(
      Object.values(eventsByPartition).reduce((sum, count) => sum + count, 0),
      events,
    );
    // An array makes two rows or more, every other event one row in either table.
    const atLeast = events + eventsByKind.array;
    assert.ok(tally.expectedReadings + tally.expectedQuarantined >= atLeast);
    assert.ok(tally.expectedQuarantined >= eventsByKind.fastClock);
    assert.ok(tally.expectedRescued >= eventsByKind.unknownFields + eventsByKind.wrongType);
    assert.equal(tally.uncertainEvents, 0);
  });

  it('keeps the events of one device in one partition', async () => {
    const clock = new ManualClock(0);
    const publisher = new RecordingPublisher();
    const simulator = startWith(publisher, clock, { eventLimit: 3000 });
    await passTime(clock, 4000);
    await simulator.finished;
    const partitions = new Map<string, Set<string>>();
    for (const { partition, body } of publisher.taken) {
      const id = /(?:device_\d+|sensor-\d+)/.exec(Buffer.from(body).toString())?.[0];
      if (id === undefined) continue;
      partitions.set(id, (partitions.get(id) ?? new Set()).add(partition));
    }
    assert.equal(partitions.size, 20);
    for (const [id, used] of partitions) assert.equal(used.size, 1, `${id} in ${[...used]}`);
  });

  it('waits for a hub that hangs instead of piling up events, and gives up on them when stopped', async () => {
    const clock = new ManualClock(0);
    const publisher = new RecordingPublisher();
    publisher.hangs = true;
    const simulator = startWith(publisher, clock);
    await passTime(clock, 60_000);
    const stopped = simulator.stop(5000);
    await passTime(clock, 5000);
    await stopped;
    const { events, uncertainEvents, lastError } = simulator.tally();
    assert.equal(events, 0);
    assert.ok(uncertainEvents <= 100, `${uncertainEvents} events under way`);
    assert.match(lastError ?? '', /given up/);
  });

  it('makes up for at most five seconds after a stall', async () => {
    const clock = new ManualClock(0);
    const simulator = startWith(new RecordingPublisher(), clock);
    await passTime(clock, 1000);
    const before = simulator.tally().events;
    clock.advance(3_600_000);
    await settle();
    await passTime(clock, 1000);
    await simulator.stop();
    const caughtUp = simulator.tally().events - before;
    assert.ok(caughtUp >= 5000 && caughtUp <= 6200, `${caughtUp} events`);
  });

  it('counts events whose sending failed as uncertain, and goes on', async () => {
    const clock = new ManualClock(0);
    const publisher = new RecordingPublisher();
    publisher.failure = new Error('hub is busy');
    const simulator = startWith(publisher, clock);
    await passTime(clock, 3000);
    assert.ok(simulator.tally().uncertainEvents > 0);
    assert.match(simulator.tally().lastError ?? '', /hub is busy/);
    publisher.failure = undefined;
    await passTime(clock, 3000);
    await simulator.stop();
    assert.ok(simulator.tally().events > 0);
    assert.equal(simulator.tally().lastError, undefined);
  });
});
