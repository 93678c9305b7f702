// Pure. One leaf of nested records: its levels and its values in PLAIN encoding, gathered until a row group is full.
import { TributaryError } from '../../base/index.js';
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
    if (type === 'string' && typeof value === 'string') {
      const bytes = utf8.encode(value);
      values.appendUint32(bytes.length);
      values.append(bytes);
    } else if (type === 'boolean' && typeof value === 'boolean') {
      values.appendByte(value ? 1 : 0);
    } else if (type === 'integer' && typeof value === 'number' && (value | 0) === value) {
      values.appendUint32(value);
    } else if (type === 'long' && (typeof value === 'bigint' || Number.isSafeInteger(value))) {
      this.#addLong(BigInt(value as number | bigint));
    } else {
      throw this.#wrong(typeof value === 'object' ? 'an object' : String(value));
    }
  }

  #addLong(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw this.#wrong(`${value}`);
    this.values.appendUint32(Number(BigInt.asIntN(32, value)));
    this.values.appendUint32(Number(BigInt.asIntN(32, value >> 32n)));
  }

  #wrong(found: string): TributaryError {
    const shown = found.length > 60 ? `${found.slice(0, 60)}...` : found;
    return new TributaryError(
      'PARQUET_INVALID',
      `The field ${this.path.join('.')} should be of the type ${this.type}, but is ${shown}.`,
    );
  }
}
