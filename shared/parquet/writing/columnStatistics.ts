// Pure. What a file holds in each column of its batch, from the statistics of the chunks.
import type { DataBatch, DataField, DataValues } from '../columns.js';
import { isNullAt } from '../dataBatches.js';
import { leafCountOf } from '../schema.js';
import { type ColumnStatistics, mergeChunkStatistics } from '../statistics.js';
import type { RowGroup } from './footer.js';

/** `result[i]` describes `batch.fields[i]`. */
export function columnStatistics(batch: DataBatch, rowGroups: readonly RowGroup[]): ColumnStatistics[] {
  let leaf = 0;
  const describe = (field: DataField, values: DataValues | undefined, parent: Parent): ColumnStatistics => {
    const { name, type } = field;
    if (typeof type === 'string' || type.kind === 'decimal') {
      const index = leaf++;
      const chunks = rowGroups.map((group) => group.chunks[index]!.statistics);
      return mergeChunkStatistics({ name, type }, chunks);
    }
    const isNull: Parent = (row) => parent(row) || values === undefined || isNullAt(values, row);
    const nullCount = countRows(batch.rowCount, isNull);
    const common = { name, type, nullCount, hasNaN: false, min: undefined, max: undefined };
    if (type.kind === 'struct') {
      const parts = values?.kind === 'struct' ? values.children : [];
      const children = type.fields.map((child, index) => describe(child, parts[index], isNull));
      return { ...common, children };
    }
    leaf += leafCountOf(type);
    return common;
  };
  return batch.fields.map((field, index) => describe(field, batch.columns[index], () => false));
}

/** Whether a struct around the column is null in a row. */
type Parent = (row: number) => boolean;

function countRows(rowCount: number, matches: (row: number) => boolean): number {
  let count = 0;
  for (let row = 0; row < rowCount; row++) if (matches(row)) count += 1;
  return count;
}
