// Pure. The schema a stream goes on with: the table's, what the files brought, and the user's hints.
import type { DataField, DataType, StructDataType } from '../../parquet/index.js';
import type { SchemaEvolutionMode } from '../../pipeline/index.js';
import { dataTypeOf, type Shape, type StructShape } from './shape.js';
import { widenedType } from './wideningType.js';

export interface EvolveOptions {
  /** Record fields as the table has them; undefined when there is no table yet. */
  readonly known: readonly DataField[] | undefined;
  readonly observed: StructShape;
  /** Dotted path in the record -> type. */
  readonly hints: ReadonlyMap<string, DataType>;
  readonly mode: SchemaEvolutionMode;
  /** False: top-level fields that are new become text. */
  readonly inferColumnTypes: boolean;
}

export interface EvolvedSchema {
  /** Known fields first, in their order; new ones at the end of their struct. */
  readonly fields: readonly DataField[];
  /** Dotted paths, with types, of what `known` lacks. */
  readonly added: readonly FieldChange[];
  readonly widened: readonly FieldChange[];
}

export interface FieldChange {
  readonly path: string;
  readonly type: DataType;
}

/** Of a table, nested ones included. Keys that are data would add columns for ever otherwise; what is beyond is rescued. */
export const mostFields = 10_000;

/**
 * The first schema takes everything in every mode. Afterwards only `addNewColumns` and
 * `addNewColumnsWithTypeWidening` change it; what the others do about new columns is up to the caller, who finds them in
 * `newColumns`.
 */
export function evolveSchema(options: EvolveOptions): EvolvedSchema {
  const { known, observed, hints, mode } = options;
  const changes = { added: [] as FieldChange[], widened: [] as FieldChange[] };
  const context: Context = {
    hints,
    changes,
    adds: known === undefined || mode === 'addNewColumns' || mode === 'addNewColumnsWithTypeWidening',
    widens: mode === 'addNewColumnsWithTypeWidening',
    topLevelAsText: !options.inferColumnTypes,
    room: { fields: mostFields - fieldCountOf(known ?? []) },
  };
  const fields = mergeFields(context, known ?? [], observed, '');
  const hinted = known === undefined ? withHintedFields(fields, hints) : fields;
  return { fields: hinted, added: changes.added, widened: changes.widened };
}

/** What the files brought that the schema lacks, whatever the mode. */
export function newColumns(options: Omit<EvolveOptions, 'mode'>): readonly FieldChange[] {
  return evolveSchema({ ...options, mode: 'addNewColumns' }).added;
}

interface Context {
  readonly hints: ReadonlyMap<string, DataType>;
  readonly changes: { readonly added: FieldChange[]; readonly widened: FieldChange[] };
  readonly adds: boolean;
  readonly widens: boolean;
  readonly topLevelAsText: boolean;
  /** How many more the table takes. */
  readonly room: { fields: number };
}

function mergeFields(
  context: Context,
  known: readonly DataField[],
  observed: StructShape,
  prefix: string,
): readonly DataField[] {
  const merged = known.map((field) => mergeField(context, field, observed.fields.get(field.name), prefix));
  if (!context.adds) return merged;
  const taken = new Set(known.map(({ name }) => name.toLowerCase()));
  for (const [name, shape] of observed.fields) {
    if (taken.has(name.toLowerCase())) continue;
    const type = newType(context, shape, `${prefix}${name}`, prefix === '');
    if (type === undefined) continue;
    const fieldCount = 1 + fieldCountIn(type);
    if (fieldCount > context.room.fields) continue;
    context.room.fields -= fieldCount;
    taken.add(name.toLowerCase());
    context.changes.added.push({ path: `${prefix}${name}`, type });
    merged.push({ name, type, nullable: true });
  }
  return merged;
}

function mergeField(context: Context, field: DataField, shape: Shape, prefix: string): DataField {
  const path = `${prefix}${field.name}`;
  const type = mergeType(context, field.type, shape, path);
  return type === field.type ? field : { ...field, type };
}

function mergeType(context: Context, type: DataType, shape: Shape, path: string): DataType {
  if (shape === undefined) return type;
  if (typeof type === 'object' && typeof shape === 'object') {
    if (type.kind === 'struct' && shape.kind === 'struct') {
      return withFields(type, mergeFields(context, type.fields, shape, `${path}.`));
    }
    if (type.kind === 'list' && shape.kind === 'list') {
      const element = mergeType(context, type.element.type, shape.element, `${path}.element`);
      return element === type.element.type
        ? type
        : { kind: 'list', element: { ...type.element, type: element } };
    }
  }
  const wider = context.widens ? widenedType(type, dataTypeOf(shape)) : undefined;
  if (wider === undefined) return type;
  context.changes.widened.push({ path, type: wider });
  return wider;
}

function withFields(type: StructDataType, fields: readonly DataField[]): DataType {
  const isSame =
    fields.length === type.fields.length && fields.every((field, at) => field === type.fields[at]);
  return isSame ? type : { kind: 'struct', fields };
}

function newType(context: Context, shape: Shape, path: string, isTopLevel: boolean): DataType | undefined {
  const hint = context.hints.get(path);
  if (hint !== undefined) return hint;
  if (typeof shape === 'object' && shape.kind === 'struct' && !(isTopLevel && context.topLevelAsText)) {
    return newStruct(context, shape, path);
  }
  const type = dataTypeOf(shape);
  return type !== undefined && isTopLevel && context.topLevelAsText ? 'string' : type;
}

function newStruct(context: Context, shape: StructShape, path: string): DataType | undefined {
  const fields = [...shape.fields].flatMap(([name, inner]) => {
    const type = newType(context, inner, `${path}.${name}`, false);
    return type === undefined ? [] : [{ name, type, nullable: true }];
  });
  return fields.length === 0 ? undefined : { kind: 'struct', fields };
}

/** A hint adds its column though no record has had it yet. Those that are there keep their types. */
export function withHintedFields(
  fields: readonly DataField[],
  hints: ReadonlyMap<string, DataType>,
): readonly DataField[] {
  let all = fields;
  for (const [path, type] of hints) all = withField(all, path.split('.'), type);
  return all;
}

function withField(
  fields: readonly DataField[],
  path: readonly string[],
  type: DataType,
): readonly DataField[] {
  const [name = '', ...rest] = path;
  const at = fields.findIndex((field) => field.name === name);
  const known = fields[at];
  // Names of columns differ by more than case; the files' spelling was first.
  const isTaken =
    known === undefined && fields.some((field) => field.name.toLowerCase() === name.toLowerCase());
  if (isTaken) return fields;
  if (rest.length === 0) return known === undefined ? [...fields, { name, type, nullable: true }] : fields;
  const inner = known === undefined ? [] : structFields(known.type);
  if (inner === undefined) return fields;
  const struct = {
    name,
    type: { kind: 'struct', fields: withField(inner, rest, type) },
    nullable: true,
  } as const;
  return known === undefined ? [...fields, struct] : fields.with(at, struct);
}

function structFields(type: DataType): readonly DataField[] | undefined {
  return typeof type === 'object' && type.kind === 'struct' ? type.fields : undefined;
}

function fieldCountOf(fields: readonly DataField[]): number {
  return fields.reduce((sum, { type }) => sum + 1 + fieldCountIn(type), 0);
}

function fieldCountIn(type: DataType): number {
  if (typeof type === 'string') return 0;
  if (type.kind === 'list') return fieldCountIn(type.element.type);
  return type.kind === 'struct' ? fieldCountOf(type.fields) : 0;
}
