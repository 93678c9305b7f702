// Pure. A table that passed the checks for writing, with its schema at hand.
import type { TableDefinition } from './evolution.js';
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
  return {
    definition,
    columns: parseTableColumns(metadata.schemaString),
    schema,
    writableColumns: columnsOf(schema),
    configuration: metadata.configuration,
  };
}
