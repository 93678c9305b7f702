// Deletion vectors as other engines write them: roaring bitmaps in each kind of container, framed and in Z85.
import { crc32 } from 'node:zlib';

type Chunk = Uint8Array | readonly number[];

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
}

function join(...chunks: readonly Chunk[]): Uint8Array {
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}

export type ContainerKind = 'array' | 'bitmap' | 'run';

function containerBytes(kind: ContainerKind, lows: readonly number[]): Uint8Array {
  if (kind === 'array') return join(...lows.map(uint16));
  if (kind === 'run') {
    const runs = lows.filter((low, index) => index === 0 || low !== lows[index - 1]! + 1);
    const ends = lows.filter((low, index) => lows[index + 1] !== low + 1);
    return join(
      uint16(runs.length),
      ...runs.flatMap((start, index) => [uint16(start), uint16(ends[index]! - start)]),
    );
  }
  const bits = new Uint8Array(8192);
  for (const low of lows) bits[low >> 3] = bits[low >> 3]! | (1 << (low & 7));
  return bits;
}

/** One 32-bit bitmap. With runs, every container is a run. Sorted row numbers below 2^32. */
export function roaringBitmap(rows: readonly number[], useRuns: boolean): Uint8Array {
  const byKey = new Map<number, number[]>();
  for (const row of rows) {
    const key = Math.floor(row / 65536);
    const lows = byKey.get(key) ?? [];
    lows.push(row % 65536);
    byKey.set(key, lows);
  }
  const containers = [...byKey].map(([key, lows]) => {
    const kind: ContainerKind = useRuns ? 'run' : lows.length > 4096 ? 'bitmap' : 'array';
    return { key, count: lows.length, bytes: containerBytes(kind, lows) };
  });
  const flags = new Array(Math.ceil(containers.length / 8)).fill(0xff);
  const cookie = useRuns
    ? join(uint32(12347 | ((containers.length - 1) << 16)), flags)
    : join(uint32(12346), uint32(containers.length));
  const keys = containers.flatMap(({ key, count }) => [uint16(key), uint16(count - 1)]);
  const hasOffsets = !useRuns || containers.length >= 4;
  const offsets = hasOffsets ? containers.map(() => uint32(0)) : []; // readers go through in order
  return join(cookie, ...keys, ...offsets, ...containers.map(({ bytes }) => bytes));
}

/** The bytes of a deletion vector in the portable form. */
export function vectorBytes(rows: readonly number[], useRuns = false): Uint8Array {
  if (rows.length === 0) return join(uint32(1_681_511_377), uint32(0), uint32(0));
  return join(uint32(1_681_511_377), uint32(1), uint32(0), uint32(0), roaringBitmap(rows, useRuns));
}

function bigEndian(value: number): Uint8Array {
  return uint32(value).reverse();
}

/** A file of deletion vectors: version, then size, vector and checksum of each. */
export function vectorFile(vectors: readonly Uint8Array[]): { bytes: Uint8Array; offsets: number[] } {
  const offsets: number[] = [];
  let bytes = Uint8Array.of(1);
  for (const vector of vectors) {
    offsets.push(bytes.length);
    bytes = Uint8Array.from([...bytes, ...bigEndian(vector.length), ...vector, ...bigEndian(crc32(vector))]);
  }
  return { bytes, offsets };
}

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Padded with zeros to whole blocks of four bytes. */
export function encodeZ85(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  let text = '';
  for (let at = 0; at < padded.length; at += 4) {
    let value = new DataView(padded.buffer).getUint32(at);
    let block = '';
    for (let digit = 0; digit < 5; digit++) {
      block = alphabet[value % 85] + block;
      value = Math.floor(value / 85);
    }
    text += block;
  }
  return text;
}
