// From an event's bytes to JSON text: gzip, UTF-8, byte order mark. The one file here that calls Node.
import { Buffer, isUtf8 } from 'node:buffer';
import { gunzipSync } from 'node:zlib';
import type { QuarantineReason } from './types.js';

export type OpenedBody =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unusable'; readonly reason: QuarantineReason; readonly detail: string };

/**
 * @param isGzip what the event's content-encoding says; a body that begins as gzip is opened in any case, since JSON
 *   never begins so
 * @param maxBytes after decompression
 */
export function openBody(body: Uint8Array, isGzip: boolean, maxBytes: number): OpenedBody {
  if (body.length === 0) return unusable('empty_body', 'The event has no body.');
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (isGzip || (body[0] === 0x1f && body[1] === 0x8b)) return openGzip(bytes, maxBytes);
  if (bytes.length > maxBytes) return tooLarge(`The body has ${bytes.length} bytes`, maxBytes);
  return openText(bytes);
}

function openGzip(bytes: Buffer, maxBytes: number): OpenedBody {
  let content: Buffer;
  try {
    // Stops inflating at the limit, so that a small body cannot fill the memory.
    content = gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge('The decompressed body is larger', maxBytes);
    return unusable('invalid_gzip', `The body cannot be decompressed as gzip: ${message}.`);
  }
  return content.length === 0 ? unusable('empty_body', 'The decompressed body is empty.') : openText(content);
}

function openText(bytes: Buffer): OpenedBody {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  if (hasMark && bytes.length === 3) return unusable('empty_body', 'The body is a byte order mark only.');
  const text = bytes.toString('utf8', hasMark ? 3 : 0);
  // Decoding puts U+FFFD wherever the bytes are not UTF-8; most texts have none and need no second look.
  if (text.includes('\ufffd') && !isUtf8(bytes))
    return unusable('invalid_utf8', 'The body is not UTF-8 text.');
  return { kind: 'text', text };
}

function tooLarge(what: string, maxBytes: number): OpenedBody {
  return unusable('body_too_large', `${what}; limits.maxBodyBytes is ${maxBytes}.`);
}

function unusable(reason: QuarantineReason, detail: string): OpenedBody {
  return { kind: 'unusable', reason, detail };
}
