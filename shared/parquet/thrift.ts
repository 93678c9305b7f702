// Pure. Thrift's compact protocol, as far as Parquet uses it: a writer for footers and page headers, and a reader
// for page headers that never leaves its bytes. https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
import { TributaryError } from '../base/index.js';
import { ByteBuffer } from './writing/byteBuffer.js';

const FieldType = {
  STOP: 0,
  TRUE: 1,
  FALSE: 2,
  BYTE: 3,
  I16: 4,
  I32: 5,
  I64: 6,
  DOUBLE: 7,
  BINARY: 8,
  LIST: 9,
  STRUCT: 12,
} as const;

/** Element types of lists. */
export const ListOf = { I32: FieldType.I32, BINARY: FieldType.BINARY, STRUCT: FieldType.STRUCT } as const;

const utf8 = new TextEncoder();

/** Writes structs field by field; ids within a struct ascend. Every `begin...` has its `endStruct`. */
export class CompactWriter {
  readonly buffer = new ByteBuffer();
  #lastFieldId = 0;
  readonly #outerFieldIds: number[] = [];

  clear(): void {
    this.buffer.clear();
    this.#lastFieldId = 0;
    this.#outerFieldIds.length = 0;
  }

  /** Opens a struct that is a list element, or the outermost one. */
  beginStruct(): void {
    this.#outerFieldIds.push(this.#lastFieldId);
    this.#lastFieldId = 0;
  }

  beginStructField(id: number): void {
    this.#fieldHeader(id, FieldType.STRUCT);
    this.beginStruct();
  }

  endStruct(): void {
    this.buffer.appendByte(FieldType.STOP);
    this.#lastFieldId = this.#outerFieldIds.pop() ?? 0;
  }

  /** A struct without fields, the form of most members of Parquet's unions. */
  emptyStructField(id: number): void {
    this.beginStructField(id);
    this.endStruct();
  }

  boolean(id: number, value: boolean): void {
    this.#fieldHeader(id, value ? FieldType.TRUE : FieldType.FALSE);
  }

  byte(id: number, value: number): void {
    this.#fieldHeader(id, FieldType.BYTE);
    this.buffer.appendByte(value);
  }

  i16(id: number, value: number): void {
    this.#fieldHeader(id, FieldType.I16);
    this.i32Element(value);
  }

  i32(id: number, value: number): void {
    this.#fieldHeader(id, FieldType.I32);
    this.i32Element(value);
  }

  /** `value` is a safe integer: counts and file offsets. */
  i64(id: number, value: number): void {
    this.#fieldHeader(id, FieldType.I64);
    this.#zigzag64(value);
  }

  binary(id: number, value: Uint8Array): void {
    this.#fieldHeader(id, FieldType.BINARY);
    this.#binaryElement(value);
  }

  text(id: number, value: string): void {
    this.binary(id, utf8.encode(value));
  }

  /**
   * The element type is written for empty lists too: arrow-rs refuses a list of structs whose empty form says otherwise.
   */
  beginList(id: number, elementType: number, size: number): void {
    this.#fieldHeader(id, FieldType.LIST);
    if (size < 15) {
      this.buffer.appendByte((size << 4) | elementType);
      return;
    }
    this.buffer.appendByte(0xf0 | elementType);
    this.buffer.appendVarint(size);
  }

  i32Element(value: number): void {
    this.buffer.appendVarint((value << 1) ^ (value >> 31));
  }

  textElement(value: string): void {
    this.#binaryElement(utf8.encode(value));
  }

  #binaryElement(value: Uint8Array): void {
    this.buffer.appendVarint(value.length);
    this.buffer.append(value);
  }

  #fieldHeader(id: number, type: number): void {
    const delta = id - this.#lastFieldId;
    if (delta > 0 && delta <= 15) {
      this.buffer.appendByte((delta << 4) | type);
    } else {
      this.buffer.appendByte(type);
      this.i32Element(id);
    }
    this.#lastFieldId = id;
  }

  #zigzag64(value: number): void {
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    if (!Number.isSafeInteger(rest)) throw new RangeError(`${value} is too large for a count or an offset`);
    this.buffer.reserve(10);
    while (rest > 0x7f) {
      this.buffer.bytes[this.buffer.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer.bytes[this.buffer.length++] = rest;
  }
}

/** A struct as read: integers and booleans (0 or 1) by field id, nested structs by field id. Other fields are skipped. */
export interface CompactStruct {
  readonly integers: ReadonlyMap<number, number>;
  readonly structs: ReadonlyMap<number, CompactStruct>;
}

/** Page headers nest two deep; statistics one more. */
const maxDepth = 8;

/** Reads one struct from `bytes`; afterwards `offset` is the first byte behind it. Damage -> PARQUET_INVALID. */
export class CompactReader {
  offset: number;

  constructor(
    private readonly bytes: Uint8Array,
    offset: number,
    private readonly end: number,
  ) {
    this.offset = offset;
  }

  struct(depth = 0): CompactStruct {
    if (depth > maxDepth) throw damaged('structs nest too deeply');
    const integers = new Map<number, number>();
    const structs = new Map<number, CompactStruct>();
    let id = 0;
    for (;;) {
      const header = this.#byte();
      const type = header & 0x0f;
      if (type === FieldType.STOP) return { integers, structs };
      id = header >> 4 === 0 ? this.#zigzag() : id + (header >> 4);
      if (type === FieldType.TRUE || type === FieldType.FALSE)
        integers.set(id, type === FieldType.TRUE ? 1 : 0);
      else if (type === FieldType.I16 || type === FieldType.I32) integers.set(id, this.#zigzag());
      else if (type === FieldType.STRUCT) structs.set(id, this.struct(depth + 1));
      else this.#skip(type, depth);
    }
  }

  #skip(type: number, depth: number): void {
    if (type === FieldType.BYTE) this.#advance(1);
    else if (type === FieldType.DOUBLE) this.#advance(8);
    else if (type === FieldType.BINARY) this.#advance(this.#varint());
    else if (type === FieldType.LIST) this.#skipList(depth);
    else if (type === FieldType.STRUCT) this.struct(depth + 1);
    else if (type === FieldType.I16 || type === FieldType.I32 || type === FieldType.I64) this.#skipVarint();
    else throw damaged(`field type ${type} is not used by Parquet`);
  }

  #skipList(depth: number): void {
    const header = this.#byte();
    const size = header >> 4 === 15 ? this.#varint() : header >> 4;
    const elementType = header & 0x0f;
    const isBoolean = elementType === FieldType.TRUE || elementType === FieldType.FALSE;
    if (depth > maxDepth) throw damaged('lists nest too deeply');
    for (let index = 0; index < size; index++)
      this.#skip(isBoolean ? FieldType.BYTE : elementType, depth + 1);
  }

  #byte(): number {
    const byte = this.bytes[this.offset];
    if (byte === undefined || this.offset >= this.end) throw damaged('it ends too early');
    this.offset += 1;
    return byte;
  }

  #advance(byteCount: number): void {
    if (byteCount > this.end - this.offset) throw damaged('a field is longer than what is left');
    this.offset += byteCount;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw damaged('an integer is too long');
  }

  #zigzag(): number {
    const value = this.#varint();
    return (value >>> 1) ^ -(value & 1);
  }

  #skipVarint(): void {
    for (let length = 0; length < 10; length++) if (this.#byte() < 0x80) return;
    throw damaged('an integer is too long');
  }
}

function damaged(what: string): TributaryError {
  return new TributaryError('PARQUET_INVALID', `A Parquet page header is damaged: ${what}.`);
}
