// The book's sample with alerts: the five-minute summary that its job is meant to give, and never emits.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DeviceWindows } from '../../shared/windows/index.js';
import { minuteMs, planOf } from './plans.js';

const root = join(import.meta.dirname, '..', '..', '..');
const plan = planOf({ definitions: { five_minutes: { kind: 'tumbling', sizeMs: 5 * minuteMs } } });

interface SeedReading {
  readonly deviceId: string;
  readonly ts: string;
  readonly temperature: number;
  readonly battery: number;
}

function readDevices(): ReadonlyMap<string, DeviceWindows> {
  const path = join(root, 'test', 'golden', 'seed', 'iot_sample_with_alerts.json');
  const devices = new Map<string, DeviceWindows>();
  for (const { deviceId, ts, temperature, battery } of JSON.parse(
    readFileSync(path, 'utf8'),
  ) as SeedReading[]) {
    const device = devices.get(deviceId) ?? DeviceWindows.fresh(plan);
    assert.equal(device.add(Date.parse(ts) * 1000, [temperature, battery]), 'windowed');
    devices.set(deviceId, device);
  }
  return devices;
}

/** device, count, temperature avg min max first last range, battery likewise */
const golden = [
  ['device_1', 5, [29, 25, 33, 25, 29, 8], [75, 65, 85, 85, 65, 20]],
  ['device_2', 5, [28.3, 24.5, 32.5, 24.5, 31.5, 8], [27.6, 8, 90, 90, 10, 82]],
  ['device_3', 5, [34.9, 26, 39, 26, 39, 13], [79.6, 70, 88, 88, 70, 18]],
  ['device_4', 3, [127 / 3, 40, 45, 40, 45, 5], [10 / 3, 2, 5, 5, 2, 3]],
  ['device_5', 2, [37.75, 37, 38.5, 37, 38.5, 1.5], [16, 15, 17, 15, 17, 2]],
] as const;

describe('the sample with alerts', () => {
  const startMicros = Date.parse('2025-10-06T10:00:00Z') * 1000;

  it('closes no window by itself, since no reading is ten minutes after its start', () => {
    for (const device of readDevices().values()) assert.deepEqual(device.closeDue('watermark'), []);
  });

  it('gives the summary of each device once the device has been idle', () => {
    const rows = [...readDevices()].map(([deviceId, device]) => {
      assert.ok(device.advanceIdle(0, 10 * minuteMs));
      const [window, ...others] = device.closeDue('idle');
      assert.deepEqual(others, []);
      assert.deepEqual([window!.startMicros, window!.endMicros], [startMicros, startMicros + 300e6]);
      assert.deepEqual([window!.definition, window!.closedBy], ['five_minutes', 'idle']);
      const metrics = window!.metrics.map(({ avg, min, max, first, last, range }) => [
        avg,
        min,
        max,
        first,
        last,
        range,
      ]);
      return [deviceId, window!.messageCount, ...metrics];
    });
    assert.deepEqual(rows, golden);
  });

  it('is closed exactly at the idle timeout, not a millisecond before', () => {
    for (const device of readDevices().values()) {
      assert.equal(device.advanceIdle(0, 10 * minuteMs - 1), false);
      assert.deepEqual(device.closeDue('idle'), []);
    }
  });
});
