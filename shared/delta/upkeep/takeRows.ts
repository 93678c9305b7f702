// Pure. Some rows of a batch, in any order.
import type { ColumnBatch, ColumnValues } from '../../parquet/index.js';

/** @param rows row numbers, in the order wanted */
export function takeRows(batch: ColumnBatch, rows: Uint32Array): ColumnBatch {
  return {
    rowCount: rows.length,
    fields: batch.fields,
    columns: batch.columns.map((column) => takeValues(column, rows)),
  };
}

function takeValues(column: ColumnValues, rows: Uint32Array): ColumnValues {
  if (column.kind === 'text')
    return { kind: 'text', values: Array.from(rows, (row) => column.values[row] ?? null) };
  if (column.kind === 'bytes')
    return { kind: 'bytes', values: Array.from(rows, (row) => column.values[row] ?? null) };
  const { values, validity } = column;
  const sorted = values.slice(0, rows.length);
  for (let row = 0; row < rows.length; row++) sorted[row] = values[rows[row]!]!;
  if (validity === undefined) return { kind: 'numbers', values: sorted };
  return { kind: 'numbers', values: sorted, validity: Uint8Array.from(rows, (row) => validity[row]!) };
}
