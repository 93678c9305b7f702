// Pure. Builders of columns without parts: text, bytes, numbers, decimals, void.
import { TributaryError } from '../../base/index.js';
import type { ColumnType, ColumnValues, DataValues, DecimalType, DecimalValues } from '../columns.js';
import { GrowingValidity, withRoom } from './growth.js';

export class TextBuilder {
  readonly kind = 'text';
  readonly #values: (string | null)[] = [];

  get count(): number {
    return this.#values.length;
  }

  append(value: string): void {
    this.#values.push(value);
  }

  appendNull(): void {
    this.#values.push(null);
  }

  truncate(count: number): void {
    this.#values.length = Math.min(count, this.#values.length);
  }

  finish(): ColumnValues {
    return { kind: 'text', values: this.#values };
  }
}

export class BytesBuilder {
  readonly kind = 'bytes';
  readonly #values: (Uint8Array | null)[] = [];

  get count(): number {
    return this.#values.length;
  }

  /** The array is kept, not copied. */
  append(value: Uint8Array): void {
    this.#values.push(value);
  }

  appendNull(): void {
    this.#values.push(null);
  }

  truncate(count: number): void {
    this.#values.length = Math.min(count, this.#values.length);
  }

  finish(): ColumnValues {
    return { kind: 'bytes', values: this.#values };
  }
}

export type NumberType = Exclude<ColumnType, 'string' | 'binary'>;

interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

const signed = (bits: number): IntegerRange => ({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const safe = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/** Of the numbers that a type takes; types with fractions take any. */
const rangeOf: Readonly<Record<NumberType, IntegerRange | undefined>> = {
  boolean: { min: 0, max: 1 },
  byte: signed(8),
  short: signed(16),
  integer: signed(32),
  date: signed(32),
  long: safe,
  timestamp: safe,
  timestamp_ntz: safe,
  float: undefined,
  double: undefined,
};

function emptyNumbers(type: NumberType): Uint8Array | Int32Array | Float64Array {
  if (type === 'boolean') return new Uint8Array(16);
  const isNarrow = type === 'byte' || type === 'short' || type === 'integer' || type === 'date';
  return isNarrow ? new Int32Array(16) : new Float64Array(16);
}

/** All primitive types but text and bytes. */
export class NumberBuilder {
  readonly kind = 'numbers';
  count = 0;
  readonly #range: IntegerRange | undefined;
  readonly #validity = new GrowingValidity();
  #values: Uint8Array | Int32Array | Float64Array;
  /** In place of `#values` once an integer beyond 2^53 was appended. */
  #integers: BigInt64Array | undefined;

  constructor(
    readonly name: string,
    readonly type: NumberType,
  ) {
    this.#range = rangeOf[type];
    this.#values = emptyNumbers(type);
  }

  /**
   * 0 or 1 for boolean, days for date, microseconds for timestamps; whole numbers for all but float and double.
   * @throws TributaryError PARQUET_INVALID when the type cannot hold the value, or a number cannot hold it exactly
   */
  append(value: number): void {
    const range = this.#range;
    if (range !== undefined && !(value >= range.min && value <= range.max && value === Math.floor(value)))
      throw outOfRange(this.name, this.type, value);
    if (this.#integers !== undefined) {
      this.appendBigInt(BigInt(value));
      return;
    }
    this.#values = withRoom(this.#values, this.count);
    this.#values[this.count] = value;
    this.#validity.markPresent(this.count++);
  }

  /**
   * long and timestamps over the full 64-bit range.
   * @throws TributaryError PARQUET_INVALID for other types, and beyond 64 bits
   */
  appendBigInt(value: bigint): void {
    const number = Number(value);
    if (this.#integers === undefined && Number.isSafeInteger(number)) {
      this.append(number);
      return;
    }
    if (this.#range !== safe || BigInt.asIntN(64, value) !== value)
      throw outOfRange(this.name, this.type, value);
    this.#integers = withRoom(this.#integers ?? this.#asIntegers(), this.count);
    this.#integers[this.count] = value;
    this.#validity.markPresent(this.count++);
  }

  appendNull(): void {
    if (this.#integers !== undefined) this.#integers = withRoom(this.#integers, this.count);
    else this.#values = withRoom(this.#values, this.count);
    (this.#integers ?? this.#values)[this.count] = this.#integers === undefined ? 0 : 0n;
    this.#validity.markNull(this.count++);
  }

  truncate(count: number): void {
    this.count = Math.min(count, this.count);
    if (count > 0) return;
    this.#integers = undefined;
    this.#validity.clear();
  }

  finish(): ColumnValues {
    return { kind: 'numbers', values: this.#integers ?? this.#values, ...this.#validity.values() };
  }

  #asIntegers(): BigInt64Array {
    const integers = new BigInt64Array(Math.max(16, this.#values.length));
    for (let index = 0; index < this.count; index++) integers[index] = BigInt(this.#values[index]!);
    return integers;
  }
}

export class DecimalBuilder {
  readonly kind = 'decimals';
  count = 0;
  /** Unscaled values are nearer to zero than this. */
  readonly #limit: bigint;
  readonly #numberLimit: number;
  readonly #validity = new GrowingValidity();
  #values = new Float64Array(16);
  /** In place of `#values` once an integer beyond 2^53 was appended. */
  #integers: bigint[] | undefined;

  constructor(
    readonly name: string,
    readonly type: DecimalType,
  ) {
    this.#limit = 10n ** BigInt(type.precision);
    this.#numberLimit = Math.min(10 ** type.precision, 2 ** 53);
  }

  /**
   * The integer without the point: 12.30 of decimal(4,2) is 1230.
   * @throws TributaryError PARQUET_INVALID when it has more digits than the type, or is no whole number
   */
  append(unscaled: number | bigint): void {
    if (this.#integers === undefined && this.#fitsNumber(unscaled)) {
      this.#values = withRoom(this.#values, this.count);
      this.#values[this.count] = Number(unscaled);
    } else {
      if (typeof unscaled === 'number' && !Number.isSafeInteger(unscaled)) throw this.#misfit(unscaled);
      const integer = BigInt(unscaled);
      if (integer >= this.#limit || integer <= -this.#limit) throw this.#misfit(unscaled);
      this.#integers ??= Array.from(this.#values.subarray(0, this.count), BigInt);
      this.#integers[this.count] = integer;
    }
    this.#validity.markPresent(this.count++);
  }

  appendNull(): void {
    if (this.#integers !== undefined) this.#integers[this.count] = 0n;
    else {
      this.#values = withRoom(this.#values, this.count);
      this.#values[this.count] = 0;
    }
    this.#validity.markNull(this.count++);
  }

  truncate(count: number): void {
    this.count = Math.min(count, this.count);
    if (this.#integers !== undefined) this.#integers.length = this.count;
    if (count > 0) return;
    this.#integers = undefined;
    this.#validity.clear();
  }

  finish(): DecimalValues {
    return { kind: 'decimals', values: this.#integers ?? this.#values, ...this.#validity.values() };
  }

  #fitsNumber(unscaled: number | bigint): boolean {
    const isNear = unscaled < this.#numberLimit && unscaled > -this.#numberLimit;
    return isNear && (typeof unscaled === 'bigint' || Number.isInteger(unscaled));
  }

  #misfit(unscaled: number | bigint): TributaryError {
    const { precision, scale } = this.type;
    return outOfRange(this.name, `decimal(${precision},${scale})`, unscaled);
  }
}

export class VoidBuilder {
  readonly kind = 'void';
  count = 0;

  appendNull(): void {
    this.count++;
  }

  truncate(count: number): void {
    this.count = Math.min(count, this.count);
  }

  finish(): DataValues {
    return { kind: 'void' };
  }
}

function outOfRange(name: string, type: string, value: number | bigint): TributaryError {
  return new TributaryError('PARQUET_INVALID', `Column "${name}" of type ${type} cannot hold ${value}.`);
}
