// The codecs of Avro's blocks, within bounds: what a block holds is in memory as a whole.
import { Buffer } from 'node:buffer';
import { crc32, inflateRawSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import { snappyUncompressor } from 'hysnappy';
import { UnreadableContent } from './content.js';

export type BlockDecompressor = (stored: Buffer, maxBytes: number) => Buffer;

/** @throws UnreadableContent for a codec that is not supported; its functions throw any Error for damage */
export function blockDecompressor(codec: string): BlockDecompressor {
  switch (codec) {
    case 'null':
      return (stored) => stored;
    case 'deflate':
      return (stored, maxBytes) => inflateRawSync(stored, { maxOutputLength: maxBytes });
    case 'snappy':
      return unsnappy;
    case 'zstandard':
      return unzstd;
    default:
      throw new UnreadableContent(
        'unsupported',
        `The Avro file is compressed with ${codec}; null, deflate, snappy and zstandard are supported.`,
      );
  }
}

let snappyDecompress: ((bytes: Uint8Array, outputBytes: number) => Uint8Array) | undefined;

/** The CRC-32 of the content follows it (Avro specification, "Required Codecs"). */
function unsnappy(stored: Buffer, maxBytes: number): Buffer {
  const body = stored.subarray(0, -4);
  const length = snappyLength(body);
  if (length > maxBytes) throw new Error(`it holds ${length} bytes`);
  snappyDecompress ??= snappyUncompressor();
  const content = snappyDecompress(body, length);
  if (content.length !== length) throw new Error(`it holds ${content.length} bytes and not ${length}`);
  if (crc32(content) !== stored.readUInt32BE(stored.length - 4)) throw new Error('its checksum is another');
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

function snappyLength(body: Buffer): number {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = body[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return length;
  }
  throw new Error('its length is missing');
}

function unzstd(stored: Buffer, maxBytes: number): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  const decompressor = new Decompress((bytes) => {
    length += bytes.length;
    if (length > maxBytes) throw new Error(`it holds more than ${maxBytes} bytes`);
    parts.push(Buffer.from(bytes));
  });
  decompressor.push(stored, true);
  return Buffer.concat(parts);
}
