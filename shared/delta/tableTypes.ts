// Pure. The columns of a table with types of every kind (PROTOCOL.md "Schema Serialization Format"), as a reader needs them.
import { TributaryError } from '../base/index.js';
import type { ColumnType, DataField, DataType, DecimalType, VoidType } from '../parquet/index.js';
import { isJsonObject } from './json.js';
import { parseSchemaJson } from './schemaJson.js';

export interface TableColumn {
  readonly name: string;
  readonly type: TableType;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export type TableType =
  | ColumnType
  | DecimalType
  | VoidType
  | { readonly kind: 'struct'; readonly fields: readonly TableColumn[] }
  | { readonly kind: 'list'; readonly element: TableColumn }
  | { readonly kind: 'map'; readonly key: TableColumn; readonly value: TableColumn }
  /** A type of which nothing but the name is known here, such as `variant`. */
  | { readonly kind: 'unknown'; readonly typeText: string };

const columnTypes: Readonly<Record<string, ColumnType>> = {
  string: 'string',
  binary: 'binary',
  boolean: 'boolean',
  byte: 'byte',
  short: 'short',
  integer: 'integer',
  long: 'long',
  float: 'float',
  double: 'double',
  date: 'date',
  timestamp: 'timestamp',
  timestamp_ntz: 'timestamp_ntz',
};

function corruptSchema(problem: string): TributaryError {
  return new TributaryError('DELTA_LOG_CORRUPT', `The table's schemaString ${problem}.`);
}

/** @throws TributaryError DELTA_LOG_CORRUPT */
export function parseTableColumns(schemaString: string): readonly TableColumn[] {
  const type = parseType(parseSchemaJson(schemaString));
  if (typeof type !== 'object' || type.kind !== 'struct') throw corruptSchema('is not a struct');
  return type.fields;
}

function parseType(json: unknown): TableType {
  if (typeof json === 'string') return parsePrimitive(json);
  if (!isJsonObject(json)) throw corruptSchema('has a column without a type');
  switch (json.type) {
    case 'struct':
      if (!Array.isArray(json.fields)) throw corruptSchema('has a struct without fields');
      return { kind: 'struct', fields: json.fields.map(parseColumn) };
    case 'array':
      return { kind: 'list', element: part('element', json.elementType, json.containsNull !== false) };
    case 'map':
      return {
        kind: 'map',
        key: part('key', json.keyType, false),
        value: part('value', json.valueType, json.valueContainsNull !== false),
      };
    default:
      return { kind: 'unknown', typeText: JSON.stringify(json) };
  }
}

/** Elements, keys and values have no names of their own; Parquet's are used. */
function part(name: string, type: unknown, nullable: boolean): TableColumn {
  return { name, type: parseType(type), nullable, metadata: {} };
}

/** @throws TributaryError DELTA_LOG_CORRUPT */
export function parseColumn(json: unknown): TableColumn {
  if (!isJsonObject(json) || typeof json.name !== 'string')
    throw corruptSchema('has a column without a name');
  return {
    name: json.name,
    type: parseType(json.type),
    nullable: json.nullable !== false,
    metadata: isJsonObject(json.metadata) ? json.metadata : {},
  };
}

const decimalText = /^decimal(?:\(\s*(\d+)\s*,\s*(\d+)\s*\))?$/;
const maxPrecision = 38;

function parsePrimitive(text: string): TableType {
  const known = Object.hasOwn(columnTypes, text) ? columnTypes[text] : undefined;
  if (known !== undefined) return known;
  if (text === 'void' || text === 'null') return { kind: 'void' };
  const decimal = decimalText.exec(text);
  if (decimal === null) return { kind: 'unknown', typeText: text };
  const precision = Number(decimal[1] ?? 10);
  const scale = Number(decimal[2] ?? 0);
  if (precision < 1 || precision > maxPrecision || scale > precision)
    throw corruptSchema(`has the type ${text}`);
  return { kind: 'decimal', precision, scale };
}

/** The name of a type that cannot be read, wherever inside; undefined when all can. */
export function unreadableType(type: TableType): string | undefined {
  if (typeof type === 'string') return undefined;
  if (type.kind === 'unknown') return type.typeText;
  for (const column of partsOf(type)) {
    const found = unreadableType(column.type);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether columns of the type can be written: all parts can be read and are not `void`. */
export function isWritableType(type: TableType): boolean {
  if (typeof type === 'string') return true;
  if (type.kind === 'unknown' || type.kind === 'void') return false;
  if (type.kind === 'struct' && type.fields.length === 0) return false;
  return partsOf(type).every((column) => isWritableType(column.type));
}

/** The columns inside a type. */
export function partsOf(type: TableType): readonly TableColumn[] {
  if (typeof type === 'string') return [];
  if (type.kind === 'struct') return type.fields;
  if (type.kind === 'list') return [type.element];
  return type.kind === 'map' ? [type.key, type.value] : [];
}

/** The field that the column has in batches. @throws Error for unreadable types, which must have been ruled out */
export function dataFieldOf(column: TableColumn): DataField {
  return { name: column.name, type: dataTypeOf(column.type), nullable: column.nullable };
}

export function dataTypeOf(type: TableType): DataType {
  if (typeof type === 'string') return type;
  switch (type.kind) {
    case 'decimal':
    case 'void':
      return type;
    case 'struct':
      return { kind: 'struct', fields: type.fields.map(dataFieldOf) };
    case 'list':
      return { kind: 'list', element: dataFieldOf(type.element) };
    case 'map':
      return { kind: 'map', key: dataFieldOf(type.key), value: dataFieldOf(type.value) };
    case 'unknown':
      throw new Error(`the type ${type.typeText} cannot be read`);
  }
}
