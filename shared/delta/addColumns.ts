// Widens a table's schema with new columns (schema evolution as Spark's `mergeSchema` does it: at the end, nullable).
import { TributaryError } from '../base/index.js';
import { transactionFacts } from './conflict.js';
import { defaultEngineInfo } from './createTable.js';
import { type EvolvedTable, evolveTable } from './evolution.js';
import { assertWritable } from './protocol.js';
import { logOf, openTable } from './tableReader.js';
import type { Snapshot, StructType } from './types.js';
import { commitTransaction } from './upkeep/commitTransaction.js';
import type { UpkeepOptions } from './upkeep/upkeepTable.js';

export interface AddColumnsOptions extends UpkeepOptions {
  /** What the table should have; columns that it has besides stay. */
  readonly schema: StructType;
  /** Lets columns change to wider types, which asks every reader for the table feature `typeWidening`. Default false. */
  readonly allowTypeWidening?: boolean;
  /** The table as the caller knows it, which saves loading it; a stale one costs a second attempt. Default the newest. */
  readonly snapshot?: Snapshot;
}

export type AddColumnsResult =
  | { readonly kind: 'unchanged'; readonly version: number }
  | {
      readonly kind: 'added';
      readonly version: number;
      /** Paths of new columns and of columns with a wider type, e.g. `place.height`. */
      readonly columns: readonly string[];
    };

/** Rivals may widen the same table at the same time, as every instance of an app does when it starts. */
const maxAttempts = 10;

/**
 * Adds the columns of `schema` that the table lacks, also inside structs, all in one commit. Names are compared without their case,
 * and the table's spelling stays. Older rows read null there; writers with the old schema go on.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH when a column has another type in the table; DELTA_PROTOCOL_UNSUPPORTED;
 *   DELTA_COMMIT_CONTENTION
 */
export async function addColumns(options: AddColumnsOptions): Promise<AddColumnsResult> {
  const log = logOf(options);
  const { schema, allowTypeWidening = false } = options;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const known = attempt === 0 ? options.snapshot : undefined;
    const snapshot = known ?? (await openTable(options)).snapshot;
    const evolved = evolveTable(log.table, snapshot, { schema, allowTypeWidening });
    const { addedColumns, typeChanges, definition } = evolved;
    if (definition === snapshot) return { kind: 'unchanged', version: snapshot.version };
    assertWritable(log.table, definition.protocol, definition.metadata);
    const outcome = await commitTransaction(log, commitOf(options, snapshot, evolved), options);
    if (outcome.kind === 'committed') {
      const added = addedColumns.map(({ path }) => path.join('.'));
      return {
        kind: 'added',
        version: outcome.version,
        columns: [...added, ...typeChanges.map(({ path }) => path)],
      };
    }
  }
  throw new TributaryError(
    'DELTA_COMMIT_CONTENTION',
    `Table ${log.table} was changed by others each of the ${maxAttempts} times its schema was to be widened; try again.`,
  );
}

function commitOf(options: AddColumnsOptions, snapshot: Snapshot, evolved: EvolvedTable) {
  const txnId = options.random.uuid();
  const { protocol, metadata } = evolved.definition;
  const commitInfo = {
    timestamp: options.clock.nowMs(),
    ...operationOf(evolved),
    readVersion: snapshot.version,
    isolationLevel: 'Serializable',
    isBlindAppend: true,
    operationMetrics: {},
    engineInfo: options.engineInfo ?? defaultEngineInfo,
    txnId,
  };
  return {
    readVersion: snapshot.version,
    txnId,
    facts: transactionFacts({ changesTable: true }),
    lines: [
      { commitInfo },
      ...(protocol === snapshot.protocol ? [] : [{ protocol }]),
      { metaData: metadata },
    ],
  };
}

/** Names and parameters as Spark writes them. */
function operationOf({ addedColumns, typeChanges }: EvolvedTable): Readonly<Record<string, unknown>> {
  if (addedColumns.length === 0) {
    return {
      operation: 'CHANGE COLUMNS',
      operationParameters: {
        columns: JSON.stringify(typeChanges.map(({ path, toType }) => ({ path, type: toType }))),
      },
    };
  }
  const columns = addedColumns.map(({ path, field }) => ({ column: { ...field, name: path.join('.') } }));
  return { operation: 'ADD COLUMNS', operationParameters: { columns: JSON.stringify(columns) } };
}
