// Pure. A stream's table and the records of its files: the same fields, under other names where the stream renames them.
import type { DataField, DataType } from '../../parquet/index.js';
import type { FileStream } from '../../pipeline/index.js';
import { fieldOf, isLineageColumn } from './columnNames.js';
import { type EvolvedSchema, evolveSchema, withHintedFields } from './evolve.js';
import { lineageFields } from './recordWriter.js';
import type { StructShape } from './shape.js';

export type SchemaRules = Pick<FileStream, 'rename' | 'schemaEvolutionMode' | 'inferColumnTypes'> & {
  /** Path in the record -> type. */
  readonly hints: ReadonlyMap<string, DataType>;
};

/** Whether what files bring is to become part of the table. */
export function grows({ schemaEvolutionMode: mode }: SchemaRules): boolean {
  return mode === 'addNewColumns' || mode === 'addNewColumnsWithTypeWidening';
}

/** The table's columns without the loader's own, as fields of a record. */
export function recordFieldsOf(
  columns: readonly DataField[],
  { rename }: Pick<SchemaRules, 'rename'>,
): readonly DataField[] {
  return columns
    .filter(({ name }) => !isLineageColumn(name))
    .map((column) => ({ ...column, name: fieldOf(column.name, rename) }));
}

/**
 * @param columns of the table; empty when there is none yet, or none but the loader's own
 * @param observed what the files brought
 * @returns all columns of the table from now on: those that it has keep their places, new ones follow
 */
export function evolveColumns(
  columns: readonly DataField[],
  observed: StructShape,
  rules: SchemaRules,
): EvolvedSchema {
  const known = recordFieldsOf(columns, rules);
  const evolved = evolveSchema({
    known: known.length === 0 ? undefined : known,
    observed: withoutTaken(observed, rules),
    hints: rules.hints,
    mode: rules.schemaEvolutionMode,
    inferColumnTypes: rules.inferColumnTypes,
  });
  return { ...evolved, fields: columnsOf(columns, evolved.fields, rules) };
}

/** Columns that the files brought and the table lacks, whatever the mode. */
export function unexpectedColumns(
  columns: readonly DataField[],
  observed: StructShape,
  rules: SchemaRules,
): readonly string[] {
  const { added } = evolveColumns(columns, observed, { ...rules, schemaEvolutionMode: 'addNewColumns' });
  return added.map(({ path }) => path);
}

/** The columns that the hints ask for besides; frozen schemas stay as they are. */
export function withHintedColumns(columns: readonly DataField[], rules: SchemaRules): readonly DataField[] {
  const known = recordFieldsOf(columns, rules);
  if (known.length === 0 || !(grows(rules) || rules.schemaEvolutionMode === 'failOnNewColumns'))
    return columns;
  return columnsOf(columns, withHintedFields(known, rules.hints), rules);
}

/** A field has no column of its own when its name is that of the loader's, or of one that another field fills. */
function withoutTaken(observed: StructShape, { rename }: SchemaRules): StructShape {
  const filled = new Set(Object.keys(rename).map((column) => column.toLowerCase()));
  const sources = new Set(Object.values(rename));
  const isTaken = (name: string) =>
    isLineageColumn(name) || (filled.has(name.toLowerCase()) && !sources.has(name));
  return { ...observed, fields: new Map([...observed.fields].filter(([name]) => !isTaken(name))) };
}

function columnsOf(
  before: readonly DataField[],
  fields: readonly DataField[],
  { rename }: Pick<SchemaRules, 'rename'>,
): readonly DataField[] {
  const columnOfField = new Map(Object.entries(rename).map(([column, field]) => [field, column]));
  const named = fields.map((field) => ({ ...field, name: columnOfField.get(field.name) ?? field.name }));
  const byName = new Map(named.map((column) => [column.name, column]));
  const kept = before.map((column) => byName.get(column.name) ?? column);
  const taken = new Set(before.map(({ name }) => name.toLowerCase()));
  const all = [...kept, ...named.filter(({ name }) => !taken.has(name.toLowerCase()))];
  const names = new Set(all.map(({ name }) => name.toLowerCase()));
  return [...all, ...lineageFields.filter(({ name }) => !names.has(name.toLowerCase()))];
}
