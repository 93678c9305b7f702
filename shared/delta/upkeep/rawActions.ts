// Pure. Actions with all their fields, as upkeep has to hand them on: checkpoints, restored files and tombstones must not lose what
// this project does not use itself.
import { TributaryError } from '../../base/index.js';
import type { JsonObject } from '../actions.js';
import { canonicalPath } from '../paths.js';

function corrupt(where: string, problem: string): TributaryError {
  return new TributaryError(
    'DELTA_LOG_CORRUPT',
    `${where} ${problem}. The file is damaged or was not written by a Delta writer; restore it from a copy.`,
  );
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws TributaryError DELTA_LOG_CORRUPT naming file and line */
export function parseRawCommit(bytes: Uint8Array, path: string): JsonObject[] {
  const actions: JsonObject[] = [];
  // Only \n ends a line: JSON strings may hold U+2028.
  for (const [index, line] of new TextDecoder().decode(bytes).split('\n').entries()) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw corrupt(`Line ${index + 1} of ${path}`, 'is not complete JSON');
    }
    if (!isJsonObject(value)) throw corrupt(`Line ${index + 1} of ${path}`, 'is not a JSON object');
    actions.push(value);
  }
  return actions;
}

/** The name that the log knows a file by, with the deletion vector that goes with it (PROTOCOL.md "Action Reconciliation"). */
export function fileKey(file: JsonObject): string {
  const path = file.path;
  if (typeof path !== 'string') throw corrupt('A file action', 'has no path');
  const vector = deletionVectorOf(file);
  if (vector === undefined) return canonicalPath(path);
  const offset = vector.offset ?? undefined;
  const id = `${vector.storageType}${vector.pathOrInlineDv}${offset === undefined ? '' : `@${offset}`}`;
  return `${canonicalPath(path)}\n${id}`;
}

/** A struct of nulls, which some writers leave behind, is none. */
export function deletionVectorOf(file: JsonObject): JsonObject | undefined {
  const vector = file.deletionVector;
  return isJsonObject(vector) && typeof vector.storageType === 'string' ? vector : undefined;
}

export function pathOf(file: JsonObject): string {
  return String(file.path);
}
