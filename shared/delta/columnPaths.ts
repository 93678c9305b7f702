// Pure. A column named in a condition, as the log names it: by physical names, in partition values or in statistics.
import { TributaryError } from '../base/index.js';
import { mappingModeOf, physicalName } from './columnMapping.js';
import type { ScalarType } from './comparable.js';
import { parseTableColumns, partsOf, type TableColumn, type TableType } from './tableTypes.js';
import type { Snapshot } from './types.js';

export type ResolvedColumn =
  /** `name`: the key in `partitionValues`. */
  | { readonly kind: 'partition'; readonly name: string; readonly type: ScalarType | undefined }
  /** `path`: the keys in each part of the statistics. `type` undefined: not one that has bounds. */
  | { readonly kind: 'data'; readonly path: readonly string[]; readonly type: ScalarType | undefined };

/** @throws TributaryError DELTA_SCHEMA_MISMATCH when there is no such column */
export function columnOfPath(snapshot: Snapshot, column: string | readonly string[]): ResolvedColumn {
  const names = typeof column === 'string' ? [column] : column;
  const { protocol, metadata } = snapshot;
  const mode = mappingModeOf(protocol, metadata);
  const found: TableColumn[] = [];
  let candidates = parseTableColumns(metadata.schemaString);
  for (const name of names) {
    const next = candidates.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    if (next === undefined) throw noSuchColumn(names);
    found.push(next);
    candidates = isStruct(next.type) ? partsOf(next.type) : [];
  }
  const [first] = found;
  const last = found.at(-1);
  if (first === undefined || last === undefined) throw noSuchColumn(names);
  const type = scalarTypeOf(last.type);
  if (metadata.partitionColumns.includes(first.name)) {
    return { kind: 'partition', name: physicalName(first, mode), type };
  }
  return {
    kind: 'data',
    path: found.map((part) => physicalName(part, mode)),
    type: wasFloat(last) ? undefined : type,
  };
}

function isStruct(type: TableType): boolean {
  return typeof type === 'object' && type.kind === 'struct';
}

function scalarTypeOf(type: TableType): ScalarType | undefined {
  if (typeof type === 'string') return type;
  return type.kind === 'decimal' ? type : undefined;
}

/** Files of before have bounds in the shortest text of a float, which lies beside the number that is read there now. */
function wasFloat({ metadata }: TableColumn): boolean {
  const changes = metadata['delta.typeChanges'];
  return Array.isArray(changes) && changes.some((change) => change?.fromType === 'float');
}

function noSuchColumn(names: readonly string[]): TributaryError {
  return new TributaryError('DELTA_SCHEMA_MISMATCH', `The table has no column "${names.join('.')}".`);
}
