// Pure. The pages of one column chunk, V1 and V2: found and checked first, so that nothing is allocated on a damaged
// file's word, then decoded into a sink.
import { TributaryError } from '../../base/index.js';
import { PageType } from '../format.js';
import { CompactReader, type CompactStruct } from '../thrift.js';
import { ByteReader, damagedPage } from './byteReader.js';
import { readHybrid } from './hybrid.js';
import type { ColumnSink } from './sink.js';

/** Returns exactly `bodyBytes` bytes, or throws. */
export type PageDecompressor = (stored: Uint8Array, bodyBytes: number) => Uint8Array;

export interface ChunkSource {
  /** The chunk's bytes, from its first page header on. */
  readonly bytes: Uint8Array;
  /** Values with their nulls; for a flat column its rows. */
  readonly rowCount: number;
  readonly isOptional: boolean;
  readonly codec: string;
  readonly decompress: PageDecompressor;
  readonly checksum: (stored: Uint8Array) => number;
}

export interface Page {
  readonly type: number;
  /** Values of the dictionary, or rows of the page with its nulls. */
  readonly valueCount: number;
  readonly encoding: number;
  readonly stored: Uint8Array;
  readonly bodyBytes: number;
  /** V2 only: bytes of levels in front of the compressed part. */
  readonly levelBytes: { readonly repetition: number; readonly definition: number } | undefined;
  readonly isCompressed: boolean;
  /** V1 only: in the encoding that parquet.thrift deprecates; no matter where there are no levels. */
  readonly hasBitPackedLevels: boolean;
}

/** A body larger than this cannot come from a chunk of a lawful file and would exhaust memory. */
const maxBodyBytes = 2 ** 30;
const bitPackedLevels = 4;

/** Throws PARQUET_INVALID for damage, PARQUET_UNSUPPORTED for encodings that are not read. */
export function readChunk<Column>(
  chunk: ChunkSource,
  createSink: (rowCount: number) => ColumnSink<Column>,
): Column {
  const pages = findPages(chunk);
  const sink = createSink(chunk.rowCount);
  const validity = chunk.isOptional ? new Uint8Array(chunk.rowCount) : undefined;
  let row = 0;
  let nullCount = 0;
  for (const page of pages) {
    if (page.type === PageType.DICTIONARY_PAGE) {
      sink.readDictionary(new ByteReader(decompressed(chunk, page.stored, page.bodyBytes)), page.valueCount);
      continue;
    }
    const presentCount = readDataPage(chunk, page, sink, validity, row);
    nullCount += page.valueCount - presentCount;
    row += page.valueCount;
  }
  return sink.finish(nullCount > 0 ? validity : undefined);
}

/** All pages that matter; their rows are the chunk's rows. */
export function findPages(chunk: ChunkSource): Page[] {
  const pages: Page[] = [];
  let rowCount = 0;
  let offset = 0;
  while (rowCount < chunk.rowCount) {
    const reader = new CompactReader(chunk.bytes, offset, chunk.bytes.length);
    const header = reader.struct();
    const storedBytes = sizeOf(header, 3);
    offset = reader.offset + storedBytes;
    if (offset > chunk.bytes.length) throw damagedPage('a page reaches beyond its column chunk');
    const stored = chunk.bytes.subarray(reader.offset, offset);
    verifyChecksum(chunk, header, stored);
    const page = describePage(header, stored);
    if (page === undefined) continue;
    if (page.bodyBytes > maxBodyBytes) throw damagedPage(`a page claims ${page.bodyBytes} bytes`);
    if (page.type !== PageType.DICTIONARY_PAGE) rowCount += page.valueCount;
    pages.push(page);
  }
  if (rowCount !== chunk.rowCount)
    throw damagedPage(`pages hold ${rowCount} rows instead of ${chunk.rowCount}`);
  return pages;
}

function sizeOf(struct: CompactStruct, fieldId: number): number {
  const value = struct.integers.get(fieldId);
  if (value === undefined || value < 0) throw damagedPage('a page header lacks a size');
  return value;
}

function verifyChecksum(chunk: ChunkSource, header: CompactStruct, stored: Uint8Array): void {
  const expected = header.integers.get(4);
  if (expected !== undefined && (chunk.checksum(stored) | 0) !== expected) {
    throw damagedPage("a page's checksum does not match its bytes");
  }
}

/** Undefined for pages that hold no values. */
function describePage(header: CompactStruct, stored: Uint8Array): Page | undefined {
  const type = sizeOf(header, 1);
  const bodyBytes = sizeOf(header, 2);
  if (type === PageType.DATA_PAGE_V2) return describePageV2(header, stored, bodyBytes);
  const kind = type === PageType.DATA_PAGE ? 5 : type === PageType.DICTIONARY_PAGE ? 7 : undefined;
  if (kind === undefined) return undefined;
  const details = header.structs.get(kind);
  if (details === undefined) throw damagedPage('a page header lacks its details');
  const encoding = sizeOf(details, 2);
  return {
    type,
    valueCount: sizeOf(details, 1),
    encoding,
    stored,
    bodyBytes,
    levelBytes: undefined,
    isCompressed: true,
    hasBitPackedLevels: type === PageType.DATA_PAGE && details.integers.get(3) === bitPackedLevels,
  };
}

function describePageV2(header: CompactStruct, stored: Uint8Array, bodyBytes: number): Page {
  const details = header.structs.get(8);
  if (details === undefined) throw damagedPage('a page header lacks its details');
  return {
    type: PageType.DATA_PAGE_V2,
    valueCount: sizeOf(details, 1),
    encoding: sizeOf(details, 4),
    stored,
    bodyBytes,
    levelBytes: { definition: sizeOf(details, 5), repetition: sizeOf(details, 6) },
    isCompressed: details.integers.get(7) !== 0,
    hasBitPackedLevels: false,
  };
}

/** Returns how many of the page's rows have a value. */
function readDataPage(
  chunk: ChunkSource,
  page: Page,
  sink: ColumnSink<unknown>,
  validity: Uint8Array | undefined,
  row: number,
): number {
  const { reader, presentCount } =
    page.levelBytes === undefined
      ? openPageV1(chunk, page, validity, row)
      : openPageV2(chunk, page, validity, row);
  sink.readValues(reader, page.encoding, presentCount, row);
  if (validity !== undefined && presentCount < page.valueCount) {
    sink.spread(validity, row, page.valueCount, presentCount);
  }
  return presentCount;
}

interface OpenPage {
  /** Stands at the first value. */
  readonly reader: ByteReader;
  readonly presentCount: number;
}

function openPageV1(chunk: ChunkSource, page: Page, validity: Uint8Array | undefined, row: number): OpenPage {
  const { reader } = openPage(chunk, page);
  if (validity === undefined) return { reader, presentCount: page.valueCount };
  refuseBitPackedLevels(page);
  const levels = new ByteReader(reader.take(reader.uint32()));
  return { reader, presentCount: readLevels(levels, validity, row, page.valueCount) };
}

function openPageV2(chunk: ChunkSource, page: Page, validity: Uint8Array | undefined, row: number): OpenPage {
  const { reader, levels } = openPage(chunk, page);
  const presentCount =
    validity === undefined || levels === undefined
      ? page.valueCount
      : readLevels(levels.definition, validity, row, page.valueCount);
  return { reader, presentCount };
}

export function refuseBitPackedLevels(page: Page): void {
  if (!page.hasBitPackedLevels) return;
  throw new TributaryError('PARQUET_UNSUPPORTED', 'Definition levels in the deprecated encoding BIT_PACKED.');
}

interface PageBody {
  /** Of version 1: stands at the levels, if there are any. Of version 2: at the first value. */
  readonly reader: ByteReader;
  readonly levels: { readonly repetition: ByteReader; readonly definition: ByteReader } | undefined;
}

export function openPage(chunk: ChunkSource, page: Page): PageBody {
  if (page.levelBytes === undefined) {
    return { reader: new ByteReader(decompressed(chunk, page.stored, page.bodyBytes)), levels: undefined };
  }
  const stored = new ByteReader(page.stored);
  const repetition = new ByteReader(stored.take(page.levelBytes.repetition));
  const definition = new ByteReader(stored.take(page.levelBytes.definition));
  const valueBytes = page.bodyBytes - page.levelBytes.repetition - page.levelBytes.definition;
  if (valueBytes < 0) throw damagedPage('levels are longer than their page');
  const rest = stored.take(stored.remaining);
  // A page without values may be stored as no bytes at all, which no codec would produce.
  const values = page.isCompressed && rest.length > 0 ? decompressed(chunk, rest, valueBytes) : rest;
  return { reader: new ByteReader(values), levels: { repetition, definition } };
}

function readLevels(reader: ByteReader, validity: Uint8Array, row: number, rowCount: number): number {
  readHybrid(reader, 1, validity, row, row + rowCount);
  let presentCount = 0;
  for (let index = row; index < row + rowCount; index++) {
    const level = validity[index]!;
    if (level > 1) throw damagedPage('a definition level is out of range');
    presentCount += level;
  }
  return presentCount;
}

function decompressed(chunk: ChunkSource, stored: Uint8Array, bodyBytes: number): Uint8Array {
  if (chunk.codec === 'SNAPPY' && snappyBodyBytes(stored) !== bodyBytes) {
    throw damagedPage('a page header and its snappy block disagree about the size');
  }
  let body: Uint8Array;
  try {
    body = chunk.decompress(stored, bodyBytes);
  } catch (cause) {
    throw new TributaryError(
      'PARQUET_INVALID',
      `The Parquet file is damaged: a page of codec ${chunk.codec} cannot be decompressed.`,
      { cause },
    );
  }
  if (body.length !== bodyBytes) throw damagedPage(`a page has ${body.length} bytes instead of ${bodyBytes}`);
  return body;
}

/** A snappy block starts with its size; trusting the header alone would let damage reserve memory for nothing. */
function snappyBodyBytes(stored: Uint8Array): number {
  return new ByteReader(stored).varint();
}
