// Pure. What a file holds in each column of its batch, from the statistics of the chunks.
import type { DataBatch, DataField, DataValues } from '../columns.js';
import { leafCountOf } from '../dataTypes.js';
import { type ColumnStatistics, mergeChunkStatistics } from '../statistics.js';
import type { RowGroup } from './footer.js';

/** `result[i]` describes `batch.fields[i]`. */
export function columnStatistics(batch: DataBatch, rowGroups: readonly RowGroup[]): ColumnStatistics[] {
  let leaf = 0;
  const describe = (
    field: DataField,
    values: DataValues | undefined,
    above: Uint8Array | undefined,
  ): ColumnStatistics => {
    const { name, type } = field;
    if (typeof type === 'string' || type.kind === 'decimal') {
      const index = leaf++;
      const chunks = rowGroups.map((group) => group.chunks[index]!.statistics);
      return mergeChunkStatistics({ name, type }, chunks);
    }
    const validity = combined(above, values, batch.rowCount);
    const common = {
      name,
      type,
      nullCount: nullCountOf(validity),
      hasNaN: false,
      min: undefined,
      max: undefined,
    };
    if (type.kind === 'struct') {
      const parts = values?.kind === 'struct' ? values.children : [];
      const children = type.fields.map((child, index) => describe(child, parts[index], validity));
      return { ...common, children };
    }
    leaf += leafCountOf(type);
    return common;
  };
  return batch.fields.map((field, index) => describe(field, batch.columns[index], undefined));
}

/** 1 where the column has a value and so have the structs around it; undefined when it has one in every row. */
function combined(
  above: Uint8Array | undefined,
  values: DataValues | undefined,
  rowCount: number,
): Uint8Array | undefined {
  const own = values !== undefined && 'validity' in values ? values.validity : undefined;
  if (own === undefined) return above;
  if (above === undefined) return own.subarray(0, rowCount);
  const both = new Uint8Array(rowCount);
  for (let row = 0; row < rowCount; row++) both[row] = above[row]! & own[row]!;
  return both;
}

function nullCountOf(validity: Uint8Array | undefined): number {
  let count = 0;
  for (let row = 0; validity !== undefined && row < validity.length; row++)
    if (validity[row] === 0) count += 1;
  return count;
}
