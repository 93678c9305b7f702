// Pure. The hybrid of run lengths and bit packing that Parquet uses for definition levels and dictionary indices.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
import type { ByteBuffer } from './byteBuffer.js';

/** Values are bit-packed in groups of eight; a run this long is cheaper as a run. */
const groupSize = 8;

/** Bits that hold every index of a dictionary; one entry takes a bit too, as in Arrow: some readers refuse zero. */
export function indexBitWidth(entryCount: number): number {
  return Math.max(1, 32 - Math.clz32(entryCount - 1));
}

/** Definition levels of an optional column (0 for null, anything else present) with the length that data pages V1 put in front. */
export function appendLevels(target: ByteBuffer, levels: Uint8Array, from: number, to: number): void {
  const lengthOffset = target.length;
  target.appendUint32(0);
  let index = from;
  while (index < to) {
    const runEnd = levelRunEnd(levels, index, to);
    if (runEnd - index >= groupSize || runEnd === to) {
      appendRun(target, runEnd - index, levels[index] === 0 ? 0 : 1, 1);
      index = runEnd;
    } else {
      const literalEnd = literalLevelsEnd(levels, index, to);
      appendPackedLevels(target, levels, index, literalEnd);
      index = literalEnd;
    }
  }
  target.setUint32(lengthOffset, target.length - lengthOffset - 4);
}

/** Definition levels of a page without nulls. */
export function appendAllPresent(target: ByteBuffer, rowCount: number): void {
  const lengthOffset = target.length;
  target.appendUint32(0);
  appendRun(target, rowCount, 1, 1);
  target.setUint32(lengthOffset, target.length - lengthOffset - 4);
}

/** Dictionary indices of a data page: their bit width, then runs. `bitWidth` is at most 24. */
export function appendIndices(
  target: ByteBuffer,
  indices: Int32Array,
  from: number,
  to: number,
  bitWidth: number,
): void {
  target.appendByte(bitWidth);
  appendHybrid(target, indices, from, to, bitWidth);
}

/** Levels above 1 of nested columns, with the length that data pages V1 put in front. */
export function appendDeepLevels(
  target: ByteBuffer,
  levels: Int32Array,
  from: number,
  to: number,
  maxLevel: number,
): void {
  const lengthOffset = target.length;
  target.appendUint32(0);
  appendHybrid(target, levels, from, to, 32 - Math.clz32(maxLevel));
  target.setUint32(lengthOffset, target.length - lengthOffset - 4);
}

function appendHybrid(
  target: ByteBuffer,
  indices: Int32Array,
  from: number,
  to: number,
  bitWidth: number,
): void {
  let index = from;
  while (index < to) {
    const runEnd = indexRunEnd(indices, index, to);
    if (runEnd - index >= groupSize || runEnd === to) {
      appendRun(target, runEnd - index, indices[index]!, bitWidth);
      index = runEnd;
    } else {
      const literalEnd = literalIndicesEnd(indices, index, to);
      appendPackedIndices(target, indices, index, literalEnd, bitWidth);
      index = literalEnd;
    }
  }
}

function appendRun(target: ByteBuffer, count: number, value: number, bitWidth: number): void {
  target.appendVarint(count * 2);
  for (let bits = 0; bits < bitWidth; bits += 8) target.appendByte((value >>> bits) & 0xff);
}

// The loops below exist once for levels and once for indices, so that each sees one kind of array.

function levelRunEnd(levels: Uint8Array, from: number, to: number): number {
  const value = levels[from];
  let end = from + 1;
  while (end < to && levels[end] === value) end += 1;
  return end;
}

function indexRunEnd(indices: Int32Array, from: number, to: number): number {
  const value = indices[from];
  let end = from + 1;
  while (end < to && indices[end] === value) end += 1;
  return end;
}

/** Whole groups up to where a long run starts; only the last group of a page may be short. */
function literalLevelsEnd(levels: Uint8Array, from: number, to: number): number {
  let end = from + groupSize;
  while (end < to && levelRunEnd(levels, end, Math.min(to, end + groupSize)) - end < groupSize)
    end += groupSize;
  return Math.min(end, to);
}

function literalIndicesEnd(indices: Int32Array, from: number, to: number): number {
  let end = from + groupSize;
  while (end < to && indexRunEnd(indices, end, Math.min(to, end + groupSize)) - end < groupSize)
    end += groupSize;
  return Math.min(end, to);
}

function appendPackedLevels(target: ByteBuffer, levels: Uint8Array, from: number, to: number): void {
  const groupCount = Math.ceil((to - from) / groupSize);
  target.appendVarint(groupCount * 2 + 1);
  target.reserve(groupCount);
  for (let group = 0; group < groupCount; group++) {
    const start = from + group * groupSize;
    const end = Math.min(start + groupSize, to);
    let bits = 0;
    for (let index = start; index < end; index++) if (levels[index] !== 0) bits |= 1 << (index - start);
    target.bytes[target.length++] = bits;
  }
}

function appendPackedIndices(
  target: ByteBuffer,
  indices: Int32Array,
  from: number,
  to: number,
  bitWidth: number,
): void {
  const groupCount = Math.ceil((to - from) / groupSize);
  target.appendVarint(groupCount * 2 + 1);
  target.reserve(groupCount * bitWidth);
  const bytes = target.bytes;
  let offset = target.length;
  let pending = 0;
  let pendingBits = 0;
  for (let index = from; index < to; index++) {
    pending |= indices[index]! << pendingBits;
    pendingBits += bitWidth;
    while (pendingBits >= 8) {
      bytes[offset++] = pending;
      pending >>>= 8;
      pendingBits -= 8;
    }
  }
  if (pendingBits > 0) bytes[offset++] = pending;
  const end = target.length + groupCount * bitWidth;
  bytes.fill(0, offset, end);
  target.length = end;
}
