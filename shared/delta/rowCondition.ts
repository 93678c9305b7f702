// Pure. A condition evaluated on single rows, by SQL's logic of null, and with Spark's order of NaN: above all numbers, and equal to itself.
import { type DataBatch, type DataField, type DataValues, isNullAt } from '../parquet/index.js';
import { type Comparable, comparable, compareValues, type ScalarType } from './comparable.js';
import { type ColumnCondition, type Comparison, holds, type Predicate } from './predicate.js';
import { columnsOf, type TableSchema } from './schema.js';

/** True, false, or undefined for SQL's unknown. */
type Outcome = boolean | undefined;
type Test = (batch: DataBatch, row: number) => Outcome;

export interface RowCondition {
  /** What `matches` looks at, in the order of its batches' columns. */
  readonly columns: readonly string[];
  /** Whether the condition is true on the row; false and unknown are not. */
  matches(batch: DataBatch, row: number): boolean;
}

/** @param predicate on columns of the schema, as `parseCondition` gives it */
export function rowConditionOf(predicate: Predicate, schema: TableSchema): RowCondition {
  const columns: string[] = [];
  const test = testOf(predicate, (leaf) => {
    const path = typeof leaf.column === 'string' ? [leaf.column] : leaf.column;
    const { indices, field } = resolve(path, columnsOf(schema));
    const [name = ''] = path;
    if (!columns.includes(name)) columns.push(name);
    return leafTest(leaf, field, [columns.indexOf(name), ...indices]);
  });
  return { columns, matches: (batch, row) => test(batch, row) === true };
}

/** @returns where the field stands below its column */
function resolve(
  [name, ...below]: readonly string[],
  fields: readonly DataField[],
): { readonly field: DataField; readonly indices: readonly number[] } {
  const found = fields.find((field) => field.name === name);
  if (found === undefined)
    throw new Error(`the condition names "${name}", which is no column that rows have`);
  const [next] = below;
  if (next === undefined) return { field: found, indices: [] };
  const children = typeof found.type === 'object' && found.type.kind === 'struct' ? found.type.fields : [];
  const { field, indices } = resolve(below, children);
  return { field, indices: [children.findIndex((child) => child.name === next), ...indices] };
}

function testOf(predicate: Predicate, testOfLeaf: (leaf: ColumnCondition) => Test): Test {
  switch (predicate.kind) {
    case 'compare':
    case 'isNull':
      return testOfLeaf(predicate);
    case 'not': {
      const test = testOf(predicate.condition, testOfLeaf);
      return (batch, row) => {
        const outcome = test(batch, row);
        return outcome === undefined ? undefined : !outcome;
      };
    }
    case 'and':
    case 'or': {
      const tests = predicate.conditions.map((condition) => testOf(condition, testOfLeaf));
      return joined(tests, predicate.kind === 'or');
    }
  }
}

/** `deciding` settles the outcome, whatever the others are: false for AND, true for OR. */
function joined(tests: readonly Test[], deciding: boolean): Test {
  return (batch, row) => {
    let outcome: Outcome = !deciding;
    for (const test of tests) {
      const next = test(batch, row);
      if (next === deciding) return deciding;
      if (next === undefined) outcome = undefined;
    }
    return outcome;
  };
}

function leafTest(leaf: ColumnCondition, field: DataField, [column = 0, ...below]: readonly number[]): Test {
  const valuesOf = ({ columns }: DataBatch): DataValues | undefined =>
    below.reduce<DataValues | undefined>(
      (values, index) => (values?.kind === 'struct' ? values.children[index] : undefined),
      columns[column],
    );
  if (leaf.kind === 'isNull') {
    return (batch, row) => {
      const values = valuesOf(batch);
      return values === undefined || isNullAt(values, row);
    };
  }
  const literal = literalFor(leaf.value, field);
  const { comparison } = leaf;
  return (batch, row) => {
    const value = valueAt(valuesOf(batch), row);
    return value === null ? undefined : compareWith(value, literal, comparison);
  };
}

/** Of a float's literal the nearest float is meant: no float is 0.7. */
function literalFor(value: unknown, { name, type }: DataField): Comparable {
  const literal =
    type === 'float' && typeof value === 'number'
      ? Math.fround(value)
      : comparable(value, type as ScalarType);
  if (literal === undefined) throw new Error(`${String(value)} is no value of ${name}`);
  if (typeof literal === 'boolean') return Number(literal);
  return literal;
}

/** Numbers and bigints compare by value, so that neither has to become the other. */
function compareWith(value: string | number | bigint, literal: Comparable, comparison: Comparison): boolean {
  return holds(Number.isNaN(value) ? 1 : compareValues(value, literal), comparison);
}

function valueAt(values: DataValues | undefined, row: number): string | number | bigint | null {
  if (values === undefined || isNullAt(values, row)) return null;
  if (values.kind === 'text' || values.kind === 'numbers' || values.kind === 'decimals')
    return values.values[row] ?? null;
  return null;
}
