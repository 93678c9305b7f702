// The rows of a table at its newest version as objects, and batches made of columns given by name.
import { openTable, readRows } from '../../shared/delta/index.js';
import type {
  ColumnBatch,
  ColumnType,
  ColumnValues,
  DataBatch,
  DataValues,
} from '../../shared/parquet/index.js';
import type { TableOnStore } from './deltaFixtures.js';

export type RowObject = Readonly<Record<string, unknown>>;

/** Null where a row has no value; in no particular order. */
export async function rowObjects(table: Omit<TableOnStore, 'random'>): Promise<RowObject[]> {
  const { snapshot } = await openTable(table);
  const rows: RowObject[] = [];
  for await (const batch of readRows({ ...table, snapshot })) rows.push(...objectsOf(batch));
  return rows;
}

/** Of batches without nested and decimal columns. */
export function objectsOf({ rowCount, fields, columns }: DataBatch): RowObject[] {
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(fields.map(({ name }, index) => [name, valueAt(columns[index]!, row)])),
  );
}

function valueAt(column: DataValues, row: number): unknown {
  if (column.kind === 'text' || column.kind === 'bytes') return column.values[row];
  if (column.kind === 'numbers') return column.validity?.[row] === 0 ? null : column.values[row];
  throw new TypeError(`A column of kind ${column.kind} has no plain values.`);
}

/** Values of one column; null for none. */
export type Cells = readonly (string | number | bigint | Uint8Array | null)[];

/** A batch of columns `name: [type, cells]`. */
export function batchOf(columns: Readonly<Record<string, readonly [ColumnType, Cells]>>): ColumnBatch {
  const entries = Object.entries(columns);
  return {
    rowCount: entries[0]?.[1][1].length ?? 0,
    fields: entries.map(([name, [type]]) => ({ name, type, nullable: true })),
    columns: entries.map(([, [type, cells]]) => columnOf(type, cells)),
  };
}

function columnOf(type: ColumnType, cells: Cells): ColumnValues {
  if (type === 'string') return { kind: 'text', values: cells as readonly (string | null)[] };
  if (type === 'binary') return { kind: 'bytes', values: cells as readonly (Uint8Array | null)[] };
  const validity = Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1));
  return { kind: 'numbers', values: numbersOf(type, cells), ...(validity.includes(0) && { validity }) };
}

function numbersOf(type: ColumnType, cells: Cells) {
  if (cells.some((cell) => typeof cell === 'bigint'))
    return BigInt64Array.from(cells, (cell) => BigInt((cell ?? 0) as bigint));
  const numbers = cells.map((cell) => Number(cell ?? 0));
  if (type === 'boolean') return Uint8Array.from(numbers);
  const isNarrow = type === 'byte' || type === 'short' || type === 'integer' || type === 'date';
  return isNarrow ? Int32Array.from(numbers) : Float64Array.from(numbers);
}
