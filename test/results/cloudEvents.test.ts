// Alerts as CloudEvents: the attributes that the specification asks for, and what subscribers find in them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Alert, DeviceAlerts } from '../../shared/alerts/index.js';
import {
  type AlertCloudEvent,
  cloudEventContentType,
  cloudEventSource,
  toCloudEvent,
} from '../../shared/results/index.js';
import { planOf, reading, seedRules } from '../alerts/alertPlans.js';

const fieldNames = ['temperature', 'battery'];
const context = { source: cloudEventSource('sensor-data'), fieldNames };

function alertsOf(...temperatures: readonly number[]): Alert[] {
  const device = DeviceAlerts.fresh(planOf({ rules: seedRules }));
  return temperatures.flatMap((temperature, second) => [
    ...device.evaluate('device_1', reading(1_759_744_812 + second, temperature, 85)),
  ]);
}

function parsed(alert: Alert, deviceId = 'device_1'): AlertCloudEvent {
  return JSON.parse(new TextDecoder().decode(toCloudEvent(alert, deviceId, context).body)) as AlertCloudEvent;
}

/** CloudEvents 1.0.2, "Required Attributes" and "Type System". */
function assertConforms(event: Readonly<Record<string, unknown>>): void {
  for (const name of ['id', 'source', 'specversion', 'type']) {
    assert.ok(typeof event[name] === 'string' && event[name] !== '', `${name} is required`);
  }
  assert.equal(event.specversion, '1.0');
  assert.ok(URL.canParse(String(event.source), 'https://example.com'), 'source must be a URI reference');
  assert.match(String(event.datacontenttype), /^[\w.+-]+\/[\w.+-]+$/);
  assert.ok(event.subject !== '', 'subject must not be empty');
  assert.match(String(event.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  assert.ok(!Number.isNaN(Date.parse(String(event.time))));
  for (const name of Object.keys(event))
    assert.match(name, /^[a-z0-9]{1,20}$/, 'lower case letters and digits');
}

describe('an alert as a CloudEvent', () => {
  it('has what the specification requires, in every transition', () => {
    const alerts = alertsOf(31, 36, 31, 20);
    assert.deepEqual(
      alerts.map((alert) => parsed(alert).type),
      ['raised', 'escalated', 'deescalated', 'resolved'].map((what) => `io.tributary.alert.${what}`),
    );
    for (const alert of alerts) {
      const event = parsed(alert);
      assertConforms({ ...event });
      assert.equal(event.id, alert.id);
    }
  });

  it('says who, when, what and why', () => {
    const [, escalated] = alertsOf(31, 36.5);
    assert.deepEqual(parsed(escalated!), {
      specversion: '1.0',
      id: escalated?.id,
      source: '/tributary/sensor-data/alerts',
      type: 'io.tributary.alert.escalated',
      subject: 'device_1',
      time: '2025-10-06T10:00:13.000000Z',
      datacontenttype: 'application/json',
      partitionkey: 'device_1',
      data: {
        deviceId: 'device_1',
        transition: 'escalated',
        rule: 'CRITICAL_TEMPERATURE',
        group: 'temperature',
        severity: 'CRITICAL',
        message: 'Critical temperature detected: 36.5°C',
        field: 'temperature',
        value: 36.5,
        threshold: 35,
        eventTime: '2025-10-06T10:00:13.000000Z',
        openedAt: '2025-10-06T10:00:12.000000Z',
        outOfOrder: false,
        values: { temperature: 36.5, battery: 85 },
        reading: {
          source: 'hub#1',
          partition: '0',
          sequenceNumber: escalated?.sequenceNumber,
          index: 0,
        },
      },
    });
  });

  it('goes to its device, as structured content, under its id', () => {
    const [alert] = alertsOf(36);
    const event = toCloudEvent(alert!, 'device_1', context);
    assert.equal(event.partitionKey, 'device_1');
    assert.equal(event.messageId, alert?.id);
    assert.equal(event.contentType, cloudEventContentType);
    assert.ok(cloudEventContentType.startsWith('application/cloudevents+json'));
  });

  it('has no reading when none caused it', () => {
    const silence = { name: 'SILENT', silentForMs: 60_000, severity: 'INFO', message: 'silent' } as const;
    const device = DeviceAlerts.fresh(planOf({ silence }));
    device.evaluate('device_1', reading(0, 20));
    const [alert] = device.tick('device_1', 0, 60_000);
    const event = parsed(alert!);
    assertConforms({ ...event });
    assert.equal(event.data.reading, null);
    assert.deepEqual(event.data.values, { temperature: null, battery: null });
  });

  it('keeps microseconds, also before 1970', () => {
    const [alert] = alertsOf(36);
    const timeOf = (eventTimeMicros: number) => parsed({ ...alert!, eventTimeMicros }).time;
    assert.equal(timeOf(1), '1970-01-01T00:00:00.000001Z');
    assert.equal(timeOf(-1), '1969-12-31T23:59:59.999999Z');
    assert.equal(timeOf(Number.MIN_SAFE_INTEGER), '1684-07-28T00:12:25.259009Z');
    assert.equal(timeOf(Number.MAX_SAFE_INTEGER), '2255-06-05T23:47:34.740991Z');
  });

  it('has a partition key of its own where the device id is too long for one', () => {
    const [alert] = alertsOf(36);
    const keyOf = (deviceId: string) => toCloudEvent(alert!, deviceId, context).partitionKey;
    assert.equal(keyOf('x'.repeat(128)), 'x'.repeat(128));
    assert.match(keyOf('x'.repeat(129)), /^[0-9a-f]{32}$/);
    assert.match(keyOf('é'.repeat(65)), /^[0-9a-f]{32}$/);
    assert.notEqual(keyOf('x'.repeat(129)), keyOf('x'.repeat(130)));
    assert.equal(parsed(alert!, 'x'.repeat(200)).subject, 'x'.repeat(200));
  });

  it('keeps fields of any name', () => {
    const [alert] = alertsOf(36);
    const odd = toCloudEvent(alert!, 'device_1', { ...context, fieldNames: ['__proto__', 'a.b'] });
    assert.match(new TextDecoder().decode(odd.body), /"values":\{"__proto__":36,"a\.b":85\}/);
  });
});
