// Pure. Event times as devices write them -> microseconds since 1970-01-01 UTC.
import type { TimestampForm } from '../pipeline/index.js';

const zero = 48;

/**
 * @returns microseconds UTC, a safe integer (years 1684 to 2255); NaN for what is in none of `forms`.
 */
export function timestampReader(forms: readonly TimestampForm[]): (value: unknown) => number {
  const takesIso = forms.includes('iso');
  const epoch = epochReader(forms.find((form) => form !== 'iso'));
  return (value) => {
    if (typeof value === 'number') return epoch(String(value));
    if (typeof value !== 'string') return Number.NaN;
    const micros = takesIso ? isoMicros(value) : Number.NaN;
    return Number.isNaN(micros) ? epoch(value) : micros;
  };
}

function epochReader(form: TimestampForm | undefined): (text: string) => number {
  switch (form) {
    case 'epochSeconds':
      return (text) => safe(secondsToMicros(text));
    case 'epochMillis':
      return (text) => safe(/^-?\d{1,17}$/.test(text) ? Number(text) * 1000 : Number.NaN);
    case 'epochMicros':
      return (text) => safe(/^-?\d{1,17}$/.test(text) ? Number(text) : Number.NaN);
    default:
      return () => Number.NaN;
  }
}

/** By digits: the product of a fraction and 10^6 would be off by one now and then. */
function secondsToMicros(text: string): number {
  const match = /^(-?)(\d{1,12})(?:\.(\d+))?$/.exec(text);
  if (match === null) return Number.NaN;
  const micros = Number(match[2]) * 1_000_000 + Number((match[3] ?? '').slice(0, 6).padEnd(6, '0'));
  return match[1] === '-' ? -micros : micros;
}

/** Also takes -0 to 0: a time has no sign of its own. */
function safe(micros: number): number {
  return Number.isSafeInteger(micros) ? micros + 0 : Number.NaN;
}

/**
 * `2025-10-05T18:40:10Z` and kin: `T`, `t` or a space between, up to nine fraction digits after `.` or `,` cut to
 * microseconds, `Z`, `z`, `+02:00`, `+0200`, `+02` or nothing (UTC). NaN for anything else, dates that do not exist
 * and leap seconds.
 */
export function isoMicros(text: string): number {
  if (text.length < 19 || text.length > 35) return Number.NaN;
  const days = isoDays(text);
  const separator = text.charCodeAt(10);
  if (Number.isNaN(days) || (separator !== 84 && separator !== 116 && separator !== 32)) return Number.NaN;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return Number.NaN;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return Number.NaN;
  const zoneAt = endOfFraction(text);
  const offset = offsetMinutes(text, zoneAt);
  const seconds = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
  return safe(seconds * 1_000_000 + fractionMicros(text, zoneAt));
}

function isoDays(text: string): number {
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return Number.NaN;
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return Number.NaN;
  const year = century * 100 + yearOfCentury;
  return day > daysInMonth(year, month) ? Number.NaN : daysFromCivil(year, month, day);
}

/** -1 when there are no two digits at `at`. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - zero;
  const ones = text.charCodeAt(at + 1) - zero;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin on 1 March. */
function daysFromCivil(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Where the zone begins; 19 without a fraction. A point without digits stays in place, where no zone can begin. */
function endOfFraction(text: string): number {
  const mark = text.charCodeAt(19);
  if (mark !== 46 && mark !== 44) return 19;
  let at = 20;
  while (isDigit(text, at)) at++;
  return at === 20 || at > 29 ? 19 : at;
}

function fractionMicros(text: string, end: number): number {
  let micros = 0;
  let unit = 100_000;
  for (let at = 20; at < end && unit >= 1; at++) {
    micros += (text.charCodeAt(at) - zero) * unit;
    unit /= 10;
  }
  return micros;
}

/** Minutes east of UTC; NaN when what is left of the text is no zone. */
function offsetMinutes(text: string, at: number): number {
  const left = text.length - at;
  if (left === 0) return 0;
  const sign = text.charCodeAt(at);
  if (sign === 90 || sign === 122) return left === 1 ? 0 : Number.NaN;
  if (sign !== 43 && sign !== 45) return Number.NaN;
  const hasColon = text.charCodeAt(at + 3) === 58;
  if (left !== 3 && left !== (hasColon ? 6 : 5)) return Number.NaN;
  const hours = twoDigits(text, at + 1);
  const minutes = left === 3 ? 0 : twoDigits(text, at + (hasColon ? 4 : 3));
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN;
  return (sign === 45 ? -1 : 1) * (hours * 60 + minutes);
}

function isDigit(text: string, at: number): boolean {
  const digit = text.charCodeAt(at) - zero;
  return digit >= 0 && digit <= 9;
}
