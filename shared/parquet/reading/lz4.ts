// Pure. LZ4 blocks (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), bare or in the frames that Hadoop puts around them.
import { damagedPage } from './byteReader.js';

/** A byte of a block stands for no more than so many bytes of what it holds. */
const maxRatio = 255;
const minMatchBytes = 4;
/** From here on a length goes on in the bytes behind the token. */
const longLength = 15;

/** The codec LZ4_RAW. @param bodyBytes what must come out */
export function decompressLz4Raw(stored: Uint8Array, bodyBytes: number): Uint8Array {
  const body = bodyOf(stored, bodyBytes);
  const end = readBlock(stored, body, 0);
  if (end !== bodyBytes) throw damagedPage(`an LZ4 block has ${end} bytes instead of ${bodyBytes}`);
  return body;
}

/** The codec LZ4, which some writers took for blocks in Hadoop's frames, and others for bare ones. */
export function decompressLz4(stored: Uint8Array, bodyBytes: number): Uint8Array {
  const body = bodyOf(stored, bodyBytes);
  return readFrames(stored, body) ? body : decompressLz4Raw(stored, bodyBytes);
}

/** So that no memory is reserved on a damaged header's word. */
function bodyOf(stored: Uint8Array, bodyBytes: number): Uint8Array {
  if (bodyBytes > stored.length * maxRatio)
    throw damagedPage(`an LZ4 block of ${stored.length} bytes claims ${bodyBytes}`);
  return new Uint8Array(bodyBytes);
}

/** Frames of two sizes, of what comes out and of what is stored, most significant byte first. False: these are none. */
function readFrames(stored: Uint8Array, body: Uint8Array): boolean {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  let at = 0;
  let written = 0;
  while (at + 8 <= stored.length) {
    const start = at + 8;
    const end = start + view.getUint32(at + 4);
    const bodyEnd = written + view.getUint32(at);
    if (end > stored.length || bodyEnd > body.length) return false;
    try {
      if (readBlock(stored.subarray(start, end), body, written) !== bodyEnd) return false;
    } catch {
      return false; // no block either: the bare form is tried, and says what is wrong
    }
    at = end;
    written = bodyEnd;
  }
  return at === stored.length && written === body.length;
}

/** @returns where in `body` the block ends */
function readBlock(block: Uint8Array, body: Uint8Array, start: number): number {
  let at = 0;
  let written = start;
  const nextByte = (): number => {
    if (at >= block.length) throw damagedPage('an LZ4 block ends too early');
    return block[at++]!;
  };
  const lengthFrom = (short: number): number => {
    let length = short;
    for (let byte = short === longLength ? 255 : 0; byte === 255; length += byte) byte = nextByte();
    return length;
  };
  while (at < block.length) {
    const token = nextByte();
    const literalBytes = lengthFrom(token >> 4);
    if (literalBytes > block.length - at || literalBytes > body.length - written)
      throw damagedPage('literals of an LZ4 block reach beyond it');
    body.set(block.subarray(at, at + literalBytes), written);
    at += literalBytes;
    written += literalBytes;
    if (at === block.length) break; // the last sequence has no match
    const distance = nextByte() | (nextByte() << 8);
    const end = written + lengthFrom(token & 15) + minMatchBytes;
    if (distance === 0 || distance > written - start || end > body.length)
      throw damagedPage('a match of an LZ4 block reaches beyond it');
    // Byte by byte: a match may overlap what it makes.
    for (; written < end; written++) body[written] = body[written - distance]!;
  }
  return written;
}
