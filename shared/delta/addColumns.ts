// Widens a table's schema with new columns (schema evolution as Spark's `mergeSchema` does it: at the end, nullable).
import { TributaryError } from '../base/index.js';
import type { DataType } from '../parquet/index.js';
import { transactionFacts } from './conflict.js';
import { defaultEngineInfo } from './createTable.js';
import { assertWritable } from './protocol.js';
import { assertCreatableSchema } from './schema.js';
import { fieldJson, typeTextOf } from './schemaJson.js';
import { logOf, openTable } from './tableReader.js';
import { dataTypeOf, isWritableType, parseColumn } from './tableTypes.js';
import type { Metadata, Snapshot, StructField, StructType } from './types.js';
import { commitTransaction } from './upkeep/commitTransaction.js';
import type { UpkeepOptions } from './upkeep/upkeepTable.js';

export interface AddColumnsOptions extends UpkeepOptions {
  /** What the table should have; columns that it has besides stay. */
  readonly schema: StructType;
  /** The table as the caller knows it, which saves loading it; a stale one costs a second attempt. Default the newest. */
  readonly snapshot?: Snapshot;
}

export type AddColumnsResult =
  | { readonly kind: 'unchanged'; readonly version: number }
  | { readonly kind: 'added'; readonly version: number; readonly columns: readonly string[] };

/** Rivals may widen the same table at the same time, as every instance of an app does when it starts. */
const maxAttempts = 10;

/**
 * Adds the columns of `schema` that the table lacks, all in one commit. Names are compared without their case, and the
 * table's spelling stays. Older rows read null there; writers with the old schema go on.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH when a column has another type in the table; DELTA_COMMIT_CONTENTION
 */
export async function addColumns(options: AddColumnsOptions): Promise<AddColumnsResult> {
  const log = logOf(options);
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const known = attempt === 0 ? options.snapshot : undefined;
    const snapshot = known ?? (await openTable(options)).snapshot;
    const missing = missingColumns(log.table, snapshot, options.schema);
    if (missing.length === 0) return { kind: 'unchanged', version: snapshot.version };
    assertWritable(log.table, snapshot.protocol, snapshot.metadata);
    assertCreatableSchema({ type: 'struct', fields: missing });
    const outcome = await commitTransaction(log, commitOf(options, snapshot, missing), options);
    if (outcome.kind === 'committed') {
      return { kind: 'added', version: outcome.version, columns: missing.map(({ name }) => name) };
    }
  }
  throw new TributaryError(
    'DELTA_COMMIT_CONTENTION',
    `Table ${log.table} was changed by others each of the ${maxAttempts} times its schema was to be widened; try again.`,
  );
}

type RawField = Readonly<Record<string, unknown>> & { readonly name: string };

function rawFieldsOf(metadata: Metadata): readonly RawField[] {
  return (JSON.parse(metadata.schemaString) as { readonly fields: readonly RawField[] }).fields;
}

/** Compared without what other engines noted at the fields inside. */
function hasType(found: RawField, type: DataType): boolean {
  const known = parseColumn(found).type;
  return isWritableType(known) && typeTextOf(dataTypeOf(known)) === typeTextOf(type);
}

function missingColumns(table: string, { metadata }: Snapshot, schema: StructType): StructField[] {
  const known = new Map(rawFieldsOf(metadata).map((field) => [field.name.toLowerCase(), field]));
  return schema.fields.flatMap((field) => {
    const found = known.get(field.name.toLowerCase());
    if (found === undefined) return [{ ...field, nullable: true }];
    if (hasType(found, field.type)) return [];
    throw new TributaryError(
      'DELTA_SCHEMA_MISMATCH',
      `Column "${found.name}" of table ${table} is ${JSON.stringify(found.type)}, but ${typeTextOf(field.type)} is wanted. A column keeps its ` +
        'type: give the new one another name, or write to another table.',
    );
  });
}

/** Fields that the table has are copied as they are, with whatever metadata other engines gave them. */
function commitOf(options: AddColumnsOptions, snapshot: Snapshot, missing: readonly StructField[]) {
  const txnId = options.random.uuid();
  const fields = [...rawFieldsOf(snapshot.metadata), ...missing.map(fieldJson)];
  const commitInfo = {
    timestamp: options.clock.nowMs(),
    operation: 'ADD COLUMNS',
    operationParameters: {
      columns: JSON.stringify(missing.map((column) => ({ column: fieldJson(column) }))),
    },
    readVersion: snapshot.version,
    isolationLevel: 'Serializable',
    isBlindAppend: true,
    operationMetrics: {},
    engineInfo: options.engineInfo ?? defaultEngineInfo,
    txnId,
  };
  const metaData = { ...snapshot.metadata, schemaString: JSON.stringify({ type: 'struct', fields }) };
  return {
    readVersion: snapshot.version,
    txnId,
    facts: transactionFacts({ changesTable: true }),
    lines: [{ commitInfo }, { metaData }],
  };
}
