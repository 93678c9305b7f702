// The data files of one commit of appends: one for each partition that its rows fall into.
import { concatBatches, type DataBatch, type EncodedParquet } from '../parquet/index.js';
import { type DataFileContext, encodeRows, type ParquetEncoder, writeDataFile } from './dataFile.js';
import type { PartitionPart } from './partitionRows.js';
import type { PartitionValues } from './partitionText.js';
import type { AddAction } from './types.js';
import type { WritableTable } from './writableTable.js';

export interface EncodedFile {
  readonly values: PartitionValues;
  readonly encoded: EncodedParquet;
}

/** Joins what several appends have for one partition. An error means that some row cannot be written. */
export function encodeParts(
  parts: readonly PartitionPart[],
  table: WritableTable,
  encode?: ParquetEncoder,
): readonly EncodedFile[] {
  const partitions = new Map<string, { values: PartitionValues; batches: DataBatch[] }>();
  for (const { key, values, rows } of parts) {
    const known = partitions.get(key);
    if (known === undefined) partitions.set(key, { values, batches: [rows] });
    else known.batches.push(rows);
  }
  const dataTable = { schema: table.dataSchema, configuration: table.configuration };
  return Array.from(partitions.values(), ({ values, batches }) => {
    const [first, second] = batches;
    const isAlone = first !== undefined && second === undefined;
    const rows = isAlone ? first : concatBatches(batches, table.dataColumns);
    return { values, encoded: encodeRows(rows, dataTable, encode) };
  });
}

/** Hides the storage's latency; more would not fit into its connections. */
const parallelWrites = 8;

/** In the order of `files`. After an error the files that were written are orphans, which vacuum removes. */
export async function writeFiles(
  files: readonly EncodedFile[],
  table: WritableTable,
  context: DataFileContext,
): Promise<readonly AddAction[]> {
  const dataTable = { schema: table.dataSchema, configuration: table.configuration };
  const adds: AddAction[] = [];
  const queue = files.entries();
  const writeNext = async (): Promise<void> => {
    for (const [index, { encoded, values }] of queue)
      adds[index] = await writeDataFile(encoded, dataTable, context, values);
  };
  const lanes = await Promise.allSettled(Array.from({ length: parallelWrites }, writeNext));
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
  return adds;
}
