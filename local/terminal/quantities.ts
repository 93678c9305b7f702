// Pure. Numbers as people read them: counts, bytes, durations, points in time.

/** `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 row`, `1,234 rows`. @param noun singular, with its plural by an s */
export function formatCountOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Per second: one decimal below ten, whole numbers above. */
export function formatRate(perSecond: number): string {
  const rounded = perSecond < 9.95 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond);
  return `${Number.isInteger(rounded) ? formatCount(rounded) : rounded.toFixed(1)}/s`;
}

const byteUnits = ['kB', 'MB', 'GB', 'TB', 'PB'];

/** Decimal units, as storage prices and Azure's portal count them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = '';
  for (const next of byteUnits) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 9.95 ? value.toFixed(1) : formatCount(value)} ${unit}`;
}

/** `850 ms`, `4.2 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${twoDigits(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** `00:03:05`, for something that runs. */
export function formatElapsed(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const hours = Math.floor(seconds / 3600);
  return [hours, Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(':');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

const oneMillisecond = 1000n;
const oneSecond = 1_000_000n;

/** ISO 8601 in UTC. The fraction has six, three or no digits, whichever loses nothing. */
export function formatTimestamp(microseconds: number | bigint): string {
  const micros = BigInt(microseconds);
  const fraction = ((micros % oneSecond) + oneSecond) % oneSecond;
  const wholeSeconds = new Date(Number((micros - fraction) / oneMillisecond));
  if (Number.isNaN(wholeSeconds.getTime())) return `${micros} µs`;
  const digits = String(fraction).padStart(6, '0');
  return wholeSeconds.toISOString().replace('.000Z', `${trimmedFraction(digits)}Z`);
}

function trimmedFraction(sixDigits: string): string {
  if (sixDigits === '000000') return '';
  return sixDigits.endsWith('000') ? `.${sixDigits.slice(0, 3)}` : `.${sixDigits}`;
}

/** `2025-10-06`. */
export function formatDate(daysSinceEpoch: number): string {
  const date = new Date(daysSinceEpoch * 86_400_000);
  if (Number.isNaN(date.getTime())) return `day ${daysSinceEpoch}`;
  return date.toISOString().replace(/T.*/, '');
}
