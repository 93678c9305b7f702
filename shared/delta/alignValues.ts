// Pure. A column of a batch as the table's column: fields of structs in the table's order and spelling, missing ones null.
import { type DataBatch, type DataField, type DataValues, isNullAt, nullValues } from '../parquet/index.js';
import { typeTextOf } from './schemaJson.js';

/** A column of a batch, or a part of one. */
interface Part {
  /** What the table has. */
  readonly field: DataField;
  /** What the batch says of it. */
  readonly given: DataField;
  readonly values: DataValues;
  readonly count: number;
  /** For messages, in the batch's spelling. */
  readonly path: string;
  /** What its entries are called. */
  readonly entryName: 'row' | 'entry';
  /** The struct that it is a field of: under a null one, nothing need be there. */
  readonly parent?: DataValues;
}

type StructValues = Extract<DataValues, { kind: 'struct' }>;

/** @param index of the batch's column, undefined when it has none; what does not fit is added to `problems` */
export function alignColumn(
  field: DataField,
  batch: DataBatch,
  index: number | undefined,
  problems: string[],
): DataValues {
  if (index === undefined) return missing(field, field.name, batch.rowCount, problems);
  const given = batch.fields[index]!;
  const values = batch.columns[index]!;
  const { rowCount: count } = batch;
  return align({ field, given, values, count, path: given.name, entryName: 'row' }, problems);
}

function missing(field: DataField, path: string, count: number, problems: string[]): DataValues {
  if (!field.nullable) problems.push(`column "${path}" is missing and may not be null`);
  return nullValues(field.type, count);
}

function align(part: Part, problems: string[]): DataValues {
  const { field, given, values, path } = part;
  if (!isSameKind(field, given)) {
    const [found, wanted] = [typeTextOf(given.type), typeTextOf(field.type)];
    problems.push(`column "${path}" has the type ${found}; in the table it is ${wanted}`);
    return values;
  }
  const row = field.nullable ? -1 : firstNull(part);
  if (row >= 0) problems.push(`column "${path}" may not be null, but is in ${part.entryName} ${row}`);
  return alignParts(part, problems);
}

/** Whether the types agree but for the parts inside. */
function isSameKind({ type }: DataField, { type: given }: DataField): boolean {
  if (typeof type === 'string' || typeof given === 'string') return type === given;
  if (type.kind === 'decimal' && given.kind === 'decimal')
    return type.precision === given.precision && type.scale === given.scale;
  return type.kind === given.kind;
}

function alignParts(part: Part, problems: string[]): DataValues {
  const { values, path, count } = part;
  const { type } = part.field;
  const { type: given } = part.given;
  if (typeof type === 'string' || typeof given === 'string') return values;
  if (type.kind === 'struct' && given.kind === 'struct' && values.kind === 'struct') {
    return { ...values, children: alignFields(type.fields, given.fields, values, part, problems) };
  }
  const inside = (
    name: string,
    field: DataField,
    fieldGiven: DataField,
    entries: DataValues,
    of: Int32Array,
  ) =>
    align(
      {
        field,
        given: fieldGiven,
        values: entries,
        count: of[count] ?? 0,
        path: `${path}.${name}`,
        entryName: 'entry',
      },
      problems,
    );
  if (type.kind === 'list' && given.kind === 'list' && values.kind === 'list') {
    const { element, offsets } = values;
    return { ...values, element: inside('element', type.element, given.element, element, offsets) };
  }
  if (type.kind === 'map' && given.kind === 'map' && values.kind === 'map') {
    const { keys, offsets } = values;
    return {
      ...values,
      keys: inside('key', type.key, given.key, keys, offsets),
      values: inside('value', type.value, given.value, values.values, offsets),
    };
  }
  return values;
}

function alignFields(
  fields: readonly DataField[],
  givenFields: readonly DataField[],
  struct: StructValues,
  { count, path, entryName }: Part,
  problems: string[],
): DataValues[] {
  const indexes = new Map<string, number>();
  for (const [index, { name }] of givenFields.entries()) {
    if (indexes.has(name.toLowerCase())) problems.push(`column "${path}.${name}" is there twice`);
    indexes.set(name.toLowerCase(), index);
  }
  const aligned = fields.map((field) => {
    const index = indexes.get(field.name.toLowerCase());
    indexes.delete(field.name.toLowerCase());
    if (index === undefined) return missing(field, `${path}.${field.name}`, count, problems);
    const given = givenFields[index]!;
    const values = struct.children[index]!;
    const at = `${path}.${given.name}`;
    return align({ field, given, values, count, path: at, entryName, parent: struct }, problems);
  });
  for (const index of indexes.values())
    problems.push(`column "${path}.${givenFields[index]!.name}" is not in the table`);
  return aligned;
}

/** The first null that stands under no null of the parent, -1 when there is none. */
function firstNull({ values, count, parent }: Part): number {
  if (parent === undefined) {
    const row = indexOfNull(values);
    return row < count ? row : -1;
  }
  for (let row = 0; row < count; row++)
    if (isNullAt(values, row) && (parent === undefined || !isNullAt(parent, row))) return row;
  return -1;
}

/** Also beyond the batch's rows. */
function indexOfNull(values: DataValues): number {
  if (values.kind === 'void') return 0;
  if (values.kind === 'text' || values.kind === 'bytes')
    return (values.values as readonly unknown[]).indexOf(null);
  return values.validity?.indexOf(0) ?? -1;
}
