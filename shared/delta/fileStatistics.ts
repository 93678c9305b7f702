// Pure. A data file's `stats` JSON as bounds of one column (PROTOCOL.md "Per-file Statistics").
import { type Comparable, comparable, type ScalarType } from './comparable.js';
import { isJsonObject, type JsonObject } from './json.js';
import type { AddAction } from './types.js';

export interface ColumnBounds {
  /** No value of the column is less. */
  readonly min?: Comparable;
  /** No value of the column is greater. */
  readonly max?: Comparable;
  /** Rows without a value; of the deletion vector's rows only 0 and all of them can be relied on. */
  readonly nullCount?: number;
}

export interface FileStatisticsReader {
  /** Rows of the file, deleted ones included. */
  readonly rowCount: number | undefined;
  /** @param path physical names from the column down */
  bounds(path: readonly string[], type: ScalarType): ColumnBounds;
  nullCount(path: readonly string[]): number | undefined;
}

/** Strings of any kind, or numbers that are too long for a JavaScript number: those become strings. */
const stringsAndLongNumbers = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]{14,}/g;

/** With numbers that are too long for JavaScript as texts. Undefined when it is no object in JSON. */
export function parseStatsJson(text: string): JsonObject | undefined {
  try {
    const stats: unknown = JSON.parse(
      text.replace(stringsAndLongNumbers, (token) => (token.startsWith('"') ? token : `"${token}"`)),
    );
    return isJsonObject(stats) ? stats : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when the file has no statistics, or none that can be read. */
export function readStatistics(file: AddAction): FileStatisticsReader | undefined {
  const stats = file.stats === undefined ? undefined : parseStatsJson(file.stats);
  if (stats === undefined) return undefined;
  const { numRecords, minValues, maxValues, nullCount } = stats;
  const nullCountAt = (path: readonly string[]) => countOf(valueAt(nullCount, path));
  return {
    rowCount: countOf(numRecords),
    nullCount: nullCountAt,
    bounds(path, type) {
      const min = lowerBound(valueAt(minValues, path), type);
      const max = upperBound(valueAt(maxValues, path), type);
      const nulls = nullCountAt(path);
      return {
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        ...(nulls !== undefined && { nullCount: nulls }),
      };
    },
  };
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  let value = values;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

const zoned = /(?:Z|[+-]\d\d(?::?\d\d){0,2})$/;

/** A timestamp without its zone may be hours off; most engines give a boolean no bounds, so that nobody minds wrong ones. */
function boundOf(value: unknown, type: ScalarType): Comparable | undefined {
  if (type === 'boolean') return undefined;
  if (type === 'timestamp' && typeof value === 'string' && !zoned.test(value.slice(10))) return undefined;
  return comparable(value, type);
}

function lowerBound(value: unknown, type: ScalarType): Comparable | undefined {
  const min = boundOf(value, type);
  return typeof min === 'bigint' && mayBeRounded(value, type) ? min - roundingOf(min) : min;
}

/** Decimals of up to so many digits come out of a double as they went in. */
const safeDigits = 15;
/** No text of a double needs more. */
const mostDigitsOfDouble = 17;

/** Some writers, delta-rs for one, put what a double makes of a decimal into the statistics. */
function mayBeRounded(value: unknown, type: ScalarType): boolean {
  if (typeof type === 'string' || type.precision <= safeDigits) return false;
  const mantissa = String(value).replace(/e.*$/i, '').replace(/\D/g, '');
  return mantissa.replace(/^0+|0+$/g, '').length <= mostDigitsOfDouble;
}

/** More than turning a value into a double, and dividing that by a power of ten, can take away. */
function roundingOf(unscaled: bigint): bigint {
  return (unscaled < 0n ? -unscaled : unscaled) / 2n ** 50n + 1n;
}

/** Most writers cut timestamps down to milliseconds, which leaves the maximum up to 999 microseconds too small. */
const cutOffMicros = 999n;

/** NaN counts as greater than all numbers, and many writers leave it out of the maximum: there is none to rely on. */
function upperBound(value: unknown, type: ScalarType): Comparable | undefined {
  if (type === 'double') return undefined;
  const max = boundOf(value, type);
  if (typeof max !== 'bigint') return max;
  if (mayBeRounded(value, type)) return max + roundingOf(max);
  return type === 'timestamp' || type === 'timestamp_ntz' ? max + cutOffMicros : max;
}
