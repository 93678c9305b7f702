// Pure. Which files of a snapshot may hold rows that meet a condition. A file is left out only on definite proof.
import { columnOfPath, type ResolvedColumn } from './columnPaths.js';
import { type Comparable, comparable, compareValues, type ScalarType } from './comparable.js';
import { type ColumnBounds, type FileStatisticsReader, readStatistics } from './fileStatistics.js';
import { partitionTextOf } from './partitionValues.js';
import {
  anyOutcome,
  type ColumnCondition,
  type Comparison,
  holds,
  type Outcomes,
  outcomesOf,
  type Predicate,
} from './predicate.js';
import type { AddAction, Snapshot } from './types.js';

/**
 * The live files that may hold a row for which the condition is true.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH for a column that the table lacks
 */
export function pruneFiles(snapshot: Snapshot, predicate: Predicate): AddAction[] {
  const columns = new Map<ColumnCondition, ResolvedColumn>();
  resolveColumns(snapshot, predicate, columns);
  return [...snapshot.files.values()].filter((file) => {
    const statistics = readStatistics(file);
    if (statistics?.rowCount === 0) return false;
    return outcomesOf(predicate, (leaf) => leafOutcomes(leaf, columns.get(leaf)!, file, statistics))
      .canBeTrue;
  });
}

function resolveColumns(
  snapshot: Snapshot,
  predicate: Predicate,
  columns: Map<ColumnCondition, ResolvedColumn>,
): void {
  if (predicate.kind === 'not') {
    resolveColumns(snapshot, predicate.condition, columns);
  } else if ('conditions' in predicate) {
    for (const condition of predicate.conditions) resolveColumns(snapshot, condition, columns);
  } else {
    columns.set(predicate, columnOfPath(snapshot, predicate.column));
  }
}

function leafOutcomes(
  leaf: ColumnCondition,
  column: ResolvedColumn,
  file: AddAction,
  statistics: FileStatisticsReader | undefined,
): Outcomes {
  const literal =
    leaf.kind === 'compare' && column.type !== undefined ? comparable(leaf.value, column.type) : undefined;
  if (column.kind === 'partition') {
    const text = partitionTextOf(file, column.name) ?? '';
    return leaf.kind === 'isNull'
      ? exactly(text === '')
      : partitionOutcomes(text, column.type, leaf.comparison, literal);
  }
  if (statistics === undefined) return anyOutcome;
  if (leaf.kind === 'isNull') {
    const outcomes = nullOutcomes(statistics.nullCount(column.path), statistics.rowCount);
    // Not every writer counts the fields of a struct that is null.
    return column.path.length > 1 ? { ...outcomes, canBeTrue: true } : outcomes;
  }
  if (column.type === undefined || literal === undefined) return anyOutcome;
  return boundedOutcomes(
    statistics.bounds(column.path, column.type),
    statistics.rowCount,
    leaf.comparison,
    literal,
  );
}

function exactly(value: boolean): Outcomes {
  return { canBeTrue: value, canBeFalse: !value };
}

const neverTrueOrFalse: Outcomes = { canBeTrue: false, canBeFalse: false };

function nullOutcomes(nullCount: number | undefined, rowCount: number | undefined): Outcomes {
  return {
    canBeTrue: nullCount !== 0,
    canBeFalse: nullCount === undefined || nullCount !== rowCount,
  };
}

function partitionOutcomes(
  text: string,
  type: ScalarType | undefined,
  comparison: Comparison,
  literal: Comparable | undefined,
): Outcomes {
  if (text === '') return neverTrueOrFalse;
  const value = type === undefined ? undefined : comparable(text, type);
  if (value === undefined || literal === undefined) return anyOutcome;
  return exactly(holds(compareValues(value, literal), comparison));
}

function boundedOutcomes(
  bounds: ColumnBounds,
  rowCount: number | undefined,
  comparison: Comparison,
  literal: Comparable,
): Outcomes {
  if (rowCount !== undefined && bounds.nullCount === rowCount) return neverTrueOrFalse;
  return {
    canBeTrue: canHold(bounds, comparison, literal),
    canBeFalse: canHold(bounds, opposite[comparison], literal),
  };
}

const opposite: Readonly<Record<Comparison, Comparison>> = {
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
};

/** Whether some value within the bounds meets the comparison; a bound that is missing rules nothing out. */
function canHold({ min, max }: ColumnBounds, comparison: Comparison, literal: Comparable): boolean {
  const minOrder = min === undefined ? undefined : compareValues(min, literal);
  const maxOrder = max === undefined ? undefined : compareValues(max, literal);
  switch (comparison) {
    case '=':
      return (minOrder ?? 0) <= 0 && (maxOrder ?? 0) >= 0;
    case '!=':
      return !(minOrder === 0 && maxOrder === 0);
    case '<':
      return (minOrder ?? -1) < 0;
    case '<=':
      return (minOrder ?? 0) <= 0;
    case '>':
      return (maxOrder ?? 1) > 0;
    case '>=':
      return (maxOrder ?? 0) >= 0;
  }
}
