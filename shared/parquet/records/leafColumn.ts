// Pure. One leaf of nested records: its levels and its values in PLAIN encoding, gathered until a row group is full.
import { TributaryError } from '../../base/index.js';
import type { DecimalType } from '../columns.js';
import { PhysicalType } from '../format.js';
import { decimalBytes, physicalTypeOf } from '../schema.js';
import { ByteBuffer } from '../writing/byteBuffer.js';
import type { LeafType } from './recordTypes.js';

const utf8 = new TextEncoder();

export class LeafColumn {
  readonly definitions = new ByteBuffer();
  readonly repetitions = new ByteBuffer();
  /** Booleans take a byte here and a bit in the page. */
  readonly values = new ByteBuffer();
  nullCount = 0;

  constructor(
    /** Names from the root to the leaf. */
    readonly path: readonly string[],
    readonly type: LeafType,
    readonly isRequired: boolean,
    readonly maxDefinition: number,
    readonly maxRepetition: number,
  ) {}

  clear(): void {
    this.definitions.clear();
    this.repetitions.clear();
    this.values.clear();
    this.nullCount = 0;
  }

  /** No value: the field itself, or one that it lies in, is absent. */
  addAbsent(repetition: number, definition: number): void {
    this.repetitions.appendByte(repetition);
    this.definitions.appendByte(definition);
    this.nullCount += 1;
  }

  /** @param definition level at which the field would be null */
  add(value: unknown, repetition: number, definition: number): void {
    if (value === undefined || value === null) {
      if (this.isRequired) throw this.#wrong('null');
      this.addAbsent(repetition, definition);
      return;
    }
    this.#addValue(value);
    this.repetitions.appendByte(repetition);
    this.definitions.appendByte(this.maxDefinition);
  }

  #addValue(value: unknown): void {
    const { values, type } = this;
    if (typeof type !== 'string') {
      if (typeof value !== 'bigint') throw this.#wrong(shownForm(value));
      this.#addDecimal(value, type);
      return;
    }
    const isInteger = type === 'integer' || type === 'date' || type === 'short' || type === 'byte';
    const isLong = type === 'long' || type === 'timestamp' || type === 'timestamp_ntz';
    if (type === 'string' && typeof value === 'string') this.#addBytes(utf8.encode(value));
    else if (type === 'binary' && value instanceof Uint8Array) this.#addBytes(value);
    else if (type === 'boolean' && typeof value === 'boolean') values.appendByte(value ? 1 : 0);
    else if (isInteger && typeof value === 'number' && (value | 0) === value) values.appendUint32(value);
    else if (isLong && (typeof value === 'bigint' || Number.isSafeInteger(value)))
      this.#addLong(BigInt(value as number | bigint));
    else if (type === 'float' && typeof value === 'number')
      values.append(new Uint8Array(Float32Array.of(value).buffer));
    else if (type === 'double' && typeof value === 'number')
      values.append(new Uint8Array(Float64Array.of(value).buffer));
    else throw this.#wrong(shownForm(value));
  }

  #addBytes(bytes: Uint8Array): void {
    this.values.appendUint32(bytes.length);
    this.values.append(bytes);
  }

  #addLong(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw this.#wrong(`${value}`);
    this.values.appendUint32(Number(BigInt.asIntN(32, value)));
    this.values.appendUint32(Number(BigInt.asIntN(32, value >> 32n)));
  }

  #addDecimal(value: bigint, type: DecimalType): void {
    const limit = 10n ** BigInt(type.precision);
    if (value <= -limit || value >= limit) throw this.#wrong(`${value}`);
    const physicalType = physicalTypeOf(type);
    if (physicalType === PhysicalType.INT32) this.values.appendUint32(Number(value));
    else if (physicalType === PhysicalType.INT64) this.#addLong(value);
    else
      for (let shift = 8 * (decimalBytes(type) - 1); shift >= 0; shift -= 8)
        this.values.appendByte(Number(BigInt.asUintN(8, value >> BigInt(shift))));
  }

  #wrong(found: string): TributaryError {
    const shown = found.length > 60 ? `${found.slice(0, 60)}...` : found;
    return new TributaryError(
      'PARQUET_INVALID',
      `The field ${this.path.join('.')} should be of the type ${typeText(this.type)}, but is ${shown}.`,
    );
  }
}

function shownForm(value: unknown): string {
  return typeof value === 'object' ? 'an object' : String(value);
}

function typeText(type: LeafType): string {
  return typeof type === 'string' ? type : `decimal(${type.precision},${type.scale})`;
}
