// What windows, watermarks and late readings mean, one sentence each. Times are seconds since 1970 unless said otherwise.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WindowsDefinition } from '../../shared/pipeline/index.js';
import type { DeviceWindows, MetricValues } from '../../shared/windows/index.js';
import { deviceOf, minuteMs, summary } from './plans.js';

const fiveMinutes = { kind: 'tumbling', sizeMs: 5 * minuteMs } as const;
const tumbling = { definitions: { five: fiveMinutes } };
const session = (gapSeconds: number, maxSeconds?: number): WindowsDefinition => ({
  definitions: {
    visit: {
      kind: 'session',
      gapMs: gapSeconds * 1000,
      ...(maxSeconds === undefined ? {} : { maxSizeMs: maxSeconds * 1000 }),
    },
  },
});

function add(device: DeviceWindows, seconds: number, value: number | null = 0): 'windowed' | 'late' {
  return device.add(seconds * 1e6, [value]);
}

function openAfter(windows: WindowsDefinition, ...times: readonly number[]): readonly string[] {
  const device = deviceOf(windows);
  for (const time of times) assert.equal(add(device, time), 'windowed', `${time}`);
  return summary(device.openWindows());
}

function metricAfter(
  ...readings: readonly (readonly [seconds: number, value: number | null])[]
): MetricValues {
  const device = deviceOf(tumbling);
  for (const [seconds, value] of readings) add(device, seconds, value);
  const [window] = device.openWindows();
  return window!.metrics[0]!;
}

describe('a tumbling window', () => {
  it('is half open and aligned to 1970: a reading at its end is in the next', () => {
    assert.deepEqual(openAfter(tumbling, 0, 299.999999, 300), ['five 0..300: 2', 'five 300..600: 1']);
  });

  it('floors times before 1970', () => {
    assert.deepEqual(openAfter(tumbling, -300.000001, -300, -0.000001), [
      'five -600..-300: 1',
      'five -300..0: 2',
    ]);
  });

  it('is shifted by its offset', () => {
    const definitions = { day: { kind: 'tumbling', sizeMs: 86_400_000, offsetMs: 3_600_000 } } as const;
    assert.deepEqual(openAfter({ definitions, allowedLatenessMs: 7_200_000 }, 3599, 3600), [
      'day -82800..3600: 1',
      'day 3600..90000: 1',
    ]);
  });

  it('without readings does not exist', () => {
    const device = deviceOf(tumbling);
    add(device, 10);
    add(device, 10_000);
    assert.deepEqual(summary(device.closeDue('watermark')), ['five 0..300: 1']);
    assert.deepEqual(summary(device.openWindows()), ['five 9900..10200: 1']);
  });
});

describe('a sliding window', () => {
  const sliding = (sizeSeconds: number, slideSeconds: number, offsetSeconds = 0): WindowsDefinition => ({
    definitions: {
      hop: {
        kind: 'sliding',
        sizeMs: sizeSeconds * 1000,
        slideMs: slideSeconds * 1000,
        offsetMs: offsetSeconds * 1000,
      },
    },
  });

  it('overlaps others: a reading is in size / slide of them', () => {
    assert.deepEqual(openAfter(sliding(600, 300), 300), ['hop 0..600: 1', 'hop 300..900: 1']);
    assert.deepEqual(openAfter(sliding(600, 300), 299.999999), ['hop -300..300: 1', 'hop 0..600: 1']);
  });

  it('takes a reading in the floor or the ceiling of size / slide when slide does not divide size', () => {
    assert.deepEqual(openAfter(sliding(10, 4), 9), ['hop 0..10: 1', 'hop 4..14: 1', 'hop 8..18: 1']);
    assert.deepEqual(openAfter(sliding(10, 4), 11), ['hop 4..14: 1', 'hop 8..18: 1']);
    assert.deepEqual(openAfter(sliding(10, 4), 9, 11), ['hop 0..10: 1', 'hop 4..14: 2', 'hop 8..18: 2']);
  });

  it('begins at multiples of slide from 1970, or from the offset, also before it', () => {
    assert.deepEqual(openAfter(sliding(10, 4), -1), ['hop -8..2: 1', 'hop -4..6: 1']);
    assert.deepEqual(openAfter(sliding(10, 4, 1), -1), ['hop -7..3: 1', 'hop -3..7: 1']);
  });

  it('is tumbling when slide is size', () => {
    assert.deepEqual(openAfter(sliding(300, 300), 299, 300), ['hop 0..300: 1', 'hop 300..600: 1']);
  });

  it('still counts a reading that an earlier window was closed with', () => {
    const device = deviceOf({ ...sliding(10, 5), allowedLatenessMs: 0 });
    add(device, 7, 70);
    add(device, 11, 11);
    assert.deepEqual(summary(device.closeDue('watermark')), ['hop 0..10: 1']);
    add(device, 15);
    const [window] = device.closeDue('watermark');
    assert.deepEqual(summary([window!]), ['hop 5..15: 2']);
    assert.equal(window!.metrics[0]!.sum, 81);
  });
});

describe('a session', () => {
  it('goes on while readings are less than the gap apart, and ends the gap after its last one', () => {
    assert.deepEqual(openAfter(session(60), 0, 59.999999, 100), ['visit 0..160: 3']);
  });

  it('ends when a reading comes exactly the gap later', () => {
    assert.deepEqual(openAfter(session(60), 0, 60), ['visit 0..60: 1', 'visit 60..120: 1']);
  });

  it('begins earlier when an earlier reading comes late', () => {
    assert.deepEqual(openAfter(session(60), 100, 50), ['visit 50..160: 2']);
  });

  it('is joined with the next by a late reading between them', () => {
    assert.deepEqual(openAfter(session(60), 0, 100), ['visit 0..60: 1', 'visit 100..160: 1']);
    assert.deepEqual(openAfter(session(60), 0, 100, 50), ['visit 0..160: 3']);
  });

  it('is cut at its greatest size, and the reading there begins the next', () => {
    const windows = { ...session(60, 100), allowedLatenessMs: 90_000 };
    assert.deepEqual(openAfter(windows, 0, 50, 99.999999, 100), ['visit 0..100: 3', 'visit 100..160: 1']);
  });

  it('is cut at the same place when a late reading joins it with readings on both sides of the cut', () => {
    const windows = { ...session(60, 200), allowedLatenessMs: 100_000 };
    const cut = ['visit 0..200: 6', 'visit 200..270: 2'];
    assert.deepEqual(openAfter(windows, 0, 50, 100, 135, 190, 199, 200, 210), cut);
    assert.deepEqual(openAfter(windows, 0, 50, 100, 190, 199, 200, 210, 135), cut);
    assert.deepEqual(openAfter(windows, 0, 50, 100, 190, 199, 200, 210), [
      'visit 0..160: 3',
      'visit 190..270: 4',
    ]);
  });

  it('of one reading lasts for the gap', () => {
    assert.deepEqual(openAfter(session(60), -30), ['visit -30..30: 1']);
  });
});

describe('the watermark', () => {
  it('is there from the first reading on, the allowed lateness behind the newest one', () => {
    const device = deviceOf(tumbling);
    assert.equal(device.watermarkMicros, undefined);
    assert.equal(device.maxEventTimeMicros, undefined);
    add(device, 1000);
    assert.equal(device.watermarkMicros, 700e6);
    assert.equal(device.maxEventTimeMicros, 1000e6);
  });

  it('never goes back', () => {
    const device = deviceOf(tumbling);
    add(device, 1000);
    add(device, 800);
    add(device, 100);
    assert.equal(device.watermarkMicros, 700e6);
  });

  it('leaves a reading exactly at it in time, and an earlier one late', () => {
    const device = deviceOf(tumbling);
    add(device, 1000);
    assert.equal(add(device, 700), 'windowed');
    assert.equal(add(device, 699.999999), 'late');
  });

  it('keeps late readings out of every window', () => {
    const device = deviceOf(tumbling);
    add(device, 1000);
    const before = JSON.stringify(device.encode());
    assert.equal(add(device, 650), 'late');
    assert.equal(JSON.stringify(device.encode()), before);
  });

  it('moves with the newest reading when no lateness is allowed', () => {
    const device = deviceOf({ ...tumbling, allowedLatenessMs: 0 });
    assert.deepEqual([add(device, 5), add(device, 5), add(device, 4)], ['windowed', 'windowed', 'late']);
  });
});

describe('closing', () => {
  it('waits for the watermark to reach the end, and happens once', () => {
    const device = deviceOf(tumbling);
    add(device, 10);
    add(device, 599.999999);
    assert.deepEqual(device.closeDue('watermark'), []);
    add(device, 600);
    const closed = device.closeDue('watermark');
    assert.deepEqual(summary(closed), ['five 0..300: 1']);
    assert.equal(closed[0]!.closedBy, 'watermark');
    assert.deepEqual(device.closeDue('watermark'), []);
  });

  it('goes by end, then by the order of the definitions', () => {
    const definitions = {
      ten: { kind: 'tumbling', sizeMs: 600_000 },
      five: fiveMinutes,
      visit: { kind: 'session', gapMs: 40_000 },
    } as const;
    const device = deviceOf({ definitions });
    for (const time of [10, 260, 400, 5000]) add(device, time);
    assert.deepEqual(summary(device.closeDue('watermark')), [
      'visit 10..50: 1',
      'five 0..300: 2',
      'visit 260..300: 1',
      'visit 400..440: 1',
      'ten 0..600: 3',
      'five 300..600: 1',
    ]);
  });

  it('leaves the device empty when nothing is open, also at the very end of the last window', () => {
    const device = deviceOf({ ...tumbling, idleTimeoutMs: 1000 });
    assert.ok(device.isEmpty);
    add(device, 10);
    assert.ok(!device.isEmpty);
    device.advanceIdle(0, 590_000);
    assert.equal(device.watermarkMicros, 300e6);
    assert.ok(!device.isEmpty);
    device.closeDue('idle');
    assert.ok(device.isEmpty);
  });
});

describe('a silent device', () => {
  it('stays as it is until the idle timeout', () => {
    const device = deviceOf(tumbling);
    add(device, 10);
    assert.equal(device.advanceIdle(1_000_000, 1_599_999), false);
    assert.equal(device.watermarkMicros, -290e6);
  });

  it('then has its event time go on with the clock, so that its windows close as idle', () => {
    const device = deviceOf(tumbling);
    add(device, 10);
    assert.equal(device.advanceIdle(1_000_000, 1_600_000), true);
    assert.equal(device.watermarkMicros, 310e6);
    const closed = device.closeDue('idle');
    assert.deepEqual(summary(closed), ['five 0..300: 1']);
    assert.equal(closed[0]!.closedBy, 'idle');
  });

  it('keeps the watermark that it reached, so that older readings are late', () => {
    const device = deviceOf(tumbling);
    add(device, 10);
    device.advanceIdle(0, 600_000);
    device.closeDue('idle');
    assert.equal(add(device, 309), 'late');
    assert.equal(add(device, 310), 'windowed');
    assert.equal(device.watermarkMicros, 310e6);
  });

  it('is not moved back by a clock that went back', () => {
    const device = deviceOf(tumbling);
    add(device, 10);
    assert.equal(device.advanceIdle(0, 700_000), true);
    assert.equal(device.advanceIdle(0, 650_000), false);
    assert.equal(device.advanceIdle(0, -5), false);
    assert.equal(device.watermarkMicros, 410e6);
  });

  it('that has never sent anything has no time', () => {
    const device = deviceOf(tumbling);
    assert.equal(device.advanceIdle(0, 1e12), false);
    assert.deepEqual(device.closeDue('idle'), []);
  });
});

describe('the aggregates of a metric', () => {
  it('skip nulls, but the readings are counted', () => {
    const device = deviceOf(tumbling);
    add(device, 1, null);
    add(device, 2, 5);
    add(device, 3, null);
    const [window] = device.openWindows();
    assert.equal(window!.messageCount, 3);
    assert.deepEqual(window!.metrics, [
      { count: 1, sum: 5, avg: 5, min: 5, max: 5, first: 5, last: 5, range: 0 },
    ]);
  });

  it('are null without values', () => {
    assert.deepEqual(metricAfter([1, null]), {
      count: 0,
      sum: null,
      avg: null,
      min: null,
      max: null,
      first: null,
      last: null,
      range: null,
    });
  });

  it('take the first and the last by event time', () => {
    assert.deepEqual(metricAfter([20, 2], [30, 3], [10, 1.5]), {
      count: 3,
      sum: 6.5,
      avg: 6.5 / 3,
      min: 1.5,
      max: 3,
      first: 1.5,
      last: 3,
      range: 1.5,
    });
  });

  it('take of several values at one time the smallest as first and the greatest as last', () => {
    for (const values of [
      [5, 7, 6],
      [7, 5, 6],
      [6, 7, 5],
    ]) {
      const { first, last } = metricAfter(...values.map((value) => [10, value] as const));
      assert.deepEqual([first, last], [5, 7]);
    }
  });

  it('have no negative zero, which JSON would lose', () => {
    const values = Object.values(metricAfter([10, -0]));
    assert.ok(!values.some((value) => Object.is(value, -0)));
  });

  it('stay finite at the greatest doubles', () => {
    const greatest = Number.MAX_VALUE;
    const { sum, min, max, range } = metricAfter([1, greatest], [2, greatest], [3, -greatest]);
    assert.deepEqual([min, max, range], [-greatest, greatest, greatest]);
    assert.equal(sum, 2 ** 960);
  });
});
