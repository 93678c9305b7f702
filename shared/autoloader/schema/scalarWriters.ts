// Pure. From a value of a file to a cell of a primitive column: exactly, or not at all.
import { doubleOf, isJsonNumber, isoMicros } from '../../events/index.js';
import type { ColumnType, DecimalType, ValuesBuilder } from '../../parquet/index.js';
import { DateValue, ExactNumber, type FileValue, TimestampValue } from '../formats/types.js';
import { textOf } from './jsonText.js';
import { dayOf } from './textTypes.js';

interface Decimal {
  /** Without the point. */
  readonly unscaled: bigint;
  /** Digits after the point. */
  readonly scale: number;
}

/** Appends one entry and says true; false when the value does not fit, and then nothing was appended. */
export type ScalarWriter = (value: FileValue) => boolean;

type Builder<Kind extends ValuesBuilder['kind']> = Extract<ValuesBuilder, { readonly kind: Kind }>;

export function scalarWriter(type: ColumnType | DecimalType, builder: ValuesBuilder): ScalarWriter {
  switch (builder.kind) {
    case 'text':
      return textWriter(builder);
    case 'bytes':
      return bytesWriter(builder);
    case 'numbers':
      return numbersWriter(type as ColumnType, builder);
    case 'decimals':
      return decimalWriter(type as DecimalType, builder);
    default:
      return () => false;
  }
}

function textWriter(builder: Builder<'text'>): ScalarWriter {
  return (value) => {
    const text = textOf(value);
    if (!isWellFormed(text)) return false;
    builder.append(text);
    return true;
  };
}

/** Half a surrogate pair has no UTF-8, so a column cannot hold it. */
function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

function bytesWriter(builder: Builder<'bytes'>): ScalarWriter {
  return (value) => {
    if (!(value instanceof Uint8Array)) return false;
    builder.append(value);
    return true;
  };
}

function numbersWriter(type: ColumnType, builder: Builder<'numbers'>): ScalarWriter {
  switch (type) {
    case 'boolean':
      return (value) => appendNumber(builder, booleanFrom(value));
    case 'double':
      return (value) => appendNumber(builder, doubleFrom(value));
    case 'float':
      return (value) => appendNumber(builder, floatFrom(value));
    case 'date':
      return (value) => appendNumber(builder, daysFrom(value));
    case 'timestamp':
    case 'timestamp_ntz':
      return (value) => appendWhole(builder, microsFrom(value));
    default: {
      const bits = { byte: 8, short: 16, integer: 32, long: 64 }[type as 'byte'];
      return (value) => appendWhole(builder, integerFrom(value, bits));
    }
  }
}

function appendNumber(builder: Builder<'numbers'>, value: number | undefined): boolean {
  if (value === undefined) return false;
  builder.append(value);
  return true;
}

function appendWhole(builder: Builder<'numbers'>, value: number | bigint | undefined): boolean {
  if (value === undefined) return false;
  if (typeof value === 'bigint') builder.appendBigInt(value);
  else builder.append(value);
  return true;
}

function booleanFrom(value: FileValue): number | undefined {
  if (value === true || value === 'true') return 1;
  return value === false || value === 'false' ? 0 : undefined;
}

function doubleFrom(value: FileValue): number | undefined {
  if (typeof value === 'number') return value;
  const text = numberTextOf(value);
  if (text === undefined) return undefined;
  const number = doubleOf(text);
  return Number.isNaN(number) || !keepsDigits(text, number) ? undefined : number;
}

/** Whether the double still shows the digits: `0.1` does, `0.1234567890123456789` does not. */
function keepsDigits(text: string, number: number): boolean {
  if (text.length <= 16) return true;
  const significant = text
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '');
  return significant.length <= 15 || sameValue(text, number);
}

function sameValue(text: string, number: number): boolean {
  const written = parseDecimal(text);
  const held = parseDecimal(String(number));
  return written !== undefined && held !== undefined && compareExactly(written, held);
}

function compareExactly(left: Decimal, right: Decimal): boolean {
  const scale = Math.max(left.scale, right.scale);
  return rescaled(left, scale) === rescaled(right, scale);
}

function floatFrom(value: FileValue): number | undefined {
  const double = doubleFrom(value);
  if (double === undefined) return undefined;
  // A float has 24 bits: what it would change is no float.
  return Number.isNaN(double) || Math.fround(double) === double ? double : undefined;
}

function integerFrom(value: FileValue, bits: number): number | bigint | undefined {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) return undefined;
    return bits > 32 || isWithin(BigInt(value), bits) ? value + 0 : undefined;
  }
  const integer = bigIntFrom(value);
  if (integer === undefined || !isWithin(integer, bits)) return undefined;
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}

function bigIntFrom(value: FileValue): bigint | undefined {
  const decimal = decimalFrom(value);
  if (decimal === undefined) return undefined;
  const divisor = 10n ** BigInt(decimal.scale);
  return decimal.unscaled % divisor === 0n ? decimal.unscaled / divisor : undefined;
}

function isWithin(value: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, value) === value;
}

function daysFrom(value: FileValue): number | undefined {
  if (value instanceof DateValue) return value.daysSince1970;
  return typeof value === 'string' ? dayOf(value) : undefined;
}

function microsFrom(value: FileValue): number | bigint | undefined {
  if (value instanceof TimestampValue) return value.micros;
  if (value instanceof DateValue) return value.daysSince1970 * 86_400_000_000;
  if (typeof value !== 'string') return undefined;
  const days = dayOf(value);
  if (days !== undefined) return days * 86_400_000_000;
  const micros = isoMicros(value);
  return Number.isNaN(micros) ? undefined : micros;
}

function decimalWriter(type: DecimalType, builder: Builder<'decimals'>): ScalarWriter {
  const limit = 10n ** BigInt(type.precision);
  return (value) => {
    const decimal = decimalFrom(value);
    const unscaled = decimal === undefined ? undefined : rescaled(decimal, type.scale);
    if (unscaled === undefined || unscaled >= limit || unscaled <= -limit) return false;
    builder.append(unscaled);
    return true;
  };
}

function decimalFrom(value: FileValue): Decimal | undefined {
  const text = typeof value === 'number' ? String(value) : numberTextOf(value);
  return text === undefined ? undefined : parseDecimal(text);
}

/** Undefined when digits would be lost. */
function rescaled({ unscaled, scale: from }: Decimal, scale: number): bigint | undefined {
  if (scale >= from) return unscaled * 10n ** BigInt(scale - from);
  const divisor = 10n ** BigInt(from - scale);
  return unscaled % divisor === 0n ? unscaled / divisor : undefined;
}

function numberTextOf(value: FileValue): string | undefined {
  if (value instanceof ExactNumber) return value.text;
  return typeof value === 'string' && isJsonNumber(value) ? value : undefined;
}

/** Undefined for what is no number, and for exponents that no decimal of 38 digits could have. */
function parseDecimal(text: string): Decimal | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null || text.length > 400) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${whole}${fraction}`);
  const unscaled = scale < 0 ? digits * 10n ** BigInt(-scale) : digits;
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale: Math.max(scale, 0) };
}
