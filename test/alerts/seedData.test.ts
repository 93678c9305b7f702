// The rules and sample file of the exercise that Tributary replaces, with the results that the exercise gives.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Alert, type AlertPlan, DeviceAlerts, mayBreach } from '../../shared/alerts/index.js';
import { inOneGroup, planOf, reading, seedRules } from './alertPlans.js';

interface SampleReading {
  readonly deviceId: string;
  readonly ts: string;
  readonly temperature: number;
  readonly battery: number;
}

const root = join(import.meta.dirname, '..', '..', '..');
const sample = JSON.parse(
  readFileSync(join(root, 'test/golden/seed/iot_sample_with_alerts.json'), 'utf8'),
) as readonly SampleReading[];

function alertsOfSample(plan: AlertPlan): readonly { readonly device: string; readonly alert: Alert }[] {
  const devices = new Map<string, DeviceAlerts>();
  return sample.flatMap(({ deviceId: device, ts, temperature, battery }) => {
    const alerts = devices.get(device) ?? DeviceAlerts.fresh(plan);
    devices.set(device, alerts);
    const found = alerts.evaluate(device, reading(Date.parse(ts) / 1000, temperature, battery));
    return found.map((alert) => ({ device, alert }));
  });
}

function countByRule(plan: AlertPlan): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { alert } of alertsOfSample(plan)) counts[alert.rule] = (counts[alert.rule] ?? 0) + 1;
  return counts;
}

describe('the sample with alerts', () => {
  const asTheSeed = planOf({ rules: inOneGroup(seedRules), emit: 'every' });
  const byField = planOf({ rules: seedRules, emit: 'every' });

  it('has 15 breaches when the first rule of all wins', () => {
    assert.deepEqual(countByRule(asTheSeed), {
      CRITICAL_TEMPERATURE: 9,
      HIGH_TEMPERATURE: 4,
      CRITICAL_BATTERY: 1,
      LOW_BATTERY: 1,
    });
    assert.ok(alertsOfSample(asTheSeed).every(({ alert }) => alert.transition === 'breach'));
  });

  it('has the seven low batteries that hot readings masked, too, when groups are independent', () => {
    assert.deepEqual(countByRule(byField), {
      CRITICAL_TEMPERATURE: 9,
      HIGH_TEMPERATURE: 4,
      CRITICAL_BATTERY: 1 + 3,
      LOW_BATTERY: 1 + 4,
    });
  });

  it('has the texts of the exercise', () => {
    const messages = alertsOfSample(byField).map(({ alert }) => alert.message);
    for (const message of [
      'Critical temperature detected: 35.5°C',
      'Critical temperature detected: 36°C',
      'High temperature warning: 32.5°C',
      'Critical battery level: 8%',
      'Low battery warning: 12%',
    ]) {
      assert.ok(messages.includes(message), message);
    }
  });

  it('has 12 transitions of temperature, by hand', () => {
    const plan = planOf({ rules: seedRules.slice(0, 2) });
    const transitions = alertsOfSample(plan).map(
      ({ device, alert }) => `${device} ${alert.transition} ${alert.rule} ${alert.value}`,
    );
    assert.deepEqual(transitions, [
      'device_1 raised HIGH_TEMPERATURE 31',
      'device_2 raised HIGH_TEMPERATURE 32.5',
      'device_3 raised CRITICAL_TEMPERATURE 36',
      'device_2 resolved HIGH_TEMPERATURE 28',
      'device_4 raised CRITICAL_TEMPERATURE 40',
      'device_1 resolved HIGH_TEMPERATURE 27',
      'device_5 raised CRITICAL_TEMPERATURE 37',
      'device_2 raised HIGH_TEMPERATURE 31.5',
    ]);
  });
});

describe('thresholds', () => {
  const plan = planOf({ rules: seedRules, emit: 'every' });
  const cases: readonly (readonly [number | null, number | null, ...string[]])[] = [
    [35, null, 'HIGH_TEMPERATURE'],
    [35.000000000000007, null, 'CRITICAL_TEMPERATURE'],
    [30, null],
    [30.000000000000004, null, 'HIGH_TEMPERATURE'],
    [null, 10, 'LOW_BATTERY'],
    [null, 9.999999999999998, 'CRITICAL_BATTERY'],
    [null, 20],
    [null, 19.999999999999996, 'LOW_BATTERY'],
    [null, null],
    [36, 5, 'CRITICAL_TEMPERATURE', 'CRITICAL_BATTERY'],
    [-0, 20],
  ];
  for (const [temperature, battery, ...rules] of cases) {
    it(`make of ${temperature} °C and ${battery} %: ${rules.join(' and ') || 'nothing'}`, () => {
      const one = reading(0, temperature, battery);
      const alerts = DeviceAlerts.fresh(plan).evaluate('device_1', one);
      assert.deepEqual(
        alerts.map(({ rule }) => rule),
        rules,
      );
      assert.equal(mayBreach(plan, one.values), rules.length > 0);
    });
  }

  it('are compared as each operator says', () => {
    const matches = (is: '>' | '>=' | '<' | '<=' | '==' | '!=') => {
      const rule = { ...seedRules[0]!, when: { field: 'temperature', is, threshold: 5 } };
      const plan = planOf({ rules: [rule] });
      return [4, 5, 6].filter((value) => mayBreach(plan, [value, null]));
    };
    assert.deepEqual(matches('>'), [6]);
    assert.deepEqual(matches('>='), [5, 6]);
    assert.deepEqual(matches('<'), [4]);
    assert.deepEqual(matches('<='), [4, 5]);
    assert.deepEqual(matches('=='), [5]);
    assert.deepEqual(matches('!='), [4, 6]);
  });
});
