// Nested records to the bytes of a Parquet file: data pages V1, PLAIN values, RLE levels, which every reader takes.
import { pageCodec } from '../codecs.js';
import { Encoding, magic } from '../format.js';
import { CompactWriter } from '../thrift.js';
import { ByteBuffer } from '../writing/byteBuffer.js';
import { PageWriter } from '../writing/pageWriter.js';
import type { LeafColumn } from './leafColumn.js';
import { type LeafChunk, type RecordRowGroup, writeRecordFooter } from './recordFooter.js';
import { leafPage } from './recordPages.js';
import type { RecordField, RecordValues } from './recordTypes.js';
import { createShredder } from './shredder.js';

export interface EncodeRecordsOptions {
  /** Name of the schema's root. */
  readonly rootName?: string;
  readonly createdBy?: string;
  /** A row group is closed at either limit; each of its leaves is one page. Defaults 50,000 rows and 16 MiB of values. */
  readonly rowGroupRows?: number;
  readonly rowGroupBytes?: number;
}

/**
 * Takes one record after the other, so that memory holds the file and one row group besides them.
 * @throws TributaryError PARQUET_INVALID for a value that does not fit its field
 */
export function encodeRecords(
  fields: readonly RecordField[],
  records: Iterable<RecordValues>,
  options: EncodeRecordsOptions = {},
): Uint8Array {
  const { rowGroupRows = 50_000, rowGroupBytes = 2 ** 24 } = options;
  const codec = pageCodec('snappy');
  const file = new ByteBuffer(2 ** 16);
  const pages = new PageWriter(file, codec);
  const shredder = createShredder(fields);
  const rowGroups: RecordRowGroup[] = [];
  let rowCount = 0;
  const closeRowGroup = (): void => {
    if (rowCount === 0) return;
    rowGroups.push({ rowCount, chunks: shredder.leaves.map((leaf) => writeChunk(pages, leaf)) });
    rowCount = 0;
  };

  file.append(magic);
  for (const record of records) {
    shredder.write(record);
    rowCount += 1;
    const isFull =
      rowCount >= rowGroupRows || (rowCount % 64 === 0 && bytesOf(shredder.leaves) >= rowGroupBytes);
    if (isFull) closeRowGroup();
  }
  closeRowGroup();
  const footer = new CompactWriter();
  writeRecordFooter(footer, {
    rootName: options.rootName ?? 'schema',
    fields,
    rowGroups,
    codecId: codec.id,
    createdBy: options.createdBy ?? 'tributary version 0.1.0',
  });
  file.append(footer.buffer.view());
  file.appendUint32(footer.buffer.length);
  file.append(magic);
  return file.bytes.slice(0, file.length);
}

function bytesOf(leaves: readonly LeafColumn[]): number {
  return leaves.reduce((sum, leaf) => sum + leaf.values.length, 0);
}

function writeChunk(pages: PageWriter, leaf: LeafColumn): LeafChunk {
  const entryCount = leaf.definitions.length;
  pages.beginChunk();
  pages.dataPage(leafPage(leaf), entryCount, Encoding.PLAIN);
  const chunk = {
    path: leaf.path,
    type: leaf.type,
    entryCount,
    nullCount: leaf.nullCount,
    dataPageOffset: pages.dataPageOffset!,
    uncompressedBytes: pages.uncompressedBytes,
    compressedBytes: pages.compressedBytes,
  };
  leaf.clear();
  return chunk;
}
