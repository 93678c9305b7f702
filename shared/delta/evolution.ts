// Pure. What a wider schema makes of a table's metadata and protocol.

import type { JsonObject } from './json.js';
import { fieldsOf, mergeSchema, type SchemaField, type TypeChange } from './mergeSchema.js';
import { featuresOfType, withFeatures } from './protocol.js';
import { parseSchemaJson, schemaString } from './schemaJson.js';
import type { Metadata, Protocol, StructType } from './types.js';

/** What a table is, apart from its files. */
export interface TableDefinition {
  readonly protocol: Protocol;
  readonly metadata: Metadata;
}

export interface Evolution {
  /** What the table should have; columns that it has besides stay. */
  readonly schema: StructType;
  /** Lets columns change to wider types, which asks every reader for the table feature `typeWidening`. */
  readonly allowTypeWidening: boolean;
}

export interface EvolvedTable {
  /** The very object that was given when nothing is new. */
  readonly definition: TableDefinition;
  readonly addedColumns: readonly { readonly path: readonly string[]; readonly field: SchemaField }[];
  readonly typeChanges: readonly TypeChange[];
}

/**
 * @param table for messages
 * @throws TributaryError DELTA_SCHEMA_MISMATCH when the table has a column of another type, DELTA_LOG_CORRUPT
 */
export function evolveTable(table: string, definition: TableDefinition, wanted: Evolution): EvolvedTable {
  const { metadata } = definition;
  const schema = parseSchemaJson(metadata.schemaString) as JsonObject;
  const { fields, addedColumns, typeChanges } = mergeSchema(
    fieldsOf(schema),
    fieldsOf(JSON.parse(schemaString(wanted.schema))),
    {
      table,
      allowTypeWidening: wanted.allowTypeWidening,
      partitionColumns: metadata.partitionColumns,
    },
  );
  if (addedColumns.length === 0 && typeChanges.length === 0) return { definition, addedColumns, typeChanges };
  const isWidened = typeChanges.length > 0;
  return {
    definition: {
      protocol: withFeatures(definition.protocol, [
        ...(isWidened ? ['typeWidening'] : []),
        ...neededFeatures(addedColumns, typeChanges),
      ]),
      metadata: {
        ...metadata,
        schemaString: JSON.stringify({ ...schema, fields }),
        ...(isWidened && {
          configuration: { ...metadata.configuration, 'delta.enableTypeWidening': 'true' },
        }),
      },
    },
    addedColumns,
    typeChanges,
  };
}

function neededFeatures(added: EvolvedTable['addedColumns'], changes: readonly TypeChange[]): string[] {
  const types = [...added.map(({ field }) => field.type), ...changes.map(({ toType }) => toType)];
  return [...new Set(types.flatMap(featuresOfType))];
}
