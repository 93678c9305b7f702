// Pure. Reads numbers out of JSON values that an earlier run wrote.
import { TributaryError } from '../base/index.js';

/** @param what the state is of, e.g. `a device's windows` */
export function unreadable(what: string, found: string): TributaryError {
  return new TributaryError(
    'STATE_UNREADABLE',
    `The stored state of ${what} has ${found}. Either a later version of this app wrote it, which must then run here, or it is damaged`,
  );
}

export function arrayOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unreadable(what, `${value === null ? 'null' : `a ${typeof value}`} in place of an array`);
}

export function numbersOf(value: unknown, what: string): readonly number[] {
  const list = arrayOf(value, what);
  for (const entry of list) numberOf(entry, what);
  return list as readonly number[];
}

export function numberOf(value: unknown, what: string): number {
  if (typeof value === 'number') return value;
  throw unreadable(what, `${value === null ? 'null' : `a ${typeof value}`} in place of a number`);
}
