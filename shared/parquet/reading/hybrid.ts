// Pure. Decodes the hybrid of run lengths and bit packing; the counterpart of writing/rle.ts.
import { type ByteReader, damagedPage } from './byteReader.js';

/** Fills `target[from]` to `target[to - 1]`. `bitWidth` 0 to 32. */
export function readHybrid(
  reader: ByteReader,
  bitWidth: number,
  target: Uint8Array | Int32Array,
  from: number,
  to: number,
): void {
  if (bitWidth > 32) throw damagedPage(`${bitWidth} bits is no width of an index`);
  let index = from;
  while (index < to) {
    const header = reader.varint();
    if ((header & 1) === 0) {
      const end = Math.min(to, index + (header >>> 1)); // a run may not reach beyond the page's values
      const value = readRunValue(reader, bitWidth);
      target.fill(value, index, end);
      index = end;
    } else {
      const end = Math.min(to, index + (header >>> 1) * 8);
      readPacked(reader, bitWidth, (header >>> 1) * bitWidth, target, index, end);
      index = end;
    }
  }
}

function readRunValue(reader: ByteReader, bitWidth: number): number {
  let value = 0;
  for (let shift = 0; shift < bitWidth; shift += 8) value |= reader.byte() << shift;
  return value;
}

/** `byteCount` is what the groups take; some writers leave out the padding at the end of the page. */
function readPacked(
  reader: ByteReader,
  bitWidth: number,
  byteCount: number,
  target: Uint8Array | Int32Array,
  from: number,
  to: number,
): void {
  const needed = Math.ceil(((to - from) * bitWidth) / 8);
  const bytes = reader.take(Math.max(needed, Math.min(byteCount, reader.remaining)));
  if (bitWidth === 0) {
    target.fill(0, from, to);
  } else if (bitWidth <= 24) {
    unpackNarrow(bytes, bitWidth, target, from, to);
  } else {
    for (let index = from; index < to; index++)
      target[index] = bitsAt(bytes, (index - from) * bitWidth, bitWidth);
  }
}

function unpackNarrow(
  bytes: Uint8Array,
  bitWidth: number,
  target: Uint8Array | Int32Array,
  from: number,
  to: number,
): void {
  const mask = (1 << bitWidth) - 1;
  let pending = 0;
  let pendingBits = 0;
  let offset = 0;
  for (let index = from; index < to; index++) {
    while (pendingBits < bitWidth) {
      pending |= bytes[offset++]! << pendingBits;
      pendingBits += 8;
    }
    target[index] = pending & mask;
    pending >>>= bitWidth;
    pendingBits -= bitWidth;
  }
}

/** Up to 32 bits that start `bitOffset` bits into `bytes`. */
function bitsAt(bytes: Uint8Array, bitOffset: number, bitWidth: number): number {
  let byteOffset = Math.floor(bitOffset / 8);
  let haveBits = 8 - (bitOffset % 8);
  let value = bytes[byteOffset]! >>> (bitOffset % 8);
  while (haveBits < bitWidth) {
    byteOffset += 1;
    value |= bytes[byteOffset]! << haveBits;
    haveBits += 8;
  }
  return bitWidth === 32 ? value : value & (2 ** bitWidth - 1);
}
