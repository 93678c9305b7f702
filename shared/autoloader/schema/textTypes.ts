// Pure. What the text of a cell stands for, where a format has nothing but text (CSV).
import { doubleOf, isJsonNumber, isoMicros } from '../../events/index.js';
import type { ColumnType } from '../../parquet/index.js';

/** The narrowest type that holds the text without a loss: `007` and `1.50` remain texts only where their digits would change. */
export function typeOfText(text: string): ColumnType {
  if (text === 'true' || text === 'false') return 'boolean';
  if (isJsonNumber(text)) return typeOfNumberText(text);
  if (dayOf(text) !== undefined) return 'date';
  return Number.isNaN(isoMicros(text)) ? 'string' : 'timestamp';
}

function typeOfNumberText(text: string): ColumnType {
  if (/^-?\d{1,18}$/.test(text)) return 'long';
  if (/^-?\d+$/.test(text))
    return text.length < 21 && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? 'long' : 'string';
  return Number.isNaN(doubleOf(text)) ? 'string' : 'double';
}

/** Days since 1970-01-01 of `2025-10-05`; undefined for anything else, and for days that do not exist. */
export function dayOf(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const micros = isoMicros(`${text}T00:00:00`);
  return Number.isNaN(micros) ? undefined : micros / 86_400_000_000;
}
