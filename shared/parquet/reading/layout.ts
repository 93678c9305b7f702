// The footer, parsed by hyparquet, as what a columnar reader needs: the tree of columns, and where their chunks lie.
import type { FileMetaData, RowGroup } from 'hyparquet';
// Not through hyparquet's index: that loads its filters, geometry and variants too, 20 ms of a cold start.
import { parquetMetadata } from 'hyparquet/src/metadata.js';
import { TributaryError } from '../../base/index.js';
import { damagedPage } from './byteReader.js';
import { buildSchemaTree, type LeafNode, leavesOf, type TreeNode } from './schemaTree.js';

export interface ChunkLayout {
  /** Values with their nulls; for leaves inside lists more or less than the row group has rows. */
  readonly valueCount: number;
  readonly start: number;
  readonly end: number;
  readonly codec: string;
}

export interface RowGroupLayout {
  readonly rowCount: number;
  readonly group: RowGroup;
}

export interface FileLayout {
  readonly rowCount: number;
  readonly columns: readonly TreeNode[];
  readonly rowGroups: readonly RowGroupLayout[];
}

/** A batch is held in memory as a whole; more rows would exhaust it, most likely on a damaged file's word. */
const maxRowCount = 2 ** 27;

/** @param footer the metadata, its length and the closing magic */
export function parseLayout(footer: Uint8Array): FileLayout {
  let metadata: FileMetaData;
  try {
    metadata = parquetMetadata(footer, { geoparquet: false });
  } catch (cause) {
    throw new TributaryError('PARQUET_INVALID', 'The Parquet file is damaged: its footer cannot be parsed.', {
      cause,
    });
  }
  const rowGroups = metadata.row_groups.map((group) => ({ rowCount: rowCountOf(group.num_rows), group }));
  const rowCount = rowGroups.reduce((sum, group) => sum + group.rowCount, 0);
  if (rowCount !== rowCountOf(metadata.num_rows)) {
    throw damagedPage(`row groups hold ${rowCount} rows, but the footer says ${metadata.num_rows}`);
  }
  const columns = buildSchemaTree(metadata.schema);
  assertConsistent(columns, rowGroups);
  return { rowCount, columns, rowGroups };
}

/**
 * The schema and the chunks have the columns' names and types, each for itself. A footer has no checksum: a column whose name is
 * damaged would pass for one that the file lacks, and one whose type is would have other values.
 */
function assertConsistent(columns: readonly TreeNode[], rowGroups: readonly RowGroupLayout[]): void {
  const leaves = columns.flatMap(leavesOf);
  for (const { group } of rowGroups) {
    for (const { leafIndex, path, physicalType } of leaves) {
      const chunk = group.columns[leafIndex]?.meta_data;
      if (chunk === undefined) continue;
      const { path_in_schema: inChunk = [], type } = chunk;
      if (inChunk.length !== path.length || path.some((name, level) => name !== inChunk[level]))
        throw damagedPage(`column "${path.join('.')}" is called "${inChunk.join('.')}" elsewhere`);
      if (type !== physicalType)
        throw damagedPage(`column "${path.join('.')}" is ${physicalType} and ${type} at once`);
    }
  }
}

function rowCountOf(value: unknown): number {
  const count = Number(value);
  if (typeof value !== 'bigint' || count < 0) throw damagedPage(`${value} is no count of rows`);
  if (count <= maxRowCount) return count;
  throw new TributaryError('PARQUET_UNSUPPORTED', `${count} rows are too many to be read as one batch.`);
}

/** Where a column's chunk lies. @param dataEnd offset of the footer, which no chunk reaches */
export function chunkLayout(rowGroup: RowGroupLayout, leaf: LeafNode, dataEnd: number): ChunkLayout {
  const chunk = rowGroup.group.columns[leaf.leafIndex];
  const metadata = chunk?.meta_data;
  const name = leaf.path.join('.');
  if (chunk !== undefined && (chunk.file_path || metadata === undefined)) {
    throw new TributaryError('PARQUET_UNSUPPORTED', `Column "${name}" is encrypted or in another file.`);
  }
  if (metadata === undefined || metadata.path_in_schema.join('.') !== name) {
    throw damagedPage(`a row group lacks column "${name}"`);
  }
  const valueCount = valueCountOf(metadata.num_values, name);
  if (leaf.maxRepetition === 0 ? valueCount !== rowGroup.rowCount : valueCount < rowGroup.rowCount) {
    throw damagedPage(`column "${name}" has ${valueCount} values for ${rowGroup.rowCount} rows`);
  }
  // Some writers put 0 for no dictionary, some leave the dictionary's offset out though there is one.
  const offsets = [metadata.dictionary_page_offset, metadata.data_page_offset]
    .map(Number)
    .filter((offset) => offset > 0);
  const start = Math.min(...offsets);
  const end = start + Number(metadata.total_compressed_size);
  if (!(start >= 4 && end >= start && end <= dataEnd))
    throw damagedPage(`column "${name}" lies outside the file`);
  return { start, end, codec: metadata.codec, valueCount };
}

function valueCountOf(value: bigint, name: string): number {
  const count = Number(value);
  if (count <= maxRowCount) return count;
  throw new TributaryError(
    'PARQUET_UNSUPPORTED',
    `Column "${name}" has ${count} values in one row group, too many to be read as one batch.`,
  );
}
