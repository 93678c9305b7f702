// Pure. Values of files as JSON text, without losing a digit: for text columns and `_rescued_data`.
import { DateValue, ExactNumber, type FileValue, TimestampValue } from '../formats/types.js';
import { isFileList, isFileObject, type Scalar } from './fileObjects.js';

/**
 * Numbers as in the file, bytes as base64, timestamps as ISO 8601 with microseconds, dates as `2025-10-05`; numbers that
 * JSON cannot say (NaN, infinities of typed files) as texts.
 */
export function jsonTextOf(value: FileValue): string {
  if (value === null) return 'null';
  if (isFileList(value)) return `[${value.map(jsonTextOf).join(',')}]`;
  if (isFileObject(value)) {
    const members = Object.keys(value).map((key) => `${JSON.stringify(key)}:${jsonTextOf(value[key]!)}`);
    return `{${members.join(',')}}`;
  }
  return isBare(value) ? scalarText(value) : JSON.stringify(scalarText(value));
}

/** The value as a text column holds it: texts and numbers as they are, everything else as JSON. */
export function textOf(value: FileValue): string {
  return value === null || isFileList(value) || isFileObject(value) ? jsonTextOf(value) : scalarText(value);
}

function scalarText(value: Scalar): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof ExactNumber) return value.text;
  if (value instanceof TimestampValue) return timestampText(value);
  if (value instanceof DateValue)
    return new Date(value.daysSince1970 * 86_400_000).toISOString().slice(0, 10);
  return Buffer.from(value).toString('base64');
}

/** Whether JSON writes it without quotes. */
function isBare(value: Scalar): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'boolean' || value instanceof ExactNumber;
}

function timestampText({ micros, isUtc }: TimestampValue): string {
  const all = BigInt(micros);
  const millis = all >= 0n ? all / 1000n : (all - 999n) / 1000n;
  const date = new Date(Number(millis));
  // Beyond the years that a Date holds there is no calendar to write it in.
  if (Number.isNaN(date.getTime())) return String(all);
  const rest = String(all - millis * 1000n).padStart(3, '0');
  return date.toISOString().replace('Z', `${rest}${isUtc ? 'Z' : ''}`);
}
