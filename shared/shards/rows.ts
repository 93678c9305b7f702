// Pure. What a shard has to say to the tables, each as a JSON text: rows wait in the state and travel through an orchestration,
// where only those that are about to be written are read.
import type { Alert } from '../alerts/index.js';
import type { ClosedWindow } from '../windows/index.js';

/** Where a reading comes from: its identity in every table. */
export interface Coordinates {
  readonly source: string;
  readonly partition: string;
  readonly sequenceNumber: number;
  readonly index: number;
}

export interface WindowRow {
  readonly device: string;
  /** Processing time, milliseconds. */
  readonly closedAtMs: number;
  /** Number of the field names in the state's layouts. */
  readonly layout: number;
  readonly window: ClosedWindow;
}

export interface AlertRow {
  readonly device: string;
  readonly atMs: number;
  readonly layout: number;
  readonly alert: Alert;
}

export interface LateRow extends Coordinates {
  readonly device: string;
  readonly atMs: number;
  readonly layout: number;
  readonly eventTimeMicros: number;
  readonly watermarkMicros: number;
  readonly values: readonly (number | null)[];
}

/** What could not be worked with. */
export interface FailedRow extends Coordinates {
  /** Empty where even that is unknown. */
  readonly device: string;
  readonly atMs: number;
  /** Absent: `processing_failed`. */
  readonly reason?: 'shard_full';
  readonly detail: string;
  /** JSON of the input. */
  readonly input: string;
}

export function encodeWindowRow({ device, closedAtMs, layout, window }: WindowRow): string {
  const { definition, startMicros, endMicros, closedBy, messageCount, metrics } = window;
  return JSON.stringify([
    ...[device, closedAtMs, layout, definition, startMicros, endMicros, closedBy, messageCount],
    metrics.map((metric) =>
      metric.count === 0
        ? 0
        : [
            metric.count,
            metric.sum,
            metric.avg,
            metric.min,
            metric.max,
            metric.first,
            metric.last,
            metric.range,
          ],
    ),
  ]);
}

type EncodedMetric =
  | 0
  | readonly [count: number, ...values: [number, number, number, number, number, number, number]];

export function decodeWindowRow(text: string): WindowRow {
  const [device, closedAtMs, layout, definition, startMicros, endMicros, closedBy, messageCount, metrics] =
    JSON.parse(text) as readonly [
      device: string,
      closedAtMs: number,
      layout: number,
      definition: string,
      startMicros: number,
      endMicros: number,
      closedBy: ClosedWindow['closedBy'],
      messageCount: number,
      metrics: readonly EncodedMetric[],
    ];
  const window = {
    definition,
    startMicros,
    endMicros,
    closedBy,
    messageCount,
    metrics: metrics.map(decodeMetric),
  };
  return { device, closedAtMs, layout, window };
}

const noValues = { sum: null, avg: null, min: null, max: null, first: null, last: null, range: null };

function decodeMetric(metric: EncodedMetric): ClosedWindow['metrics'][number] {
  if (metric === 0) return { count: 0, ...noValues };
  const [count, sum, avg, min, max, first, last, range] = metric;
  return { count, sum, avg, min, max, first, last, range };
}

type EncodedAlert = readonly [
  device: string,
  atMs: number,
  layout: number,
  id: string,
  transition: Alert['transition'],
  rule: string,
  group: string,
  severity: Alert['severity'],
  message: string,
  field: string | null,
  value: number | null,
  threshold: number | null,
  eventTimeMicros: number,
  openedAtMicros: number | null,
  outOfOrder: 0 | 1,
  values: Alert['values'],
  source: string | null,
  partition: string | null,
  sequenceNumber: number | null,
  index: number | null,
];

export function encodeAlertRow({ device, atMs, layout, alert }: AlertRow): string {
  const { id, transition, rule, group, severity, message, field, value, threshold } = alert;
  const { eventTimeMicros, openedAtMicros, outOfOrder, values } = alert;
  const { source, partition, sequenceNumber, index } = alert;
  const encoded: EncodedAlert = [
    ...([device, atMs, layout, id, transition, rule, group, severity, message] as const),
    ...([field, value, threshold, eventTimeMicros, openedAtMicros, outOfOrder ? 1 : 0, values] as const),
    ...([source, partition, sequenceNumber, index] as const),
  ];
  return JSON.stringify(encoded);
}

export function decodeAlertRow(text: string): AlertRow {
  const encoded = JSON.parse(text) as EncodedAlert;
  const [device, atMs, layout, id, transition, rule, group, severity, message, field, value] = encoded;
  const [threshold, eventTimeMicros, openedAtMicros, outOfOrder, values] = encoded.slice(11) as [
    ...[number | null, number, number | null, 0 | 1, Alert['values']],
  ];
  const [source, partition, sequenceNumber, index] = encoded.slice(16) as [
    ...[string | null, string | null, number | null, number | null],
  ];
  const identity = { source, partition, sequenceNumber, index };
  const state = { eventTimeMicros, openedAtMicros, outOfOrder: outOfOrder === 1, values };
  const what = { id, transition, rule, group, severity, message, field, value, threshold };
  return { device, atMs, layout, alert: { ...what, ...state, ...identity } };
}

type EncodedLate = readonly [
  device: string,
  atMs: number,
  layout: number,
  eventTimeMicros: number,
  watermarkMicros: number,
  values: LateRow['values'],
  source: string,
  partition: string,
  sequenceNumber: number,
  index: number,
];

export function encodeLateRow(row: LateRow): string {
  const { device, atMs, layout, eventTimeMicros, watermarkMicros, values } = row;
  const { source, partition, sequenceNumber, index } = row;
  const encoded: EncodedLate = [
    ...([device, atMs, layout, eventTimeMicros, watermarkMicros, values] as const),
    ...([source, partition, sequenceNumber, index] as const),
  ];
  return JSON.stringify(encoded);
}

export function decodeLateRow(text: string): LateRow {
  const [device, atMs, layout, eventTimeMicros, watermarkMicros, values, ...coordinates] = JSON.parse(
    text,
  ) as EncodedLate;
  const [source, partition, sequenceNumber, index] = coordinates;
  const identity = { source, partition, sequenceNumber, index };
  return { device, atMs, layout, eventTimeMicros, watermarkMicros, values, ...identity };
}

export const encodeFailedRow = (row: FailedRow): string => JSON.stringify(row);
export const decodeFailedRow = (text: string): FailedRow => JSON.parse(text) as FailedRow;
