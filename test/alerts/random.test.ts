// Random rules and streams: the state machine against the oracle, and against itself with its state written and read again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Alert,
  type AlertReading,
  DeviceAlerts,
  mayBreach,
  planAlerts,
} from '../../shared/alerts/index.js';
import { type Random, seededRandom } from '../../shared/base/index.js';
import { type AlertRule, type Alerts, definePipeline } from '../../shared/pipeline/index.js';
import { ofSeeds } from '../support/seeds.js';
import { type Expected, expectedAlerts } from './oracle.js';

const fieldNames = ['temperature', 'battery'];

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random.next() * choices.length)]!;
}

function randomRule(random: Random, number: number): AlertRule {
  const is = pick(random, ['>', '>=', '<', '<=', '==', '!='] as const);
  const threshold = Math.floor(random.next() * 8);
  const side = is.startsWith('>') ? -1 : 1;
  const hasClearAt = !is.endsWith('==') && is !== '!=' && random.next() < 0.4;
  return {
    name: `RULE_${number}`,
    group: pick(random, ['a', 'b']),
    when: {
      ...{ field: pick(random, fieldNames), is, threshold },
      ...(hasClearAt && { clearAt: threshold + side * Math.floor(random.next() * 3) }),
    },
    severity: pick(random, ['INFO', 'WARNING', 'CRITICAL']),
    message: '{device} {temperature} {battery}',
    ...(random.next() < 0.25 && { forCount: 1 + Math.floor(random.next() * 3) }),
    ...(random.next() < 0.25 && { forMs: Math.floor(random.next() * 4) * 1000 }),
    ...(random.next() < 0.25 && { cooldownMs: Math.floor(random.next() * 5) * 1000 }),
  };
}

/** Rules that can never win are refused by the checker; they are taken out. */
function randomAlerts(random: Random): Alerts {
  const rules: AlertRule[] = [];
  const pipelineOf = (candidates: readonly AlertRule[]) =>
    definePipeline({
      source: { eventHub: 'hub' },
      deviceId: { from: 'id' },
      eventTime: { from: 'time' },
      fields: { temperature: { type: 'double' }, battery: { type: 'double' } },
      alerts: { rules: candidates },
    });
  const count = 1 + Math.floor(random.next() * 6);
  for (let number = 0; number < count; number++) {
    const rule = randomRule(random, number);
    try {
      pipelineOf([...rules, rule]);
      rules.push(rule);
    } catch (error) {
      assert.match(String(error), /never wins/);
    }
  }
  return pipelineOf(rules).alerts;
}

/** Values wander, so that conditions hold for a while; times stand still, go on and go back. */
function randomReadings(random: Random, count: number): readonly AlertReading[] {
  let seconds = 100;
  let [temperature, battery] = [4, 4];
  const step = () => Math.floor(random.next() * 5) - 2;
  return Array.from({ length: count }, (_, sequenceNumber) => {
    seconds += pick(random, [0, 1, 1, 1, 2, 5]);
    temperature = Math.min(9, Math.max(-1, temperature + step()));
    battery = Math.min(9, Math.max(-1, battery + step()));
    const back = random.next() < 0.15 ? Math.floor(random.next() * 8) : 0;
    return {
      eventTimeMicros: (seconds - back) * 1_000_000,
      values: [temperature, battery].map((value) => (random.next() < 0.1 ? null : value)),
      ...{ source: 'hub#1', partition: '3', sequenceNumber, index: 0 },
    };
  });
}

function comparable(alert: Alert): Expected {
  const { transition, rule, eventTimeMicros, openedAtMicros, outOfOrder } = alert;
  return { transition, rule, timeMicros: eventTimeMicros, openedAtMicros: openedAtMicros!, outOfOrder };
}

describe('random rules over random readings', () => {
  it('say what the oracle says, with their state written and read anywhere, under ids of their own', () => {
    const random = seededRandom(20_251_006);
    const seen: Record<string, number> = {};
    for (let round = 0; round < ofSeeds(250); round++) {
      const alerts = randomAlerts(random);
      const plan = planAlerts(alerts, fieldNames);
      const readings = randomReadings(random, 80);
      const plain = readings.map(({ eventTimeMicros, values: [temperature, battery] }) => ({
        timeMicros: eventTimeMicros,
        values: { temperature: temperature ?? null, battery: battery ?? null },
      }));
      const expected = plan.groups.map((group) =>
        expectedAlerts(
          alerts.rules.filter((rule) => rule.group === group.name),
          plain,
        ),
      );
      const steady = DeviceAlerts.fresh(plan);
      let rewritten = DeviceAlerts.fresh(plan);
      const ids: string[] = [];
      readings.forEach((reading, position) => {
        const where = `round ${round}, reading ${position}`;
        const found = steady.evaluate('device_1', reading);
        assert.deepEqual(
          found.map(comparable),
          expected.flatMap((ofGroup) => ofGroup[position]!),
          where,
        );
        if (random.next() < 0.5) {
          rewritten = DeviceAlerts.decode(JSON.parse(JSON.stringify(rewritten.encode())), plan);
        }
        assert.deepEqual(rewritten.evaluate('device_1', reading), found, where);
        assert.deepEqual(rewritten.encode(), steady.encode(), where);
        assert.equal(rewritten.isQuiet, steady.isQuiet);
        const isNews = found.some(({ transition }) => transition !== 'resolved');
        assert.ok(!isNews || mayBreach(plan, reading.values), where);
        ids.push(...found.map(({ id }) => id));
        for (const { transition, outOfOrder } of found) {
          const kind = outOfOrder ? `${transition} out of order` : transition;
          seen[kind] = (seen[kind] ?? 0) + 1;
        }
      });
      assert.equal(new Set(ids).size, ids.length, `round ${round}`);
    }
    for (const kind of ['raised', 'escalated', 'deescalated', 'resolved', 'raised out of order']) {
      assert.ok((seen[kind] ?? 0) > ofSeeds(20), `${kind}: ${seen[kind]}`);
    }
  });
});
