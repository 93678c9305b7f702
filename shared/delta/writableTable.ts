// Pure. A table that passed the checks for writing, with its schema at hand.
import { TributaryError } from '../base/index.js';
import type { TableDefinition } from './evolution.js';
import type { PartitionColumn } from './partitionRows.js';
import { assertWritable } from './protocol.js';
import { columnsOf, parseTableSchema, type TableSchema } from './schema.js';
import { parseTableColumns, type TableColumn } from './tableTypes.js';
import type { StructField } from './types.js';

export interface WritableTable {
  readonly definition: TableDefinition;
  /** All columns, as a reader sees them. */
  readonly columns: readonly TableColumn[];
  readonly schema: TableSchema;
  /** The columns that batches can hold. */
  readonly writableColumns: readonly StructField[];
  readonly partitionColumns: readonly PartitionColumn[];
  /** What data files hold: all but the partition columns. */
  readonly dataSchema: TableSchema;
  readonly dataColumns: readonly StructField[];
  readonly configuration: Readonly<Record<string, string>>;
}

/**
 * @param name for messages
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED, DELTA_LOG_CORRUPT
 */
export function writableTable(name: string, definition: TableDefinition): WritableTable {
  const { protocol, metadata } = definition;
  assertWritable(name, protocol, metadata);
  const schema = parseTableSchema(metadata.schemaString);
  const partitionNames = new Set(metadata.partitionColumns);
  const isData = ({ name: column }: { readonly name: string }) => !partitionNames.has(column);
  const writableColumns = columnsOf(schema);
  return {
    definition,
    columns: parseTableColumns(metadata.schemaString),
    schema,
    writableColumns,
    partitionColumns: metadata.partitionColumns.map((column) => partitionColumn(name, schema, column)),
    dataSchema: { fields: schema.fields.filter(({ field }) => isData(field)) },
    dataColumns: writableColumns.filter(isData),
    configuration: metadata.configuration,
  };
}

/** In the schema's spelling, which readers here and in Spark expect: another one would hide the values from them. */
function partitionColumn(table: string, schema: TableSchema, name: string): PartitionColumn {
  const found = schema.fields.find(({ field }) => field.name === name);
  if (found === undefined) {
    throw new TributaryError(
      'DELTA_LOG_CORRUPT',
      `Table ${table} is partitioned by "${name}", which is none of its columns.`,
    );
  }
  const { nullable } = found.field;
  return { name, nullable, field: found.kind === 'column' ? found.field : undefined };
}
