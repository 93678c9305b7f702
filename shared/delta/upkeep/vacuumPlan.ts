// Pure. Which objects in a table's folder belong to nobody any more.
import type { ObjectInfo } from '../../storage/index.js';
import { locateVector } from '../deletionVector.js';
import type { JsonObject } from '../json.js';
import { decodePath, plainName } from '../paths.js';
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
  const name = plainName(decodePath(pathOf(file)));
  const vector = deletionVectorName(file);
  return vector === undefined ? [name] : [name, vector];
}

/** Undefined for one that lies in the log itself. */
function deletionVectorName(file: JsonObject): string | undefined {
  const vector = deletionVectorOf(file);
  if (vector === undefined || vector.storageType === 'i') return undefined;
  const pathOrInlineDv = String(vector.pathOrInlineDv);
  const storageType = String(vector.storageType);
  const location = locateVector(
    { storageType, pathOrInlineDv, sizeInBytes: 0, cardinality: 0 },
    pathOf(file),
  );
  if (location.kind === 'inline') return undefined;
  return location.isAbsolute ? decodePath(location.path) : location.path;
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
