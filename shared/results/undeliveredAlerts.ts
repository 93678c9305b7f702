// Pure. The table of alerts that a webhook did not take, and what is appended to it.
import type { AppendRequest, AppendResult, StructType } from '../delta/index.js';
import type { EventBatch } from '../events/index.js';
import { BatchBuilder, type ColumnBatch, type ColumnField } from '../parquet/index.js';
import type { UndeliveredReason } from './webhookPolicy.js';

export interface UndeliveredAlert {
  /** Of the event in its batch. */
  readonly position: number;
  /** Null for an event that is no alert. */
  readonly id: string | null;
  readonly deviceId: string | null;
  readonly webhook: string | null;
  readonly reason: UndeliveredReason;
  readonly detail: string;
  readonly attempts: number;
}

/** The part of a table's writer that is needed here. */
export interface UndeliveredTable {
  append(request: AppendRequest): Promise<AppendResult>;
}

const columns: readonly (ColumnField & { readonly comment: string })[] = [
  { name: 'failed_time', type: 'timestamp', nullable: false, comment: 'When delivery was given up' },
  {
    name: 'webhook',
    type: 'string',
    nullable: true,
    comment: 'Name in pipeline.ts; null for an event that is no alert',
  },
  { name: 'device_id', type: 'string', nullable: true, comment: 'The device that the alert is about' },
  { name: 'alert_id', type: 'string', nullable: true, comment: 'As in the alerts table' },
  { name: 'reason', type: 'string', nullable: false, comment: 'Why; docs/subscribers.md explains each' },
  { name: 'detail', type: 'string', nullable: true, comment: 'What the webhook answered last' },
  { name: 'attempts', type: 'integer', nullable: false, comment: 'Requests made' },
  { name: 'body', type: 'binary', nullable: false, comment: 'The exact bytes that were to be delivered' },
  { name: '_source', type: 'string', nullable: false, comment: 'Event hub of the alerts' },
  { name: '_partition', type: 'string', nullable: false, comment: 'Partition of that hub' },
  { name: '_sequence_number', type: 'long', nullable: false, comment: 'Sequence number in the partition' },
  { name: '_enqueued_time', type: 'timestamp', nullable: false, comment: 'When the broker took the event' },
];

export function undeliveredSchema(): StructType {
  const fields = columns.map(({ comment, ...field }) => ({ ...field, metadata: { comment } }));
  return { type: 'struct', fields };
}

/**
 * Two transaction ids per partition say what has been recorded, as in ingest: events up to the sequence number are, unless
 * the broker took them later than any of those, because the hub was made again and counts from 0.
 */
export function undeliveredAppend(
  batch: EventBatch,
  undelivered: readonly UndeliveredAlert[],
  nowMs: number,
): AppendRequest {
  const sequenceAppId = `webhooks/${batch.source}/${batch.partition}`;
  const enqueuedAppId = `${sequenceAppId}/enqueued`;
  return {
    prepare(committed) {
      const lastSequenceNumber = committed.get(sequenceAppId) ?? -1;
      const lastEnqueuedMs = committed.get(enqueuedAppId) ?? Number.NEGATIVE_INFINITY;
      const missing = undelivered.filter(
        ({ position }) =>
          batch.sequenceNumbers[position]! > lastSequenceNumber ||
          batch.enqueuedMs[position]! > lastEnqueuedMs,
      );
      if (missing.length === 0) return undefined;
      return {
        batch: rowsOf(batch, missing, nowMs),
        transactions: [
          { appId: sequenceAppId, version: batch.sequenceNumbers.at(-1)!, lastUpdated: nowMs },
          { appId: enqueuedAppId, version: batch.enqueuedMs.at(-1)!, lastUpdated: nowMs },
        ],
        readAppIds: [sequenceAppId, enqueuedAppId],
      };
    },
  };
}

function rowsOf(batch: EventBatch, alerts: readonly UndeliveredAlert[], nowMs: number): ColumnBatch {
  const fields = columns.map(({ name, type, nullable }) => ({ name, type, nullable }));
  const builder = new BatchBuilder(fields, alerts.length);
  for (const { position, webhook, deviceId, id, reason, detail, attempts } of alerts) {
    builder.setNumber(0, nowMs * 1000);
    if (webhook !== null) builder.setText(1, webhook);
    if (deviceId !== null) builder.setText(2, deviceId);
    if (id !== null) builder.setText(3, id);
    builder.setText(4, reason);
    builder.setText(5, detail);
    builder.setNumber(6, attempts);
    builder.setBytes(7, batch.bodies[position]!);
    builder.setText(8, batch.source);
    builder.setText(9, batch.partition);
    builder.setNumber(10, batch.sequenceNumbers[position]!);
    builder.setNumber(11, batch.enqueuedMs[position]! * 1000);
    builder.endRow();
  }
  return builder.finish();
}
