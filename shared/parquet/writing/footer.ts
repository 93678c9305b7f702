// Pure. FileMetaData: schema, row groups with their chunks, statistics and the order they are in.
import type { DataField } from '../columns.js';
import { leafCountOf } from '../dataTypes.js';
import { Encoding, PageType } from '../format.js';
import { physicalTypeOf, writeSchema } from '../schema.js';
import { footerMax, footerMin } from '../statistics.js';
import { type CompactWriter, ListOf } from '../thrift.js';
import type { ColumnChunk } from './chunkPages.js';

export interface RowGroup {
  readonly rowCount: number;
  /** In the order of the schema's leaves. */
  readonly chunks: readonly ColumnChunk[];
}

export interface FooterContent {
  readonly fields: readonly DataField[];
  readonly rowCount: number;
  readonly rowGroups: readonly RowGroup[];
  /** CompressionCodec of parquet.thrift. */
  readonly codecId: number;
  readonly createdBy: string;
}

/** Version 1: data pages V1, as Delta's default `delta.parquet.format.version`. */
const formatVersion = 1;

export function writeFooter(writer: CompactWriter, content: FooterContent): void {
  writer.clear();
  writer.beginStruct();
  writer.i32(1, formatVersion);
  writeSchema(writer, 2, content.fields);
  writer.i64(3, content.rowCount);
  writer.beginList(4, ListOf.STRUCT, content.rowGroups.length);
  content.rowGroups.forEach((group, ordinal) => {
    writeRowGroup(writer, group, ordinal, content.codecId);
  });
  writer.text(6, content.createdBy);
  writeColumnOrders(
    writer,
    content.fields.reduce((count, { type }) => count + leafCountOf(type), 0),
  );
  writer.endStruct();
}

function writeRowGroup(writer: CompactWriter, group: RowGroup, ordinal: number, codecId: number): void {
  writer.beginStruct();
  writer.beginList(1, ListOf.STRUCT, group.chunks.length);
  for (const chunk of group.chunks) writeColumnChunk(writer, chunk, codecId);
  writer.i64(
    2,
    sum(group.chunks, (chunk) => chunk.uncompressedBytes),
  );
  writer.i64(3, group.rowCount);
  const first = group.chunks[0];
  if (first !== undefined) writer.i64(5, chunkStart(first));
  writer.i64(
    6,
    sum(group.chunks, (chunk) => chunk.compressedBytes),
  );
  if (ordinal < 2 ** 15) writer.i16(7, ordinal);
  writer.endStruct();
}

function writeColumnChunk(writer: CompactWriter, chunk: ColumnChunk, codecId: number): void {
  writer.beginStruct();
  writer.i64(2, chunkStart(chunk));
  writer.beginStructField(3);
  writer.i32(1, physicalTypeOf(chunk.type));
  writeEncodings(writer, chunk);
  writer.beginList(3, ListOf.BINARY, chunk.path.length);
  for (const name of chunk.path) writer.textElement(name);
  writer.i32(4, codecId);
  writer.i64(5, chunk.valueCount);
  writer.i64(6, chunk.uncompressedBytes);
  writer.i64(7, chunk.compressedBytes);
  writer.i64(9, chunk.dataPageOffset);
  if (chunk.dictionaryPageOffset !== undefined) writer.i64(11, chunk.dictionaryPageOffset);
  writeStatistics(writer, chunk);
  writeEncodingStatistics(writer, chunk);
  writer.endStruct();
  writer.endStruct();
}

function chunkStart(chunk: ColumnChunk): number {
  return chunk.dictionaryPageOffset ?? chunk.dataPageOffset;
}

function writeEncodings(writer: CompactWriter, chunk: ColumnChunk): void {
  const encodings = new Set([Encoding.PLAIN, Encoding.RLE, chunk.dataEncoding]);
  writer.beginList(2, ListOf.I32, encodings.size);
  for (const encoding of encodings) writer.i32Element(encoding);
}

function writeStatistics(writer: CompactWriter, chunk: ColumnChunk): void {
  const { nullCount, bounds } = chunk.statistics;
  const max = bounds && footerMax(chunk.type, bounds);
  const min = bounds && footerMin(chunk.type, bounds);
  writer.beginStructField(12);
  writer.i64(3, nullCount);
  if (max !== undefined) writer.binary(5, max.bytes);
  if (min !== undefined) writer.binary(6, min.bytes);
  if (max !== undefined) writer.boolean(7, max.isExact);
  if (min !== undefined) writer.boolean(8, min.isExact);
  writer.endStruct();
}

/** Lets readers see that every data page uses the dictionary, so that it may serve to skip the chunk. */
function writeEncodingStatistics(writer: CompactWriter, chunk: ColumnChunk): void {
  const hasDictionary = chunk.dictionaryPageOffset !== undefined;
  writer.beginList(13, ListOf.STRUCT, hasDictionary ? 2 : 1);
  if (hasDictionary) writePageEncoding(writer, PageType.DICTIONARY_PAGE, Encoding.PLAIN, 1);
  writePageEncoding(writer, PageType.DATA_PAGE, chunk.dataEncoding, chunk.dataPageCount);
}

function writePageEncoding(
  writer: CompactWriter,
  pageType: number,
  encoding: number,
  pageCount: number,
): void {
  writer.beginStruct();
  writer.i32(1, pageType);
  writer.i32(2, encoding);
  writer.i32(3, pageCount);
  writer.endStruct();
}

/** TypeDefinedOrder for every column; without it readers must ignore `min_value` and `max_value`. */
function writeColumnOrders(writer: CompactWriter, columnCount: number): void {
  writer.beginList(7, ListOf.STRUCT, columnCount);
  for (let column = 0; column < columnCount; column++) {
    writer.beginStruct();
    writer.emptyStructField(1);
    writer.endStruct();
  }
}

function sum(chunks: readonly ColumnChunk[], sizeOf: (chunk: ColumnChunk) => number): number {
  return chunks.reduce((total, chunk) => total + sizeOf(chunk), 0);
}
