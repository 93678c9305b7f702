// Pure. A condition evaluated on single rows, by SQL's logic of null, and with Spark's order of NaN: above all numbers, and equal to itself.
import type { ColumnBatch, ColumnValues } from '../parquet/index.js';
import { type Comparable, comparable, compareValues } from './comparable.js';
import { type ColumnCondition, type Comparison, holds, type Predicate } from './predicate.js';
import { primitiveColumnsOf, type TableSchema } from './schema.js';
import type { StructField } from './types.js';

/** True, false, or undefined for SQL's unknown. */
type Outcome = boolean | undefined;
type Test = (batch: ColumnBatch, row: number) => Outcome;

export interface RowCondition {
  /** What `matches` looks at, in the order of its batches' columns. */
  readonly columns: readonly string[];
  /** Whether the condition is true on the row; false and unknown are not. */
  matches(batch: ColumnBatch, row: number): boolean;
}

/** @param predicate on columns of the schema, as `parseCondition` gives it */
export function rowConditionOf(predicate: Predicate, schema: TableSchema): RowCondition {
  const fields = new Map(primitiveColumnsOf(schema).map((field) => [field.name, field]));
  const columns: string[] = [];
  const test = testOf(predicate, (leaf) => {
    const name = String(leaf.column);
    const field = fields.get(name);
    if (field === undefined)
      throw new Error(`the condition names "${name}", which is no column that rows have`);
    if (!columns.includes(name)) columns.push(name);
    return leafTest(leaf, field, columns.indexOf(name));
  });
  return { columns, matches: (batch, row) => test(batch, row) === true };
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

function leafTest(leaf: ColumnCondition, field: StructField, index: number): Test {
  if (leaf.kind === 'isNull') return ({ columns }, row) => valueAt(columns[index]!, row) === null;
  const literal = literalFor(leaf.value, field);
  const { comparison } = leaf;
  return ({ columns }, row) => {
    const value = valueAt(columns[index]!, row);
    return value === null ? undefined : compareWith(value, literal, comparison);
  };
}

/** Of a float's literal the nearest float is meant: no float is 0.7. */
function literalFor(value: unknown, { name, type }: StructField): Comparable {
  const literal =
    type === 'float' && typeof value === 'number'
      ? Math.fround(value)
      : comparable(value, type as Parameters<typeof comparable>[1]);
  if (literal === undefined) throw new Error(`${String(value)} is no value of ${name}`);
  if (typeof literal === 'boolean') return Number(literal);
  return literal;
}

/** Numbers and bigints compare by value, so that neither has to become the other. */
function compareWith(value: string | number | bigint, literal: Comparable, comparison: Comparison): boolean {
  return holds(Number.isNaN(value) ? 1 : compareValues(value, literal), comparison);
}

function valueAt(column: ColumnValues, row: number): string | number | bigint | null {
  if (column.kind === 'text') return column.values[row] ?? null;
  if (column.kind === 'bytes') return column.values[row] === null ? null : '';
  return column.validity?.[row] === 0 ? null : column.values[row]!;
}
