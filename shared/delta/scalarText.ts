// Pure. One value of a column as text, in the spelling that a table's log uses for partition values and statistics.
import type { DataType, DataValues } from '../parquet/index.js';
import { isNullAt } from '../parquet/index.js';

/** Undefined for null and for types that are no scalars. */
export function scalarText(values: DataValues, type: DataType, row: number): string | undefined {
  if (isNullAt(values, row)) return undefined;
  if (values.kind === 'text') return values.values[row] ?? undefined;
  if (values.kind === 'bytes') return new TextDecoder().decode(values.values[row]!);
  if (values.kind === 'decimals') {
    const scale = typeof type === 'object' && type.kind === 'decimal' ? type.scale : 0;
    return decimalText(BigInt(values.values[row]!), scale);
  }
  if (values.kind !== 'numbers') return undefined;
  const value = values.values[row]!;
  switch (type) {
    case 'boolean':
      return value === 1 ? 'true' : 'false';
    case 'date':
      return dateText(Number(value));
    case 'timestamp':
      return `${timestampText(BigInt(value))}Z`;
    case 'timestamp_ntz':
      return timestampText(BigInt(value));
    default:
      return Object.is(value, -0) ? '-0.0' : String(value);
  }
}

/** All `scale` digits, also when they are zeros. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** @param days since 1970-01-01 */
export function dateText(days: number): string {
  const date = new Date(days * 86_400_000);
  if (Number.isNaN(date.getTime())) return String(days); // beyond what any calendar here can tell
  const year = date.getUTCFullYear();
  const rest = `-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`;
  const digits = String(Math.abs(year)).padStart(4, '0');
  return `${year < 0 ? '-' : year > 9999 ? '+' : ''}${digits}${rest}`;
}

/** `2024-06-15T12:30:00.000001`, without a zone. @param micros since 1970-01-01 */
export function timestampText(micros: bigint): string {
  const days = floorDivide(micros, microsPerDay);
  let rest = Number(micros - days * microsPerDay);
  const fraction = rest % 1_000_000;
  rest = (rest - fraction) / 1_000_000;
  const time = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60].map(twoDigits).join(':');
  return `${dateText(Number(days))}T${time}.${String(fraction).padStart(6, '0')}`;
}

const microsPerDay = 86_400_000_000n;

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
