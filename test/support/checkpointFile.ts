// Checkpoints in Parquet with the columns that Spark writes, by a writer that is not ours.
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';

export type CheckpointRows = Record<string, unknown>[];

/** Schema elements of one column. */
export type Element = SchemaElement[];

export const text = (name: string): SchemaElement[] => [
  { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];
export const number = (name: string, type: 'INT32' | 'INT64' = 'INT64'): SchemaElement[] => [
  { name, type, repetition_type: 'OPTIONAL' },
];
const flag = (name: string): SchemaElement[] => [{ name, type: 'BOOLEAN', repetition_type: 'OPTIONAL' }];
export const struct = (name: string, ...fields: SchemaElement[][]): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: fields.length },
  ...fields.flat(),
];
const texts = (name: string): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...text('element'),
];
const textMap = (name: string): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'MAP' },
  { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
  { name: 'key', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  ...text('value'),
];

/** The columns of a classic checkpoint that matter here, as Spark writes them. */
const columns: Readonly<Record<string, Element>> = {
  txn: struct('txn', text('appId'), number('version'), number('lastUpdated')),
  add: struct(
    'add',
    text('path'),
    textMap('partitionValues'),
    number('size'),
    number('modificationTime'),
    flag('dataChange'),
    text('stats'),
  ),
  remove: struct(
    'remove',
    text('path'),
    number('deletionTimestamp'),
    flag('dataChange'),
    flag('extendedFileMetadata'),
    textMap('partitionValues'),
    number('size'),
  ),
  domainMetadata: struct('domainMetadata', text('domain'), text('configuration'), flag('removed')),
  metaData: struct(
    'metaData',
    text('id'),
    text('name'),
    struct('format', text('provider'), textMap('options')),
    text('schemaString'),
    texts('partitionColumns'),
    textMap('configuration'),
    number('createdTime'),
  ),
  protocol: struct(
    'protocol',
    number('minReaderVersion', 'INT32'),
    number('minWriterVersion', 'INT32'),
    texts('readerFeatures'),
    texts('writerFeatures'),
  ),
  checkpointMetadata: struct('checkpointMetadata', number('version')),
  sidecar: struct('sidecar', text('path'), number('sizeInBytes'), number('modificationTime')),
};

function withBigInts(value: unknown, key = ''): unknown {
  if (typeof value === 'number') return key.startsWith('min') ? value : BigInt(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withBigInts(item, name)]));
}

/** @param replaced columns in another form */
export function checkpointBytes(
  actions: CheckpointRows,
  replaced: Readonly<Record<string, Element>> = {},
): Uint8Array {
  const names = Object.keys(columns).filter((name) => actions.some((action) => action[name] !== undefined));
  const schema: SchemaElement[] = [
    { name: 'schema', num_children: names.length },
    ...names.flatMap((name) => replaced[name] ?? columns[name]!),
  ];
  const columnData = names.map((name) => ({
    name,
    data: actions.map((action) => withBigInts(action[name] ?? null)),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, codec: 'SNAPPY' }));
}
