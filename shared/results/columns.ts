// Pure. The columns of the tables that results go to, each with where its value comes from.
import { TributaryError } from '../base/index.js';
import type { StructType } from '../delta/index.js';
import { BatchBuilder, type ColumnBatch, type ColumnType } from '../parquet/index.js';
import type { Pipeline } from '../pipeline/index.js';
import type { AlertRow, LateRow, WindowRow } from '../shards/index.js';

/** A row and what it needs besides itself. */
export interface Placed<Row> {
  readonly row: Row;
  /** Names of the fields that its values belong to. */
  readonly fields: readonly string[];
  readonly shard: number;
  readonly batch: number;
}

export interface ResultColumn<Row> {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly comment: string;
  /** Text for strings, microseconds for timestamps; null or undefined where absent. */
  value(placed: Placed<Row>): string | number | boolean | null | undefined;
}

type Aggregate = keyof WindowRow['window']['metrics'][number];

/** In the seed's order: averages, then the other aggregates by metric. */
const averages: readonly Aggregate[] = ['avg'];
const otherAggregates: readonly Aggregate[] = ['min', 'max', 'first', 'last', 'sum', 'count', 'range'];

const aggregateComments: Readonly<Record<Aggregate, string>> = {
  avg: 'Mean of the values',
  min: 'Smallest value',
  max: 'Greatest value',
  first: 'Value with the earliest event time',
  last: 'Value with the latest event time',
  sum: 'Sum of the values',
  count: 'Readings with a value',
  range: 'Greatest minus smallest value',
};

export function windowColumns({ windows }: Pipeline): readonly ResultColumn<WindowRow>[] {
  const aggregates = (kinds: readonly Aggregate[]) =>
    windows.metrics.flatMap((metric) => kinds.map((kind) => aggregateColumn(metric, kind)));
  return distinct('windows.metrics', [
    required('device_id', 'string', 'The device', ({ row }) => row.device),
    required(
      'window_start',
      'timestamp',
      'Begin of the window, in event time',
      ({ row }) => row.window.startMicros,
    ),
    required('window_end', 'timestamp', 'End of the window, exclusive', ({ row }) => row.window.endMicros),
    required('message_count', 'long', 'Readings in the window', ({ row }) => row.window.messageCount),
    ...aggregates(averages),
    ...aggregates(otherAggregates),
    required('window_name', 'string', 'The definition in pipeline.ts', ({ row }) => row.window.definition),
    required(
      'closed_by',
      'string',
      'watermark: by a later reading; idle: because the device fell silent',
      ({ row }) => row.window.closedBy,
    ),
    required(
      'closed_at',
      'timestamp',
      'When it was closed, by the clock',
      ({ row }) => row.closedAtMs * 1000,
    ),
    ...batchColumns<WindowRow>(),
  ]);
}

export function alertColumns(fields: readonly string[]): readonly ResultColumn<AlertRow>[] {
  return distinct('fields', [
    required('device_id', 'string', 'The device', ({ row }) => row.device),
    required(
      'event_time',
      'timestamp',
      'Of the reading, or when silence was noticed',
      ({ row }) => row.alert.eventTimeMicros,
    ),
    ...fields.map((name) => valueColumn<AlertRow>(name, ({ alert }) => alert.values)),
    required('alert_type', 'string', 'The rule', ({ row }) => row.alert.rule),
    required('alert_message', 'string', 'For people', ({ row }) => row.alert.message),
    required('severity', 'string', 'INFO, WARNING or CRITICAL', ({ row }) => row.alert.severity),
    required('alert_id', 'string', 'The same in every delivery of the alert', ({ row }) => row.alert.id),
    required('alert_group', 'string', 'The group of the rule', ({ row }) => row.alert.group),
    required(
      'transition',
      'string',
      'raised, escalated, deescalated, resolved; or breach, where every breaching reading is reported',
      ({ row }) => row.alert.transition,
    ),
    optional(
      'alert_field',
      'string',
      'The field of the rule; null for silence',
      ({ row }) => row.alert.field,
    ),
    optional('alert_value', 'double', 'Its value', ({ row }) => row.alert.value),
    optional('alert_threshold', 'double', 'The threshold of the rule', ({ row }) => row.alert.threshold),
    optional('opened_at', 'timestamp', 'When the alert was raised', ({ row }) => row.alert.openedAtMicros),
    required('out_of_order', 'boolean', 'A newer reading had come before', ({ row }) => row.alert.outOfOrder),
    optional('_source', 'string', 'Event hub of the reading', ({ row }) => row.alert.source),
    optional('_partition', 'string', 'Its partition', ({ row }) => row.alert.partition),
    optional('_sequence_number', 'long', 'Its sequence number', ({ row }) => row.alert.sequenceNumber),
    optional('_index', 'integer', 'Its position in the body', ({ row }) => row.alert.index),
    ...batchColumns<AlertRow>(),
  ]);
}

export function lateColumns(metrics: readonly string[]): readonly ResultColumn<LateRow>[] {
  return distinct('windows.metrics', [
    required('device_id', 'string', 'The device', ({ row }) => row.device),
    required(
      'event_time',
      'timestamp',
      "The device's own time of the reading",
      ({ row }) => row.eventTimeMicros,
    ),
    ...metrics.map((name) => valueColumn<LateRow>(name, ({ values }) => values)),
    required('watermark', 'timestamp', 'What the reading came behind', ({ row }) => row.watermarkMicros),
    required('_source', 'string', 'Event hub of the reading', ({ row }) => row.source),
    required('_partition', 'string', 'Its partition', ({ row }) => row.partition),
    required('_sequence_number', 'long', 'Its sequence number', ({ row }) => row.sequenceNumber),
    required('_index', 'integer', 'Its position in the body', ({ row }) => row.index),
    ...batchColumns<LateRow>(),
  ]);
}

export function schemaOf(columns: readonly ResultColumn<never>[]): StructType {
  return {
    type: 'struct',
    fields: columns.map(({ name, type, nullable, comment }) => ({
      ...{ name, type, nullable },
      metadata: { comment },
    })),
  };
}

export function batchOf<Row>(
  columns: readonly ResultColumn<Row>[],
  rows: readonly Placed<Row>[],
): ColumnBatch {
  const builder = new BatchBuilder(
    columns.map(({ name, type, nullable }) => ({ name, type, nullable })),
    rows.length + 1,
  );
  for (const placed of rows) {
    columns.forEach((column, index) => {
      const value = column.value(placed);
      if (value === null || value === undefined) return;
      if (typeof value === 'string') builder.setText(index, value);
      else builder.setNumber(index, Number(value));
    });
    builder.endRow();
  }
  return builder.finish();
}

function aggregateColumn(metric: string, aggregate: Aggregate): ResultColumn<WindowRow> {
  const name = aggregate === 'range' ? `${metric}_range` : `${aggregate}_${metric}`;
  const type = aggregate === 'count' ? 'long' : 'double';
  return optional(name, type, aggregateComments[aggregate], ({ row, fields }) => {
    return row.window.metrics[fields.indexOf(metric)]?.[aggregate];
  });
}

function valueColumn<Row>(
  name: string,
  valuesOf: (row: Row) => readonly (number | null)[],
): ResultColumn<Row> {
  return optional(
    name,
    'double',
    'Value of the reading',
    ({ row, fields }) => valuesOf(row)[fields.indexOf(name)],
  );
}

function batchColumns<Row>(): readonly ResultColumn<Row>[] {
  return [
    required('_shard', 'integer', 'Device shard that the row comes from', ({ shard }) => shard),
    required('_batch', 'long', 'Number of its sealed batch', ({ batch }) => batch),
  ];
}

function required<Row>(
  name: string,
  type: ColumnType,
  comment: string,
  value: ResultColumn<Row>['value'],
): ResultColumn<Row> {
  return { name, type, nullable: false, comment, value };
}

function optional<Row>(
  name: string,
  type: ColumnType,
  comment: string,
  value: ResultColumn<Row>['value'],
): ResultColumn<Row> {
  return { name, type, nullable: true, comment, value };
}

/** Columns are named after fields, so a field's name may hit another column's: Delta compares without case. */
function distinct<Row>(path: string, columns: readonly ResultColumn<Row>[]): readonly ResultColumn<Row>[] {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name.toLowerCase())) {
      throw new TributaryError(
        'CONFIG_INVALID',
        `${path}: two columns of a result table would be called "${name}"; rename the field that gives it its name`,
      );
    }
    seen.add(name.toLowerCase());
  }
  return columns;
}
