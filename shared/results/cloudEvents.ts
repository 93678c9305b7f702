// Pure. Alerts as CloudEvents 1.0, JSON event format (https://github.com/cloudevents/spec, v1.0.2).
import { type Alert, stableId } from '../alerts/index.js';
import { maxPartitionKeyBytes, type OutgoingEvent } from '../messaging/index.js';

/** Structured content mode: body and attributes are one JSON text. */
export const cloudEventContentType = 'application/cloudevents+json; charset=utf-8';

const typePrefix = 'io.tributary.alert.';

/** What is in `data`. Times are RFC 3339, UTC, with microseconds. */
export interface AlertData {
  readonly deviceId: string;
  readonly transition: Alert['transition'];
  readonly rule: string;
  readonly group: string;
  readonly severity: Alert['severity'];
  readonly message: string;
  readonly field: string | null;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly eventTime: string;
  readonly openedAt: string | null;
  readonly outOfOrder: boolean;
  /** The reading's numbers, by field. */
  readonly values: Readonly<Record<string, number | null>>;
  /** Where the reading is in the readings table; null where none caused the alert. */
  readonly reading: {
    readonly source: string;
    readonly partition: string;
    readonly sequenceNumber: number;
    readonly index: number;
  } | null;
}

export interface AlertCloudEvent {
  readonly specversion: '1.0';
  /** Of the alert: repeated events have the same. */
  readonly id: string;
  readonly source: string;
  readonly type: `io.tributary.alert.${Alert['transition']}`;
  /** The device id. */
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** Extension "partitioning": events with the same one are in order. */
  readonly partitionkey: string;
  readonly data: AlertData;
}

export interface CloudEventContext {
  /** As `cloudEventSource` makes it. */
  readonly source: string;
  /** fieldNames[i] belongs to the alert's values[i]. */
  readonly fieldNames: readonly string[];
}

/** A URI reference for the alerts that come of an event hub's readings. */
export function cloudEventSource(eventHub: string): string {
  return `/tributary/${encodeURIComponent(eventHub)}/alerts`;
}

export function toCloudEvent(alert: Alert, deviceId: string, context: CloudEventContext): OutgoingEvent {
  const event = cloudEventOf(alert, deviceId, context);
  return {
    partitionKey: event.partitionkey,
    body: new TextEncoder().encode(JSON.stringify(event)),
    contentType: cloudEventContentType,
    messageId: alert.id,
  };
}

export function cloudEventOf(alert: Alert, deviceId: string, context: CloudEventContext): AlertCloudEvent {
  return {
    specversion: '1.0',
    id: alert.id,
    source: context.source,
    type: `${typePrefix}${alert.transition}`,
    subject: deviceId,
    time: timestampOf(alert.eventTimeMicros),
    datacontenttype: 'application/json',
    partitionkey: partitionKeyOf(deviceId),
    data: dataOf(alert, deviceId, context.fieldNames),
  };
}

function dataOf(alert: Alert, deviceId: string, fieldNames: readonly string[]): AlertData {
  const { transition, rule, group, severity, message, field, value, threshold, outOfOrder } = alert;
  const { openedAtMicros, values } = alert;
  return {
    ...{ deviceId, transition, rule, group, severity, message, field, value, threshold },
    eventTime: timestampOf(alert.eventTimeMicros),
    openedAt: openedAtMicros === null ? null : timestampOf(openedAtMicros),
    outOfOrder,
    // Not by assignment: a field may be called __proto__.
    values: Object.fromEntries(fieldNames.map((name, index) => [name, values[index] ?? null])),
    reading: readingOf(alert),
  };
}

function readingOf({ source, partition, sequenceNumber, index }: Alert): AlertData['reading'] {
  if (source === null || partition === null || sequenceNumber === null || index === null) return null;
  return { source, partition, sequenceNumber, index };
}

/** The device id, or a hash of one that is longer than a partition key may be. */
export function partitionKeyOf(deviceId: string): string {
  const byteLength = new TextEncoder().encode(deviceId).byteLength;
  return byteLength > 0 && byteLength <= maxPartitionKeyBytes ? deviceId : stableId([deviceId]);
}

/** Safe integers of microseconds lie within the years 1684 to 2255, so the year has four digits. */
function timestampOf(micros: number): string {
  const milliseconds = Math.floor(micros / 1000);
  const rest = String(micros - milliseconds * 1000).padStart(3, '0');
  return new Date(milliseconds).toISOString().replace('Z', `${rest}Z`);
}
