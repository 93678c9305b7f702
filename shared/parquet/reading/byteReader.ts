// Pure. Reads a page body front to back and never leaves it: what a damaged file says is checked before it is believed.
import { TributaryError } from '../../base/index.js';

export function damagedPage(what: string): TributaryError {
  return new TributaryError('PARQUET_INVALID', `The Parquet file is damaged: ${what}.`);
}

export class ByteReader {
  offset = 0;

  constructor(readonly bytes: Uint8Array) {}

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  byte(): number {
    if (this.offset >= this.bytes.length) throw damagedPage('a page ends too early');
    return this.bytes[this.offset++]!;
  }

  uint32(): number {
    const { bytes, offset } = this;
    this.skip(4);
    return (
      (bytes[offset]! |
        (bytes[offset + 1]! << 8) |
        (bytes[offset + 2]! << 16) |
        (bytes[offset + 3]! << 24)) >>>
      0
    );
  }

  /** Unsigned LEB128 below 2^32. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw damagedPage('an integer in a page is too long');
  }

  /** Zigzag LEB128 of up to 64 bits. */
  zigzag64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
    }
    throw damagedPage('an integer in a page is too long');
  }

  /** A view of the next bytes. */
  take(byteCount: number): Uint8Array {
    const start = this.offset;
    this.skip(byteCount);
    return this.bytes.subarray(start, this.offset);
  }

  skip(byteCount: number): void {
    if (byteCount > this.bytes.length - this.offset) throw damagedPage('a page ends too early');
    this.offset += byteCount;
  }
}
