// Pure. Table schemas: their JSON form (PROTOCOL.md "Schema Serialization Format"), and whether a batch fits one.
import { TributaryError } from '../base/index.js';
import type { ColumnBatch, ColumnField, ColumnType, ColumnValues } from '../parquet/index.js';
import type { StructField, StructType } from './types.js';

const columnTypes: ReadonlySet<string> = new Set<ColumnType>([
  'string',
  'binary',
  'boolean',
  'byte',
  'short',
  'integer',
  'long',
  'float',
  'double',
  'date',
  'timestamp',
  'timestamp_ntz',
]);

/** A column of a type that batches cannot hold (decimal, struct, array, map, ...), as other writers may have added. */
export interface OpaqueField {
  readonly name: string;
  /** As in the schema's JSON; nested types as JSON text. */
  readonly typeText: string;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Columns it counts for in `delta.dataSkippingNumIndexedCols`. */
  readonly leafCount: number;
}

export type TableField =
  | { readonly kind: 'column'; readonly field: StructField }
  | { readonly kind: 'opaque'; readonly field: OpaqueField };

/** All columns of a table in order. */
export interface TableSchema {
  readonly fields: readonly TableField[];
}

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corruptSchema(problem: string): TributaryError {
  return new TributaryError('DELTA_LOG_CORRUPT', `The table's schemaString ${problem}.`);
}

/** @throws TributaryError DELTA_LOG_CORRUPT */
export function parseTableSchema(schemaString: string): TableSchema {
  let json: unknown;
  try {
    json = JSON.parse(schemaString);
  } catch {
    throw corruptSchema('is not JSON');
  }
  if (!isObject(json) || json.type !== 'struct' || !Array.isArray(json.fields)) {
    throw corruptSchema('is not a struct');
  }
  return { fields: json.fields.map(parseField) };
}

function parseField(json: unknown): TableField {
  if (!isObject(json) || typeof json.name !== 'string') throw corruptSchema('has a column without a name');
  const { name, type } = json;
  const common = {
    name,
    nullable: json.nullable !== false,
    metadata: isObject(json.metadata) ? json.metadata : {},
  };
  if (typeof type === 'string' && columnTypes.has(type)) {
    return { kind: 'column', field: { ...common, type: type as ColumnType } };
  }
  const typeText = typeof type === 'string' ? type : JSON.stringify(type);
  return { kind: 'opaque', field: { ...common, typeText, leafCount: leafCountOf(type) } };
}

function leafCountOf(type: unknown): number {
  if (!isObject(type) || type.type !== 'struct' || !Array.isArray(type.fields)) return 1;
  return type.fields.reduce<number>((sum, field) => sum + (isObject(field) ? leafCountOf(field.type) : 1), 0);
}

/** The columns that batches can hold; `opaque` ones are left out. */
export function columnsOf(schema: TableSchema): readonly StructField[] {
  return schema.fields.flatMap((entry) => (entry.kind === 'column' ? [entry.field] : []));
}

export function schemaString(schema: StructType): string {
  const fields = schema.fields.map(({ name, type, nullable, metadata }) => ({
    name,
    type,
    nullable,
    metadata,
  }));
  return JSON.stringify({ type: 'struct', fields });
}

/** Refused by Spark in column names when columns are not mapped. */
export const forbiddenInNames = /[ ,;{}()\n\t=]/;

/**
 * Rules for the schema of a table to be created.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH
 */
export function assertCreatableSchema(schema: StructType): void {
  const fail = (problem: string): never => {
    throw new TributaryError('DELTA_SCHEMA_MISMATCH', `The schema of the new table ${problem}.`);
  };
  if (schema.fields.length === 0) fail('has no columns');
  const seen = new Set<string>();
  for (const { name } of schema.fields) {
    if (name === '') fail('has a column with an empty name');
    if (forbiddenInNames.test(name)) {
      fail(`has the column "${name}"; names may not hold spaces or any of ,;{}()= and line breaks`);
    }
    if (seen.has(name.toLowerCase()))
      fail(`has two columns "${name}"; names are compared without regard to case`);
    seen.add(name.toLowerCase());
  }
}

export type Alignment =
  | { readonly kind: 'aligned'; readonly batch: ColumnBatch }
  | { readonly kind: 'mismatch'; readonly problems: readonly string[] };

/**
 * The batch with the table's columns in the table's order and spelling: missing nullable columns become nulls; extra
 * columns, other types, and nulls in columns that may not have them are problems. Opaque columns are left out of the
 * file, which reads as null.
 */
export function alignBatch(batch: ColumnBatch, schema: TableSchema): Alignment {
  const given = new Map<string, number>();
  const problems: string[] = [];
  for (const [index, { name }] of batch.fields.entries()) {
    const key = name.toLowerCase();
    if (given.has(key)) problems.push(`column "${name}" is there twice`);
    given.set(key, index);
  }
  const fields: ColumnField[] = [];
  const columns: ColumnValues[] = [];
  for (const entry of schema.fields) {
    const key = entry.field.name.toLowerCase();
    const index = given.get(key);
    given.delete(key);
    if (entry.kind === 'opaque') {
      const problem = problemOfOpaque(entry.field, index !== undefined);
      if (problem !== undefined) problems.push(problem);
      continue;
    }
    const { name, type, nullable } = entry.field;
    fields.push({ name, type, nullable });
    const problem = problemOfColumn(entry.field, batch, index);
    if (problem !== undefined) problems.push(problem);
    columns.push(index === undefined ? nullColumn(type, batch.rowCount) : batch.columns[index]!);
  }
  for (const index of given.values()) {
    problems.push(`column "${batch.fields[index]!.name}" is not in the table`);
  }
  if (problems.length > 0) return { kind: 'mismatch', problems };
  return { kind: 'aligned', batch: { rowCount: batch.rowCount, fields, columns } };
}

function problemOfOpaque(field: OpaqueField, isGiven: boolean): string | undefined {
  if (isGiven)
    return `column "${field.name}" has the type ${field.typeText} in the table, which cannot be written`;
  if (!field.nullable) return `column "${field.name}" is missing and may not be null`;
  return undefined;
}

function problemOfColumn(
  field: StructField,
  batch: ColumnBatch,
  index: number | undefined,
): string | undefined {
  if (index === undefined) {
    return field.nullable ? undefined : `column "${field.name}" is missing and may not be null`;
  }
  const given = batch.fields[index]!;
  if (given.type !== field.type) {
    return `column "${given.name}" has the type ${given.type}; in the table it is ${field.type}`;
  }
  if (field.nullable) return undefined;
  const row = firstNull(batch.columns[index]!, batch.rowCount);
  return row < 0 ? undefined : `column "${given.name}" may not be null, but is in row ${row}`;
}

/** Row of the first null, -1 when there is none. */
function firstNull(column: ColumnValues, rowCount: number): number {
  if (column.kind === 'numbers') {
    const row = column.validity?.indexOf(0) ?? -1;
    return row < rowCount ? row : -1;
  }
  const row = (column.values as readonly unknown[]).indexOf(null);
  return row < rowCount ? row : -1;
}

/** A column of nulls in the form that the type has in batches. */
export function nullColumn(type: ColumnType, rowCount: number): ColumnValues {
  const validity = new Uint8Array(rowCount);
  switch (type) {
    case 'string':
      return { kind: 'text', values: new Array<null>(rowCount).fill(null) };
    case 'binary':
      return { kind: 'bytes', values: new Array<null>(rowCount).fill(null) };
    case 'boolean':
      return { kind: 'numbers', values: new Uint8Array(rowCount), validity };
    case 'byte':
    case 'short':
    case 'integer':
    case 'date':
      return { kind: 'numbers', values: new Int32Array(rowCount), validity };
    default:
      return { kind: 'numbers', values: new Float64Array(rowCount), validity };
  }
}
