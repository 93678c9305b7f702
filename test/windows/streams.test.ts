// Random streams of devices in random orders of delivery: the closed windows are those of a plain batch computation.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom } from '../../shared/base/index.js';
import type { WindowDefinition } from '../../shared/pipeline/index.js';
import {
  type ClosedWindow,
  DeviceWindows,
  planWindows,
  type WindowPlan,
} from '../../shared/windows/index.js';
import { batchWindows, type TimedReading } from '../support/batchWindows.js';
import { ofSeeds } from '../support/seeds.js';
import { throughJson, windowsOf } from './plans.js';

const streamCount = ofSeeds(200);
const unitMs = 1000;

interface Stream {
  readonly windows: ReturnType<typeof windowsOf>;
  readonly plan: WindowPlan;
  readonly readings: readonly TimedReading[];
}

interface Outcome {
  readonly closed: readonly ClosedWindow[];
  readonly accepted: readonly TimedReading[];
  readonly late: readonly TimedReading[];
  /** Times that the clock closed windows, and the state went through JSON, while readings were still to come. */
  readonly idleCount: number;
  readonly restartCount: number;
}

function whole(random: Random, from: number, to: number): number {
  return from + Math.floor(random.next() * (to - from + 1));
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[whole(random, 0, choices.length - 1)]!;
}

function randomDefinition(random: Random, latenessMs: number): WindowDefinition {
  const sizeMs = whole(random, 1, 40) * unitMs;
  switch (pick(random, ['tumbling', 'sliding', 'session', 'session'] as const)) {
    case 'tumbling':
      return { kind: 'tumbling', sizeMs, offsetMs: whole(random, 0, sizeMs / unitMs - 1) * unitMs };
    case 'sliding': {
      const slideMs = whole(random, 1, sizeMs / unitMs) * unitMs;
      return { kind: 'sliding', sizeMs, slideMs, offsetMs: whole(random, 0, slideMs / unitMs - 1) * unitMs };
    }
    case 'session': {
      const gapMs = whole(random, 1, 10) * unitMs;
      return {
        kind: 'session',
        gapMs,
        maxSizeMs: Math.max(gapMs, latenessMs + whole(random, 1, 20) * unitMs),
      };
    }
  }
}

function randomValue(random: Random): number | null {
  switch (whole(random, 0, 6)) {
    case 0:
      return null;
    case 1:
      return pick(random, [1e16, -1e16, 1, 2 ** -60, -0, 5e-324, 1e280]);
    default:
      return whole(random, -400, 400) / 10;
  }
}

/** Bursts and silences around 1970; the device's clock may be off by hours. */
function randomStream(random: Random): Stream {
  const allowedLatenessMs = whole(random, 0, 30) * unitMs;
  const names = ['one', 'two', 'three', 'four'].slice(0, whole(random, 1, 4));
  const definitions = Object.fromEntries(
    names.map((name) => [name, randomDefinition(random, allowedLatenessMs)]),
  );
  const windows = windowsOf({ definitions, allowedLatenessMs, idleTimeoutMs: 10 * unitMs });
  const skewMs = whole(random, -5, 5) * 3600 * unitMs;
  let atMs = skewMs;
  const readings = Array.from({ length: whole(random, 1, 60) }, () => {
    atMs += (random.next() < 0.05 ? whole(random, 20, 200) : whole(random, 0, 4)) * unitMs;
    return { eventTimeMicros: atMs * 1000, values: [randomValue(random), randomValue(random)] };
  });
  return { windows, plan: planWindows(windows), readings };
}

/** A reading comes at most the allowed lateness after it was made, so none is late. */
function withinLateness(random: Random, { windows, readings }: Stream): readonly TimedReading[] {
  return readings
    .map((reading) => ({
      reading,
      at: reading.eventTimeMicros + random.next() * windows.allowedLatenessMs * 1000,
    }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ reading }) => reading);
}

function shuffled(random: Random, { readings }: Stream): readonly TimedReading[] {
  return readings
    .map((reading, index) => ({ reading, at: index + random.next() * 15 }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ reading }) => reading);
}

/** Delivers, closes, restarts and idles at random moments, then waits until every window is closed. */
function run(random: Random, { plan, windows }: Stream, delivery: readonly TimedReading[]): Outcome {
  let device = DeviceWindows.fresh(plan);
  const closed: ClosedWindow[] = [];
  const accepted: TimedReading[] = [];
  const late: TimedReading[] = [];
  let idleCount = 0;
  let restartCount = 0;
  let watermarkMicros = Number.NEGATIVE_INFINITY;
  delivery.forEach((reading, index) => {
    const isLate = reading.eventTimeMicros < watermarkMicros;
    assert.equal(device.add(reading.eventTimeMicros, reading.values), isLate ? 'late' : 'windowed');
    (isLate ? late : accepted).push(reading);
    const reachedMicros = reading.eventTimeMicros - windows.allowedLatenessMs * 1000;
    watermarkMicros = Math.max(watermarkMicros, reachedMicros);
    assert.equal(device.watermarkMicros, watermarkMicros);
    if (random.next() < 0.3) closed.push(...device.closeDue('watermark', mostAtOnce(random)));
    const rest = delivery.slice(index + 1).map(({ eventTimeMicros }) => eventTimeMicros);
    const silentMs = idleFor(device, windows.allowedLatenessMs, Math.min(...rest));
    if (random.next() < 0.5 && silentMs >= windows.idleTimeoutMs) {
      if (device.advanceIdle(5000, 5000 + silentMs)) idleCount++;
      watermarkMicros = device.watermarkMicros ?? watermarkMicros;
      closed.push(...device.closeDue('idle', mostAtOnce(random)));
    }
    if (random.next() < 0.2) {
      device = throughJson(device, plan);
      restartCount++;
    }
  });
  const cut = mostAtOnce(random);
  while (device.isBehind) closed.push(...device.closeDue('watermark', cut));
  assert.equal(device.advanceIdle(0, 3_600_000), true);
  while (device.isBehind) closed.push(...device.closeDue('idle', cut));
  assert.ok(device.isEmpty);
  return { closed, accepted, late, idleCount, restartCount };
}

/** Closing may be cut short where there is no room for all rows. */
function mostAtOnce(random: Random): number {
  return random.next() < 0.5 ? Number.POSITIVE_INFINITY : whole(random, 1, 3);
}

/** How long the device may be silent so that the readings to come are not late. Infinite after the last. */
function idleFor(device: DeviceWindows, latenessMs: number, nextMicros: number): number {
  const maxMicros = device.maxEventTimeMicros ?? 0;
  return nextMicros === Number.POSITIVE_INFINITY ? 0 : (nextMicros - maxMicros) / 1000 + latenessMs;
}

function comparable(closed: readonly ClosedWindow[]): readonly unknown[] {
  return closed
    .map(({ closedBy: _closedBy, ...values }) => values)
    .toSorted(
      (one, other) =>
        one.endMicros - other.endMicros ||
        one.definition.localeCompare(other.definition) ||
        one.startMicros - other.startMicros,
    );
}

function expected({ windows }: Stream, readings: readonly TimedReading[]): readonly unknown[] {
  return comparable(
    batchWindows(readings, windows.definitions).map((values) => ({ ...values, closedBy: 'watermark' })),
  );
}

describe('random streams', () => {
  it('close the windows of a batch computation, in any order of delivery within the lateness', () => {
    let outOfOrder = 0;
    let idle = 0;
    let restarts = 0;
    for (let seed = 1; seed <= streamCount; seed++) {
      const random = seededRandom(seed);
      const stream = randomStream(random);
      const batch = expected(stream, stream.readings);
      for (let order = 0; order < 3; order++) {
        const delivery = withinLateness(random, stream);
        const outcome = run(random, stream, delivery);
        assert.equal(outcome.late.length, 0);
        assert.deepEqual(comparable(outcome.closed), batch, `seed ${seed}, order ${order}`);
        if (delivery.some((reading, index) => reading !== stream.readings[index])) outOfOrder++;
        idle += outcome.idleCount;
        restarts += outcome.restartCount;
      }
    }
    assert.ok(
      outOfOrder > streamCount && idle > streamCount / 4 && restarts > streamCount,
      `${outOfOrder} ${idle} ${restarts}`,
    );
  });

  it('put each reading into windows or among the late ones, when disorder exceeds the lateness', () => {
    let lateCount = 0;
    for (let seed = 1001; seed <= 1000 + streamCount; seed++) {
      const random = seededRandom(seed);
      const stream = randomStream(random);
      const { closed, accepted, late } = run(random, stream, shuffled(random, stream));
      assert.deepEqual(comparable(closed), expected(stream, accepted), `seed ${seed}`);
      assert.equal(accepted.length + late.length, stream.readings.length);
      for (const { name, kind } of stream.windows.definitions.filter(({ kind }) => kind !== 'sliding')) {
        const own = closed.filter(({ definition }) => definition === name);
        const counted = own.reduce((sum, { messageCount }) => sum + messageCount, 0);
        assert.equal(counted + late.length, stream.readings.length, `seed ${seed}, ${kind}`);
      }
      lateCount += late.length;
    }
    assert.ok(lateCount > streamCount, `${lateCount}`);
  });
});
