// Pure. A table's schema widened by another one: new columns at the end of their struct, and wider types where they are allowed.
// Works on the schema's JSON, so that whatever other engines wrote about a column stays.
import { TributaryError } from '../base/index.js';
import { isJsonObject, type JsonObject } from './json.js';
import { forbiddenInNames } from './schema.js';
import { canWiden, isSameType } from './wideType.js';

/** A column in the schema's JSON (PROTOCOL.md "Struct Field"). */
export type SchemaField = JsonObject & { readonly name: string; readonly type: unknown };

export interface TypeChange {
  /** Of the column, e.g. `place.height` or `counts.element`. */
  readonly path: string;
  readonly fromType: string;
  readonly toType: string;
}

export interface MergedSchema {
  /** The very array that was given when nothing is new. */
  readonly fields: readonly SchemaField[];
  /** Paths of the new columns, e.g. `place.height`. */
  readonly addedColumns: readonly { readonly path: readonly string[]; readonly field: SchemaField }[];
  readonly typeChanges: readonly TypeChange[];
}

export interface MergeOptions {
  /** For messages. */
  readonly table: string;
  readonly allowTypeWidening: boolean;
  /** They keep their types: files name their values by text. */
  readonly partitionColumns: readonly string[];
}

/**
 * Names are compared without their case, and the table's spelling stays. New columns are nullable, whatever `wanted` says. A wanted
 * type whose values the table's type holds is no change.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH, naming both types where a column has another one
 */
export function mergeSchema(
  current: readonly SchemaField[],
  wanted: readonly SchemaField[],
  options: MergeOptions,
): MergedSchema {
  const merge = new SchemaMerge(options);
  const fields = merge.fields(current, wanted, []);
  return { fields, addedColumns: merge.addedColumns, typeChanges: merge.typeChanges };
}

/** A change inside the type of one field, as that field's metadata records it. */
interface RecordedChange {
  readonly fromType: string;
  readonly toType: string;
  /** From the field down to the type; absent when it is the field's own. */
  readonly fieldPath?: string;
}

class SchemaMerge {
  readonly addedColumns: MergedSchema['addedColumns'][number][] = [];
  readonly typeChanges: TypeChange[] = [];
  readonly #partitionColumns: ReadonlySet<string>;

  constructor(private readonly options: MergeOptions) {
    this.#partitionColumns = new Set(options.partitionColumns.map((name) => name.toLowerCase()));
  }

  fields(
    current: readonly SchemaField[],
    wanted: readonly SchemaField[],
    path: readonly string[],
  ): readonly SchemaField[] {
    const merged = [...current];
    const indexes = new Map(current.map(({ name }, index) => [name.toLowerCase(), index]));
    for (const field of wanted) {
      const key = field.name.toLowerCase();
      const index = indexes.get(key);
      if (index !== undefined) {
        merged[index] = this.#field(merged[index]!, field, path);
        continue;
      }
      assertName(field, this.options.table);
      const added = { ...field, type: asNullable(field.type, this.options.table), nullable: true };
      indexes.set(key, merged.push(added) - 1);
      this.addedColumns.push({ path: [...path, field.name], field: added });
    }
    const isSame = merged.length === current.length && merged.every((field, at) => field === current[at]);
    return isSame ? current : merged;
  }

  #field(current: SchemaField, wanted: SchemaField, parents: readonly string[]): SchemaField {
    const changes: RecordedChange[] = [];
    const path = [...parents, current.name];
    const type = this.#type(current.type, wanted.type, path, [], changes);
    if (type === current.type) return current;
    if (changes.length === 0) return { ...current, type };
    const metadata = isJsonObject(current.metadata) ? current.metadata : {};
    const earlier = metadata['delta.typeChanges'];
    const all = [...(Array.isArray(earlier) ? earlier : []), ...changes];
    return { ...current, type, metadata: { ...metadata, 'delta.typeChanges': all } };
  }

  /** @param inField steps from the field to the type: `element`, `key`, `value` */
  #type(
    current: unknown,
    wanted: unknown,
    path: readonly string[],
    inField: readonly string[],
    changes: RecordedChange[],
  ): unknown {
    if (typeof current === 'string' && typeof wanted === 'string')
      return this.#primitive(current, wanted, path, inField, changes);
    if (!isJsonObject(current) || !isJsonObject(wanted) || current.type !== wanted.type)
      throw this.#mismatch(path, current, wanted);
    const part = (key: 'elementType' | 'keyType' | 'valueType', step: string): JsonObject => {
      const type = this.#type(current[key], wanted[key], [...path, step], [...inField, step], changes);
      return type === current[key] ? {} : { [key]: type };
    };
    switch (current.type) {
      case 'struct': {
        const fields = this.fields(fieldsOf(current), fieldsOf(wanted), path);
        return fields === current.fields ? current : { ...current, fields };
      }
      case 'array':
        return withParts(current, part('elementType', 'element'));
      case 'map':
        return withParts(current, { ...part('keyType', 'key'), ...part('valueType', 'value') });
      default:
        throw this.#mismatch(path, current, wanted);
    }
  }

  #primitive(
    current: string,
    wanted: string,
    path: readonly string[],
    inField: readonly string[],
    changes: RecordedChange[],
  ): string {
    if (isSameType(current, wanted) || canWiden(wanted, current)) return current;
    const isPartition = path.length === 1 && this.#partitionColumns.has(path[0]!.toLowerCase());
    if (!this.options.allowTypeWidening || isPartition || !canWiden(current, wanted))
      throw this.#mismatch(path, current, wanted);
    const change = { fromType: current, toType: wanted };
    changes.push(inField.length === 0 ? change : { ...change, fieldPath: inField.join('.') });
    this.typeChanges.push({ path: path.join('.'), ...change });
    return wanted;
  }

  #mismatch(path: readonly string[], current: unknown, wanted: unknown): TributaryError {
    const wantedText = typeof wanted === 'string' ? wanted : JSON.stringify(wanted);
    return new TributaryError(
      'DELTA_SCHEMA_MISMATCH',
      `Column "${path.join('.')}" of table ${this.options.table} is ${JSON.stringify(current)}, but ${wantedText} is wanted. ` +
        'A column keeps its type: give the new one another name, or write to another table.',
    );
  }
}

function withParts(type: JsonObject, parts: JsonObject): JsonObject {
  return Object.keys(parts).length === 0 ? type : { ...type, ...parts };
}

/** The fields of a schema or of a struct in its JSON. @throws TributaryError DELTA_LOG_CORRUPT */
export function fieldsOf(struct: JsonObject): readonly SchemaField[] {
  const { fields } = struct;
  const areFields =
    Array.isArray(fields) && fields.every((field) => isJsonObject(field) && typeof field.name === 'string');
  if (areFields) return fields as readonly SchemaField[];
  throw new TributaryError('DELTA_LOG_CORRUPT', "The table's schemaString has a column without a name.");
}

/** As Spark makes the columns that it adds: rows of before have no value anywhere in them. */
function asNullable(type: unknown, table: string): unknown {
  if (!isJsonObject(type)) return type;
  if (type.type === 'struct') {
    const fields = fieldsOf(type);
    const names = new Set(fields.map(({ name }) => name.toLowerCase()));
    if (names.size < fields.length)
      throw badName(table, 'two fields of one struct', 'differ in more than case');
    for (const field of fields) assertName(field, table);
    const nullable = fields.map((field) => ({
      ...field,
      type: asNullable(field.type, table),
      nullable: true,
    }));
    return { ...type, fields: nullable };
  }
  if (type.type === 'array')
    return { ...type, elementType: asNullable(type.elementType, table), containsNull: true };
  if (type.type !== 'map') return type;
  return {
    ...type,
    keyType: asNullable(type.keyType, table),
    valueType: asNullable(type.valueType, table),
    valueContainsNull: true,
  };
}

function assertName({ name }: SchemaField, table: string): void {
  if (name !== '' && !forbiddenInNames.test(name)) return;
  throw badName(
    table,
    `the new column "${name}"`,
    'have a name without spaces, line breaks and any of ,;{}()=',
  );
}

function badName(table: string, what: string, rule: string): TributaryError {
  return new TributaryError('DELTA_SCHEMA_MISMATCH', `Table ${table}: ${what} must ${rule}.`);
}
