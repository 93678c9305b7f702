// The bytes of a Parquet file, of ours or of another writer, to a column batch. Only the chunks of the columns asked
// for are fetched. hyparquet parses the footer; pages are decoded here, straight into typed arrays, with every length
// checked, because hyparquet makes row values and trusts its input.
import { TributaryError } from '../base/index.js';
import { decompressorsFor, pageChecksum } from './codecs.js';
import type { ColumnBatch, ColumnField, DataBatch, DataField, DataValues } from './columns.js';
import { concatData } from './dataBatches.js';
import { assembleColumn, type LeafValues } from './reading/assemble.js';
import { BooleanSink } from './reading/booleanSink.js';
import { bigEndianSink, bytesSink, textSink } from './reading/byteArraySink.js';
import { FixedWidthSink } from './reading/fixedWidthSink.js';
import { type ChunkLayout, chunkLayout, parseLayout, type RowGroupLayout } from './reading/layout.js';
import { readLevelledChunk } from './reading/levels.js';
import { type ChunkSource, type PageDecompressor, readChunk } from './reading/pages.js';
import { FileRanges, type ParquetSource } from './reading/ranges.js';
import { fieldOf, findUnsupported, type LeafNode, leavesOf, type TreeNode } from './reading/schemaTree.js';
import type { ColumnSink } from './reading/sink.js';

export type { ParquetSource } from './reading/ranges.js';

export interface ReadOptions {
  /**
   * Columns to read, in this order; default all, in file order. A name that the file lacks is left out of the batch:
   * what a missing column means is for the caller to say.
   */
  readonly columns?: readonly string[];
}

/** A top-level column of a file; `select` makes one that leaves out parts of its structs. */
export type ParquetColumn = TreeNode;

/** A file whose footer has been read. */
export interface ParquetFile {
  readonly rowCount: number;
  readonly columns: readonly ParquetColumn[];
  /**
   * Every row of these columns. Throws PARQUET_UNSUPPORTED, naming the column, for a type that nothing stands for,
   * PARQUET_INVALID for damage.
   */
  read(columns: readonly ParquetColumn[]): Promise<DataBatch>;
  /** The same rows, a batch for each row group: for files that are too large to be held whole. */
  readRowGroups(columns: readonly ParquetColumn[]): AsyncIterable<DataBatch>;
}

/** Throws PARQUET_INVALID or PARQUET_UNSUPPORTED. Errors of `source` pass through unchanged. */
export async function openParquet(source: ParquetSource): Promise<ParquetFile> {
  const ranges = await FileRanges.open(source);
  const { rowCount, columns, rowGroups } = parseLayout(ranges.footer);
  return {
    rowCount,
    columns,
    async read(selected) {
      const batches: DataBatch[] = [];
      for await (const batch of readRowGroups(ranges, rowGroups, selected)) batches.push(batch);
      return batches.length === 1 ? batches[0]! : concatData(batches, selected.map(fieldOf));
    },
    readRowGroups: (selected) => readRowGroups(ranges, rowGroups, selected),
  };
}

/**
 * Timestamps come as microseconds whatever unit the file has, text as strings, 64-bit integers as Float64Array or,
 * when a row group holds one beyond 2^53, as BigInt64Array. With `allTypes`, nested columns and decimals are read, too.
 *
 * Throws PARQUET_INVALID for damaged bytes and PARQUET_UNSUPPORTED, naming the column, for types that no ColumnType (with
 * `allTypes`: no DataType) stands for. Errors of `source` pass through unchanged.
 */
export function readParquet(
  source: ParquetSource,
  options: ReadOptions & { readonly allTypes: true },
): Promise<DataBatch>;
export function readParquet(source: ParquetSource, options?: ReadOptions): Promise<ColumnBatch>;
export async function readParquet(
  source: ParquetSource,
  options: ReadOptions & { readonly allTypes?: true } = {},
): Promise<DataBatch> {
  const file = await openParquet(source);
  const columns = selectColumns(file.columns, options.columns);
  if (options.allTypes) return file.read(columns);
  for (const column of columns) refuseUnsupported(column);
  const fields = columns.map((column) => assertFlat(fieldOf(column)));
  return { ...(await file.read(columns)), fields };
}

function selectColumns(columns: readonly TreeNode[], wanted: readonly string[] | undefined): TreeNode[] {
  if (wanted === undefined) return [...columns];
  const byName = new Map(columns.map((column) => [column.name, column]));
  return wanted.flatMap((name) => byName.get(name) ?? []);
}

function refuseUnsupported(column: TreeNode): void {
  const found = findUnsupported(column);
  if (found !== undefined) throw unsupported(found.path, found.reason);
}

function assertFlat({ name, type, nullable }: DataField): ColumnField {
  if (typeof type === 'string') return { name, type, nullable };
  throw unsupported(name, type.kind === 'decimal' ? 'it is a decimal' : 'it is nested');
}

function unsupported(name: string, reason: string): TributaryError {
  return new TributaryError(
    'PARQUET_UNSUPPORTED',
    `Column "${name}" cannot be read: ${reason}. Leave it out with the option "columns".`,
  );
}

async function* readRowGroups(
  ranges: FileRanges,
  rowGroups: readonly RowGroupLayout[],
  columns: readonly TreeNode[],
): AsyncIterable<DataBatch> {
  for (const column of columns) refuseUnsupported(column);
  const fields = columns.map(fieldOf);
  for (const rowGroup of rowGroups) {
    const { rowCount } = rowGroup;
    if (rowCount > 0) yield { rowCount, fields, columns: await readRowGroup(ranges, rowGroup, columns) };
  }
}

/** The bytes of one leaf's chunk. */
interface FetchedChunk {
  readonly layout: ChunkLayout;
  readonly bytes: Uint8Array;
  readonly decompress: PageDecompressor;
}

async function readRowGroup(
  ranges: FileRanges,
  rowGroup: RowGroupLayout,
  columns: readonly TreeNode[],
): Promise<DataValues[]> {
  const leaves = columns.flatMap(leavesOf);
  const layouts = leaves.map((leaf) => chunkLayout(rowGroup, leaf, ranges.dataEnd));
  const decompressors = await decompressorsFor(new Set(layouts.map((layout) => layout.codec)));
  const bytes = await ranges.fetch(layouts);
  const chunks = new Map(
    leaves.map((leaf, index): [LeafNode, FetchedChunk] => {
      const layout = layouts[index]!;
      return [leaf, { layout, bytes: bytes[index]!, decompress: decompressors.get(layout.codec)! }];
    }),
  );
  return columns.map((column) => {
    try {
      return readColumn(column, rowGroup.rowCount, chunks);
    } catch (cause) {
      throw named(column, cause);
    }
  });
}

function readColumn(
  column: TreeNode,
  rowCount: number,
  chunks: ReadonlyMap<LeafNode, FetchedChunk>,
): DataValues {
  if (column.kind === 'leaf') {
    return readChunk(chunkSource(column, chunks), (count) => createSink(column, count));
  }
  const values = new Map<LeafNode, LeafValues>();
  for (const leaf of leavesOf(column)) {
    values.set(
      leaf,
      readLevelledChunk(chunkSource(leaf, chunks), leaf, (count) => createSink(leaf, count)),
    );
  }
  return assembleColumn(column, values, rowCount);
}

function chunkSource(leaf: LeafNode, chunks: ReadonlyMap<LeafNode, FetchedChunk>): ChunkSource {
  const { layout, bytes, decompress } = chunks.get(leaf)!;
  return {
    bytes,
    rowCount: layout.valueCount,
    isOptional: leaf.nullable,
    codec: layout.codec,
    decompress,
    checksum: pageChecksum,
  };
}

function createSink(leaf: LeafNode, valueCount: number): ColumnSink<DataValues> {
  const { form, fixedLength } = leaf;
  if (form === 'boolean') return new BooleanSink(valueCount);
  if (form === 'text') return textSink(valueCount, fixedLength);
  if (form === 'bytes') return bytesSink(valueCount, fixedLength);
  if (form === 'bigEndian') return bigEndianSink(valueCount, fixedLength);
  const sink = new FixedWidthSink(form, valueCount);
  return typeof leaf.type === 'string' ? sink : asDecimals(sink);
}

/** Decimals in INT32 and INT64 are integers in all but name. */
function asDecimals(sink: FixedWidthSink): ColumnSink<DataValues> {
  return {
    readDictionary: (reader, entryCount) => sink.readDictionary(reader, entryCount),
    readValues: (reader, encoding, count, at) => sink.readValues(reader, encoding, count, at),
    spread: (validity, at, rowCount, presentCount) => sink.spread(validity, at, rowCount, presentCount),
    finish(validity) {
      const { values } = sink.finish(validity);
      return { kind: 'decimals', values, ...(validity && { validity }) };
    },
  };
}

/** Adds the column's name, and gives errors of the engine (a length no array can have) the code they deserve. */
function named(column: TreeNode, cause: unknown): TributaryError {
  const code = cause instanceof TributaryError ? cause.code : 'PARQUET_INVALID';
  const message = cause instanceof Error ? cause.message : String(cause);
  return new TributaryError(code, `Column "${column.name}" cannot be read. ${message}`, { cause });
}
