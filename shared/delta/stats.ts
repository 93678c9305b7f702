// Pure. A data file's `stats` JSON (PROTOCOL.md "Per-file Statistics"), as every engine's file skipping reads it.
import type { ColumnStatistics } from '../parquet/index.js';
import type { TableField, TableSchema } from './schema.js';

export interface FileStatistics {
  readonly rowCount: number;
  /** Of the columns in the file, by any order. */
  readonly columns: readonly ColumnStatistics[];
  readonly schema: TableSchema;
  /** The table's properties; `delta.dataSkipping*` decide which columns count, and how much of a string. */
  readonly configuration: Readonly<Record<string, string>>;
}

const defaultIndexedColumns = 32;
const defaultStringPrefixLength = 32;

export function statsJson(file: FileStatistics): string {
  const byName = new Map(file.columns.map((column) => [column.name, column]));
  const prefixLength = integerSetting(
    file.configuration,
    'delta.dataSkippingStringPrefixLength',
    defaultStringPrefixLength,
  );
  const minimums: string[] = [];
  const maximums: string[] = [];
  const nullCounts: string[] = [];
  for (const name of indexedColumns(file.schema, file.configuration)) {
    const column = byName.get(name);
    if (column === undefined) continue;
    const key = JSON.stringify(name);
    const min = boundText(column, 'min', prefixLength);
    const max = boundText(column, 'max', prefixLength);
    if (min !== undefined) minimums.push(`${key}:${min}`);
    if (max !== undefined) maximums.push(`${key}:${max}`);
    nullCounts.push(`${key}:${column.nullCount}`);
  }
  return `{"numRecords":${file.rowCount},"minValues":{${minimums}},"maxValues":{${maximums}},"nullCount":{${nullCounts}}}`;
}

function integerSetting(
  configuration: Readonly<Record<string, string>>,
  key: string,
  absent: number,
): number {
  const value = Number(configuration[key] ?? absent);
  return Number.isInteger(value) ? value : absent;
}

/** Names of the columns that get statistics: the listed ones, or the first leaf columns of the schema. */
function indexedColumns(schema: TableSchema, configuration: Readonly<Record<string, string>>): string[] {
  const listed = configuration['delta.dataSkippingStatsColumns'];
  if (listed !== undefined) {
    const wanted = new Set(parseColumnList(listed).map((name) => name.toLowerCase()));
    return namesOf(schema.fields.filter(({ field }) => wanted.has(field.name.toLowerCase())));
  }
  const limit = integerSetting(configuration, 'delta.dataSkippingNumIndexedCols', defaultIndexedColumns);
  if (limit < 0) return namesOf(schema.fields);
  let leaves = 0;
  return namesOf(
    schema.fields.filter((entry) => {
      const isIndexed = leaves < limit;
      leaves += entry.kind === 'opaque' ? entry.field.leafCount : 1;
      return isIndexed;
    }),
  );
}

function namesOf(fields: readonly TableField[]): string[] {
  return fields.map(({ field }) => field.name);
}

/** A comma-separated list in which backticks protect a name, doubled ones stand for themselves. */
function parseColumnList(text: string): string[] {
  const names = text.match(/(?:`(?:[^`]|``)*`|[^,`])+/g) ?? [];
  return names.map((name) => {
    const trimmed = name.trim();
    const isQuoted = trimmed.length > 1 && trimmed.startsWith('`') && trimmed.endsWith('`');
    return isQuoted ? trimmed.slice(1, -1).replaceAll('``', '`') : trimmed;
  });
}

/** JSON text of a bound; undefined where none may be given. */
function boundText(column: ColumnStatistics, bound: 'min' | 'max', prefixLength: number): string | undefined {
  const value = column[bound];
  if (value === undefined || typeof column.type !== 'string') return undefined;
  switch (column.type) {
    case 'boolean':
    case 'binary':
      return undefined;
    case 'string':
      return stringBound(String(value), bound, prefixLength);
    case 'float':
    case 'double':
      // Infinity has no JSON form that all readers take.
      return Number.isFinite(value) ? JSON.stringify(value) : undefined;
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return value.toString();
    case 'date':
      return quoteUndefined(isoText(Number(value) * 86_400_000)?.slice(0, 10));
    case 'timestamp':
      return quoteUndefined(isoText(wholeMilliseconds(value, bound)));
    case 'timestamp_ntz':
      return quoteUndefined(isoText(wholeMilliseconds(value, bound))?.slice(0, -1));
  }
}

function quoteUndefined(text: string | undefined): string | undefined {
  return text === undefined ? undefined : `"${text}"`;
}

/** Microseconds -> milliseconds, minimum down and maximum up: a maximum cut down would make readers skip rows that match. */
function wholeMilliseconds(value: number | bigint | string, bound: 'min' | 'max'): number {
  const microseconds = BigInt(value);
  const remainder = ((microseconds % 1000n) + 1000n) % 1000n;
  const floor = Number((microseconds - remainder) / 1000n);
  return bound === 'min' || remainder === 0n ? floor : floor + 1;
}

const firstFourDigitYearMs = Date.UTC(1000, 0, 1);
const lastFourDigitYearMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Undefined for years that readers may not parse. */
function isoText(milliseconds: number): string | undefined {
  if (milliseconds < firstFourDigitYearMs || milliseconds > lastFourDigitYearMs) return undefined;
  return new Date(milliseconds).toISOString();
}

function stringBound(value: string, bound: 'min' | 'max', prefixLength: number): string | undefined {
  const text =
    bound === 'min' ? truncatedMinimum(value, prefixLength) : truncatedMaximum(value, prefixLength);
  return text === undefined ? undefined : JSON.stringify(text);
}

/** The first characters: less than or equal to the whole. Characters are code points, so that no pair is split. */
function truncatedMinimum(value: string, prefixLength: number): string {
  if (value.length <= prefixLength) return value;
  return [...value].slice(0, prefixLength).join('');
}

const lastAscii = '\u007f';
const lastCharacter = '\u{10ffff}';

/**
 * The first characters and one that is greater than what was cut off. Where that would have to exceed the last
 * character there is, the prefix grows; past twice its length there is no bound.
 */
function truncatedMaximum(value: string, prefixLength: number): string | undefined {
  if (value.length <= prefixLength) return value;
  const characters = [...value];
  if (characters.length <= prefixLength) return value;
  let length = prefixLength;
  while (characters[length] === lastCharacter) length++;
  if (length > 2 * prefixLength) return undefined;
  const next = characters[length];
  if (next === undefined) return value;
  return characters.slice(0, length).join('') + (next < lastAscii ? lastAscii : lastCharacter);
}
