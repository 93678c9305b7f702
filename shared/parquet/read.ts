// The bytes of a Parquet file, of ours or of another writer, to a column batch. Only the chunks of the columns asked
// for are fetched. hyparquet parses the footer; pages are decoded here, straight into typed arrays, with every length
// checked, because hyparquet makes row values and trusts its input.
import { TributaryError } from '../base/index.js';
import { concatBatches } from './batches.js';
import { decompressorsFor, pageChecksum } from './codecs.js';
import type { ColumnBatch, ColumnValues } from './columns.js';
import { BooleanSink } from './reading/booleanSink.js';
import { bytesSink, textSink } from './reading/byteArraySink.js';
import { FixedWidthSink } from './reading/fixedWidthSink.js';
import {
  type ChunkLayout,
  type ColumnLayout,
  chunkLayout,
  type FileLayout,
  parseLayout,
  type RowGroupLayout,
} from './reading/layout.js';
import { type PageDecompressor, readChunk } from './reading/pages.js';
import { type ByteRange, FileRanges, type ParquetSource } from './reading/ranges.js';
import type { ColumnSink } from './reading/sink.js';

export type { ParquetSource } from './reading/ranges.js';

export interface ReadOptions {
  /**
   * Columns to read, in this order; default all, in file order. A name that the file lacks is left out of the batch:
   * what a missing column means is for the caller to say.
   */
  readonly columns?: readonly string[];
}

type FlatColumn = Extract<ColumnLayout, { kind: 'flat' }>;

/**
 * Timestamps come as microseconds whatever unit the file has, text as strings, 64-bit integers as Float64Array or,
 * when a row group holds one beyond 2^53, as BigInt64Array.
 *
 * Throws PARQUET_INVALID for damaged bytes and PARQUET_UNSUPPORTED, naming the column, for nested columns and types
 * that no ColumnType stands for. Errors of `source` pass through unchanged.
 */
export async function readParquet(source: ParquetSource, options: ReadOptions = {}): Promise<ColumnBatch> {
  const ranges = await FileRanges.open(source);
  const layout = parseLayout(ranges.footer);
  const columns = selectColumns(layout, options.columns);
  const fields = columns.map((column) => column.field);
  const batches: ColumnBatch[] = [];
  for (const rowGroup of layout.rowGroups) {
    if (rowGroup.rowCount > 0) {
      batches.push({
        rowCount: rowGroup.rowCount,
        fields,
        columns: await readRowGroup(ranges, rowGroup, columns),
      });
    }
  }
  const [only] = batches;
  if (batches.length === 1 && only !== undefined) return only;
  return concatBatches(batches, fields);
}

function selectColumns(layout: FileLayout, wanted: readonly string[] | undefined): FlatColumn[] {
  const byName = new Map(layout.columns.map((column) => [nameOf(column), column]));
  const selected = wanted === undefined ? layout.columns : wanted.flatMap((name) => byName.get(name) ?? []);
  return selected.map((column) => {
    if (column.kind === 'flat') return column;
    throw new TributaryError(
      'PARQUET_UNSUPPORTED',
      `Column "${column.name}" cannot be read: ${column.reason}. Leave it out with the option "columns".`,
    );
  });
}

function nameOf(column: ColumnLayout): string {
  return column.kind === 'flat' ? column.field.name : column.name;
}

async function readRowGroup(
  ranges: FileRanges,
  rowGroup: RowGroupLayout,
  columns: readonly FlatColumn[],
): Promise<ColumnValues[]> {
  const chunks = columns.map((column) => chunkLayout(rowGroup, column, ranges.dataEnd));
  const decompressors = await decompressorsFor(new Set(chunks.map((chunk) => chunk.codec)));
  const bytes = await ranges.fetch(chunks);
  return columns.map((column, index) =>
    readColumn(column, rowGroup.rowCount, chunks[index]!, bytes[index]!, decompressors),
  );
}

function readColumn(
  column: FlatColumn,
  rowCount: number,
  chunk: ChunkLayout & ByteRange,
  bytes: Uint8Array,
  decompressors: ReadonlyMap<string, PageDecompressor>,
): ColumnValues {
  const source = {
    bytes,
    rowCount,
    isOptional: column.field.nullable,
    codec: chunk.codec,
    decompress: decompressors.get(chunk.codec)!,
    checksum: pageChecksum,
  };
  try {
    return readChunk(source, (count) => createSink(column, count));
  } catch (cause) {
    throw named(column, cause);
  }
}

function createSink(column: FlatColumn, rowCount: number): ColumnSink {
  const { form, fixedLength } = column;
  if (form === 'boolean') return new BooleanSink(rowCount);
  if (form === 'text') return textSink(rowCount, fixedLength);
  if (form === 'bytes') return bytesSink(rowCount, fixedLength);
  return new FixedWidthSink(form, rowCount);
}

/** Adds the column's name, and gives errors of the engine (a length no array can have) the code they deserve. */
function named(column: FlatColumn, cause: unknown): TributaryError {
  const code = cause instanceof TributaryError ? cause.code : 'PARQUET_INVALID';
  const message = cause instanceof Error ? cause.message : String(cause);
  return new TributaryError(code, `Column "${column.field.name}" cannot be read. ${message}`, { cause });
}
