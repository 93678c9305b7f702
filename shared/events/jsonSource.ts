// Pure. Looks into the text of valid JSON where JSON.parse loses something: digits of numbers, bounds of elements.
// Nothing here recurses deeper than a pipeline's paths, and all but `nestsDeeper` take text that JSON.parse accepted.
import type { PathNode } from './paths.js';

const quote = 34;
const backslash = 92;
const openBracket = 91;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;
const comma = 44;

/** Brackets outside of strings, counted before the text is parsed: too many of them would exhaust the parser. */
export function nestsDeeper(text: string, maxDepth: number): boolean {
  if (!hasMoreBrackets(text, maxDepth)) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at) - 1;
    else if (code === openBracket || code === openBrace) {
      depth++;
      if (depth > maxDepth) return true;
    } else if (code === closeBracket || code === closeBrace) depth--;
  }
  return false;
}

/** A quick bound, wherever the brackets stand: most bodies have few. */
function hasMoreBrackets(text: string, count: number): boolean {
  let left = count;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      left--;
      if (left < 0) return true;
    }
  }
  return false;
}

/** Start and end of each element of the array that `text` is: [start0, end0, start1, ...]. */
export function elementSpans(text: string): readonly number[] {
  const spans: number[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text.charCodeAt(at) !== closeBracket) {
    const end = endOfValue(text, at);
    spans.push(at, end);
    at = nextMember(text, end);
  }
  return spans;
}

/** The text of the value that `keys` lead to from the object at `start`; undefined when there is none. */
export function sourceAt(text: string, start: number, keys: readonly string[]): string | undefined {
  let at = skipSpace(text, start);
  for (const key of keys) {
    at = text.charCodeAt(at) === openBrace ? memberAt(text, at, key) : -1;
    if (at < 0) return undefined;
  }
  return text.slice(at, endOfValue(text, at));
}

/** Where the value of `key` starts in the object at `start`; -1 without one. Of equal keys the last one counts. */
function memberAt(text: string, start: number, key: string): number {
  let found = -1;
  let at = skipSpace(text, start + 1);
  while (text.charCodeAt(at) !== closeBrace) {
    const keyEnd = endOfString(text, at);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    if (keyOf(text, at, keyEnd) === key) found = valueStart;
    at = nextMember(text, endOfValue(text, valueStart));
  }
  return found;
}

/**
 * What of the object at `start` is not in a column, in its own nesting and spelling: `"a":1,"b":{"c":1e400}`.
 * Empty when there is nothing. A null on a path is absence and not kept; any other key's null is.
 * Of equal keys the last one counts, as for JSON.parse (RFC 8259 section 4 leaves it open).
 * @param isRescued whether the value in a slot did not fit
 */
export function rescuedMembers(
  text: string,
  start: number,
  node: PathNode,
  isRescued: (slot: number) => boolean,
): string {
  const rescued = new Map<string, string>();
  let at = skipSpace(text, skipSpace(text, start) + 1);
  while (text.charCodeAt(at) !== closeBrace) {
    const keyEnd = endOfString(text, at);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = endOfValue(text, valueStart);
    const key = keyOf(text, at, keyEnd);
    const value = rescuedValue(text, valueStart, valueEnd, node.children.get(key), isRescued);
    if (value !== '') rescued.set(key, `${text.slice(at, keyEnd)}:${value}`);
    else if (rescued.size > 0) rescued.delete(key);
    at = nextMember(text, valueEnd);
  }
  return rescued.size === 0 ? '' : [...rescued.values()].join(',');
}

function rescuedValue(
  text: string,
  start: number,
  end: number,
  node: PathNode | undefined,
  isRescued: (slot: number) => boolean,
): string {
  if (node !== undefined) {
    if (text.charCodeAt(start) === openBrace && node.children.size > 0) {
      const members = rescuedMembers(text, start, node, isRescued);
      return members === '' ? '' : `{${members}}`;
    }
    const isKept = node.slot >= 0 ? isRescued(node.slot) : !text.startsWith('null', start);
    if (!isKept) return '';
  }
  return text.slice(start, end);
}

/** @param start of the key's opening quote */
function keyOf(text: string, start: number, end: number): string {
  const key = text.slice(start + 1, end - 1);
  return key.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : key;
}

/** From the end of a value to the next key, element or the closing bracket. */
function nextMember(text: string, end: number): number {
  const at = skipSpace(text, end);
  return text.charCodeAt(at) === comma ? skipSpace(text, at + 1) : at;
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quote) return endOfString(text, start);
  if (first === openBrace || first === openBracket) return endOfContainer(text, start);
  let at = start + 1;
  while (at < text.length && !endsScalar(text.charCodeAt(at))) at++;
  return at;
}

function endsScalar(code: number): boolean {
  return code <= 32 || code === comma || code === closeBrace || code === closeBracket;
}

function endOfContainer(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at) - 1;
    else if (code === openBrace || code === openBracket) depth++;
    else if (code === closeBrace || code === closeBracket) {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

/** One past the closing quote of the string at `start`; the text's length when it is not closed. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++;
    if (backslashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
