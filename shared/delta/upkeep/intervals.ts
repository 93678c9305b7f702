// Pure. Table properties that hold a length of time (Spark's interval text), a switch, a count or a size.
import { TributaryError } from '../../base/index.js';

type Configuration = Readonly<Record<string, string>>;

const unitMs: Readonly<Record<string, number>> = {
  nanosecond: 1e-6,
  microsecond: 1e-3,
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

const pairs = /^(?:\d+ [a-z]+)(?: \d+ [a-z]+)*$/;

/**
 * `interval 30 days` -> milliseconds, rounded down. The word `interval` may be missing, units may be plural, and several pairs
 * add up, all as Spark takes it. Months and years have no fixed length and are refused, as Spark refuses them.
 * @returns undefined for any other text
 */
export function parseIntervalMs(text: string): number | undefined {
  const normal = text
    .trim()
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^interval /, '');
  if (!pairs.test(normal)) return undefined;
  const words = normal.split(' ');
  let total = 0;
  for (let index = 0; index < words.length; index += 2) {
    const unit = words[index + 1]!.replace(/s$/, '');
    const length = Object.hasOwn(unitMs, unit) ? unitMs[unit] : undefined;
    if (length === undefined) return undefined;
    total += Number(words[index]) * length;
  }
  return Number.isSafeInteger(Math.floor(total)) ? Math.floor(total) : undefined;
}

/** @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED naming the property: guessing a retention could delete what is needed */
export function intervalSetting(configuration: Configuration, key: string, absentMs: number): number {
  const text = configuration[key];
  if (text === undefined) return absentMs;
  const milliseconds = parseIntervalMs(text);
  if (milliseconds !== undefined) return milliseconds;
  throw invalid(key, text, 'an interval such as "interval 7 days" (units from nanosecond to week)');
}

/** @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED naming the property */
export function flagSetting(configuration: Configuration, key: string, absent: boolean): boolean {
  const text = configuration[key]?.trim().toLowerCase();
  if (text === undefined) return absent;
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalid(key, text, 'true or false');
}

/** @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED naming the property */
export function countSetting(configuration: Configuration, key: string, absent: number): number {
  const text = configuration[key];
  if (text === undefined) return absent;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalid(key, text, 'a whole number above 0');
}

const sizeText = /^(\d+)\s*([kmgt]?)(?:i?b)?$/;

/** `134217728`, `128mb`, `1g`; as in Spark the units are powers of 1024. @returns undefined for any other text */
export function parseByteSize(text: string): number | undefined {
  const match = sizeText.exec(text.trim().toLowerCase());
  if (match === null) return undefined;
  const bytes = Number(match[1]) * 1024 ** ' kmgt'.indexOf(match[2] || ' ');
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED naming the property */
export function sizeSetting(configuration: Configuration, key: string): number | undefined {
  const text = configuration[key];
  if (text === undefined) return undefined;
  const bytes = parseByteSize(text);
  if (bytes !== undefined) return bytes;
  throw invalid(key, text, 'a size in bytes above 0, or one such as 128mb');
}

function invalid(key: string, text: string, wanted: string): TributaryError {
  return new TributaryError(
    'DELTA_PROTOCOL_UNSUPPORTED',
    `The table property ${key} is "${text}", which is not ${wanted}. Change the property.`,
  );
}

const dayMs = 86_400_000;

/** `delta.deletedFileRetentionDuration`: how long files that were removed stay, for readers of older versions. */
export function deletedFileRetentionMs(configuration: Configuration): number {
  return intervalSetting(configuration, 'delta.deletedFileRetentionDuration', 7 * dayMs);
}

/** `delta.logRetentionDuration`: how far back the log reaches. */
export function logRetentionMs(configuration: Configuration): number {
  return intervalSetting(configuration, 'delta.logRetentionDuration', 30 * dayMs);
}
