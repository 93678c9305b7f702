// The machine of the emission mode `transitions`, rule by rule.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeviceAlerts } from '../../shared/alerts/index.js';
import type { AlertRule } from '../../shared/pipeline/index.js';
import { Device, inShort, planOf, reading, secondMicros, seedRules } from './alertPlans.js';

const [critical, high] = [seedRules[0]!, seedRules[1]!];

function withCondition(rule: AlertRule, more: Partial<AlertRule['when']>): AlertRule {
  return { ...rule, when: { ...rule.when, ...more } };
}

describe('an alert', () => {
  it('is raised once, and resolved when the condition ends', () => {
    const device = new Device(planOf({ rules: [critical] }));
    assert.deepEqual(device.sends(0, 20), []);
    assert.deepEqual(device.sends(1, 36), ['raised CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(2, 37), []);
    assert.deepEqual(device.sends(3, 35), ['resolved CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(4, 34), []);
    assert.deepEqual(device.sends(5, 36), ['raised CRITICAL_TEMPERATURE']);
  });

  it('says everything about the reading and the rule', () => {
    const device = DeviceAlerts.fresh(planOf({ rules: [critical, high] }));
    const first = reading(10, 31, 50);
    const second = reading(20, 36.5, 49);
    const third = reading(30, 12, null);
    const { id: firstId, ...raised } = device.evaluate('device_1', first)[0]!;
    assert.match(firstId, /^[0-9a-f]{32}$/);
    assert.deepEqual(raised, {
      transition: 'raised',
      rule: 'HIGH_TEMPERATURE',
      group: 'temperature',
      severity: 'WARNING',
      message: 'High temperature warning: 31°C',
      field: 'temperature',
      value: 31,
      threshold: 30,
      openedAtMicros: 10 * secondMicros,
      outOfOrder: false,
      ...first,
    });
    const { id: secondId, ...escalated } = device.evaluate('device_1', second)[0]!;
    assert.deepEqual(escalated, {
      ...raised,
      transition: 'escalated',
      rule: 'CRITICAL_TEMPERATURE',
      severity: 'CRITICAL',
      message: 'Critical temperature detected: 36.5°C',
      value: 36.5,
      threshold: 35,
      ...second,
    });
    const { id: thirdId, ...resolved } = device.evaluate('device_1', third)[0]!;
    assert.deepEqual(resolved, {
      ...escalated,
      transition: 'resolved',
      message: 'Resolved: CRITICAL_TEMPERATURE, temperature 12',
      value: 12,
      ...third,
    });
    assert.equal(new Set([firstId, secondId, thirdId]).size, 3);
  });

  it('escalates and de-escalates within its group, and keeps the time it was raised', () => {
    const device = new Device(planOf({ rules: [critical, high] }));
    assert.deepEqual(device.sends(0, 31), ['raised HIGH_TEMPERATURE']);
    assert.deepEqual(device.sends(1, 36), ['escalated CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(2, 32), ['deescalated HIGH_TEMPERATURE']);
    assert.deepEqual(device.alerts.openAlerts(), [
      {
        rule: 'HIGH_TEMPERATURE',
        group: 'temperature',
        severity: 'WARNING',
        field: 'temperature',
        openedAtMicros: 0,
      },
    ]);
    assert.deepEqual(device.sends(3, 20), ['resolved HIGH_TEMPERATURE']);
    assert.deepEqual(device.alerts.openAlerts(), []);
  });

  it('moves between rules of one severity by their order', () => {
    const device = new Device(planOf({ rules: [{ ...critical, severity: 'WARNING' }, high] }));
    device.sends(0, 31);
    assert.deepEqual(device.sends(1, 36), ['escalated CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(2, 31), ['deescalated HIGH_TEMPERATURE']);
  });

  it('goes by severity, not by order, where a graver rule comes later', () => {
    const rules = [withCondition({ ...critical, severity: 'INFO' }, { threshold: 35 }), high];
    const device = new Device(planOf({ rules }));
    device.sends(0, 31);
    assert.deepEqual(device.sends(1, 36), ['deescalated CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(2, 31), ['escalated HIGH_TEMPERATURE']);
  });

  it('of another group is independent', () => {
    const device = new Device(planOf({ rules: seedRules }));
    assert.deepEqual(device.sends(0, 36, 5), ['raised CRITICAL_TEMPERATURE', 'raised CRITICAL_BATTERY']);
    assert.deepEqual(device.sends(1, 20, 15), ['resolved CRITICAL_TEMPERATURE', 'deescalated LOW_BATTERY']);
  });
});

describe('a reading without the value', () => {
  it('neither raises nor resolves', () => {
    const device = new Device(planOf({ rules: [critical, high] }));
    assert.deepEqual(device.sends(0, null), []);
    device.sends(1, 36);
    assert.deepEqual(device.sends(2, null), []);
    assert.deepEqual(device.sends(3, 36), []);
    assert.deepEqual(device.sends(4, 20), ['resolved CRITICAL_TEMPERATURE']);
  });

  it('does not interrupt a run', () => {
    const device = new Device(planOf({ rules: [{ ...critical, forCount: 2 }] }));
    device.sends(0, 36);
    assert.deepEqual(device.sends(1, null), []);
    assert.deepEqual(device.sends(2, 36), ['raised CRITICAL_TEMPERATURE']);
  });

  it('leaves an open alert to a rule on another field before it', () => {
    const rules = seedRules.map((rule) => ({ ...rule, group: 'device' }));
    const device = new Device(planOf({ rules }));
    assert.deepEqual(device.sends(0, null, 15), ['raised LOW_BATTERY']);
    assert.deepEqual(device.sends(1, 36, null), ['escalated CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(2, null, 15), []);
    assert.deepEqual(device.sends(3, 20, 15), ['deescalated LOW_BATTERY']);
  });
});

describe('hysteresis', () => {
  const rule = withCondition(critical, { clearAt: 33 });

  it('holds the alert until the value is at clearAt', () => {
    const device = new Device(planOf({ rules: [rule] }));
    device.sends(0, 36);
    assert.deepEqual(device.sends(1, 33.1), []);
    assert.deepEqual(device.sends(2, 33), ['resolved CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(3, 34), []);
  });

  it('works downwards too', () => {
    const battery = withCondition(seedRules[3]!, { clearAt: 25 });
    const device = new Device(planOf({ rules: [battery] }));
    device.sends(0, null, 19);
    assert.deepEqual(device.sends(1, null, 24.9), []);
    assert.deepEqual(device.sends(2, null, 25), ['resolved LOW_BATTERY']);
  });

  it('holds against milder rules, and gives way to graver ones', () => {
    const rules = [critical, withCondition(high, { clearAt: 28 })];
    const device = new Device(planOf({ rules }));
    device.sends(0, 31);
    assert.deepEqual(device.sends(1, 29), []);
    assert.deepEqual(device.sends(2, 36), ['escalated CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(3, 29), ['resolved CRITICAL_TEMPERATURE']);
    const held = new Device(planOf({ rules: [rule, high] }));
    held.sends(0, 36);
    assert.deepEqual(held.sends(1, 34), []);
    assert.deepEqual(held.sends(2, 32), ['deescalated HIGH_TEMPERATURE']);
  });

  it('makes one alert of a value that trembles around the threshold', () => {
    const device = new Device(planOf({ rules: [rule] }));
    const said = Array.from({ length: 1000 }, (_, second) => device.sends(second, 34.9 + 0.2 * (second % 2)));
    assert.deepEqual(said.flat(), ['raised CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(1000, 20), ['resolved CRITICAL_TEMPERATURE']);
    assert.ok(device.alerts.isQuiet);
  });
});

describe('forCount', () => {
  const plan = planOf({ rules: [{ ...critical, forCount: 3 }, high] });

  it('waits for as many readings in a row, without standing in the way of later rules', () => {
    const device = new Device(plan);
    assert.deepEqual(device.sends(0, 36), ['raised HIGH_TEMPERATURE']);
    assert.deepEqual(device.sends(1, 36), []);
    assert.deepEqual(device.sends(2, 36), ['escalated CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(3, 36), []);
  });

  it('begins anew when the row is interrupted', () => {
    const device = new Device(planOf({ rules: [{ ...critical, forCount: 2 }] }));
    assert.deepEqual([device.sends(0, 36), device.sends(1, 20), device.sends(2, 36)], [[], [], []]);
    assert.deepEqual(device.sends(3, 36), ['raised CRITICAL_TEMPERATURE']);
  });

  it('does not delay the end', () => {
    const device = new Device(planOf({ rules: [{ ...critical, forCount: 2 }] }));
    device.sends(0, 36);
    device.sends(1, 36);
    assert.deepEqual(device.sends(2, 20), ['resolved CRITICAL_TEMPERATURE']);
  });

  it('counts on while a graver rule is open, so that de-escalation is at once', () => {
    const device = new Device(planOf({ rules: [critical, { ...high, forCount: 2 }] }));
    device.sends(0, 36);
    device.sends(1, 36);
    assert.deepEqual(device.sends(2, 32), ['deescalated HIGH_TEMPERATURE']);
  });
});

describe('forMs', () => {
  it('waits for event time, whatever the number of readings', () => {
    const device = new Device(planOf({ rules: [{ ...critical, forMs: 60_000 }] }));
    assert.deepEqual(device.sends(0, 36), []);
    assert.deepEqual(device.sends(59.999999, 36), []);
    assert.deepEqual(device.sends(60, 36), ['raised CRITICAL_TEMPERATURE']);
    assert.equal(device.alerts.openAlerts()[0]?.openedAtMicros, 60 * secondMicros);
  });

  it('and forCount must both have passed', () => {
    const device = new Device(planOf({ rules: [{ ...critical, forMs: 10_000, forCount: 3 }] }));
    assert.deepEqual([device.sends(0, 36), device.sends(20, 36)], [[], []]);
    assert.deepEqual(device.sends(21, 36), ['raised CRITICAL_TEMPERATURE']);
  });
});

describe('cooldown', () => {
  const rules = [{ ...critical, cooldownMs: 60_000 }, high];

  it('keeps a resolved group from being raised again too soon', () => {
    const device = new Device(planOf({ rules: [rules[0]!] }));
    device.sends(0, 36);
    device.sends(10, 20);
    assert.deepEqual(device.sends(69.999999, 36), []);
    assert.ok(!device.alerts.isQuiet);
    assert.deepEqual(device.sends(70, 36), ['raised CRITICAL_TEMPERATURE']);
  });

  it('goes by the rule that would be raised, and escalation is not held back', () => {
    const device = new Device(planOf({ rules }));
    device.sends(0, 36);
    device.sends(10, 20);
    assert.deepEqual(device.sends(11, 36), []);
    assert.deepEqual(device.sends(12, 31), ['raised HIGH_TEMPERATURE']);
    assert.deepEqual(device.sends(13, 36), ['escalated CRITICAL_TEMPERATURE']);
  });

  it('bounds the alerts of a storm', () => {
    const device = new Device(planOf({ rules: [rules[0]!] }));
    const said: string[] = [];
    for (let second = 0; second < 600; second++)
      said.push(...device.sends(second, second % 2 === 0 ? 36 : 20));
    assert.equal(said.filter((alert) => alert.startsWith('raised')).length, 10);
    for (let second = 600; second < 700; second++) said.push(...device.sends(second, 20));
    assert.equal(said.at(-1), 'resolved CRITICAL_TEMPERATURE');
    assert.ok(device.alerts.isQuiet);
  });
});

describe('a reading older than one before it', () => {
  it('does not end an open alert', () => {
    const device = new Device(planOf({ rules: [critical, high] }));
    device.sends(10, 36);
    assert.deepEqual(device.sends(9, 20), []);
    assert.deepEqual(device.sends(9, 31), []);
    assert.deepEqual(device.sends(11, 20), ['resolved CRITICAL_TEMPERATURE']);
  });

  it('that breaches is raised and resolved at once, marked as out of order', () => {
    const device = DeviceAlerts.fresh(planOf({ rules: [critical] }));
    device.evaluate('device_1', reading(10, 20));
    const old = reading(5, 36);
    const alerts = device.evaluate('device_1', old);
    assert.deepEqual(alerts.map(inShort), ['raised CRITICAL_TEMPERATURE', 'resolved CRITICAL_TEMPERATURE']);
    for (const alert of alerts) {
      assert.deepEqual(
        [alert.outOfOrder, alert.openedAtMicros, alert.eventTimeMicros, alert.sequenceNumber],
        [true, 5 * secondMicros, 5 * secondMicros, old.sequenceNumber],
      );
    }
    assert.notEqual(alerts[0]?.id, alerts[1]?.id);
    assert.ok(device.isQuiet);
  });

  it('is told by nobody when it lies before the last alert was resolved', () => {
    const device = new Device(planOf({ rules: [critical] }));
    device.sends(10, 36);
    device.sends(20, 20);
    assert.deepEqual(device.sends(19.999999, 36), []);
    assert.deepEqual(device.sends(20, 20), []);
    device.sends(30, 20);
    assert.deepEqual(device.sends(20, 36), ['raised CRITICAL_TEMPERATURE', 'resolved CRITICAL_TEMPERATURE']);
  });

  it('does not count for rules that wait, nor break their run', () => {
    const device = new Device(planOf({ rules: [{ ...critical, forCount: 2 }] }));
    device.sends(10, 36);
    assert.deepEqual(device.sends(5, 36), []);
    assert.deepEqual(device.sends(5, 20), []);
    assert.deepEqual(device.sends(11, 36), ['raised CRITICAL_TEMPERATURE']);
  });

  it('respects the cooldown', () => {
    const device = new Device(planOf({ rules: [{ ...critical, cooldownMs: 5_000 }] }));
    device.sends(10, 36);
    device.sends(20, 20);
    device.sends(40, 20);
    assert.deepEqual(device.sends(24, 36), []);
    assert.equal(device.sends(25, 36).length, 2);
  });

  it('is judged like any other when as old as the last one', () => {
    const device = new Device(planOf({ rules: [critical] }));
    device.sends(10, 20);
    assert.deepEqual(device.sends(10, 36), ['raised CRITICAL_TEMPERATURE']);
    assert.deepEqual(device.sends(10, 20), ['resolved CRITICAL_TEMPERATURE']);
  });
});
