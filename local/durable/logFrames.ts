// The records of the hub's log: u32 length and u32 CRC32 of the payload, then the payload, UTF-8 JSON. One frame is one
// write, so only the last frame of a file can be torn.
import { crc32 } from 'node:zlib';

const headBytes = 8;

export interface FramesRead {
  readonly payloads: readonly string[];
  /** Where the whole frames end. */
  readonly validBytes: number;
  /** `torn`: a write that was cut off explains the rest. */
  readonly rest: 'none' | 'torn' | 'damaged';
}

export function encodeFrame(payload: string): Buffer {
  const byteLength = Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(headBytes + byteLength);
  frame.write(payload, headBytes);
  frame.writeUInt32LE(byteLength, 0);
  frame.writeUInt32LE(crc32(frame.subarray(headBytes)), 4);
  return frame;
}

export function readFrames(bytes: Buffer): FramesRead {
  const payloads: string[] = [];
  let position = 0;
  while (position < bytes.length) {
    const end = frameEnd(bytes, position);
    const payload = end > bytes.length ? undefined : bytes.subarray(position + headBytes, end);
    if (
      payload === undefined ||
      payload.length === 0 ||
      crc32(payload) !== bytes.readUInt32LE(position + 4)
    ) {
      // A write that was cut off ends the file, or has left zeros up to its end. No whole frame follows it: then it is the length
      // that is damaged.
      const isTorn =
        (end >= bytes.length && !hasFrameAfter(bytes, position)) ||
        bytes.subarray(position).every((byte) => byte === 0);
      return { payloads, validBytes: position, rest: isTorn ? 'torn' : 'damaged' };
    }
    payloads.push(payload.toString());
    position = end;
  }
  return { payloads, validBytes: position, rest: 'none' };
}

/** Quick: read as a length, four characters of a text point far beyond the end of the file. */
function hasFrameAfter(bytes: Buffer, position: number): boolean {
  for (let start = position + 1; start + headBytes < bytes.length; start++) {
    const end = frameEnd(bytes, start);
    if (end > bytes.length || end === start + headBytes) continue;
    if (crc32(bytes.subarray(start + headBytes, end)) === bytes.readUInt32LE(start + 4)) return true;
  }
  return false;
}

function frameEnd(bytes: Buffer, position: number): number {
  if (position + headBytes > bytes.length) return Number.POSITIVE_INFINITY;
  return position + headBytes + bytes.readUInt32LE(position);
}
