// Pure. Values of partition columns, which a table keeps as text in its log (PROTOCOL.md "Partition Value Serialization").
import { TributaryError } from '../base/index.js';
import {
  type ColumnType,
  type ColumnValues,
  type DataType,
  type DataValues,
  nullValues,
} from '../parquet/index.js';
import { parseDays, parseTimestampMicros, parseUnscaled } from './parseScalar.js';

type PartitionText = string | null | undefined;

/** Undefined for a column that the file has no value for. @param name physical */
export function partitionTextOf(
  { partitionValues }: { readonly partitionValues: Readonly<Record<string, string | null>> },
  name: string,
): PartitionText {
  return Object.hasOwn(partitionValues, name) ? partitionValues[name] : undefined;
}

/** Null and the empty text both mean null. */
function isNullText(text: PartitionText): text is null | undefined | '' {
  return text === null || text === undefined || text === '';
}

/**
 * A column that holds the same value in every row.
 * @throws TributaryError DELTA_LOG_CORRUPT for a text that is no value of the type, DELTA_SCHEMA_MISMATCH for nested types
 */
export function partitionValues(type: DataType, text: PartitionText, rowCount: number): DataValues {
  if (isNullText(text)) return nullValues(type, rowCount);
  if (typeof type === 'string') return partitionColumn(type, text, rowCount);
  if (type.kind !== 'decimal') {
    throw new TributaryError(
      'DELTA_SCHEMA_MISMATCH',
      `A partition column is a ${type.kind}, which the protocol does not allow.`,
    );
  }
  const unscaled = parseUnscaled(text, type.scale);
  if (unscaled === undefined) throw invalid(text, `decimal(${type.precision},${type.scale})`);
  return { kind: 'decimals', values: new Array<bigint>(rowCount).fill(unscaled) };
}

/** As `partitionValues`, for primitive types. */
export function partitionColumn(type: ColumnType, text: PartitionText, rowCount: number): ColumnValues {
  if (isNullText(text)) return nullValues(type, rowCount);
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
      return { kind: 'numbers', values: new Int32Array(rowCount).fill(parseInteger(text, type)) };
    case 'date':
      return { kind: 'numbers', values: new Int32Array(rowCount).fill(parseDate(text)) };
    case 'float':
      return {
        kind: 'numbers',
        values: new Float64Array(rowCount).fill(Math.fround(parseFloating(text, type))),
      };
    case 'double':
      return { kind: 'numbers', values: new Float64Array(rowCount).fill(parseFloating(text, type)) };
    case 'long':
      return bigints(parseLong(text, type), rowCount);
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
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw invalid(text, 'boolean');
  return lower === 'true' ? 1 : 0;
}

const bitsOf = { byte: 8, short: 16, integer: 32, long: 64 } as const;

function parseLong(text: string, type: keyof typeof bitsOf): bigint {
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
  if (value === undefined || BigInt.asIntN(bitsOf[type], value) !== value) throw invalid(text, type);
  return value;
}

function parseInteger(text: string, type: 'byte' | 'short' | 'integer'): number {
  return Number(parseLong(text, type));
}

/** Spark writes `Infinity` and `NaN`, delta-rs `inf` and `NaN`. */
const namedFloating = /^([+-]?)(?:inf(?:inity)?|(nan))$/i;

function parseFloating(text: string, type: string): number {
  const named = namedFloating.exec(text);
  if (named?.[2] !== undefined) return Number.NaN;
  if (named !== null) return named[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (Number.isNaN(value) || text.trim() === '') throw invalid(text, type);
  return value;
}

function parseDate(text: string): number {
  const days = parseDays(text);
  if (days === undefined) throw invalid(text, 'date');
  return days;
}

/** Texts without a zone are taken as UTC: the zone of their writer is not recorded. */
function parseMicroseconds(text: string): bigint {
  const micros = parseTimestampMicros(text);
  if (micros === undefined) throw invalid(text, 'timestamp');
  return micros;
}
