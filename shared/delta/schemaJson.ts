// Pure. Column types as a table's `schemaString` has them (PROTOCOL.md "Schema Serialization Format").
import { TributaryError } from '../base/index.js';
import type { DataField, DataType } from '../parquet/index.js';
import type { JsonObject } from './json.js';
import type { StructField, StructType } from './types.js';

export function schemaString(schema: StructType): string {
  return JSON.stringify({ type: 'struct', fields: schema.fields.map(fieldJson) });
}

export function fieldJson(field: DataField & { readonly metadata?: StructField['metadata'] }): JsonObject {
  const { name, type, nullable, metadata = {} } = field;
  return { name, type: typeJson(type), nullable, metadata };
}

/** Keys are in the order in which Spark writes them. */
export function typeJson(type: DataType): string | JsonObject {
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

/** @throws TributaryError DELTA_LOG_CORRUPT */
export function parseSchemaJson(text: string): unknown {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    throw new TributaryError('DELTA_LOG_CORRUPT', "The table's schemaString is not JSON.", { cause: error });
  }
  if (isDeeperThan(schema, maxDepth))
    throw new TributaryError('DELTA_LOG_CORRUPT', "The table's schemaString is nested too deeply.");
  return schema;
}

/** Of objects and lists in each other, three for a struct. Far more than people nest, and the stack is safe. */
const maxDepth = 600;

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((part) => isDeeperThan(part, depth - 1));
}
