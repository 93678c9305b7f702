// Pure. Object paths: which are allowed, how they are ordered, and how a path of one store becomes a path of another.
import { TributaryError } from '../base/index.js';

/** Azure's limit for a blob name. */
const maxPathLength = 1024;

const loneSurrogate = /\p{Surrogate}/u;

function hasControlCharacter(path: string): boolean {
  for (let index = 0; index < path.length; index++) {
    const unit = path.charCodeAt(index);
    if (unit < 0x20 || unit === 0x7f) return true;
  }
  return false;
}

function problemOfSegments(segments: readonly string[]): string | undefined {
  for (const segment of segments) {
    if (segment === '') return 'has an empty segment (a leading, trailing or double slash)';
    if (segment === '.' || segment === '..') return `has a "${segment}" segment`;
  }
  return undefined;
}

function problemOfCharacters(path: string): string | undefined {
  if (path.length > maxPathLength)
    return `has ${path.length} characters; at most ${maxPathLength} are allowed`;
  if (path.includes('\\')) return 'has a backslash';
  if (hasControlCharacter(path)) return 'has a control character';
  if (loneSurrogate.test(path)) return 'has half of a surrogate pair';
  return undefined;
}

function fail(what: string, path: string, problem: string): never {
  const shown = JSON.stringify(path.length > 120 ? `${path.slice(0, 120)}...` : path);
  throw new TributaryError('STORAGE_INVALID_PATH', `The ${what} ${shown} ${problem}.`);
}

/** @throws TributaryError STORAGE_INVALID_PATH */
export function assertObjectPath(path: string): void {
  if (path === '') fail('object path', path, 'is empty');
  const problem = problemOfCharacters(path) ?? problemOfSegments(path.split('/'));
  if (problem !== undefined) fail('object path', path, problem);
}

/**
 * A prefix may be empty and may end anywhere, also in a slash; what comes before its last slash obeys the rules of paths.
 * @throws TributaryError STORAGE_INVALID_PATH
 */
export function assertPathPrefix(prefix: string): void {
  const complete = prefix.split('/').slice(0, -1);
  const problem = problemOfCharacters(prefix) ?? problemOfSegments(complete);
  if (problem !== undefined) fail('path prefix', prefix, problem);
}

/** A folder without its trailing slash; '' is the root. @throws TributaryError STORAGE_INVALID_PATH */
export function normalFolder(folder: string): string {
  const bare = folder.endsWith('/') ? folder.slice(0, -1) : folder;
  if (bare !== '') assertObjectPath(bare);
  return bare;
}

/**
 * Negative, zero or positive, by code points, which is the order of the UTF-8 bytes. JavaScript's `<` differs: it sorts
 * the halves of astral characters (U+D800-DFFF) below U+E000-FFFF.
 */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const leftUnit = left.charCodeAt(index);
    const rightUnit = right.charCodeAt(index);
    if (leftUnit !== rightUnit) return orderKey(leftUnit) - orderKey(rightUnit);
  }
  return left.length - right.length;
}

/** Moves surrogates above the rest of the basic plane. */
function orderKey(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
