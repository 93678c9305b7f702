// Pure. Delta encodings, which other writers use; ours does not.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#delta-encoding-delta_binary_packed--5
import { type ByteReader, damagedPage } from './byteReader.js';

const maxMiniblocks = 2 ** 16;

/** DELTA_BINARY_PACKED: calls `store` for each of `count` values; they wrap at `bits`, as writers let them. */
export function readDeltaIntegers(
  reader: ByteReader,
  count: number,
  bits: 32 | 64,
  store: (index: number, value: bigint) => void,
): void {
  const blockValues = reader.varint();
  const miniblockCount = reader.varint();
  const totalCount = reader.varint();
  let value = reader.zigzag64();
  if (totalCount < count) throw damagedPage(`a page announces ${totalCount} values but needs ${count}`);
  if (miniblockCount === 0 || miniblockCount > maxMiniblocks)
    throw damagedPage('a delta block has no miniblocks');
  const miniblockValues = blockValues / miniblockCount;
  if (miniblockValues === 0 || miniblockValues % 8 !== 0)
    throw damagedPage('a delta miniblock is misaligned');
  if (count === 0) return;
  store(0, value);
  let index = 1;
  // The other values are announced too: the bytes behind them belong to what follows.
  while (index < totalCount) {
    const minDelta = reader.zigzag64();
    const bitWidths = reader.take(miniblockCount);
    for (let miniblock = 0; miniblock < miniblockCount && index < totalCount; miniblock++) {
      const bitWidth = bitWidths[miniblock]!;
      if (bitWidth > 64) throw damagedPage(`${bitWidth} bits is no width of a delta`);
      const packed = takePacked(reader, miniblockValues, bitWidth, totalCount - index);
      const end = Math.min(index + miniblockValues, count);
      for (let position = 0; index + position < end; position++) {
        value = BigInt.asIntN(bits, value + minDelta + bitsAt(packed, position * bitWidth, bitWidth));
        store(index + position, value);
      }
      index += miniblockValues;
    }
  }
}

/** The last miniblock may lack its padding. */
function takePacked(
  reader: ByteReader,
  valueCount: number,
  bitWidth: number,
  valuesLeft: number,
): Uint8Array {
  const whole = (valueCount * bitWidth) / 8;
  const needed = Math.ceil((Math.min(valueCount, valuesLeft) * bitWidth) / 8);
  return reader.take(Math.max(needed, Math.min(whole, reader.remaining)));
}

function bitsAt(bytes: Uint8Array, bitOffset: number, bitWidth: number): bigint {
  if (bitWidth === 0) return 0n;
  const first = Math.floor(bitOffset / 8);
  const last = Math.floor((bitOffset + bitWidth - 1) / 8);
  let value = 0n;
  for (let offset = last; offset >= first; offset--) value = (value << 8n) | BigInt(bytes[offset]!);
  return (value >> BigInt(bitOffset % 8)) & ((1n << BigInt(bitWidth)) - 1n);
}

/** Lengths of DELTA_LENGTH_BYTE_ARRAY and prefixes of DELTA_BYTE_ARRAY: small, never negative. */
export function readDeltaLengths(reader: ByteReader, count: number): Int32Array {
  const lengths = new Int32Array(count);
  readDeltaIntegers(reader, count, 32, (index, value) => {
    if (value < 0n) throw damagedPage('a length is negative');
    lengths[index] = Number(value);
  });
  return lengths;
}

/** DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. */
export function readDeltaLengthByteArrays(
  reader: ByteReader,
  count: number,
  store: (index: number, bytes: Uint8Array, start: number, end: number) => void,
): void {
  const lengths = readDeltaLengths(reader, count);
  for (let index = 0; index < count; index++) {
    const start = reader.offset;
    reader.skip(lengths[index]!);
    store(index, reader.bytes, start, reader.offset);
  }
}

/** DELTA_BYTE_ARRAY: each value shares a prefix with the one before it. */
export function readDeltaByteArrays(
  reader: ByteReader,
  count: number,
  store: (index: number, bytes: Uint8Array, start: number, end: number) => void,
): void {
  const prefixLengths = readDeltaLengths(reader, count);
  let previous = new Uint8Array(0);
  readDeltaLengthByteArrays(reader, count, (index, bytes, start, end) => {
    const prefixLength = prefixLengths[index]!;
    if (prefixLength > previous.length)
      throw damagedPage('a prefix is longer than the value it is taken from');
    const value = new Uint8Array(prefixLength + end - start);
    value.set(previous.subarray(0, prefixLength));
    value.set(bytes.subarray(start, end), prefixLength);
    store(index, value, 0, value.length);
    previous = value;
  });
}
