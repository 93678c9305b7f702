// Pure. The syntax of `from`: where in an event a value comes from.
import type { SourcePath } from './types.js';

export type ParsedPath =
  | { readonly kind: 'body'; readonly segments: readonly string[] }
  | { readonly kind: 'key' }
  | { readonly kind: 'property'; readonly name: string }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'system'; readonly name: string };

export type PathResult =
  | { readonly kind: 'path'; readonly path: ParsedPath }
  | { readonly kind: 'invalid'; readonly problem: string };

/** A checked path. Call it for paths of a `Pipeline` only; `readSourcePath` tells what is wrong with others. */
export function parseSourcePath(path: SourcePath): ParsedPath {
  const result = readSourcePath(path);
  if (result.kind === 'invalid') throw new RangeError(`"${path}": ${result.problem}`);
  return result.path;
}

export function readSourcePath(path: string): PathResult {
  if (path.startsWith('@')) return readBrokerPath(path);
  const segments = splitSegments(path);
  if (typeof segments === 'string') return { kind: 'invalid', problem: segments };
  return { kind: 'path', path: { kind: 'body', segments } };
}

/** The path of a top-level key, whatever characters it has. */
export function pathOfKey(key: string): SourcePath {
  return key.replace(/[\\.]|^@/g, '\\$&');
}

/** Equal for two spellings of one place. */
export function placeOf(path: ParsedPath): string {
  switch (path.kind) {
    case 'body':
      return JSON.stringify(path.segments);
    case 'key':
      return '@key';
    default:
      // The Functions host lower-cases the first letter of every property name, so both spellings name one place.
      return `@${path.kind}.${path.name.charAt(0).toLowerCase()}${path.name.slice(1)}`;
  }
}

function readBrokerPath(path: string): PathResult {
  if (path === '@key') return { kind: 'path', path: { kind: 'key' } };
  const [, kind, name] = /^@(property|header|system)\.(.+)$/s.exec(path) ?? [];
  if (name === undefined || (kind !== 'property' && kind !== 'header' && kind !== 'system')) {
    return {
      kind: 'invalid',
      problem: 'a path that starts with "@" must be @key, @property.<name>, @header.<name> or @system.<name>',
    };
  }
  return { kind: 'path', path: { kind, name } };
}

/** `a.b\.c` -> ['a', 'b.c']; a text says what is wrong. */
function splitSegments(path: string): readonly string[] | string {
  const segments: string[] = [];
  let segment = '';
  for (let at = 0; at < path.length; at++) {
    const character = path.charAt(at);
    if (character === '\\') {
      const escaped = path.charAt(++at);
      if (!/^[\\.@]$/.test(escaped)) return 'a backslash may only stand before ".", "@" or another backslash';
      segment += escaped;
    } else if (character === '.') {
      segments.push(segment);
      segment = '';
    } else {
      segment += character;
    }
  }
  segments.push(segment);
  return segments.includes('') ? 'has an empty part; write it as key or key.key' : segments;
}
