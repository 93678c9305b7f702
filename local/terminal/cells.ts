// Pure. One value of a batch as a table cell, and as JSON; structs, lists and maps as JSON in both.
import { jsonScalar, plainValue, type ScalarForm } from '../../shared/delta/index.js';
import { type DataBatch, type DataType, type DataValues, isNullAt } from '../../shared/parquet/index.js';
import { formatDate, formatTimestamp } from './quantities.js';
import { visibleText } from './text.js';

/** How a null is shown; a string that reads `null` is shown in quotes. */
export const nullCell = 'null';

const longestHex = 32;

/** Free of control characters. */
export function formatCell(type: DataType, column: DataValues, row: number): string {
  if (isNullAt(column, row)) return nullCell;
  if (column.kind === 'text') return textCell(column.values[row] ?? '');
  if (column.kind === 'bytes') return bytesCell(column.values[row] ?? new Uint8Array());
  if (column.kind === 'numbers') return numberCell(type, column.values[row] ?? 0);
  if (column.kind === 'decimals') return String(jsonScalar(column, type as ScalarType, row));
  return visibleText(JSON.stringify(jsonValue(type, column, row)));
}

type ScalarType = Parameters<ScalarForm>[1];

function textCell(text: string): string {
  if (text === nullCell || text === '') return `"${text}"`;
  return visibleText(text);
}

function bytesCell(bytes: Uint8Array): string {
  const text = printableText(bytes);
  if (text !== undefined) return textCell(text);
  const hex = [...bytes.subarray(0, longestHex)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return bytes.length > longestHex ? `0x${hex}… (${bytes.length} bytes)` : `0x${hex}`;
}

/** The bytes as text, when they are UTF-8 without control characters other than white space. */
export function printableText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
    return /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/.test(text) ? undefined : text;
  } catch {
    return undefined; // not UTF-8: that is the question asked here
  }
}

function numberCell(type: DataType, value: number | bigint): string {
  switch (type) {
    case 'boolean':
      return Number(value) === 0 ? 'false' : 'true';
    case 'timestamp':
      return formatTimestamp(value);
    case 'timestamp_ntz':
      return formatTimestamp(value).replace(/Z$/, '');
    case 'date':
      return formatDate(Number(value));
    default:
      return String(value);
  }
}

/**
 * For `--json`: numbers and booleans as they are (a long beyond 2^53 as text, since JSON readers would round it, and so decimals),
 * times as ISO 8601, bytes as text when printable and otherwise as `{ "base64": ... }`.
 */
export function jsonValue(type: DataType, column: DataValues, row: number): unknown {
  return plainValue(column, type, row, jsonCell);
}

const jsonCell: ScalarForm = (column, type, row) => {
  if (column.kind === 'bytes') {
    const bytes = column.values[row] ?? new Uint8Array();
    return printableText(bytes) ?? { base64: Buffer.from(bytes).toString('base64') };
  }
  if (column.kind === 'numbers' && (type === 'timestamp' || type === 'timestamp_ntz' || type === 'date'))
    return numberCell(type, column.values[row] ?? 0);
  return jsonScalar(column, type, row);
};

export function jsonRow(batch: DataBatch, row: number): Record<string, unknown> {
  return Object.fromEntries(
    batch.fields.map((field, index) => [field.name, jsonValue(field.type, batch.columns[index]!, row)]),
  );
}

export function isNumeric(type: DataType): boolean {
  if (typeof type !== 'string') return type.kind === 'decimal';
  return /^(byte|short|integer|long|float|double)$/.test(type);
}
