// Creates a table: version 0 with its protocol and schema.
import { type Random, TributaryError } from '../base/index.js';
import { serializeCommit } from './actions.js';
import { putCommit } from './log.js';
import { protocolFor } from './protocol.js';
import { assertCreatableSchema } from './schema.js';
import { schemaString } from './schemaJson.js';
import { logOf, type OpenTableOptions, openTable, TableReader } from './tableReader.js';
import { parseTableColumns } from './tableTypes.js';
import type { Metadata, StructType } from './types.js';

export interface CreateTableOptions extends OpenTableOptions {
  readonly random: Random;
  readonly schema: StructType;
  /** Columns by whose values the files are kept apart, in the order of the folders. Default none. */
  readonly partitionColumns?: readonly string[];
  readonly name?: string;
  readonly description?: string;
  /** Table properties, e.g. `delta.appendOnly`. */
  readonly configuration?: Readonly<Record<string, string>>;
  /** Goes to `commitInfo.engineInfo`. */
  readonly engineInfo?: string;
}

export const defaultEngineInfo = 'Tributary';

const maxAttempts = 5;

/** Properties that mean a table feature, or that only an SQL CREATE understands. */
const needsFeature =
  /^delta\.(constraints\.|feature\.|columnMapping\.|rowTracking\.|universalFormat\.|inCommitTimestamp|checkpointPolicy$|requireCheckpointProtection|min(Reader|Writer)Version$|enable(?!ExpiredLogCleanup$))/;

/** The one form that all engines parse; Spark alone takes more. */
const intervalForm = /^interval \d+ (?:nano|micro|milli)?seconds?$|^interval \d+ (?:minute|hour|day|week)s?$/;

/**
 * Creates the table, or opens the one that is there, whatever its schema.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH, CONFIG_INVALID, and as `openTable` does
 */
export async function createTable(options: CreateTableOptions): Promise<TableReader> {
  const existing = await TableReader.openIfExists(options);
  if (existing !== undefined) return existing;
  assertCreatableSchema(options.schema);
  assertPlainProperties(options.configuration ?? {});
  const partitionColumns = partitionColumnsOf(options);
  const { clock, random } = options;
  const txnId = random.uuid();
  const bytes = serializeCommit(firstCommit(options, partitionColumns, txnId));
  // Whoever wins version 0, the table is there afterwards.
  await putCommit(logOf(options), { version: 0, bytes, txnId }, { clock, random, maxAttempts });
  return openTable(options);
}

/** @throws TributaryError CONFIG_INVALID */
function assertPlainProperties(configuration: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(configuration)) {
    if (needsFeature.test(key) && value !== defaultOf[key]) {
      throw new TributaryError(
        'CONFIG_INVALID',
        `The table property "${key}" needs a table feature that is not supported here; leave it out.`,
      );
    }
    if (/^delta\.\w+Duration$/.test(key) && !intervalForm.test(value)) {
      throw new TributaryError(
        'CONFIG_INVALID',
        `The table property "${key}" is "${value}"; write it as "interval 7 days" (units from nanosecond to week), which all engines read.`,
      );
    }
  }
}

/** Spelled out, they need nothing. */
const defaultOf: Readonly<Record<string, string>> = { 'delta.checkpointPolicy': 'classic' };

/** In the schema's spelling. @throws TributaryError DELTA_SCHEMA_MISMATCH */
function partitionColumnsOf({ schema, partitionColumns = [] }: CreateTableOptions): readonly string[] {
  const fail = (problem: string): never => {
    throw new TributaryError('DELTA_SCHEMA_MISMATCH', `The new table cannot be partitioned: ${problem}.`);
  };
  const columns = parseTableColumns(schemaString(schema));
  const names = partitionColumns.map((name) => {
    const column = columns.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    if (column === undefined) return fail(`it has no column "${name}"`);
    const isScalar = typeof column.type === 'string' || column.type.kind === 'decimal';
    return isScalar ? column.name : fail(`column "${name}" is of a nested type`);
  });
  if (new Set(names).size < names.length) fail('a column is named twice');
  if (names.length > 0 && names.length === schema.fields.length)
    fail('no column would be left for the files');
  return names;
}

function firstCommit(
  options: CreateTableOptions,
  partitionColumns: readonly string[],
  txnId: string,
): Readonly<Record<string, unknown>>[] {
  const nowMs = options.clock.nowMs();
  const configuration = options.configuration ?? {};
  const metaData: Metadata = {
    id: options.random.uuid(),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.description === undefined ? {} : { description: options.description }),
    format: { provider: 'parquet', options: {} },
    schemaString: schemaString(options.schema),
    partitionColumns,
    configuration,
    createdTime: nowMs,
  };
  const commitInfo = {
    timestamp: nowMs,
    operation: 'CREATE TABLE',
    operationParameters: {
      isManaged: 'false',
      partitionBy: JSON.stringify(partitionColumns),
      properties: JSON.stringify(configuration),
    },
    isBlindAppend: true,
    operationMetrics: {},
    engineInfo: options.engineInfo ?? defaultEngineInfo,
    txnId,
  };
  return [{ commitInfo }, { protocol: protocolFor(options.schema) }, { metaData }];
}
