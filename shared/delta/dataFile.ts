// Writes one data file and describes it for the log.
import type { Clock, Random } from '../base/index.js';
import {
  canWriteZstd,
  type DataBatch,
  type EncodedParquet,
  encodeParquet,
  type ParquetCodec,
} from '../parquet/index.js';
import type { ObjectStore } from '../storage/index.js';
import type { JsonObject } from './json.js';
import { type PartitionValues, partitionFolder } from './partitionText.js';
import { dataFileName, encodePath } from './paths.js';
import { retryTransient } from './retry.js';
import type { TableSchema } from './schema.js';
import { statsJson } from './stats.js';
import type { AddAction } from './types.js';

/** Replaces the encoder, for tests and comparisons. */
export type ParquetEncoder = (batch: DataBatch, options: { readonly codec?: ParquetCodec }) => EncodedParquet;

export interface DataFileContext {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly encode?: ParquetEncoder;
}

export interface DataFileTable {
  readonly schema: TableSchema;
  readonly configuration: Readonly<Record<string, string>>;
}

const maxWriteAttempts = 4;

/** The table's `delta.parquet.compression.codec`, where it can be written; otherwise snappy, which everybody reads. */
function codecFor(configuration: Readonly<Record<string, string>>): ParquetCodec {
  const wanted = configuration['delta.parquet.compression.codec']?.toLowerCase();
  if (wanted === 'zstd' && canWriteZstd) return 'zstd';
  return wanted === 'uncompressed' || wanted === 'none' ? 'none' : 'snappy';
}

/** Encoding depends on nothing but the rows; an error means that one of them cannot be written. */
export function encodeRows(
  batch: DataBatch,
  table: DataFileTable,
  encode: ParquetEncoder = encodeParquet,
): EncodedParquet {
  return encode(batch, { codec: codecFor(table.configuration) });
}

/**
 * The file is part of the table only once its `add` is committed. Until then it is an orphan, which vacuum removes: a writer
 * that deleted it after an unknown outcome could delete committed rows.
 */
export async function writeDataFile(
  encoded: EncodedParquet,
  table: DataFileTable,
  context: DataFileContext,
  partitionValues: PartitionValues = {},
): Promise<AddAction> {
  const name = await putUnderNewName(encoded, partitionFolder(partitionValues), context);
  return {
    path: encodePath(name),
    partitionValues,
    size: encoded.bytes.byteLength,
    modificationTime: context.clock.nowMs(),
    dataChange: true,
    stats: statsJson({
      rowCount: encoded.rowCount,
      columns: encoded.statistics,
      schema: table.schema,
      configuration: table.configuration,
    }),
  };
}

/** Where PROTOCOL.md "Change Data Files" wants them. */
const changeFolder = '_change_data/';

/** A file of the change data feed; like a data file it counts only once its `cdc` is committed. */
export async function writeChangeFile(
  encoded: EncodedParquet,
  context: DataFileContext,
  partitionValues: PartitionValues,
): Promise<JsonObject> {
  const name = await putUnderNewName(encoded, changeFolder + partitionFolder(partitionValues), context);
  return { path: encodePath(name), partitionValues, size: encoded.bytes.byteLength, dataChange: false };
}

/** `exists` is our own file when an answer was lost; should two writers ever draw one name, the contents tell. */
async function putUnderNewName(
  encoded: EncodedParquet,
  folder: string,
  context: DataFileContext,
): Promise<string> {
  const { store, random } = context;
  for (;;) {
    const name = folder + dataFileName(random.uuid(), encoded.codec);
    const isOurs = await retryTransient(
      async () => {
        const { kind } = await store.putIfAbsent(name, encoded.bytes);
        return kind === 'created' || sameBytes(await store.read(name), encoded.bytes);
      },
      maxWriteAttempts,
      context,
    );
    if (isOurs) return name;
  }
}

function sameBytes(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left !== undefined && Buffer.compare(left, right) === 0;
}
