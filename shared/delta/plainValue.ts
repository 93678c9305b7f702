// Pure. One value of a column of any type as JSON has it: structs and maps as objects, lists as arrays.
import {
  type ColumnType,
  type DataType,
  type DataValues,
  type DecimalType,
  isNullAt,
} from '../parquet/index.js';
import { scalarText } from './scalarText.js';

/** What stands for a value that is there and is no struct, list or map. */
export type ScalarForm = (values: DataValues, type: ColumnType | DecimalType, row: number) => unknown;

/** A map whose keys are no texts becomes a list of pairs. */
export function plainValue(values: DataValues, type: DataType, row: number, scalar: ScalarForm): unknown {
  if (isNullAt(values, row)) return null;
  if (typeof type === 'string' || type.kind === 'decimal') return scalar(values, type, row);
  if (type.kind === 'struct' && values.kind === 'struct') {
    return Object.fromEntries(
      type.fields.map((field, index) => [
        field.name,
        plainValue(values.children[index]!, field.type, row, scalar),
      ]),
    );
  }
  if (type.kind === 'list' && values.kind === 'list') {
    return entriesOf(values.offsets, row).map((index) =>
      plainValue(values.element, type.element.type, index, scalar),
    );
  }
  if (type.kind === 'map' && values.kind === 'map') {
    const pairs = entriesOf(values.offsets, row).map((index): [unknown, unknown] => [
      plainValue(values.keys, type.key.type, index, scalar),
      plainValue(values.values, type.value.type, index, scalar),
    ]);
    return type.key.type === 'string' ? Object.fromEntries(pairs) : pairs;
  }
  return null;
}

function entriesOf(offsets: Int32Array, row: number): number[] {
  const first = offsets[row]!;
  return Array.from({ length: offsets[row + 1]! - first }, (_, index) => first + index);
}

/**
 * Numbers and booleans as they are; as text what JSON's readers would round, or JSON has not: large longs, decimals, times, NaN and
 * the infinities. Bytes in hexadecimal digits.
 */
export const jsonScalar: ScalarForm = (values, type, row) => {
  if (values.kind === 'bytes')
    return Array.from(values.values[row] ?? [], (byte) => byte.toString(16).padStart(2, '0')).join('');
  const text = scalarText(values, type, row);
  if (values.kind !== 'numbers' || text === undefined) return text;
  if (type === 'boolean') return text === 'true';
  if (type === 'date' || type === 'timestamp' || type === 'timestamp_ntz') return text;
  const number = Number(text);
  const isExact = type === 'long' ? Number.isSafeInteger(number) : Number.isFinite(number);
  return isExact ? number : text;
};
