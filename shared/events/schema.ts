// Pure. The columns of `readings` and `quarantine`.
import type { ColumnField, ColumnType } from '../parquet/index.js';
import type { Field, Pipeline } from '../pipeline/index.js';

interface DescribedField extends ColumnField {
  /** For people; a column's comment in Delta. */
  readonly comment: string | undefined;
}

/** A Delta struct, as in a table's `schemaString`. */
export interface TableSchema {
  readonly type: 'struct';
  readonly fields: readonly (ColumnField & { readonly metadata: Readonly<Record<string, unknown>> })[];
}

/** Where a row comes from: (source, partition, sequence number, index) names it for ever, over both tables. */
const coordinates: readonly DescribedField[] = [
  column('_source', 'string', 'Event hub the event came from', false),
  column('_partition', 'string', 'Partition of the event hub', false),
  column('_sequence_number', 'long', 'Sequence number of the event in its partition', false),
  column(
    '_index',
    'integer',
    'Position in the array of the body; 0 for a single object, -1 for a whole body',
    false,
  ),
  column('_enqueued_time', 'timestamp', 'When the broker took the event', false),
  column('_ingest_time', 'timestamp', 'When the event was decoded', false),
];

const quarantineColumns: readonly DescribedField[] = [
  column('reason', 'string', 'Why it could not be used; docs/errors.md explains each', false),
  column('detail', 'string', 'What is wrong, and where'),
  column('body', 'binary', 'The exact bytes: of the whole body, or of one reading of an array'),
  column('device_id', 'string', 'The device, where it is known'),
  column('properties', 'string', 'Application and system properties of the event, as JSON'),
  ...coordinates,
];

/** Columns of `readings`, in order: who and when, the pipeline's fields, what did not fit, where it came from. */
export function readingFields(pipeline: Pipeline): readonly ColumnField[] {
  return readingColumns(pipeline).map(withoutComment);
}

export function quarantineFields(): readonly ColumnField[] {
  return quarantineColumns.map(withoutComment);
}

/** `readingFields` with units and descriptions as comments. */
export function readingSchema(pipeline: Pipeline): TableSchema {
  return tableSchema(readingColumns(pipeline));
}

/** `quarantineFields` with comments. */
export function quarantineSchema(): TableSchema {
  return tableSchema(quarantineColumns);
}

function readingColumns(pipeline: Pipeline): readonly DescribedField[] {
  return [
    column('device_id', 'string', 'The sending device', false),
    column('event_time', 'timestamp', "The device's own time of the reading", false),
    ...pipeline.fields.map((field) => column(field.name, field.type, commentOf(field))),
    column('_rescued_data', 'string', 'What the body held besides, or what did not fit its column, as JSON'),
    column('_rules', 'string', 'Conversion rules that changed a value, separated by commas'),
    ...coordinates,
  ];
}

/** `Charge left (percent)` */
function commentOf(field: Field): string | undefined {
  if (field.description === undefined) return field.unit;
  return field.unit === undefined ? field.description : `${field.description} (${field.unit})`;
}

function column(
  name: string,
  type: ColumnType,
  comment: string | undefined,
  nullable = true,
): DescribedField {
  return { name, type, nullable, comment };
}

function withoutComment({ name, type, nullable }: DescribedField): ColumnField {
  return { name, type, nullable };
}

function tableSchema(columns: readonly DescribedField[]): TableSchema {
  const fields = columns.map(({ comment, ...field }) => ({
    ...field,
    metadata: comment === undefined ? {} : { comment },
  }));
  return { type: 'struct', fields };
}
