// Pure. A batch split by the values of a table's partition columns.
import { TributaryError } from '../base/index.js';
import { type DataBatch, type DataValues, isNullAt, selectRows } from '../parquet/index.js';
import { type PartitionValues, partitionText } from './partitionText.js';
import type { StructField } from './types.js';

export interface PartitionColumn {
  /** As the table's metadata names it. */
  readonly name: string;
  /** Undefined for a type that batches cannot hold; its values are null. */
  readonly field: StructField | undefined;
  readonly nullable: boolean;
}

/** Rows of one partition. */
export interface PartitionPart {
  /** The same for the same values. */
  readonly key: string;
  readonly values: PartitionValues;
  /** Without the partition columns. */
  readonly rows: DataBatch;
}

type Texts = readonly (string | null)[];

/** Which of a column's distinct texts each row has. */
interface CodedColumn {
  readonly codes: Uint32Array;
  readonly texts: Texts;
}

/**
 * One part for each combination of values, in the order in which they come; the rows keep their order. Without partition columns the
 * batch is the only part.
 * @param batch in the table's columns
 * @param table for messages
 * @throws TributaryError DELTA_SCHEMA_MISMATCH for a null that may not be, and for bytes that are no text
 */
export function splitByPartition(
  batch: DataBatch,
  columns: readonly PartitionColumn[],
  table: string,
): readonly PartitionPart[] {
  if (batch.rowCount === 0) return [];
  if (columns.length === 0) return [{ key: '', values: {}, rows: batch }];
  const rows = withoutColumns(batch, columns);
  const { groupOfRow, groups } = groupRows(
    batch.rowCount,
    columns.map((column) => codeColumn(column, batch, table)),
  );
  const partOf = (texts: Texts, part: DataBatch): PartitionPart => ({
    key: JSON.stringify(texts),
    values: Object.fromEntries(columns.map(({ name }, index) => [name, texts[index] ?? null])),
    rows: part,
  });
  if (groups.length === 1) return [partOf(groups[0]!, rows)];
  const rowsOfGroups = rowNumbers(groupOfRow, groups.length);
  return groups.map((texts, group) => partOf(texts, selectRows(rows, rowsOfGroups[group]!)));
}

function withoutColumns(batch: DataBatch, columns: readonly PartitionColumn[]): DataBatch {
  const dropped = new Set(columns.map(({ field }) => field?.name));
  const kept = [...batch.fields.keys()].filter((index) => !dropped.has(batch.fields[index]!.name));
  return {
    rowCount: batch.rowCount,
    fields: kept.map((index) => batch.fields[index]!),
    columns: kept.map((index) => batch.columns[index]!),
  };
}

function codeColumn(column: PartitionColumn, batch: DataBatch, table: string): CodedColumn {
  const codes = new Uint32Array(batch.rowCount);
  const { field } = column;
  const index = batch.fields.findIndex(({ name }) => name === field?.name);
  if (field === undefined || index < 0) return { codes, texts: [null] };
  const values = batch.columns[index]!;
  const codeOfValue = new Map<unknown, number>();
  const codeOfText = new Map<string | null, number>();
  for (let row = 0; row < batch.rowCount; row++) {
    const value = keyAt(values, row);
    let code = codeOfValue.get(value);
    if (code === undefined) {
      const text = checkedText(column, field, values, row, table);
      code = codeOfText.get(text) ?? codeOfText.size;
      codeOfText.set(text, code);
      codeOfValue.set(value, code);
    }
    codes[row] = code;
  }
  return { codes, texts: [...codeOfText.keys()] };
}

/** No text or number, so that no value is taken for it. */
const negativeZero = Symbol('-0');

/** Equal for equal values; bytes are told apart one by one. Maps take 0 and -0 for the same key, though their texts differ. */
function keyAt(column: DataValues, row: number): unknown {
  if (isNullAt(column, row)) return null;
  const isScalar = column.kind !== 'struct' && column.kind !== 'list' && column.kind !== 'map';
  if (!isScalar || column.kind === 'void') throw new Error(`a partition column is a ${column.kind}`);
  const value = column.values[row];
  return Object.is(value, -0) ? negativeZero : value;
}

function checkedText(
  { name, nullable }: PartitionColumn,
  field: StructField,
  values: DataValues,
  row: number,
  table: string,
): string | null {
  const text = partitionText(values, field.type, row);
  const fail = (problem: string): never => {
    throw new TributaryError(
      'DELTA_SCHEMA_MISMATCH',
      `Table ${table}: partition column "${name}" ${problem}.`,
    );
  };
  if (text === undefined) return fail(`has bytes in row ${row} that are no UTF-8 text`);
  if (text !== null || nullable) return text;
  return fail(`may not be null, but is in row ${row} (an empty text counts as null there)`);
}

/** Rows with the same texts in all columns form a group. */
function groupRows(
  rowCount: number,
  columns: readonly CodedColumn[],
): { readonly groupOfRow: Uint32Array; readonly groups: readonly Texts[] } {
  let groupOfRow = new Uint32Array(rowCount);
  let groups: Texts[] = [[]];
  for (const { codes, texts } of columns) {
    const finer: Texts[] = [];
    const finerOf = new Map<number, number>();
    groupOfRow = groupOfRow.map((group, row) => {
      const pair = group * texts.length + codes[row]!;
      const known = finerOf.get(pair);
      if (known !== undefined) return known;
      finerOf.set(pair, finer.length);
      return finer.push([...groups[group]!, texts[codes[row]!]!]) - 1;
    });
    groups = finer;
  }
  return { groupOfRow, groups };
}

function rowNumbers(groupOfRow: Uint32Array, groupCount: number): readonly Int32Array[] {
  const counts = new Uint32Array(groupCount);
  for (const group of groupOfRow) counts[group]!++;
  const rows = Array.from(counts, (count) => new Int32Array(count));
  const used = new Uint32Array(groupCount);
  for (let row = 0; row < groupOfRow.length; row++) {
    const group = groupOfRow[row]!;
    rows[group]![used[group]!++] = row;
  }
  return rows;
}
