// Pure. A data file's `stats` JSON (PROTOCOL.md "Per-file Statistics"), as every engine's file skipping reads it.
import type { ColumnStatistics, DataType } from '../parquet/index.js';
import { decimalText } from './scalarText.js';
import type { TableSchema } from './schema.js';

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
  const prefixLength = integerSetting(
    file.configuration,
    'delta.dataSkippingStringPrefixLength',
    defaultStringPrefixLength,
  );
  const byName = new Map(file.columns.map((column) => [column.name, column]));
  const context = { leaves: indexedLeaves(file.configuration), prefixLength };
  const texts = file.schema.fields.map((entry): ColumnTexts => {
    if (entry.kind === 'opaque') {
      context.leaves.skip(entry.field.leafCount);
      return noTexts;
    }
    const { name, type } = entry.field;
    return columnTexts(type, [name], byName.get(name), context);
  });
  const {
    min = '{}',
    max = '{}',
    nullCount = '{}',
  } = objectOf(
    file.schema.fields.map(({ field }) => field.name),
    texts,
  );
  return `{"numRecords":${file.rowCount},"minValues":${min},"maxValues":${max},"nullCount":${nullCount}}`;
}

/** JSON of what the statistics say of a column; undefined where they say nothing. */
interface ColumnTexts {
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  readonly nullCount?: string | undefined;
}

const noTexts: ColumnTexts = {};

interface TextContext {
  readonly leaves: IndexedLeaves;
  readonly prefixLength: number;
}

/** @param column undefined when the file lacks it, which still counts among the leaves */
function columnTexts(
  type: DataType,
  path: readonly string[],
  column: ColumnStatistics | undefined,
  context: TextContext,
): ColumnTexts {
  if (typeof type !== 'string' && type.kind === 'struct') {
    const parts = type.fields.map((field) => {
      const part = column?.children?.find(({ name }) => name === field.name);
      return columnTexts(field.type, [...path, field.name], part, context);
    });
    return objectOf(
      type.fields.map(({ name }) => name),
      parts,
    );
  }
  const { leaves, prefixLength } = context;
  if (!leaves.take(path) || column === undefined) return noTexts;
  return {
    min: boundText(column, 'min', prefixLength),
    max: boundText(column, 'max', prefixLength),
    nullCount: String(column.nullCount),
  };
}

/** Objects with the texts of the parts; undefined where no part has one. */
function objectOf(names: readonly string[], parts: readonly ColumnTexts[]): ColumnTexts {
  const collect = (key: keyof ColumnTexts): string | undefined => {
    const members = parts.flatMap((part, index) => {
      const text = part[key];
      return text === undefined ? [] : [`${JSON.stringify(names[index])}:${text}`];
    });
    return members.length === 0 ? undefined : `{${members}}`;
  };
  return { min: collect('min'), max: collect('max'), nullCount: collect('nullCount') };
}

function integerSetting(
  configuration: Readonly<Record<string, string>>,
  key: string,
  absent: number,
): number {
  const value = Number(configuration[key] ?? absent);
  return Number.isInteger(value) ? value : absent;
}

/** Goes through the leaves of the schema in order: fields of structs are leaves, lists and maps are one each. */
export interface IndexedLeaves {
  /** Whether this leaf gets statistics. */
  take(path: readonly string[]): boolean;
  skip(leafCount: number): void;
}

/** The listed columns, structs with all that is in them; or the first leaves. */
export function indexedLeaves(configuration: Readonly<Record<string, string>>): IndexedLeaves {
  const listed = configuration['delta.dataSkippingStatsColumns'];
  if (listed !== undefined) {
    const wanted = new Set(parseColumnList(listed).map((path) => pathKey(path, path.length)));
    return {
      take: (path) => path.some((_, index) => wanted.has(pathKey(path, index + 1))),
      skip: () => {},
    };
  }
  const limit = integerSetting(configuration, 'delta.dataSkippingNumIndexedCols', defaultIndexedColumns);
  let count = 0;
  return {
    take: () => limit < 0 || count++ < limit,
    skip: (leafCount) => {
      count += leafCount;
    },
  };
}

function pathKey(path: readonly string[], length: number): string {
  return JSON.stringify(path.slice(0, length)).toLowerCase();
}

/** Paths separated by commas, their names by dots; backticks protect a name, doubled ones stand for themselves. */
function parseColumnList(text: string): string[][] {
  const paths = text.match(/(?:`(?:[^`]|``)*`|[^,`])+/g) ?? [];
  return paths.map((path) => (path.match(/(?:`(?:[^`]|``)*`|[^.`])+/g) ?? []).map(unquotedName));
}

function unquotedName(name: string): string {
  const trimmed = name.trim();
  const isQuoted = trimmed.length > 1 && trimmed.startsWith('`') && trimmed.endsWith('`');
  return isQuoted ? trimmed.slice(1, -1).replaceAll('``', '`') : trimmed;
}

/** JSON text of a bound; undefined where none may be given. */
function boundText(column: ColumnStatistics, bound: 'min' | 'max', prefixLength: number): string | undefined {
  const value = column[bound];
  if (value === undefined) return undefined;
  if (typeof column.type !== 'string') {
    return column.type.kind === 'decimal' ? decimalText(BigInt(value), column.type.scale) : undefined;
  }
  switch (column.type) {
    case 'boolean':
    case 'binary':
      return undefined;
    case 'string':
      return stringBound(String(value), bound, prefixLength);
    case 'float':
    case 'double':
      // Infinity has no JSON form that all readers take.
      if (!Number.isFinite(value)) return undefined;
      // As in parquet.thrift: some readers order -0.0 before 0.0, and the column may hold both.
      return value === 0 && bound === 'min' ? '-0.0' : JSON.stringify(value);
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
