// Rows of a batch in the one spelling that tables of any engine can be compared in.
import { createHash } from 'node:crypto';
import type { TableColumn, TableType } from '../../shared/delta/index.js';
import { type DataBatch, type DataValues, isNullAt } from '../../shared/parquet/index.js';

/** long and decimal as text, NaN and infinities as text, binary in hex, times in ISO 8601, maps as sorted pairs. */
export function canonicalRows(batch: DataBatch, columns: readonly TableColumn[]): string[] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    JSON.stringify(
      Object.fromEntries(
        columns.map(({ name, type }, index) => [name, cell(batch.columns[index]!, type, row)]),
      ),
    ),
  );
}

export function digestOf(rows: readonly string[]): string {
  return createHash('sha256')
    .update([...rows].sort().join('\n'))
    .digest('hex');
}

function cell(values: DataValues, type: TableType, row: number): unknown {
  if (isNullAt(values, row)) return null;
  switch (values.kind) {
    case 'text':
      return values.values[row];
    case 'bytes':
      return Buffer.from(values.values[row]!).toString('hex');
    case 'numbers':
      return numberCell(values.values[row]!, type);
    case 'decimals':
      return decimalCell(BigInt(values.values[row]!), (type as { scale: number }).scale);
    case 'struct': {
      const { fields } = type as Extract<TableType, { kind: 'struct' }>;
      return Object.fromEntries(
        fields.map((field, index) => [field.name, cell(values.children[index]!, field.type, row)]),
      );
    }
    case 'list': {
      const { element } = type as Extract<TableType, { kind: 'list' }>;
      return entries(values.offsets, row).map((index) => cell(values.element, element.type, index));
    }
    case 'map': {
      const { key, value } = type as Extract<TableType, { kind: 'map' }>;
      return entries(values.offsets, row)
        .map((index) => [cell(values.keys, key.type, index), cell(values.values, value.type, index)])
        .sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
    }
    case 'void':
      return null;
  }
}

function entries(offsets: Int32Array, row: number): number[] {
  const first = offsets[row]!;
  return Array.from({ length: offsets[row + 1]! - first }, (_, index) => first + index);
}

function numberCell(value: number | bigint, type: TableType): unknown {
  switch (type) {
    case 'long':
      return String(value);
    case 'boolean':
      return value === 1;
    case 'date':
      return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10);
    case 'timestamp':
      return `${microsecondText(value)}Z`;
    case 'timestamp_ntz':
      return microsecondText(value);
    case 'float':
    case 'double':
      if (Object.is(value, -0)) return '-0.0';
      return Number.isFinite(value) ? value : String(value);
    default:
      return value;
  }
}

function microsecondText(value: number | bigint): string {
  const microseconds = BigInt(value);
  const fraction = ((microseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((microseconds - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(fraction).padStart(6, '0')}`;
}

function decimalCell(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
