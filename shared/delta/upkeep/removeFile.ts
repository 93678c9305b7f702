// Pure. The `remove` of a live file: with all that PROTOCOL.md "Add File and Remove File" wants copied from its `add`.
import type { JsonObject } from '../json.js';

const copied = ['stats', 'tags', 'deletionVector', 'baseRowId', 'defaultRowCommitVersion'];

/** Without a `deletionTimestamp` other engines would take the tombstone for expired, and vacuum the file at once. */
export function removeOf(add: JsonObject, nowMs: number, dataChange: boolean): JsonObject {
  const extra = copied.flatMap((name) => ((add[name] ?? null) === null ? [] : [[name, add[name]] as const]));
  return {
    path: add.path,
    deletionTimestamp: nowMs,
    dataChange,
    extendedFileMetadata: true,
    partitionValues: add.partitionValues ?? {},
    size: add.size,
    ...Object.fromEntries(extra),
  };
}
