// Pure. Table schemas: their JSON form (PROTOCOL.md "Schema Serialization Format"), and whether a batch fits one.
import { TributaryError } from '../base/index.js';
import type { ColumnType, DataBatch, DataField, DataType, DataValues } from '../parquet/index.js';
import { alignColumn } from './alignValues.js';
import { isJsonObject } from './json.js';
import { parseSchemaJson, typeTextOf } from './schemaJson.js';
import { dataTypeOf, isWritableType, parseColumn } from './tableTypes.js';
import type { StructField, StructType } from './types.js';

/** A column that cannot be written (`void`, `variant`, structs with such fields, ...), as other writers may have added. */
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

function corruptSchema(problem: string): TributaryError {
  return new TributaryError('DELTA_LOG_CORRUPT', `The table's schemaString ${problem}.`);
}

/** @throws TributaryError DELTA_LOG_CORRUPT */
export function parseTableSchema(schemaString: string): TableSchema {
  const json = parseSchemaJson(schemaString);
  if (!isJsonObject(json) || json.type !== 'struct' || !Array.isArray(json.fields)) {
    throw corruptSchema('is not a struct');
  }
  return { fields: json.fields.map(parseField) };
}

function parseField(json: unknown): TableField {
  const { type, ...common } = parseColumn(json);
  if (isWritableType(type)) return { kind: 'column', field: { ...common, type: dataTypeOf(type) } };
  const raw = isJsonObject(json) ? json.type : undefined;
  const typeText = typeof raw === 'string' ? raw : JSON.stringify(raw);
  return { kind: 'opaque', field: { ...common, typeText, leafCount: leafCountOf(raw) } };
}

function leafCountOf(type: unknown): number {
  if (!isJsonObject(type) || type.type !== 'struct' || !Array.isArray(type.fields)) return 1;
  return type.fields.reduce<number>(
    (sum, field) => sum + (isJsonObject(field) ? leafCountOf(field.type) : 1),
    0,
  );
}

/** The columns that can be written; `opaque` ones are left out. */
export function columnsOf(schema: TableSchema): readonly StructField[] {
  return schema.fields.flatMap((entry) => (entry.kind === 'column' ? [entry.field] : []));
}

export type PrimitiveField = StructField & { readonly type: ColumnType };

/** The columns that a `ColumnBatch` can hold: no nested ones, no decimals. */
export function primitiveColumnsOf(schema: TableSchema): readonly PrimitiveField[] {
  return columnsOf(schema).flatMap(({ type, ...common }) =>
    typeof type === 'string' ? [{ ...common, type }] : [],
  );
}

/** Refused by Spark in column names when columns are not mapped. */
export const forbiddenInNames = /[ ,;{}()\n\t=]/;

/**
 * Rules for the schema of a table to be created, and for the columns to be added to one.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH
 */
export function assertCreatableSchema(schema: StructType): void {
  const problem = problemOfFields(schema.fields, '');
  if (problem === undefined) return;
  throw new TributaryError('DELTA_SCHEMA_MISMATCH', `The schema of the new table ${problem}.`);
}

/** @param path of the struct that has the fields, with a dot at its end */
function problemOfFields(fields: readonly DataField[], path: string): string | undefined {
  if (fields.length === 0) return path === '' ? 'has no columns' : `has no fields in "${path.slice(0, -1)}"`;
  const seen = new Set<string>();
  for (const { name, type } of fields) {
    if (name === '')
      return `has a column with an empty name${path === '' ? '' : ` in "${path.slice(0, -1)}"`}`;
    if (forbiddenInNames.test(name))
      return `has the column "${path}${name}"; names may not hold spaces or any of ,;{}()= and line breaks`;
    if (seen.has(name.toLowerCase()))
      return `has two columns "${path}${name}"; names are compared without regard to case`;
    seen.add(name.toLowerCase());
    const problem = problemOfType(type, `${path}${name}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfType(type: DataType, path: string): string | undefined {
  if (typeof type === 'string') return undefined;
  switch (type.kind) {
    case 'decimal': {
      const { precision, scale } = type;
      const isValid = precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision;
      return isValid
        ? undefined
        : `has "${path}" as ${typeTextOf(type)}; decimals have 1 to 38 digits, of which the scale are some`;
    }
    case 'struct':
      return problemOfFields(type.fields, `${path}.`);
    case 'list':
      return problemOfType(type.element.type, `${path}.element`);
    case 'map':
      return problemOfType(type.key.type, `${path}.key`) ?? problemOfType(type.value.type, `${path}.value`);
    case 'void':
      return `has "${path}" as void, of which no data file can hold a column`;
  }
}

export type Alignment =
  | { readonly kind: 'aligned'; readonly batch: DataBatch }
  | { readonly kind: 'mismatch'; readonly problems: readonly string[] };

/**
 * The batch with the table's columns in the table's order and spelling, fields of structs included: missing nullable columns
 * and fields become nulls; extra ones, other types, and nulls where there may be none are problems. Opaque columns are left
 * out of the file, which reads as null.
 */
export function alignBatch(batch: DataBatch, schema: TableSchema): Alignment {
  const given = new Map<string, number>();
  const problems: string[] = [];
  for (const [index, { name }] of batch.fields.entries()) {
    const key = name.toLowerCase();
    if (given.has(key)) problems.push(`column "${name}" is there twice`);
    given.set(key, index);
  }
  const fields: DataField[] = [];
  const columns: DataValues[] = [];
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
    columns.push(alignColumn(entry.field, batch, index, problems));
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
