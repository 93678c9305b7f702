// Pure. A point in a table's history as a person writes it: a version, or a time.
import { TributaryError } from '../../shared/base/index.js';
import type { TableMoment } from '../../shared/delta/index.js';

const version = /^\d{1,15}$/;
const time = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/i;

/** @param option for messages, e.g. `--to` @throws TributaryError INPUT_INVALID */
export function parseMoment(text: string, option: string): TableMoment {
  if (version.test(text)) return { version: Number(text) };
  const match = time.exec(text);
  // A day alone is UTC already, a time without zone would be that of this machine.
  const timestampMs = match === null ? Number.NaN : Date.parse(match[1] === undefined ? inUtc(text) : text);
  if (!Number.isNaN(timestampMs)) return { timestampMs };
  throw new TributaryError(
    'INPUT_INVALID',
    `${option} takes a version such as 12, or a time such as 2026-01-31T12:30:00Z (UTC without a zone), not "${text}".`,
  );
}

function inUtc(text: string): string {
  return text.length > 'yyyy-mm-dd'.length ? `${text}Z` : text;
}
