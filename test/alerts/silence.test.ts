// Devices that fall silent.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeviceAlerts } from '../../shared/alerts/index.js';
import type { SilenceRule } from '../../shared/pipeline/index.js';
import { inShort, planOf, reading, secondMicros, seedRules } from './alertPlans.js';

const silence: SilenceRule = {
  name: 'SILENT',
  silentForMs: 60_000,
  severity: 'WARNING',
  message: '{device} has been silent for {minutes} minutes',
};

/** When the last reading arrived, by the clock of the app. */
const arrivedMs = 1_700_000_000_000;

for (const emit of ['transitions', 'every'] as const) {
  describe(`silence, emission ${emit}`, () => {
    const plan = planOf({ silence, emit });
    const heardOf = () => {
      const device = DeviceAlerts.fresh(plan);
      device.evaluate('device_1', reading(100, 20));
      return device;
    };

    it('is raised once, as soon as it has lasted long enough', () => {
      const device = heardOf();
      assert.deepEqual(device.tick('device_1', arrivedMs, arrivedMs + 59_999), []);
      const [alert, ...others] = device.tick('device_1', arrivedMs, arrivedMs + 90_000);
      assert.deepEqual(others, []);
      const { id, ...said } = alert!;
      assert.match(id, /^[0-9a-f]{32}$/);
      assert.deepEqual(said, {
        transition: 'raised',
        rule: 'SILENT',
        group: 'silence',
        severity: 'WARNING',
        message: 'device_1 has been silent for 1.5 minutes',
        field: null,
        value: null,
        threshold: null,
        eventTimeMicros: 160 * secondMicros,
        openedAtMicros: 160 * secondMicros,
        values: [null, null],
        outOfOrder: false,
        source: null,
        partition: null,
        sequenceNumber: null,
        index: null,
      });
      assert.deepEqual(device.tick('device_1', arrivedMs, arrivedMs + 1e9), []);
      const again = DeviceAlerts.decode(JSON.parse(JSON.stringify(device.encode())), plan);
      assert.deepEqual(again.tick('device_1', arrivedMs, arrivedMs + 2e9), []);
    });

    it('has the same id whenever the tick that finds it comes', () => {
      const ids = [60_000, 75_000].map(
        (silentMs) => heardOf().tick('device_1', arrivedMs, arrivedMs + silentMs)[0]?.id,
      );
      assert.equal(ids[0], ids[1]);
      assert.notEqual(heardOf().tick('device_1', arrivedMs + 1, arrivedMs + 90_000)[0]?.id, ids[0]);
    });

    it('ends with the next reading, even an old one, and may begin anew', () => {
      const device = heardOf();
      device.tick('device_1', arrivedMs, arrivedMs + 60_000);
      assert.deepEqual(
        device.openAlerts().map(({ rule, field }) => [rule, field]),
        [['SILENT', null]],
      );
      const [alert, ...others] = device.evaluate('device_1', reading(90, 20));
      assert.deepEqual(others, []);
      assert.equal(inShort(alert!), 'resolved SILENT');
      assert.equal(alert?.message, 'Resolved: SILENT, device_1 sends again');
      assert.equal(alert?.openedAtMicros, 160 * secondMicros);
      assert.deepEqual(device.evaluate('device_1', reading(101, 20)), []);
      assert.equal(device.tick('device_1', arrivedMs + 100_000, arrivedMs + 160_000).length, 1);
    });

    it('keeps the device from being forgotten', () => {
      assert.ok(DeviceAlerts.fresh(plan).isQuiet);
      assert.ok(!heardOf().isQuiet);
    });
  });
}

describe('a pipeline without a silence rule', () => {
  it('never finds a device silent', () => {
    const device = DeviceAlerts.fresh(planOf({ rules: seedRules }));
    device.evaluate('device_1', reading(100, 20));
    assert.deepEqual(device.tick('device_1', 0, Number.MAX_SAFE_INTEGER), []);
    assert.ok(device.isQuiet);
  });
});
