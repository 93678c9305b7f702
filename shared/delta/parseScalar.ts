// Pure. Dates, timestamps and decimals from the texts that writers put into a table's log: partition values and statistics.

/** Zones of the form Z, +01, +01:00, -0752 or -07:52:58 (local mean times of old dates have seconds). */
const instantText =
  /^([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)? ?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?$/;

/** Microseconds since 1970; texts without a zone are taken as UTC. Undefined when it is no timestamp. */
export function parseTimestampMicros(text: string): bigint | undefined {
  const match = instantText.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const days = daysOf(Number(year), Number(month), Number(day));
  if (days === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const seconds =
    days * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds(zone);
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}

function zoneSeconds(zone: string): number {
  if (zone === 'Z') return 0;
  const digits = zone.replace(/\D/g, '').padEnd(6, '0');
  const seconds =
    Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4)) * 60 + Number(digits.slice(4));
  return zone.startsWith('-') ? -seconds : seconds;
}

/** Days since 1970-01-01; a time of day behind the date is ignored. Undefined when it is no date. */
export function parseDays(text: string): number | undefined {
  const match = instantText.exec(text);
  return match === null ? undefined : daysOf(Number(match[1]), Number(match[2]), Number(match[3]));
}

/** In the Gregorian calendar, also for years before it; undefined for days that no month has. */
function daysOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.getTime() / 86_400_000;
}

const decimalForm = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** The number times 10^scale; undefined when it is no number or has more digits after the point. */
export function parseUnscaled(text: string, scale: number): bigint | undefined {
  const match = decimalForm.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const shift = scale - fraction.length + Number(exponent);
  const digits = BigInt(whole + fraction);
  const magnitude = shift >= 0 ? digits * 10n ** BigInt(shift) : exactQuotient(digits, 10n ** BigInt(-shift));
  if (magnitude === undefined) return undefined;
  return sign === '-' ? -magnitude : magnitude;
}

function exactQuotient(value: bigint, divisor: bigint): bigint | undefined {
  return value % divisor === 0n ? value / divisor : undefined;
}
