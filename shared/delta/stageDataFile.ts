// Writes a data file ahead of the commit that makes it part of a table.
import type { Clock, Random } from '../base/index.js';
import type { DataBatch } from '../parquet/index.js';
import { encodeRows, type ParquetEncoder, writeDataFile } from './dataFile.js';
import { parseTableSchema } from './schema.js';
import { schemaString } from './schemaJson.js';
import { logOf, type TableLocation } from './tableReader.js';
import type { StagedFile, StructType } from './types.js';

export interface StageDataFileOptions extends TableLocation {
  readonly clock: Clock;
  readonly random: Random;
  /** That the table will have in the commit. The table itself need not be there yet. */
  readonly schema: StructType;
  /** The table's properties, if it is there. */
  readonly configuration?: Readonly<Record<string, string>>;
  /** Default `encodeParquet`. */
  readonly encode?: ParquetEncoder;
}

/**
 * The rows are part of the table once a `PreparedAppend` with the file is committed. Vacuum takes files that wait for it longer
 * than the table's retention (a week) for orphans.
 * @throws TributaryError STORAGE_UNAVAILABLE, STORAGE_DENIED, PARQUET_INVALID
 */
export async function stageDataFile(batch: DataBatch, options: StageDataFileOptions): Promise<StagedFile> {
  const { schema, configuration = {}, clock, random, encode } = options;
  const table = { schema: parseTableSchema(schemaString(schema)), configuration };
  const encoded = encodeRows(batch, table, encode);
  const add = await writeDataFile(encoded, table, { store: logOf(options).store, clock, random });
  return { rowCount: encoded.rowCount, add };
}
