// Pure. How much memory a batch takes, roughly: what the size of a commit is bounded by.
import type { DataBatch, DataValues } from '../parquet/index.js';

/** Of the values; what the engine adds to each is left out. */
export function memoryBytesOf(batch: DataBatch): number {
  return batch.columns.reduce((sum, column) => sum + bytesOf(column, batch.rowCount), 0);
}

function bytesOf(values: DataValues, count: number): number {
  switch (values.kind) {
    case 'text':
    case 'bytes': {
      let bytes = 0;
      for (let row = 0; row < count; row++) bytes += values.values[row]?.length ?? 0;
      return bytes;
    }
    case 'numbers':
      return count * values.values.BYTES_PER_ELEMENT;
    case 'decimals':
      return count * (ArrayBuffer.isView(values.values) ? values.values.BYTES_PER_ELEMENT : 16);
    case 'struct':
      return values.children.reduce((sum, child) => sum + bytesOf(child, count), 0);
    case 'list':
      return count * 4 + bytesOf(values.element, values.offsets[count] ?? 0);
    case 'map': {
      const entryCount = values.offsets[count] ?? 0;
      return count * 4 + bytesOf(values.keys, entryCount) + bytesOf(values.values, entryCount);
    }
    case 'void':
      return 0;
  }
}
