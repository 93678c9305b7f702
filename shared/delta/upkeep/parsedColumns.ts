// Pure. `stats` and `partitionValues` of a file as typed structs, the form of checkpoints that readers need not parse (PROTOCOL.md
// "Checkpoint Schema": `stats_parsed`, `partitionValues_parsed`).
import type { RecordField, RecordValues } from '../../parquet/index.js';
import type { ScalarType } from '../comparable.js';
import { parseStatsJson } from '../fileStatistics.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { parseDays, parseTimestampMicros, parseUnscaled } from '../parseScalar.js';
import { indexedLeaves } from '../stats.js';
import { parseTableColumns, type TableColumn } from '../tableTypes.js';
import type { Metadata } from '../types.js';

export interface ParsedColumns {
  /** Of `add`, behind those that every checkpoint has. */
  readonly fields: readonly RecordField[];
  valuesOf(add: JsonObject): RecordValues;
}

/** @param metadata of a table without column mapping; @param hasTightBounds whether statistics may be of more rows than are live */
export function parsedColumnsOf(metadata: Metadata, hasTightBounds: boolean): ParsedColumns {
  const columns = parseTableColumns(metadata.schemaString);
  const partitions = columns.filter(({ name }) => metadata.partitionColumns.includes(name));
  const leaves = indexedLeaves(metadata.configuration);
  const stored = columns.filter((column) => !partitions.includes(column));
  const indexed = stored.flatMap((column) => indexedColumn(column, [column.name], leaves));
  const partitionFields = partitions.flatMap(({ name, type }) => (isScalar(type) ? [{ name, type }] : []));
  const bounds = indexed.flatMap(boundField);
  const statistics: RecordField[] = [
    { name: 'numRecords', type: 'long' },
    ...structOf('minValues', bounds),
    ...structOf('maxValues', bounds),
    ...structOf('nullCount', indexed.map(countField)),
    ...(hasTightBounds ? [{ name: 'tightBounds', type: 'boolean' } as const] : []),
  ];
  return {
    fields: [...structOf('partitionValues_parsed', partitionFields), ...structOf('stats_parsed', statistics)],
    valuesOf: ({ stats, partitionValues }) => ({
      partitionValues_parsed: isJsonObject(partitionValues)
        ? partitionTexts(partitionValues, partitionFields)
        : undefined,
      stats_parsed: statisticsValues(stats, statistics),
    }),
  };
}

/** Parquet has no structs without fields. */
function structOf(name: string, fields: readonly RecordField[]): RecordField[] {
  return fields.length === 0 ? [] : [{ name, type: { kind: 'struct', fields } }];
}

/** A column that has statistics, as far as it has. */
interface IndexedColumn {
  readonly name: string;
  /** Undefined for one that has only its nulls counted. */
  readonly bounds: ScalarType | undefined;
  readonly fields: readonly IndexedColumn[] | undefined;
}

type Leaves = ReturnType<typeof indexedLeaves>;

function indexedColumn(
  { name, type }: TableColumn,
  path: readonly string[],
  leaves: Leaves,
): IndexedColumn[] {
  if (typeof type === 'object' && type.kind === 'struct') {
    const fields = type.fields.flatMap((field) => indexedColumn(field, [...path, field.name], leaves));
    return fields.length === 0 ? [] : [{ name, bounds: undefined, fields }];
  }
  if (!leaves.take(path)) return [];
  const hasBounds = isScalar(type) && type !== 'boolean' && type !== 'binary';
  return [{ name, bounds: hasBounds ? type : undefined, fields: undefined }];
}

function isScalar(type: TableColumn['type']): type is ScalarType {
  return typeof type === 'string' || type.kind === 'decimal';
}

function boundField({ name, bounds, fields }: IndexedColumn): RecordField[] {
  if (fields !== undefined) return structOf(name, fields.flatMap(boundField));
  return bounds === undefined ? [] : [{ name, type: bounds }];
}

function countField({ name, fields }: IndexedColumn): RecordField {
  if (fields === undefined) return { name, type: 'long' };
  return { name, type: { kind: 'struct', fields: fields.map(countField) } };
}

/** Undefined for statistics that are not there, or cannot be read. */
function statisticsValues(stats: unknown, fields: readonly RecordField[]): RecordValues | undefined {
  const parsed = typeof stats === 'string' ? parseStatsJson(stats) : undefined;
  return parsed === undefined ? undefined : valuesAt(parsed, fields);
}

/** What is no value of its field's type is left out: statistics that say nothing are no harm. */
function valuesAt(values: JsonObject, fields: readonly RecordField[]): RecordValues {
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (typeof type === 'object' && type.kind === 'struct')
        return [name, isJsonObject(value) ? valuesAt(value, type.fields) : undefined];
      return [name, boundValue(value, type as ScalarType)];
    }),
  );
}

/** The empty text means null. */
function partitionTexts(values: JsonObject, fields: readonly RecordField[]): RecordValues {
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const text = Object.hasOwn(values, name) ? (values[name] ?? '') : '';
      return [name, text === '' ? undefined : scalarValue(String(text), type as ScalarType)];
    }),
  );
}

const zoned = /(?:Z|[+-]\d\d(?::?\d\d){0,2})$/;

/** A timestamp without its zone may be hours off. @param value with long numbers as texts */
function boundValue(value: unknown, type: ScalarType): unknown {
  if (value === undefined || value === null) return undefined;
  if (type === 'string') return typeof value === 'string' ? value : undefined;
  const text = String(value);
  return type === 'timestamp' && !zoned.test(text.slice(10)) ? undefined : scalarValue(text, type);
}

function scalarValue(text: string, type: ScalarType): unknown {
  if (typeof type !== 'string') return withinDigits(parseUnscaled(text, type.scale), type.precision);
  switch (type) {
    case 'string':
      return text;
    case 'binary':
      return new TextEncoder().encode(text);
    case 'boolean':
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined;
    case 'float':
    case 'double':
      return floatingValue(text);
    case 'date':
      return parseDays(text);
    case 'timestamp':
    case 'timestamp_ntz':
      return parseTimestampMicros(text);
    default:
      return integerValue(text, type);
  }
}

function withinDigits(value: bigint | undefined, precision: number): bigint | undefined {
  const limit = 10n ** BigInt(precision);
  return value === undefined || value >= limit || value <= -limit ? undefined : value;
}

const infinity = /^([+-]?)inf(?:inity)?$/i;

function floatingValue(text: string): number | undefined {
  const infinite = infinity.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) && !/^nan$/i.test(text) ? undefined : value;
}

const bitsOf = { byte: 8, short: 16, integer: 32, long: 64 } as const;

function integerValue(text: string, type: keyof typeof bitsOf): number | bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(bitsOf[type], value) !== value) return undefined;
  return type === 'long' ? value : Number(value);
}
