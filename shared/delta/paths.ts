// Pure. Names in a table's folder: files of the log, data files, and how a name is written into the log.
import { TributaryError } from '../base/index.js';
import type { DeletionVector } from './types.js';

export const logFolder = '_delta_log/';

/** Twenty digits, so that names sort by version. */
export function versionDigits(version: number): string {
  return String(version).padStart(20, '0');
}

export function commitPath(version: number): string {
  return `${logFolder}${versionDigits(version)}.json`;
}

const commitForm = new RegExp(`^${logFolder}(\\d{20})\\.json$`);

/** Undefined for other files of the log. */
export function commitVersionOf(path: string): number | undefined {
  const digits = commitForm.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Never used twice: the name of an orphan must not come back to life. Not starting with `_` or `.`, which vacuum skips. */
export function dataFileName(uuid: string, codec: string): string {
  return codec === 'none' ? `part-00000-${uuid}-c000.parquet` : `part-00000-${uuid}-c000.${codec}.parquet`;
}

/**
 * What Spark encodes when it makes a URI of a file name; everything else, non-ASCII too, stays as it is. Other writers encode more,
 * and every reader decodes all of it.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among those to encode.
const encodedInLog = /[\u0000-\u0020"#%<>?[\\\]^`{|}\u007f]/g;

/** File name -> `add.path`. */
export function encodePath(name: string): string {
  return name.replace(encodedInLog, (character) => {
    const code = character.charCodeAt(0);
    return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/** A URI with a scheme, or a path from the root: how shallow clones refer to another table's files. */
export function isAbsolutePath(path: string): boolean {
  return path.startsWith('/') || /^[a-zA-Z][a-zA-Z0-9+.-]*:\//.test(path);
}

/**
 * `add.path` -> name of the object, relative to the table's folder. Decodes exactly once: `p=US%252FEast` is stored as `p=US%2FEast`.
 * @throws TributaryError DELTA_LOG_CORRUPT for a broken escape, DELTA_PROTOCOL_UNSUPPORTED for a file of another table
 */
export function decodePath(path: string): string {
  if (isAbsolutePath(path)) {
    throw new TributaryError(
      'DELTA_PROTOCOL_UNSUPPORTED',
      `The table refers to the data file "${path}" outside its own folder (a shallow clone); such tables cannot be read here.`,
    );
  }
  try {
    return decodeURIComponent(path);
  } catch {
    throw corruptPath(path, 'is not a validly encoded path');
  }
}

/**
 * The name of a file, in the one spelling of it, without empty parts, `.` and `..`: by another one vacuum would not know a live file, and
 * delete it.
 * @throws TributaryError DELTA_LOG_CORRUPT
 */
export function plainName(name: string): string {
  const isPlain = name.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  if (isPlain) return name;
  throw corruptPath(name, 'is no plain path: it is empty, or has an empty part, "." or ".."');
}

function corruptPath(path: string, problem: string): TributaryError {
  const shown = JSON.stringify(path.length > 300 ? `${path.slice(0, 300)}...` : path);
  return new TributaryError('DELTA_LOG_CORRUPT', `The log names the file ${shown}, which ${problem}.`);
}

/**
 * One spelling per file, since writers encode differently ("M\u00fcnchen" or "M%C3%BCnchen") and a `remove` must meet its `add`.
 * A path that cannot be decoded stays as it is; reading it fails later, and only then.
 */
export function canonicalPath(path: string): string {
  if (!path.includes('%') && path.search(encodedInLog) < 0) return path;
  try {
    return encodePath(decodeURIComponent(path));
  } catch {
    return path;
  }
}

/** PROTOCOL.md "Action Reconciliation": a logical file is its path together with its deletion vector. */
export function logicalFileKey(file: {
  readonly path: string;
  readonly deletionVector?: DeletionVector;
}): string {
  const path = canonicalPath(file.path);
  const { deletionVector } = file;
  if (deletionVector === undefined) return path;
  const { storageType, pathOrInlineDv, offset } = deletionVector;
  return `${path}\n${storageType}${pathOrInlineDv}${offset === undefined ? '' : `@${offset}`}`;
}
