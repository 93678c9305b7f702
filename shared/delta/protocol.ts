// Pure. Which tables may be read and written (PROTOCOL.md "Protocol Evolution", "Table Features"): refusals name the version or feature.
import { TributaryError } from '../base/index.js';
import { parseSchemaJson } from './schemaJson.js';
import type { Metadata, Protocol, StructType } from './types.js';

type Configuration = Readonly<Record<string, string>>;

/** What the table uses, as far as a feature is concerned. */
interface Usage {
  readonly configuration: Configuration;
  /** Keys of the metadata of all columns, nested ones too. */
  readonly fieldMetadataKeys: ReadonlySet<string>;
}

interface Feature {
  readonly name: string;
  /** Reader support is needed, too. */
  readonly reader: boolean;
  /** The legacy writer version that implies it; 7 for features that must be listed. */
  readonly legacyWriterVersion: number;
  /** Whether the table uses it in a way that a writer here does not support. Readers support every feature listed. */
  readonly isUnsupportedIn: (usage: Usage) => boolean;
}

/** Every known feature; one that is not here is refused wherever it is listed. */
const features: readonly Feature[] = [
  { name: 'appendOnly', reader: false, legacyWriterVersion: 2, isUnsupportedIn: () => false },
  {
    name: 'invariants',
    reader: false,
    legacyWriterVersion: 2,
    isUnsupportedIn: ({ fieldMetadataKeys }) => fieldMetadataKeys.has('delta.invariants'),
  },
  {
    name: 'checkConstraints',
    reader: false,
    legacyWriterVersion: 3,
    isUnsupportedIn: ({ configuration }) =>
      Object.keys(configuration).some((key) => key.startsWith('delta.constraints.')),
  },
  // Appends need no change data files: readers derive the inserts from the added files.
  { name: 'changeDataFeed', reader: false, legacyWriterVersion: 4, isUnsupportedIn: () => false },
  {
    name: 'generatedColumns',
    reader: false,
    legacyWriterVersion: 4,
    isUnsupportedIn: ({ fieldMetadataKeys }) => fieldMetadataKeys.has('delta.generationExpression'),
  },
  {
    name: 'columnMapping',
    reader: true,
    legacyWriterVersion: 5,
    isUnsupportedIn: ({ configuration }) => {
      const mode = configuration['delta.columnMapping.mode'];
      return mode !== undefined && mode !== 'none';
    },
  },
  {
    name: 'identityColumns',
    reader: false,
    legacyWriterVersion: 6,
    isUnsupportedIn: ({ fieldMetadataKeys }) =>
      [...fieldMetadataKeys].some((key) => key.startsWith('delta.identity.')),
  },
  // Binds those who vacuum: they must check both protocols first, which `assertWritable` does.
  { name: 'vacuumProtocolCheck', reader: true, legacyWriterVersion: 7, isUnsupportedIn: () => false },
  { name: 'timestampNtz', reader: true, legacyWriterVersion: 7, isUnsupportedIn: () => false },
  // None are written: files are rewritten without the rows. Their vectors are read through, and go with their files.
  { name: 'deletionVectors', reader: true, legacyWriterVersion: 7, isUnsupportedIn: () => false },
  // Binds those who write checkpoints, which `checkpointWriter` obeys.
  { name: 'v2Checkpoint', reader: true, legacyWriterVersion: 7, isUnsupportedIn: () => false },
  // New files carry the table's types; readers bring older ones to them.
  { name: 'typeWidening', reader: true, legacyWriterVersion: 7, isUnsupportedIn: () => false },
  {
    name: 'allowColumnDefaults',
    reader: false,
    legacyWriterVersion: 7,
    isUnsupportedIn: ({ fieldMetadataKeys }) => fieldMetadataKeys.has('CURRENT_DEFAULT'),
  },
];

/** Spellings of early writers. */
const aliases: Readonly<Record<string, string>> = {
  timestampWithoutTimezone: 'timestampNtz',
  'typeWidening-preview': 'typeWidening',
};

const byName = new Map(features.map((feature) => [feature.name, feature]));

function findFeature(name: string): Feature | undefined {
  return byName.get(aliases[name] ?? name);
}

function collectMetadataKeys(type: unknown, keys: Set<string>): void {
  if (Array.isArray(type)) for (const item of type) collectMetadataKeys(item, keys);
  if (typeof type !== 'object' || type === null) return;
  for (const [key, value] of Object.entries(type)) {
    if (key === 'metadata' && typeof value === 'object' && value !== null) {
      for (const name of Object.keys(value)) keys.add(name);
    } else {
      collectMetadataKeys(value, keys);
    }
  }
}

function usageOf(metadata: Metadata): Usage {
  const fieldMetadataKeys = new Set<string>();
  collectMetadataKeys(parseSchemaJson(metadata.schemaString), fieldMetadataKeys);
  return { configuration: metadata.configuration, fieldMetadataKeys };
}

function refuse(verb: 'read' | 'written', table: string, reasons: readonly string[]): void {
  if (reasons.length === 0) return;
  throw new TributaryError(
    'DELTA_PROTOCOL_UNSUPPORTED',
    `The table "${table}" cannot be ${verb} here: it needs ${reasons.join(', ')}. Use an engine that supports this, or a table without it.`,
  );
}

/** Version and feature names that stop a reader. */
function readerReasons(protocol: Protocol): string[] {
  const { minReaderVersion, readerFeatures } = protocol;
  if (minReaderVersion < 1 || minReaderVersion > 3) return [`reader version ${minReaderVersion}`];
  if (minReaderVersion < 3) return [];
  if (readerFeatures === undefined) return ['reader version 3 without a list of reader features'];
  return readerFeatures
    .filter((name) => findFeature(name)?.reader !== true)
    .map((name) => `the reader feature ${name}`);
}

/** Legacy numbers imply features that may lie idle; those are no obstacle. */
function writerReasons(protocol: Protocol, usage: Usage): string[] {
  const { minWriterVersion, writerFeatures, readerFeatures = [] } = protocol;
  if (minWriterVersion < 1 || minWriterVersion > 7) return [`writer version ${minWriterVersion}`];
  if (minWriterVersion < 7) {
    return features
      .filter((feature) => feature.legacyWriterVersion <= minWriterVersion && feature.isUnsupportedIn(usage))
      .map(({ name }) => `the writer feature ${name}`);
  }
  if (writerFeatures === undefined) return ['writer version 7 without a list of writer features'];
  // Whatever binds readers binds writers; a list that lacks it is no permission.
  return [...new Set([...writerFeatures, ...readerFeatures])]
    .filter((name) => findFeature(name)?.isUnsupportedIn(usage) ?? true)
    .map((name) => `the writer feature ${name}`);
}

/**
 * @param table for the message
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED; DELTA_LOG_CORRUPT for a schema that is not JSON
 */
export function assertReadable(table: string, protocol: Protocol, metadata: Metadata): void {
  refuse('read', table, readerReasons(protocol));
  try {
    parseSchemaJson(metadata.schemaString);
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    throw new TributaryError(error.code, `Table ${table}: ${error.message}`, { cause: error.cause });
  }
}

/**
 * Writing includes reading: a writer must understand what it adds to.
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED
 */
export function assertWritable(table: string, protocol: Protocol, metadata: Metadata): void {
  const usage = usageOf(metadata);
  const reasons = new Set([...readerReasons(protocol), ...writerReasons(protocol, usage)]);
  refuse('written', table, [...reasons]);
}

/** The least demanding protocol: 1/2, which every engine takes, unless a column needs a table feature. */
export function protocolFor(schema: StructType): Protocol {
  const plain: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };
  return withFeatures(plain, featuresOfType(schema));
}

/** Table features that a type, or the JSON of one, needs, wherever inside. */
export function featuresOfType(type: unknown): readonly string[] {
  return hasTypeName(type, 'timestamp_ntz') ? ['timestampNtz'] : [];
}

/** Looks where types stand, so that no name or comment is taken for one. */
function hasTypeName(value: unknown, name: string): boolean {
  if (value === name) return true;
  if (Array.isArray(value)) return value.some((item) => isObject(item) && hasTypeName(item, name));
  if (!isObject(value)) return false;
  return Object.entries(value).some(
    ([key, part]) =>
      (typeof part !== 'string' || typeKeys.has(key)) && key !== 'metadata' && hasTypeName(part, name),
  );
}

const typeKeys: ReadonlySet<string> = new Set(['type', 'elementType', 'keyType', 'valueType']);

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/**
 * The protocol with these features, which are all listed by name: with a list, what the old numbers implied must be listed, too.
 * The very protocol that was given when it has them.
 */
export function withFeatures(protocol: Protocol, names: readonly string[]): Protocol {
  const listed = listedWriterFeatures(protocol);
  const known = new Set(listed.map((name) => aliases[name] ?? name));
  const added = names.filter((name) => !known.has(name));
  if (added.length === 0) return protocol;
  const writerFeatures = [...added, ...listed];
  const readerFeatures = new Set([
    ...(protocol.readerFeatures ?? []),
    ...writerFeatures.filter((name) => findFeature(name)?.reader === true),
  ]);
  if (readerFeatures.size === 0) return { ...protocol, minWriterVersion: 7, writerFeatures };
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: [...readerFeatures], writerFeatures };
}

/** As listed, or as the version number implies them. */
function listedWriterFeatures({ minWriterVersion, writerFeatures }: Protocol): readonly string[] {
  if (writerFeatures !== undefined) return writerFeatures;
  return features
    .filter(({ legacyWriterVersion }) => legacyWriterVersion <= minWriterVersion)
    .map(({ name }) => name);
}
