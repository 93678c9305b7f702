// Is every sent event in the tables, once? The hub's own copy of the events is read back with the unmodified client
// and judged by a decoder of a few lines that shares no code with ours.
import { gunzipSync } from 'node:zlib';
import { type EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import type { App } from '../../shared/app.js';
import { queryTable } from './duckdb.js';

export interface SentEvent {
  readonly partition: string;
  readonly sequenceNumber: number;
  readonly body: Uint8Array;
}

/** Everything that the hub holds, in order per partition. */
export async function readHub(consumer: EventHubConsumerClient): Promise<SentEvent[]> {
  const partitions = await consumer.getPartitionIds();
  const events = await Promise.all(partitions.map((partition) => readPartition(consumer, partition)));
  return events.flat();
}

async function readPartition(consumer: EventHubConsumerClient, partition: string): Promise<SentEvent[]> {
  const { isEmpty, lastEnqueuedSequenceNumber } = await consumer.getPartitionProperties(partition);
  if (isEmpty) return [];
  const events: SentEvent[] = [];
  await new Promise<void>((resolve, reject) => {
    const subscription = consumer.subscribe(
      partition,
      {
        processEvents: async (received) => {
          for (const event of received) {
            events.push({ partition, sequenceNumber: event.sequenceNumber, body: bytesOf(event.body) });
          }
          if (events.at(-1)?.sequenceNumber === lastEnqueuedSequenceNumber)
            await subscription.close().then(resolve);
        },
        processError: async (error) => reject(error),
      },
      {
        startPosition: earliestEventPosition,
        maxBatchSize: 1000,
        maxWaitTimeInSeconds: 1,
        skipParsingBodyAsJson: true,
      },
    );
  });
  return events;
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new Error(`Expected the raw bytes of an event, got ${typeof body}.`);
}

/** How many rows an event must have, in both tables together. */
export function rowsOf(body: Uint8Array): number {
  try {
    const bytes = body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body;
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return Array.isArray(value) && value.length > 0 ? value.length : 1;
  } catch {
    return 1;
  }
}

interface Coordinates {
  readonly source: string;
  readonly partition: string;
  readonly sequence: number;
  readonly index: number;
}

/** Coordinates of every row of a table, read by DuckDB. */
export async function coordinatesIn(app: App, table: 'readings' | 'quarantine'): Promise<Coordinates[]> {
  const { store, snapshot } = await app.loadTable(app.pipeline.tables[table]);
  if (snapshot.files.size === 0) return [];
  const rows = await queryTable(
    store,
    snapshot,
    'select _source, _partition, _sequence_number::double as s, _index::double as i from {files}',
  );
  return rows.map((row) => ({
    source: String(row._source),
    partition: String(row._partition),
    sequence: Number(row.s),
    index: Number(row.i),
  }));
}

export interface Account {
  readonly sentEvents: number;
  readonly expectedRows: number;
  readonly readings: number;
  readonly quarantined: number;
  /** Events without the right number of rows, and rows that are there twice; empty when all is well. */
  readonly faults: readonly string[];
}

/** Compares what the hub holds with what the tables hold, row by row. */
export async function account(app: App, sent: readonly SentEvent[]): Promise<Account> {
  const readings = await coordinatesIn(app, 'readings');
  const quarantined = await coordinatesIn(app, 'quarantine');
  const faults: string[] = [];
  const seen = new Set<string>();
  const rowsPerEvent = new Map<string, number>();
  for (const row of [...readings, ...quarantined]) {
    const event = `${row.source}/${row.partition}/${row.sequence}`;
    const identity = `${event}/${row.index}`;
    if (seen.has(identity)) faults.push(`${identity} is there twice`);
    seen.add(identity);
    rowsPerEvent.set(event, (rowsPerEvent.get(event) ?? 0) + 1);
  }
  let expectedRows = 0;
  for (const { partition, sequenceNumber, body } of sent) {
    const event = `${app.pipeline.source.eventHub}/${partition}/${sequenceNumber}`;
    const expected = rowsOf(body);
    const found = rowsPerEvent.get(event) ?? 0;
    expectedRows += expected;
    if (found !== expected) faults.push(`${event} has ${found} rows instead of ${expected}`);
    rowsPerEvent.delete(event);
  }
  for (const event of rowsPerEvent.keys()) faults.push(`${event} was never sent`);
  return {
    sentEvents: sent.length,
    expectedRows,
    readings: readings.length,
    quarantined: quarantined.length,
    faults,
  };
}
