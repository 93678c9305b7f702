// Pure. Which objects in a table's folder belong to nobody any more.
import { TributaryError } from '../../base/index.js';
import type { ObjectInfo } from '../../storage/index.js';
import type { JsonObject } from '../actions.js';
import { decodePath } from '../paths.js';
import { type FullState, unexpiredRemoves } from './fullState.js';
import { deletionVectorOf, pathOf } from './rawActions.js';

/** Names of the objects that live files and unexpired tombstones need. @throws TributaryError for files outside the table's folder */
export function neededNames(state: FullState, nowMs: number, retentionMs: number): Set<string> {
  const names = new Set<string>();
  const keep = (file: JsonObject): void => {
    for (const name of namesOf(file)) names.add(name);
  };
  for (const add of state.adds.values()) keep(add);
  for (const remove of unexpiredRemoves(state, nowMs, retentionMs)) keep(remove);
  return names;
}

/** A data file and that of its deletion vector. @throws TributaryError for files outside the table's folder */
export function namesOf(file: JsonObject): readonly string[] {
  const name = decodePath(pathOf(file));
  const vector = deletionVectorName(file);
  return vector === undefined ? [name] : [name, vector];
}

/** PROTOCOL.md "Deletion Vectors": in the file itself, or in one named after an id that is written in base 85 behind a folder's name. */
export function deletionVectorName(file: JsonObject): string | undefined {
  const vector = deletionVectorOf(file);
  if (vector === undefined || vector.storageType === 'i') return undefined;
  const text = String(vector.pathOrInlineDv);
  if (vector.storageType === 'p') return decodePath(text);
  const folder = text.slice(0, -encodedIdLength);
  const name = `deletion_vector_${decodeId(text.slice(-encodedIdLength))}.bin`;
  return folder === '' ? name : `${folder}/${name}`;
}

const encodedIdLength = 20;
const base85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

function decodeId(text: string): string {
  let hex = '';
  for (let start = 0; start < encodedIdLength; start += 5) {
    let word = 0;
    for (const character of text.slice(start, start + 5)) word = word * 85 + base85.indexOf(character);
    hex += word.toString(16).padStart(8, '0');
  }
  if (!/^[0-9a-f]{32}$/.test(hex)) {
    throw new TributaryError(
      'DELTA_LOG_CORRUPT',
      `The log names a deletion vector "${text}", which is no id.`,
    );
  }
  return [0, 8, 12, 16, 20].map((from, index) => hex.slice(from, [8, 12, 16, 20, 32][index])).join('-');
}

export interface VacuumRules {
  readonly needed: ReadonlySet<string>;
  /** Objects written since then stay: a writer may be about to commit them. */
  readonly olderThanMs: number;
  readonly partitionColumns: readonly string[];
  /** Apache Iceberg keeps its metadata beside the table (UniForm). */
  readonly hidesMetadataFolder: boolean;
}

/** Whether nobody needs the object. Everything hidden stays: `_delta_log` above all. */
export function isLeftOver({ path, lastModifiedMs }: ObjectInfo, rules: VacuumRules): boolean {
  return lastModifiedMs < rules.olderThanMs && !rules.needed.has(path) && !isHidden(path, rules);
}

/** By Spark's rule, for each segment of the path. */
function isHidden(path: string, { partitionColumns, hidesMetadataFolder }: VacuumRules): boolean {
  const segments = path.split('/');
  if (hidesMetadataFolder && segments.length > 1 && segments[0] === 'metadata') return true;
  return segments.some((segment) => {
    if (!segment.startsWith('_') && !segment.startsWith('.')) return false;
    if (segment.startsWith('_delta_index') || segment.startsWith('_change_data')) return false;
    return !partitionColumns.some((column) => segment.startsWith(`${column}=`));
  });
}
