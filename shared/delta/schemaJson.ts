// Pure. Column types as a table's `schemaString` has them (PROTOCOL.md "Schema Serialization Format").
import type { DataField, DataType } from '../parquet/index.js';
import type { StructField, StructType } from './types.js';

export type Json = Readonly<Record<string, unknown>>;

export function schemaString(schema: StructType): string {
  return JSON.stringify({ type: 'struct', fields: schema.fields.map(fieldJson) });
}

export function fieldJson(field: DataField & { readonly metadata?: StructField['metadata'] }): Json {
  const { name, type, nullable, metadata = {} } = field;
  return { name, type: typeJson(type), nullable, metadata };
}

/** Keys are in the order in which Spark writes them. */
export function typeJson(type: DataType): string | Json {
  if (typeof type === 'string') return type;
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'struct':
      return { type: 'struct', fields: type.fields.map(fieldJson) };
    case 'list': {
      const { element } = type;
      return { type: 'array', elementType: typeJson(element.type), containsNull: element.nullable };
    }
    case 'map': {
      const { key, value } = type;
      return {
        type: 'map',
        keyType: typeJson(key.type),
        valueType: typeJson(value.type),
        valueContainsNull: value.nullable,
      };
    }
    case 'void':
      return 'void';
  }
}

/** For people: primitive types and decimals by their name, nested ones as in the schema. */
export function typeTextOf(type: DataType): string {
  const json = typeJson(type);
  return typeof json === 'string' ? json : JSON.stringify(json);
}
