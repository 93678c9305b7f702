// Pure. Actions with all their fields, as upkeep has to hand them on: checkpoints, restored files and tombstones must not lose what
// this project does not use itself.
import { ActionCollector, type ActionSink } from '../actions.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { canonicalPath } from '../paths.js';

/** Actions being gathered with all their fields; what readers would refuse is refused here, too. */
export class RawActions implements ActionSink {
  readonly lines: JsonObject[] = [];

  collect(line: JsonObject): void {
    new ActionCollector().collect(line);
    this.lines.push(
      Object.fromEntries(
        Object.entries(line).map(([kind, action]) => [
          kind,
          isJsonObject(action) ? withoutNulls(action) : action,
        ]),
      ),
    );
  }
}

/** Some writers, and all checkpoints, spell out fields that an action lacks. Null values of maps are values. */
function withoutNulls(action: JsonObject): JsonObject {
  const fields = Object.entries(action).filter(([, value]) => (value ?? null) !== null);
  const vector = deletionVectorOf(action);
  return Object.fromEntries(
    fields.flatMap(([name, value]) => {
      if (name !== 'deletionVector') return [[name, value]];
      return vector === undefined ? [] : [[name, withoutNulls(vector)]];
    }),
  );
}

/** The name that the log knows a file by, with the deletion vector that goes with it (PROTOCOL.md "Action Reconciliation"). */
export function fileKey(file: JsonObject): string {
  const path = pathOf(file);
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
