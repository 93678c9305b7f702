// What is kept of a device between readings, and pipelines that are edited meanwhile.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeviceAlerts } from '../../shared/alerts/index.js';
import { TributaryError } from '../../shared/base/index.js';
import type { AlertsDefinition } from '../../shared/pipeline/index.js';
import { Device, inShort, planOf, reading, secondMicros, seedRules } from './alertPlans.js';

const [critical, high] = [seedRules[0]!, seedRules[1]!];
const silence = { name: 'SILENT', silentForMs: 60_000, severity: 'INFO', message: 'silent' } as const;

/** A device that has an open HIGH_TEMPERATURE, of another pipeline. */
function afterEdit(before: AlertsDefinition, after: AlertsDefinition): DeviceAlerts {
  const device = new Device(planOf(before));
  device.sends(10, 31, 50);
  assert.equal(device.alerts.openAlerts()[0]?.rule, 'HIGH_TEMPERATURE');
  return DeviceAlerts.decode(JSON.parse(JSON.stringify(device.alerts.encode())), planOf(after));
}

describe('the state of a device', () => {
  it('is a handful of numbers', () => {
    const plan = planOf({ rules: [critical, { ...seedRules[3]!, forCount: 2 }] });
    const device = new Device(plan);
    assert.equal(JSON.stringify(device.alerts.encode()), '[1,null,[],[]]');
    device.sends(1, 20, 50);
    assert.equal(JSON.stringify(device.alerts.encode()), '[1,1000000,[],[]]');
    device.sends(2, 36, 15);
    assert.deepEqual(device.alerts.encode(), [
      1,
      2_000_000,
      [[2_000_000, 2, [...'CRITICAL_TEMPERATURE'].map(code), [...'temperature'].map(code)]],
      [[plan.groups[1]!.key, null, [[plan.groups[1]!.rules[1 - 1]!.key, 2_000_000, 1]]]],
    ]);
    device.sends(3, 20, 50);
    assert.deepEqual(device.alerts.encode(), [1, 3_000_000, [], [[plan.groups[0]!.key, 3_000_000, []]]]);
    const code0 = device.alerts.encode();
    assert.deepEqual(DeviceAlerts.decode(JSON.parse(JSON.stringify(code0)), plan).encode(), code0);
  });

  it('has no -0, which JSON would change', () => {
    const device = DeviceAlerts.fresh(planOf({ rules: [critical] }));
    device.evaluate('device_1', { ...reading(0, 36), eventTimeMicros: -0 });
    const text = JSON.stringify(device.encode());
    assert.deepEqual(JSON.parse(text), device.encode());
    assert.ok(Object.is((device.encode() as readonly number[])[1], 0));
  });

  it('of another version, or damaged, is refused', () => {
    const plan = planOf({ rules: [critical] });
    const severityOf3 = [1, 0, [[0, 3, [65], [65]]], []];
    const damaged = [
      null,
      7,
      [],
      [2, null, [], []],
      [1, 'x', [], []],
      [1, null, 5, []],
      [1, null, [], [[1]]],
    ];
    for (const state of [...damaged, severityOf3, [1, null, [], [[1, null, [[1, 2]]]]]]) {
      assert.throws(
        () => DeviceAlerts.decode(state, plan),
        (error) => error instanceof TributaryError && error.code === 'STATE_UNREADABLE',
        JSON.stringify(state),
      );
    }
  });
});

function code(character: string): number {
  return character.charCodeAt(0);
}

describe('an open alert', () => {
  it('stays with its rule when rules before it come and others go', () => {
    const device = afterEdit({ rules: [high, seedRules[3]!] }, { rules: [seedRules[2]!, critical, high] });
    assert.deepEqual(device.openAlerts(), [
      {
        rule: 'HIGH_TEMPERATURE',
        group: 'temperature',
        severity: 'WARNING',
        field: 'temperature',
        openedAtMicros: 10 * secondMicros,
      },
    ]);
    assert.deepEqual(device.evaluate('device_1', reading(11, 36)).map(inShort), [
      'escalated CRITICAL_TEMPERATURE',
    ]);
  });

  const edits: readonly (readonly [what: string, after: AlertsDefinition, next: readonly string[]])[] = [
    ['the rule is gone', { rules: [critical] }, ['resolved HIGH_TEMPERATURE']],
    ['all rules are gone', {}, ['resolved HIGH_TEMPERATURE']],
    [
      'the rule moves to another group',
      { rules: [{ ...high, group: 'heat' }] },
      ['resolved HIGH_TEMPERATURE', 'raised HIGH_TEMPERATURE'],
    ],
    [
      'alerts are no longer remembered',
      { rules: [high], emit: 'every' },
      ['resolved HIGH_TEMPERATURE', 'breach HIGH_TEMPERATURE'],
    ],
  ];
  for (const [what, after, expected] of edits) {
    it(`is resolved when ${what}`, () => {
      const device = afterEdit({ rules: [high] }, after);
      assert.equal(device.openAlerts()[0]?.rule, 'HIGH_TEMPERATURE');
      assert.ok(!device.isQuiet);
      const alerts = device.evaluate('device_1', reading(20, 31, 50));
      assert.deepEqual(alerts.map(inShort), expected);
      assert.deepEqual(
        [alerts[0]?.message, alerts[0]?.severity, alerts[0]?.openedAtMicros, alerts[0]?.eventTimeMicros],
        [
          "Resolved: HIGH_TEMPERATURE is no longer among the pipeline's rules",
          'WARNING',
          10 * secondMicros,
          20 * secondMicros,
        ],
      );
      assert.equal(
        device.evaluate('device_1', reading(21, 20, 50)).length,
        alerts.length === 2 && after.emit !== 'every' ? 1 : 0,
      );
    });

    it(`is resolved by a tick as well when ${what}, with the same id`, () => {
      const byReading = afterEdit({ rules: [high] }, after).evaluate('device_1', reading(20, 31, 50));
      const device = afterEdit({ rules: [high] }, after);
      const byTick = device.tick('device_1', 0, 1);
      assert.equal(byTick.length, 1);
      assert.equal(byTick[0]?.id, byReading[0]?.id);
      assert.equal(byTick[0]?.eventTimeMicros, 10 * secondMicros);
      assert.deepEqual(device.tick('device_1', 0, 2), []);
    });
  }

  it('of silence is resolved when the silence rule is gone or renamed', () => {
    for (const after of [{}, { silence: { ...silence, name: 'QUIET', silentForMs: 1e9 } }]) {
      const device = DeviceAlerts.fresh(planOf({ silence }));
      device.evaluate('device_1', reading(10, 20));
      device.tick('device_1', 0, 60_000);
      const edited = DeviceAlerts.decode(device.encode(), planOf(after));
      assert.deepEqual(edited.tick('device_1', 0, 60_000).map(inShort), ['resolved SILENT']);
    }
  });
});

describe('a run', () => {
  it('goes on when its rule is edited, and is forgotten when the rule no longer waits', () => {
    const waiting = { ...critical, forCount: 2 };
    const device = new Device(planOf({ rules: [waiting] }));
    device.sends(0, 36);
    const state = device.alerts.encode();
    const longer = DeviceAlerts.decode(state, planOf({ rules: [high, waiting].reverse() }));
    assert.deepEqual(longer.evaluate('device_1', reading(1, 36)).map(inShort), [
      'raised CRITICAL_TEMPERATURE',
    ]);
    assert.ok(DeviceAlerts.decode(state, planOf({ rules: [critical] })).isQuiet);
    assert.ok(DeviceAlerts.decode(state, planOf({})).isQuiet);
  });
});
