// Pure. JavaScript strings to UTF-8, and the order of UTF-8 bytes, which is the order of code points. `<` on strings
// is not that order: it sorts characters beyond the BMP below U+E000..U+FFFF.

const encoder = new TextEncoder();

/** From here on the native encoder is faster than the loop, which saves the call for short text. */
const nativeFromLength = 192;

/** Upper bound of the UTF-8 bytes of `text`. */
export function maxUtf8Bytes(text: string): number {
  return text.length * 3;
}

/**
 * Writes `text` at `offset` and returns the offset behind it. `target` must have room for `maxUtf8Bytes(text)`.
 * Lone surrogates, which UTF-8 cannot hold, become U+FFFD.
 */
export function writeUtf8(target: Uint8Array, offset: number, text: string): number {
  const length = text.length;
  if (length >= nativeFromLength) return offset + encoder.encodeInto(text, target.subarray(offset)).written;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return writeNonAscii(target, offset + index, text, index);
    target[offset + index] = unit;
  }
  return offset + length;
}

function writeNonAscii(target: Uint8Array, start: number, text: string, fromIndex: number): number {
  let offset = start;
  for (let index = fromIndex; index < text.length; index++) {
    let point = text.charCodeAt(index);
    if (point >= 0xd800 && point <= 0xdfff) {
      point = codePointOrReplacement(text, index);
      if (point > 0xffff) index += 1;
    }
    if (point < 0x80) {
      target[offset++] = point;
    } else if (point < 0x800) {
      target[offset++] = 0xc0 | (point >> 6);
      target[offset++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      target[offset++] = 0xe0 | (point >> 12);
      target[offset++] = 0x80 | ((point >> 6) & 0x3f);
      target[offset++] = 0x80 | (point & 0x3f);
    } else {
      target[offset++] = 0xf0 | (point >> 18);
      target[offset++] = 0x80 | ((point >> 12) & 0x3f);
      target[offset++] = 0x80 | ((point >> 6) & 0x3f);
      target[offset++] = 0x80 | (point & 0x3f);
    }
  }
  return offset;
}

/** `codePointAt` gives a surrogate itself back when its other half is missing. */
function codePointOrReplacement(text: string, index: number): number {
  const point = text.codePointAt(index) ?? 0xfffd;
  return point > 0xffff ? point : 0xfffd;
}

/** Unsigned order of two byte ranges: negative when the first sorts first. */
export function compareBytes(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
): number {
  const common = Math.min(leftEnd - leftStart, rightEnd - rightStart);
  for (let index = 0; index < common; index++) {
    const difference = left[leftStart + index]! - right[rightStart + index]!;
    if (difference !== 0) return difference;
  }
  return leftEnd - leftStart - (rightEnd - rightStart);
}

/** A lower bound of at most `maxBytes`: the longest prefix that splits no character. */
export function truncateMin(utf8: Uint8Array, maxBytes: number): Uint8Array {
  return utf8.subarray(0, characterStart(utf8, Math.min(maxBytes, utf8.length)));
}

/**
 * An upper bound of at most `maxBytes`: a prefix whose last character is replaced by the next one.
 * Undefined when no such bound exists, because every character of the prefix is U+10FFFF.
 */
export function truncateMax(utf8: Uint8Array, maxBytes: number): Uint8Array | undefined {
  if (utf8.length <= maxBytes) return utf8;
  let end = characterStart(utf8, maxBytes);
  while (end > 0) {
    const start = characterStart(utf8, end - 1);
    const successor = successorOf(codePointAt(utf8, start));
    const bound = new Uint8Array(start + 4);
    bound.set(utf8.subarray(0, start));
    if (successor !== undefined) {
      const boundEnd = writeUtf8(bound, start, String.fromCodePoint(successor));
      if (boundEnd <= maxBytes) return bound.subarray(0, boundEnd);
    }
    end = start;
  }
  return undefined;
}

/** The greatest offset not beyond `offset` at which a character starts. */
function characterStart(utf8: Uint8Array, offset: number): number {
  let start = offset;
  while (start > 0 && start < utf8.length && (utf8[start]! & 0xc0) === 0x80) start -= 1;
  return start;
}

function codePointAt(utf8: Uint8Array, start: number): number {
  const lead = utf8[start]!;
  if (lead < 0x80) return lead;
  const byteCount = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  let point = lead & (0xff >> (byteCount + 1));
  for (let index = 1; index < byteCount; index++) point = (point << 6) | (utf8[start + index]! & 0x3f);
  return point;
}

/** The next code point that is a character; surrogates are not. */
function successorOf(point: number): number | undefined {
  if (point === 0x10ffff) return undefined;
  return point === 0xd7ff ? 0xe000 : point + 1;
}
