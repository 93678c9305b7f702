// Pure. Alerts as they leave, with their ids.
import type { AlertPlan, GroupPlan, RulePlan } from './plan.js';
import { stableId } from './stableId.js';
import type { Alert, AlertReading } from './types.js';

export interface ReadingAlertFacts {
  readonly deviceId: string;
  readonly reading: AlertReading;
  readonly group: GroupPlan;
  readonly rule: RulePlan;
  readonly transition: Alert['transition'];
  readonly message: string;
  readonly openedAtMicros: number | null;
  readonly outOfOrder?: boolean;
}

/** A reading and a rule of the plan. */
export function alertOfReading(facts: ReadingAlertFacts): Alert {
  const { deviceId, reading, group, rule, transition, message, openedAtMicros, outOfOrder = false } = facts;
  const { name, severity, field, fieldIndex, threshold } = rule;
  const alert = { transition, rule: name, group: group.name, severity };
  return {
    id: readingId(deviceId, alert, reading),
    ...alert,
    ...{ message, field, value: reading.values[fieldIndex] ?? null, threshold, openedAtMicros, outOfOrder },
    ...coordinatesOf(reading),
  };
}

type Statement = Pick<Alert, 'transition' | 'rule' | 'group' | 'severity' | 'message' | 'openedAtMicros'>;

const noCondition = { field: null, value: null, threshold: null, outOfOrder: false } as const;

/** A reading that ends what no condition began. */
export function alertOfArrival(deviceId: string, alert: Statement, reading: AlertReading): Alert {
  return { id: readingId(deviceId, alert, reading), ...alert, ...noCondition, ...coordinatesOf(reading) };
}

/** @param identity with the group, rule and transition, what tells this alert from others of the device */
export function alertWithoutReading(
  deviceId: string,
  alert: Statement & Pick<Alert, 'eventTimeMicros'>,
  identity: number,
  plan: AlertPlan,
): Alert {
  const { group, rule, transition } = alert;
  return {
    id: stableId([deviceId, group, rule, transition, identity]),
    ...alert,
    ...noCondition,
    ...{ values: plan.noValues, source: null, partition: null, sequenceNumber: null, index: null },
  };
}

function readingId(
  deviceId: string,
  { group, rule, transition }: Pick<Alert, 'group' | 'rule' | 'transition'>,
  { source, partition, sequenceNumber, index }: AlertReading,
): string {
  return stableId([deviceId, group, rule, transition, source, partition, sequenceNumber, index]);
}

function coordinatesOf(reading: AlertReading) {
  const { eventTimeMicros, values, source, partition, sequenceNumber, index } = reading;
  return { eventTimeMicros, values, source, partition, sequenceNumber, index };
}
