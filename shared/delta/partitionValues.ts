// Pure. Values of partition columns, which a table keeps as text in its log (PROTOCOL.md "Partition Value Serialization").
import { TributaryError } from '../base/index.js';
import type { ColumnType, ColumnValues } from '../parquet/index.js';
import { nullColumn } from './schema.js';

/** A column that holds the same value in every row; null and the empty text both mean null. */
export function partitionColumn(
  type: ColumnType,
  text: string | null | undefined,
  rowCount: number,
): ColumnValues {
  if (text === null || text === undefined || text === '') return nullColumn(type, rowCount);
  switch (type) {
    case 'string':
      return { kind: 'text', values: new Array<string>(rowCount).fill(text) };
    case 'binary':
      return { kind: 'bytes', values: new Array<Uint8Array>(rowCount).fill(new TextEncoder().encode(text)) };
    case 'boolean':
      return { kind: 'numbers', values: new Uint8Array(rowCount).fill(parseBoolean(text)) };
    case 'byte':
    case 'short':
    case 'integer':
      return { kind: 'numbers', values: new Int32Array(rowCount).fill(parseNumber(text, type)) };
    case 'date':
      return { kind: 'numbers', values: new Int32Array(rowCount).fill(parseDays(text)) };
    case 'float':
    case 'double':
      return { kind: 'numbers', values: new Float64Array(rowCount).fill(parseNumber(text, type)) };
    case 'long':
      return bigints(parseLong(text), rowCount);
    case 'timestamp':
    case 'timestamp_ntz':
      return bigints(parseMicroseconds(text), rowCount);
  }
}

function bigints(value: bigint, rowCount: number): ColumnValues {
  const number = Number(value);
  if (Number.isSafeInteger(number))
    return { kind: 'numbers', values: new Float64Array(rowCount).fill(number) };
  return { kind: 'numbers', values: new BigInt64Array(rowCount).fill(value) };
}

function invalid(text: string, type: string): TributaryError {
  return new TributaryError(
    'DELTA_LOG_CORRUPT',
    `The log has the partition value ${JSON.stringify(text)}, which is not of the type ${type}.`,
  );
}

function parseBoolean(text: string): number {
  if (text !== 'true' && text !== 'false') throw invalid(text, 'boolean');
  return text === 'true' ? 1 : 0;
}

function parseNumber(text: string, type: string): number {
  const value = Number(text);
  if (Number.isNaN(value) && text !== 'NaN') throw invalid(text, type);
  return value;
}

function parseLong(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw invalid(text, 'long');
  return BigInt(text);
}

function parseDays(text: string): number {
  const milliseconds = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(milliseconds)) throw invalid(text, 'date');
  return milliseconds / 86_400_000;
}

const timestampText = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:?\d\d)?$/;

/** Texts without a zone are taken as UTC: the zone of their writer is not recorded. */
function parseMicroseconds(text: string): bigint {
  const [, day, time, fraction = '', zone = 'Z'] = timestampText.exec(text) ?? [];
  const milliseconds = Date.parse(`${day}T${time}${zone}`);
  if (Number.isNaN(milliseconds)) throw invalid(text, 'timestamp');
  return BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0'));
}
