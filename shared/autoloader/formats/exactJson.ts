// Pure. JSON text to values in which no number was changed: JSON.parse, and again by hand where it would lose digits.
import { setMember } from './drafts.js';
import { ExactNumber, type FileObject, type FileValue } from './types.js';

/** A double has every number of up to 15 digits; with the point they are 16 characters. */
const longRun = 16;
/** Beyond a double's range, or close to its ends. */
const largeExponents = /\d[eE][+-]?\d{3}/;
const writtenFractions = /\d\.0+(?!\d)|\d[eE][+-]?\d/;

/**
 * @param keepWrittenFractions whole numbers written as 21.0 or 2e1 come as `ExactNumber`
 * @throws SyntaxError when the text is not JSON. Its depth must have been checked.
 */
export function parseExactJson(text: string, keepWrittenFractions: boolean): FileValue {
  const value = JSON.parse(text) as FileValue;
  const isCertain =
    !mayLoseDigits(text) &&
    !largeExponents.test(text) &&
    !(keepWrittenFractions && writtenFractions.test(text));
  return isCertain ? value : new ExactReader(text, keepWrittenFractions).value();
}

/**
 * Whether there is a long run of digits that no double stands for. One character in 16 is looked at: a run that long
 * covers one of them. Digits inside of strings raise a false alarm at times, which costs time and nothing else.
 */
function mayLoseDigits(text: string): boolean {
  for (let at = longRun - 1; at < text.length; at += longRun) {
    if (!isDigitOrPoint(text.charCodeAt(at))) continue;
    let start = at;
    while (start > 0 && isDigitOrPoint(text.charCodeAt(start - 1))) start--;
    let end = at + 1;
    while (isDigitOrPoint(text.charCodeAt(end))) end++;
    if (end - start < longRun) continue;
    while (isNumberPart(text.charCodeAt(end))) end++;
    if (!isExact(text.slice(start, end))) return true;
    at = end - 1;
  }
  return false;
}

function isDigitOrPoint(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46;
}

/** Whether the double nearest to a JSON number has its value in the shortest text that stands for that double. */
function isExact(text: string): boolean {
  const nearest = Number(text);
  const shortest = String(nearest);
  return shortest === text || (Number.isFinite(nearest) && canonical(shortest) === canonical(text));
}

/** Equal for texts of equal value: digits without zeros at either end, and the exponent of the last one. */
function canonical(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?/.exec(text) ?? [];
  const all = whole + fraction;
  let start = 0;
  while (all.charCodeAt(start) === 48) start++;
  let end = all.length;
  while (end > start && all.charCodeAt(end - 1) === 48) end--;
  if (start === end) return '0';
  return `${sign}${all.slice(start, end)}e${Number(exponent) - fraction.length + (all.length - end)}`;
}

/** Reads text that JSON.parse has accepted. */
class ExactReader {
  readonly #text: string;
  readonly #keepWrittenFractions: boolean;
  #at = 0;

  constructor(text: string, keepWrittenFractions: boolean) {
    this.#text = text;
    this.#keepWrittenFractions = keepWrittenFractions;
  }

  value(): FileValue {
    switch (this.#next()) {
      case 123:
        return this.#object();
      case 91:
        return this.#array();
      case 34:
        return this.#string();
      case 116:
        return this.#literal(4, true);
      case 102:
        return this.#literal(5, false);
      case 110:
        return this.#literal(4, null);
      default:
        return this.#number();
    }
  }

  #object(): FileObject {
    const object: Record<string, FileValue> = {};
    this.#at++;
    while (this.#next() !== 125) {
      if (this.#next() === 44) this.#at++;
      this.#next();
      const key = this.#string();
      this.#next();
      this.#at++; // the colon
      setMember(object, key, this.value());
    }
    this.#at++;
    return object;
  }

  #array(): FileValue[] {
    const items: FileValue[] = [];
    this.#at++;
    while (this.#next() !== 93) {
      if (this.#next() === 44) this.#at++;
      items.push(this.value());
    }
    this.#at++;
    return items;
  }

  #string(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    this.#at = end + 1;
    const text = this.#text.slice(start + 1, end);
    return text.includes('\\') ? (JSON.parse(this.#text.slice(start, end + 1)) as string) : text;
  }

  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.#text.charCodeAt(at - 1 - backslashes) === 92) backslashes++;
    return backslashes % 2 === 1;
  }

  #literal<Value>(length: number, value: Value): Value {
    this.#at += length;
    return value;
  }

  #number(): number | ExactNumber {
    const start = this.#at;
    while (isNumberPart(this.#text.charCodeAt(this.#at))) this.#at++;
    const text = this.#text.slice(start, this.#at);
    if (!isExact(text)) return new ExactNumber(text);
    const value = Number(text);
    const isWrittenFraction = this.#keepWrittenFractions && Number.isInteger(value) && /[.eE]/.test(text);
    return isWrittenFraction ? new ExactNumber(text) : value;
  }

  /** The next character that is not space. */
  #next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return code;
      this.#at++;
    }
  }
}

/** Digits, sign, point, exponent. */
function isNumberPart(code: number): boolean {
  return (
    (code >= 48 && code <= 57) || code === 45 || code === 46 || code === 43 || code === 101 || code === 69
  );
}
