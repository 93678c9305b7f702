// Pure. The rows of sealed batches -> batches of the tables.
import { quarantineFields, type ShardQuarantineReason } from '../events/index.js';
import { BatchBuilder, type ColumnBatch } from '../parquet/index.js';
import type { Pipeline } from '../pipeline/index.js';
import {
  decodeAlertRow,
  decodeFailedRow,
  decodeLateRow,
  decodeWindowRow,
  hasShards,
  type SealedBatch,
  shardFields,
} from '../shards/index.js';
import { alertColumns, batchOf, lateColumns, type Placed, schemaOf, windowColumns } from './columns.js';

/** Names of the tables that a pipeline fills. */
export function pipelineTables(pipeline: Pipeline): readonly string[] {
  const { readings, quarantine, windows, alerts, lateReadings, undeliveredAlerts } = pipeline.tables;
  return [
    ...[readings, quarantine],
    ...(hasShards(pipeline) ? [windows, alerts, lateReadings] : []),
    ...(pipeline.alerts.webhooks.length > 0 ? [undeliveredAlerts] : []),
  ];
}

export type ResultTable = 'windows' | 'alerts' | 'lateReadings' | 'quarantine';

export interface ShardBatch extends SealedBatch {
  readonly shard: number;
}

/** A batch that has something to publish. */
export interface NumberedBatch extends ShardBatch {
  readonly number: number;
}

/** @throws TributaryError CONFIG_INVALID for fields whose columns would have one name */
export class ResultTables {
  readonly #windows: ReturnType<typeof windowColumns>;
  readonly #alerts: ReturnType<typeof alertColumns>;
  readonly #late: ReturnType<typeof lateColumns>;

  constructor(pipeline: Pipeline) {
    this.#windows = windowColumns(pipeline);
    this.#alerts = alertColumns(shardFields(pipeline));
    this.#late = lateColumns(pipeline.windows.metrics);
  }

  /** Of the tables that only results go to. */
  get schemas() {
    return {
      windows: schemaOf(this.#windows),
      alerts: schemaOf(this.#alerts),
      lateReadings: schemaOf(this.#late),
    };
  }

  /** Batches without rows are left out. */
  batchesOf(batch: NumberedBatch): readonly (readonly [ResultTable, ColumnBatch])[] {
    const { rows } = batch;
    const place = <Row extends { readonly layout: number }>(row: Row): Placed<Row> => ({
      row,
      fields: batch.layouts[row.layout] ?? [],
      shard: batch.shard,
      batch: batch.number,
    });
    const all: readonly (readonly [ResultTable, ColumnBatch])[] = [
      [
        'windows',
        batchOf(
          this.#windows,
          rows.windows.map((text) => place(decodeWindowRow(text))),
        ),
      ],
      [
        'alerts',
        batchOf(
          this.#alerts,
          rows.alerts.map((text) => place(decodeAlertRow(text))),
        ),
      ],
      [
        'lateReadings',
        batchOf(
          this.#late,
          rows.late.map((text) => place(decodeLateRow(text))),
        ),
      ],
      ['quarantine', quarantineOf(rows.failed)],
    ];
    return all.filter(([, { rowCount }]) => rowCount > 0);
  }
}

const encoder = new TextEncoder();

/** The reading itself is in its table; what is missing are its windows and alerts. */
function quarantineOf(rows: readonly string[]): ColumnBatch {
  const fields = quarantineFields();
  const builder = new BatchBuilder(fields, rows.length + 1);
  const position = (name: string) => fields.findIndex((field) => field.name === name);
  for (const row of rows.map(decodeFailedRow)) {
    const { device, atMs, detail, input } = row;
    const reason: ShardQuarantineReason = row.reason ?? 'processing_failed';
    const { source, partition, sequenceNumber, index } = row;
    builder.setText(position('reason'), reason);
    builder.setText(position('detail'), `Not counted in windows and alerts: ${detail}`);
    builder.setBytes(position('body'), encoder.encode(input));
    if (device !== '') builder.setText(position('device_id'), device);
    builder.setText(position('_source'), source);
    builder.setText(position('_partition'), partition);
    builder.setNumber(position('_sequence_number'), sequenceNumber);
    builder.setNumber(position('_index'), index);
    builder.setNumber(position('_enqueued_time'), atMs * 1000);
    builder.setNumber(position('_ingest_time'), atMs * 1000);
    builder.endRow();
  }
  return builder.finish();
}
