// Plans of alerts and readings, for tests.
import {
  type Alert,
  type AlertPlan,
  type AlertReading,
  alertFields,
  DeviceAlerts,
  planAlerts,
} from '../../shared/alerts/index.js';
import { type AlertRule, type AlertsDefinition, definePipeline } from '../../shared/pipeline/index.js';

/** The rules of the exercise that Tributary replaces: the first that matches wins, over both fields. */
export const seedRules: readonly AlertRule[] = [
  {
    name: 'CRITICAL_TEMPERATURE',
    when: { field: 'temperature', is: '>', threshold: 35 },
    severity: 'CRITICAL',
    message: 'Critical temperature detected: {temperature}°C',
  },
  {
    name: 'HIGH_TEMPERATURE',
    when: { field: 'temperature', is: '>', threshold: 30 },
    severity: 'WARNING',
    message: 'High temperature warning: {temperature}°C',
  },
  {
    name: 'CRITICAL_BATTERY',
    when: { field: 'battery', is: '<', threshold: 10 },
    severity: 'CRITICAL',
    message: 'Critical battery level: {battery}%',
  },
  {
    name: 'LOW_BATTERY',
    when: { field: 'battery', is: '<', threshold: 20 },
    severity: 'WARNING',
    message: 'Low battery warning: {battery}%',
  },
];

export function inOneGroup(rules: readonly AlertRule[]): readonly AlertRule[] {
  return rules.map((rule) => ({ ...rule, group: 'device' }));
}

/** A plan of fields `temperature`, `battery`. */
export function planOf(alerts: AlertsDefinition): AlertPlan {
  const pipeline = definePipeline({
    source: { eventHub: 'hub' },
    deviceId: { from: 'id' },
    eventTime: { from: 'time' },
    fields: { temperature: { type: 'double' }, battery: { type: 'double' } },
    alerts,
  });
  return planAlerts(pipeline.alerts, [
    ...new Set(['temperature', 'battery', ...alertFields(pipeline.alerts)]),
  ]);
}

export const secondMicros = 1_000_000;

let nextSequenceNumber = 0;

/** @param seconds event time */
export function reading(
  seconds: number,
  temperature: number | null,
  battery: number | null = null,
): AlertReading {
  return {
    eventTimeMicros: seconds * secondMicros,
    values: [temperature, battery],
    source: 'hub#1',
    partition: '0',
    sequenceNumber: nextSequenceNumber++,
    index: 0,
  };
}

/** A device, and what it said, in short. */
export class Device {
  readonly alerts: DeviceAlerts;

  constructor(plan: AlertPlan) {
    this.alerts = DeviceAlerts.fresh(plan);
  }

  /** `raised HIGH_TEMPERATURE`, ... */
  sends(seconds: number, temperature: number | null, battery: number | null = null): string[] {
    return this.alerts.evaluate('device_1', reading(seconds, temperature, battery)).map(inShort);
  }
}

export function inShort(alert: Alert): string {
  return `${alert.transition} ${alert.rule}`;
}
