// Events for tests, and decoded columns as rows that a test can compare.
import type { EventBatch } from '../../shared/events/index.js';
import type { ColumnBatch, ColumnValues } from '../../shared/parquet/index.js';

type Properties = Readonly<Record<string, unknown>>;

export type Row = Record<string, unknown>;

export interface TestEvent {
  readonly body: string | Uint8Array;
  readonly system?: Properties;
  readonly properties?: Properties;
  readonly enqueuedMs?: number;
}

/** 2025-10-06T10:05:00Z, shortly after the times that tests use. */
export const enqueuedMs = Date.UTC(2025, 9, 6, 10, 5);
export const ingestTimeMs = Date.UTC(2026, 0, 1);

export function eventBatch(events: readonly TestEvent[], firstSequenceNumber = 100): EventBatch {
  return {
    source: 'sensor-data',
    partition: '3',
    bodies: events.map(({ body }) => (typeof body === 'string' ? new TextEncoder().encode(body) : body)),
    sequenceNumbers: events.map((_, index) => firstSequenceNumber + index),
    enqueuedMs: events.map((event) => event.enqueuedMs ?? enqueuedMs),
    systemProperties: events.map((event) => event.system ?? {}),
    properties: events.map((event) => event.properties ?? {}),
  };
}

export function sliceEvents(batch: EventBatch, start: number, end?: number): EventBatch {
  return {
    ...batch,
    bodies: batch.bodies.slice(start, end),
    sequenceNumbers: batch.sequenceNumbers.slice(start, end),
    enqueuedMs: batch.enqueuedMs.slice(start, end),
    systemProperties: batch.systemProperties.slice(start, end),
    properties: batch.properties.slice(start, end),
  };
}

export function rowsOf(batch: ColumnBatch): Row[] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    Object.fromEntries(
      batch.fields.map((field, column) => [field.name, cellOf(batch.columns[column]!, field.type, row)]),
    ),
  );
}

function cellOf(column: ColumnValues, type: string, row: number): unknown {
  if (column.kind !== 'numbers') return column.values[row];
  if (column.validity !== undefined && column.validity[row] === 0) return null;
  const value = column.values[row];
  return type === 'boolean' ? value === 1 : value;
}
