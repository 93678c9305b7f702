// Pure. The content of a checkpoint in the schema that Spark writes (PROTOCOL.md "Checkpoint Schema"): one row an action, every
// other column null.
import type { RecordField, RecordValues } from '../../parquet/index.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { type FullState, unexpiredRemoves } from './fullState.js';
import type { ParsedColumns } from './parsedColumns.js';
import { deletionVectorOf } from './rawActions.js';

const struct = (name: string, fields: readonly RecordField[]): RecordField => ({
  name,
  type: { kind: 'struct', fields },
});
const text = (name: string): RecordField => ({ name, type: 'string' });
const long = (name: string): RecordField => ({ name, type: 'long' });
const integer = (name: string): RecordField => ({ name, type: 'integer' });
const flag = (name: string): RecordField => ({ name, type: 'boolean' });
const textMap = (name: string): RecordField => ({ name, type: { kind: 'textMap' } });
const textList = (name: string): RecordField => ({ name, type: { kind: 'textList' } });

const deletionVector = struct('deletionVector', [
  text('storageType'),
  text('pathOrInlineDv'),
  integer('offset'),
  integer('sizeInBytes'),
  long('cardinality'),
  long('maxRowIndex'),
]);

/** How the statistics of files are written: as JSON in `stats`, as typed columns, or both. */
export interface StatisticsForm {
  readonly asJson: boolean;
  readonly parsed: ParsedColumns | undefined;
}

const jsonOnly: StatisticsForm = { asJson: true, parsed: undefined };

/** @param form `v2` has the columns that make a checkpoint one of that kind (PROTOCOL.md "V2 Spec") */
export function checkpointFields(
  form: CheckpointForm = 'classic',
  { asJson, parsed }: StatisticsForm = jsonOnly,
): readonly RecordField[] {
  const add = struct('add', [...addFields, ...(asJson ? [text('stats')] : []), ...(parsed?.fields ?? [])]);
  const [txn, ...others] = otherFields;
  return [txn!, add, ...others, ...(form === 'v2' ? v2Fields : [])];
}

const addFields: readonly RecordField[] = [
  text('path'),
  textMap('partitionValues'),
  long('size'),
  long('modificationTime'),
  flag('dataChange'),
  textMap('tags'),
  deletionVector,
  long('baseRowId'),
  long('defaultRowCommitVersion'),
  text('clusteringProvider'),
];

const otherFields: readonly RecordField[] = [
  struct('txn', [text('appId'), long('version'), long('lastUpdated')]),
  struct('remove', [
    text('path'),
    long('deletionTimestamp'),
    flag('dataChange'),
    flag('extendedFileMetadata'),
    textMap('partitionValues'),
    long('size'),
    deletionVector,
    long('baseRowId'),
    long('defaultRowCommitVersion'),
  ]),
  struct('metaData', [
    text('id'),
    text('name'),
    text('description'),
    struct('format', [text('provider'), textMap('options')]),
    text('schemaString'),
    textList('partitionColumns'),
    textMap('configuration'),
    long('createdTime'),
  ]),
  struct('protocol', [
    integer('minReaderVersion'),
    integer('minWriterVersion'),
    textList('readerFeatures'),
    textList('writerFeatures'),
  ]),
  struct('domainMetadata', [text('domain'), text('configuration'), flag('removed')]),
];

const v2Fields: readonly RecordField[] = [
  struct('checkpointMetadata', [long('version'), textMap('tags')]),
  struct('sidecar', [text('path'), long('sizeInBytes'), long('modificationTime'), textMap('tags')]),
];

export interface CheckpointRetention {
  readonly nowMs: number;
  readonly deletedFilesMs: number;
  /** `delta.setTransactionRetentionDuration`; undefined keeps all. */
  readonly transactionsMs: number | undefined;
}

/** `v2` takes the row that says so; the files stay inside, without sidecars. */
export type CheckpointForm = 'classic' | 'v2';

export interface CheckpointContent {
  readonly rowCount: number;
  readonly addCount: number;
  readonly removeCount: number;
  readonly rows: Iterable<RecordValues>;
}

/** @param state complete: with protocol and metaData */
export function checkpointContent(
  state: FullState,
  retention: CheckpointRetention,
  form: CheckpointForm = 'classic',
  statistics: StatisticsForm = jsonOnly,
): CheckpointContent {
  const removes = unexpiredRemoves(state, retention.nowMs, retention.deletedFilesMs);
  const transactions = [...state.transactions.values()].filter((txn) => isKept(txn, retention));
  const header: RecordValues[] = form === 'v2' ? [{ checkpointMetadata: { version: state.version } }] : [];
  return {
    addCount: state.adds.size,
    removeCount: removes.length,
    rowCount: header.length + 2 + transactions.length + state.domains.size + removes.length + state.adds.size,
    rows: rowsOf(header, state, transactions, removes, statistics),
  };
}

/** Without a time a transaction counts as old, as in Spark. */
function isKept(txn: JsonObject, { nowMs, transactionsMs }: CheckpointRetention): boolean {
  if (transactionsMs === undefined) return true;
  return typeof txn.lastUpdated === 'number' && txn.lastUpdated > nowMs - transactionsMs;
}

function* rowsOf(
  header: readonly RecordValues[],
  state: FullState,
  transactions: readonly JsonObject[],
  removes: readonly JsonObject[],
  { parsed }: StatisticsForm,
): Generator<RecordValues> {
  yield* header;
  yield { protocol: protocolRow(state.protocol ?? {}) };
  yield { metaData: metaDataRow(state.metaData ?? {}) };
  for (const txn of transactions) yield { txn };
  for (const domainMetadata of state.domains.values()) yield { domainMetadata };
  for (const remove of removes) yield { remove: fileRow(remove) };
  for (const add of state.adds.values()) yield { add: { ...fileRow(add), ...parsed?.valuesOf(add) } };
}

/** Lists of features exist from versions 3 and 7 on; a list below, empty though it be, makes other engines refuse the table. */
function protocolRow({ readerFeatures, writerFeatures, ...versions }: JsonObject): RecordValues {
  return {
    ...versions,
    ...(Number(versions.minReaderVersion) >= 3 && { readerFeatures }),
    ...(Number(versions.minWriterVersion) >= 7 && { writerFeatures }),
  };
}

function metaDataRow(metaData: JsonObject): RecordValues {
  const format = isJsonObject(metaData.format) ? metaData.format : {};
  return {
    ...metaData,
    format: { provider: format.provider ?? 'parquet', options: textValues(format.options) ?? {} },
    partitionColumns: metaData.partitionColumns ?? [],
    configuration: textValues(metaData.configuration) ?? {},
  };
}

/** `dataChange` is false in checkpoints: their rows change nothing. */
function fileRow(file: JsonObject): RecordValues {
  return {
    ...file,
    dataChange: false,
    partitionValues: textValues(file.partitionValues),
    tags: textValues(file.tags),
    deletionVector: deletionVectorOf(file),
  };
}

/** A few writers put numbers where text belongs. */
function textValues(values: unknown): RecordValues | undefined {
  if (!isJsonObject(values)) return undefined;
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, (value ?? null) === null ? null : String(value)]),
  );
}
