// Pure. NCRONTAB schedules: when a timer runs next. Fields are read in UTC, as Azure does, so no hour is ever skipped or repeated.
import { TributaryError } from '../../shared/base/index.js';
import { parseTimeSpan } from './timeSpan.js';

export interface Schedule {
  /** @returns the first occurrence strictly after `afterMs` (both milliseconds UTC), or undefined when there is none */
  next(afterMs: number): number | undefined;
}

interface Field {
  readonly name: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly names?: readonly string[];
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const fields: readonly Field[] = [
  { name: 'second', minimum: 0, maximum: 59 },
  { name: 'minute', minimum: 0, maximum: 59 },
  { name: 'hour', minimum: 0, maximum: 23 },
  { name: 'day', minimum: 1, maximum: 31 },
  { name: 'month', minimum: 1, maximum: 12, names: monthNames },
  // 7 is Sunday too; folded to 0 after parsing.
  { name: 'day of week', minimum: 0, maximum: 7, names: dayNames },
];

/**
 * @param expression six fields `{second} {minute} {hour} {day} {month} {day of week}`, five without the second, or a
 *   TimeSpan `hh:mm:ss` between runs
 * @throws TributaryError CONFIG_INVALID naming the field that is wrong
 */
export function parseSchedule(expression: string): Schedule {
  const intervalMs = parseTimeSpan(expression);
  if (intervalMs !== undefined) return intervalSchedule(expression, intervalMs);
  const parts = expression.trim().split(/\s+/);
  const withSeconds = parts.length === 5 ? ['0', ...parts] : parts;
  if (withSeconds.length !== 6) {
    throw invalidSchedule(
      expression,
      `it has ${parts.length} fields instead of 5 or 6, and is no TimeSpan hh:mm:ss`,
    );
  }
  const sets = fields.map((field, index) => parseField(expression, field, withSeconds[index] ?? ''));
  return cronSchedule(sets);
}

function intervalSchedule(expression: string, intervalMs: number): Schedule {
  if (intervalMs <= 0) throw invalidSchedule(expression, 'the time between runs must be more than zero');
  return { next: (afterMs) => afterMs + intervalMs };
}

function parseField(expression: string, field: Field, text: string): ReadonlySet<number> {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const [range = '', stepText, ...surplus] = item.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    if (surplus.length > 0 || !Number.isInteger(step) || step < 1) {
      throw invalidSchedule(expression, `"${item}" in the ${field.name} field has no valid step`);
    }
    const [from, to] = parseRange(expression, field, range, stepText !== undefined);
    for (let value = from; value <= to; value += step) values.add(field.maximum === 7 ? value % 7 : value);
  }
  return values;
}

function parseRange(
  expression: string,
  field: Field,
  text: string,
  hasStep: boolean,
): [from: number, to: number] {
  // `*` means Sunday once: with maximum 7 it would count twice in a step.
  const last = field.maximum === 7 ? 6 : field.maximum;
  if (text === '*') return [field.minimum, last];
  const [fromText = '', toText, ...surplus] = text.split('-');
  const from = parseValue(expression, field, fromText);
  // NCrontab: a single value with a step runs to the end of the field.
  const to = toText === undefined ? (hasStep ? last : from) : parseValue(expression, field, toText);
  if (surplus.length > 0 || to < from) {
    throw invalidSchedule(expression, `"${text}" in the ${field.name} field is no range from low to high`);
  }
  return [from, to];
}

function parseValue(expression: string, field: Field, text: string): number {
  // Like NCrontab: a name counts by its first three letters, so "monday" is fine.
  const named = /^[a-z]{3,}$/i.test(text) ? (field.names?.indexOf(text.slice(0, 3).toLowerCase()) ?? -1) : -1;
  const value =
    named >= 0 ? named + (field.name === 'month' ? 1 : 0) : /^\d+$/.test(text) ? Number(text) : -1;
  if (value >= field.minimum && value <= field.maximum) return value;
  throw invalidSchedule(
    expression,
    `"${text}" in the ${field.name} field is not from ${field.minimum} to ${field.maximum}`,
  );
}

const dayMs = 86_400_000;
/** 29 February on a given weekday comes back within 40 years, across a century without a leap day. */
const searchYears = 41;

function cronSchedule(sets: readonly ReadonlySet<number>[]): Schedule {
  const [seconds, minutes, hours, days, months, weekdays] = sets.map((set) => [...set].sort((a, b) => a - b));
  const timesOfDay = { seconds: seconds ?? [], minutes: minutes ?? [], hours: hours ?? [] };
  // A day must satisfy all three fields: NCrontab, unlike Unix cron, does not take either of the two day fields.
  const dayMatches = (dayStartMs: number) => {
    const date = new Date(dayStartMs);
    return (
      months?.includes(date.getUTCMonth() + 1) === true &&
      days?.includes(date.getUTCDate()) === true &&
      weekdays?.includes(date.getUTCDay()) === true
    );
  };
  return {
    next(afterMs) {
      const startMs = Math.floor(afterMs / 1000) * 1000 + 1000;
      const firstDayMs = Math.floor(startMs / dayMs) * dayMs;
      for (
        let dayStartMs = firstDayMs;
        dayStartMs < firstDayMs + searchYears * 366 * dayMs;
        dayStartMs += dayMs
      ) {
        if (!dayMatches(dayStartMs)) continue;
        const secondOfDay = firstSecondOfDay(timesOfDay, Math.max(0, (startMs - dayStartMs) / 1000));
        if (secondOfDay !== undefined) return dayStartMs + secondOfDay * 1000;
      }
      return undefined;
    },
  };
}

interface TimesOfDay {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
}

function firstSecondOfDay(times: TimesOfDay, fromSecond: number): number | undefined {
  for (const hour of times.hours) {
    if (hour * 3600 + 3599 < fromSecond) continue;
    for (const minute of times.minutes) {
      if (hour * 3600 + minute * 60 + 59 < fromSecond) continue;
      const second = times.seconds.find((value) => hour * 3600 + minute * 60 + value >= fromSecond);
      if (second !== undefined) return hour * 3600 + minute * 60 + second;
    }
  }
  return undefined;
}

function invalidSchedule(expression: string, what: string): TributaryError {
  return new TributaryError(
    'CONFIG_INVALID',
    `"${expression}" is no timer schedule: ${what}. Example: "0 */5 * * * *" runs every five minutes.`,
  );
}
