// Pure. PLAIN encoding: values one after the other. https://github.com/apache/parquet-format/blob/master/Encodings.md#PLAIN
import type { ByteBuffer } from './byteBuffer.js';
import { maxUtf8Bytes, writeUtf8 } from './text.js';

/** Words from `from` to `to`, as the little-endian bytes they are in memory. */
export function appendWords(target: ByteBuffer, words: Int32Array, from: number, to: number): void {
  target.append(new Uint8Array(words.buffer, words.byteOffset + from * 4, (to - from) * 4));
}

/** One bit a value, the first in the lowest bit. `values` hold 0 or 1. */
export function appendBooleans(target: ByteBuffer, values: Uint8Array, from: number, to: number): void {
  target.reserve(Math.ceil((to - from) / 8));
  for (let start = from; start < to; start += 8) {
    const end = Math.min(start + 8, to);
    let bits = 0;
    for (let index = start; index < end; index++) bits |= values[index]! << (index - start);
    target.bytes[target.length++] = bits;
  }
}

/** Four bytes of length, then UTF-8. The text's bytes are the last that `target` holds afterwards. */
export function appendText(target: ByteBuffer, text: string): void {
  target.reserve(4 + maxUtf8Bytes(text));
  const start = target.length + 4;
  const end = writeUtf8(target.bytes, start, text);
  target.setUint32(target.length, end - start);
  target.length = end;
}

export function appendByteArray(target: ByteBuffer, value: Uint8Array): void {
  target.appendUint32(value.length);
  target.append(value);
}

/** Two's complement, the highest byte first. */
export function writeBigEndian(target: Uint8Array, offset: number, byteCount: number, value: bigint): void {
  let rest = value;
  for (let at = offset + byteCount - 1; at >= offset; at--) {
    target[at] = Number(BigInt.asUintN(8, rest));
    rest >>= 8n;
  }
}
