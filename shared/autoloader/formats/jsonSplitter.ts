// Cuts JSON text into documents, and top-level arrays into their elements, at whatever bytes the chunks end.
// Only brackets and strings are looked at: what is between them is for the parser to judge.
import { Buffer } from 'node:buffer';
import { HeldBytes, type Span, type Splitter } from './spans.js';

const quote = 34;
const comma = 44;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;
const nothing = Buffer.alloc(0);

/** An element reaches to the next comma of its array, so that `[{} {}]` is one span, which is not JSON. */
export class JsonSplitter implements Splitter {
  readonly #maxBytes: number;
  readonly #maxBadBytes: number;
  readonly #held = new HeldBytes();
  #chunkOffset = 0;
  /** Where the span that is being read began, as an offset in the file; -1 between spans. */
  #spanOffset = -1;
  /** Brackets that are open within the span. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #arrayOffset = -1;
  #isAfterComma = false;
  #isSkipping = false;

  constructor(maxBytes: number, maxBadBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxBadBytes = maxBadBytes;
  }

  *push(chunk: Buffer): Iterable<Span> {
    /** Where in the chunk the part that belongs to the span begins. */
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#isInString) {
        at = this.#passString(chunk, at);
        continue;
      }
      if (this.#depth > 0) at = nextOfBracketsAndQuotes(chunk, at);
      const code = chunk[at];
      if (code === undefined) break;
      if (this.#spanOffset < 0) {
        const empty = this.#between(code, at);
        if (empty !== undefined) yield empty;
        if (this.#spanOffset < 0) continue;
        start = at;
      }
      const end = this.#advance(code, at);
      if (end < 0) continue;
      const span = this.#close(chunk.subarray(start, end));
      if (span !== undefined) yield span;
      // A bracket that ends a stray word begins the next document.
      if (end === at && this.#arrayOffset < 0 && (code === openBrace || code === openBracket)) at--;
      else this.#endElement(code, end === at);
    }
    if (this.#spanOffset >= 0) yield* this.#hold(chunk.subarray(start));
    this.#chunkOffset += chunk.length;
  }

  *end(): Iterable<Span> {
    if (this.#spanOffset >= 0 && !this.#isSkipping) {
      yield { kind: 'cut', offset: this.#spanOffset, bytes: this.#held.take(nothing) };
    }
    if (this.#arrayOffset >= 0) yield { kind: 'open_array', offset: this.#arrayOffset, bytes: nothing };
  }

  /** To the last byte of the string that is in this chunk. */
  #passString(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at++) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (chunk[at] === backslash) this.#isEscaped = true;
      else if (chunk[at] === quote) {
        this.#isInString = false;
        return at;
      }
    }
    return chunk.length;
  }

  /** Begins a span, or finds that an element of an array is missing. */
  #between(code: number, at: number): Span | undefined {
    if (isSpace(code)) return undefined;
    const offset = this.#chunkOffset + at;
    const isInArray = this.#arrayOffset >= 0;
    if (!isInArray && code === openBracket) {
      this.#arrayOffset = offset;
      this.#isAfterComma = false;
      return undefined;
    }
    if (isInArray && (code === comma || code === closeBracket)) {
      const isMissing = code === comma || this.#isAfterComma;
      this.#endElement(code, true);
      return isMissing ? { kind: 'whole', offset, bytes: nothing } : undefined;
    }
    this.#spanOffset = offset;
    this.#depth = 0;
    return undefined;
  }

  /** Takes one byte of the span; returns where the span ends if it ends here, else -1. */
  #advance(code: number, at: number): number {
    const isInArray = this.#arrayOffset >= 0;
    if (code === quote) this.#isInString = true;
    else if (code === openBrace || code === openBracket) {
      const isStrayWord = this.#depth === 0 && !isInArray && this.#chunkOffset + at > this.#spanOffset;
      if (isStrayWord) return at;
      this.#depth++;
    } else if (code === closeBrace || code === closeBracket) {
      if (this.#depth > 0) {
        this.#depth--;
        return this.#depth === 0 && !isInArray ? at + 1 : -1;
      }
      if (isInArray && code === closeBracket) return at;
    } else if (this.#depth === 0 && (isInArray ? code === comma : isSpace(code))) return at;
    return -1;
  }

  #endElement(code: number, isSeparator: boolean): void {
    if (this.#arrayOffset < 0 || !isSeparator) return;
    this.#isAfterComma = code === comma;
    if (code === closeBracket) this.#arrayOffset = -1;
  }

  #close(last: Buffer): Span | undefined {
    const offset = this.#spanOffset;
    this.#spanOffset = -1;
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return undefined;
    }
    if (this.#held.length + last.length > this.#maxBytes) return this.#tooLarge(last, offset);
    return { kind: 'whole', offset, bytes: this.#held.take(last) };
  }

  *#hold(rest: Buffer): Iterable<Span> {
    if (this.#isSkipping) return;
    if (this.#held.length + rest.length <= this.#maxBytes) {
      this.#held.add(rest);
      return;
    }
    yield this.#tooLarge(rest, this.#spanOffset);
    this.#isSkipping = true;
  }

  #tooLarge(last: Buffer, offset: number): Span {
    return { kind: 'too_large', offset, bytes: this.#held.take(last).subarray(0, this.#maxBadBytes) };
  }
}

/** Inside of brackets nothing else counts. In ASCII the two kinds of brackets differ in one bit. */
function nextOfBracketsAndQuotes(chunk: Buffer, start: number): number {
  for (let at = start; at < chunk.length; at++) {
    const code = chunk[at]!;
    if (code === quote || (code | 32) === openBrace || (code | 32) === closeBrace) return at;
  }
  return chunk.length;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
