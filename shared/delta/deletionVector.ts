// Pure. Deletion vectors (PROTOCOL.md "Deletion Vector Format"): where one lies, and the row numbers in its bytes.
import { TributaryError } from '../base/index.js';
import { decodePath, isAbsolutePath, plainName } from './paths.js';
import type { DeletionVector } from './types.js';
import { decodeZ85 } from './z85.js';

export type VectorLocation =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  /** `path`: relative to the table's folder, decoded; or absolute, as an URI. */
  | { readonly kind: 'file'; readonly path: string; readonly isAbsolute: boolean; readonly offset: number };

function damaged(file: string, problem: string): TributaryError {
  return new TributaryError(
    'DELTA_LOG_CORRUPT',
    `The deletion vector of the data file "${file}" ${problem}.`,
  );
}

const encodedUuidLength = 20;

/** Behind the byte that tells the version of the file's format. */
const firstVectorOffset = 1;

/** @param file the data file's path, for messages */
export function locateVector(vector: DeletionVector, file: string): VectorLocation {
  const { storageType, pathOrInlineDv, offset = firstVectorOffset } = vector;
  if (storageType === 'i') {
    return { kind: 'inline', bytes: decodeOrFail(pathOrInlineDv, file).subarray(0, vector.sizeInBytes) };
  }
  if (storageType === 'p') {
    const isAbsolute = isAbsolutePath(pathOrInlineDv);
    return {
      kind: 'file',
      path: isAbsolute ? pathOrInlineDv : plainName(decodePath(pathOrInlineDv)),
      isAbsolute,
      offset,
    };
  }
  if (storageType !== 'u') throw damaged(file, `has the storage type "${storageType}", which is not known`);
  const prefix = pathOrInlineDv.slice(0, -encodedUuidLength);
  if (pathOrInlineDv.length < encodedUuidLength) throw damaged(file, 'has no UUID');
  const uuid = uuidText(decodeOrFail(pathOrInlineDv.slice(-encodedUuidLength), file));
  const path = `${prefix === '' ? '' : `${prefix}/`}deletion_vector_${uuid}.bin`;
  return { kind: 'file', path: plainName(path), isAbsolute: false, offset };
}

function decodeOrFail(text: string, file: string): Uint8Array {
  const bytes = decodeZ85(text);
  if (bytes === undefined) throw damaged(file, 'is not valid Z85');
  return bytes;
}

function uuidText(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Size in front of the vector and checksum behind it, in a file that may hold many. */
export const vectorFrameBytes = 8;

/**
 * The vector inside its frame: 4 bytes of size, the vector, CRC-32 of it, both most significant byte first.
 * @param crc32 of these bytes, unsigned
 */
export function unwrapVector(
  framed: Uint8Array,
  vector: DeletionVector,
  file: string,
  crc32: (bytes: Uint8Array) => number,
): Uint8Array {
  if (framed.length < vector.sizeInBytes + vectorFrameBytes) throw damaged(file, 'is cut short');
  const view = new DataView(framed.buffer, framed.byteOffset, framed.byteLength);
  const size = view.getUint32(0);
  if (size !== vector.sizeInBytes) {
    throw damaged(file, `has ${size} bytes in its file, but ${vector.sizeInBytes} in the log`);
  }
  const bytes = framed.subarray(4, 4 + size);
  if (view.getUint32(4 + size) !== crc32(bytes) >>> 0) throw damaged(file, 'does not match its checksum');
  return bytes;
}

/** Roaring bitmaps by the upper 32 bits of their row numbers, in the portable form. */
const portableMagic = 1_681_511_377;
/** The same with the bitmaps in their old native order: one for each upper half from 0 on, without keys. */
const nativeMagic = 1_681_511_376;

const arrayLimit = 4096;
const bitmapBytes = 8192;
const cookieWithRuns = 12_347;
const cookieWithoutRuns = 12_346;
/** With runs, offsets are written only from this many containers on. */
const minContainersWithOffsets = 4;

/** Reads little-endian numbers and never leaves its bytes. */
class VectorReader {
  #offset = 0;
  readonly #view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #advance(byteCount: number): number {
    const start = this.#offset;
    if (byteCount > this.bytes.length - start) throw damaged(this.file, 'ends too early');
    this.#offset += byteCount;
    return start;
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** Counts beyond 2^32 are nothing that a vector could hold. */
  count64(): number {
    const low = this.uint32();
    if (this.uint32() !== 0) throw damaged(this.file, 'claims an impossible size');
    return low;
  }

  take(byteCount: number): Uint8Array {
    const start = this.#advance(byteCount);
    return this.bytes.subarray(start, start + byteCount);
  }

  skip(byteCount: number): void {
    this.#advance(byteCount);
  }
}

/**
 * 1 for every deleted row of a data file.
 * @param rowCount of the data file, deleted rows included
 * @throws TributaryError DELTA_LOG_CORRUPT for damage, rows that the file lacks, or another number of rows than the log says
 */
export function readDeletedRows(
  bytes: Uint8Array,
  vector: DeletionVector,
  rowCount: number,
  file: string,
): Uint8Array {
  const deleted = new Uint8Array(rowCount);
  const reader = new VectorReader(bytes, file);
  const mark = (row: number): void => {
    if (row >= rowCount) throw damaged(file, `deletes row ${row}, but the file has ${rowCount} rows`);
    deleted[row] = 1;
  };
  const magic = reader.uint32();
  if (magic !== portableMagic && magic !== nativeMagic) throw damaged(file, 'does not start as one');
  const bitmapCount = magic === portableMagic ? reader.count64() : reader.uint32();
  for (let index = 0; index < bitmapCount; index++) {
    const upper = magic === portableMagic ? reader.uint32() : index;
    if (magic === nativeMagic) reader.skip(4); // size of the bitmap
    readBitmap(reader, file, (low) => mark(upper * 2 ** 32 + low));
  }
  let count = 0;
  for (let row = 0; row < rowCount; row++) count += deleted[row]!;
  if (count !== vector.cardinality) {
    throw damaged(file, `deletes ${count} rows, but ${vector.cardinality} by the log`);
  }
  return deleted;
}

interface Container {
  readonly key: number;
  readonly cardinality: number;
  readonly isRun: boolean;
}

/** One 32-bit bitmap: https://github.com/RoaringBitmap/RoaringFormatSpec. */
function readBitmap(reader: VectorReader, file: string, mark: (low: number) => void): void {
  const containers = readContainers(reader, file);
  for (const { key, cardinality, isRun } of containers) {
    const base = key * 2 ** 16;
    if (isRun) readRuns(reader, base, mark);
    else if (cardinality > arrayLimit) readBits(reader.take(bitmapBytes), base, mark);
    else for (let index = 0; index < cardinality; index++) mark(base + reader.uint16());
  }
}

function readContainers(reader: VectorReader, file: string): Container[] {
  const cookie = reader.uint32();
  const hasRuns = (cookie & 0xffff) === cookieWithRuns;
  if (!hasRuns && cookie !== cookieWithoutRuns) throw damaged(file, 'holds no roaring bitmap');
  const count = hasRuns ? (cookie >>> 16) + 1 : reader.uint32();
  if (count > 2 ** 16) throw damaged(file, `claims ${count} containers`);
  const runFlags = hasRuns ? reader.take(Math.ceil(count / 8)) : undefined;
  const containers = Array.from({ length: count }, (_, index) => ({
    key: reader.uint16(),
    cardinality: reader.uint16() + 1,
    isRun: runFlags !== undefined && ((runFlags[index >> 3]! >> (index & 7)) & 1) === 1,
  }));
  if (!hasRuns || count >= minContainersWithOffsets) reader.skip(4 * count);
  return containers;
}

function readRuns(reader: VectorReader, base: number, mark: (low: number) => void): void {
  const runCount = reader.uint16();
  for (let run = 0; run < runCount; run++) {
    const start = base + reader.uint16();
    const end = start + reader.uint16();
    for (let low = start; low <= end; low++) mark(low);
  }
}

function readBits(bits: Uint8Array, base: number, mark: (low: number) => void): void {
  for (const [index, byte] of bits.entries()) {
    for (let bit = 0; byte >> bit !== 0; bit++) if ((byte >> bit) & 1) mark(base + index * 8 + bit);
  }
}
