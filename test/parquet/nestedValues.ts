// Test data of nested columns in one plain form: structs and lists as arrays, maps as arrays of pairs, long, timestamps
// and decimals (unscaled) as bigint, binary as Uint8Array.
import { type DataBatch, type DataType, type DataValues, isNullAt } from '../../shared/parquet/index.js';

export function plainRows(batch: DataBatch): unknown[][] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.fields.map(({ type }, index) => plainCell(batch.columns[index]!, type, row)),
  );
}

function plainCell(values: DataValues, type: DataType, row: number): unknown {
  if (isNullAt(values, row)) return null;
  switch (values.kind) {
    case 'void':
      return null;
    case 'text':
    case 'bytes':
      return values.values[row];
    case 'numbers': {
      const value = values.values[row]!;
      return type === 'long' || type === 'timestamp' || type === 'timestamp_ntz' ? BigInt(value) : value;
    }
    case 'decimals':
      return BigInt(values.values[row]!);
    case 'struct': {
      const { fields } = type as Extract<DataType, { kind: 'struct' }>;
      return values.children.map((child, index) => plainCell(child, fields[index]!.type, row));
    }
    case 'list': {
      const { element } = type as Extract<DataType, { kind: 'list' }>;
      return entries(values.offsets, row).map((index) => plainCell(values.element, element.type, index));
    }
    case 'map': {
      const { key, value } = type as Extract<DataType, { kind: 'map' }>;
      return entries(values.offsets, row).map((index) => [
        plainCell(values.keys, key.type, index),
        plainCell(values.values, value.type, index),
      ]);
    }
  }
}

function entries(offsets: Int32Array, row: number): number[] {
  return Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, index) => offsets[row]! + index);
}
