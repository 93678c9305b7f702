// Pure. Pages of one column chunk: header, compressed body, and the sums that the footer needs.
import { TributaryError } from '../../base/index.js';
import { Encoding, PageType } from '../format.js';
import { CompactWriter } from '../thrift.js';
import type { ByteBuffer } from './byteBuffer.js';

/** What turns page bodies into their stored form. Supplied from outside, because codecs are native or WebAssembly. */
export interface PageCodec {
  /** CompressionCodec of parquet.thrift. */
  readonly id: number;
  compress(body: Uint8Array): Uint8Array;
  /** CRC-32 of the stored body; undefined where the host cannot compute it. */
  readonly checksum: ((stored: Uint8Array) => number) | undefined;
}

/** Sizes are signed 32-bit integers in the page header. */
const maxPageBodyBytes = 2 ** 31 - 1;

export class PageWriter {
  dictionaryPageOffset: number | undefined;
  dataPageOffset: number | undefined;
  dataPageCount = 0;
  /** Both sums include the headers, as parquet.thrift asks. */
  uncompressedBytes = 0;
  compressedBytes = 0;
  readonly #header = new CompactWriter();

  /** `file` receives the pages; offsets are positions in it. */
  constructor(
    private readonly file: ByteBuffer,
    private readonly codec: PageCodec,
  ) {}

  beginChunk(): void {
    this.dictionaryPageOffset = undefined;
    this.dataPageOffset = undefined;
    this.dataPageCount = 0;
    this.uncompressedBytes = 0;
    this.compressedBytes = 0;
  }

  dictionaryPage(body: Uint8Array, entryCount: number): void {
    this.dictionaryPageOffset = this.file.length;
    this.#page(body, PageType.DICTIONARY_PAGE, (header) => {
      header.beginStructField(7);
      header.i32(1, entryCount);
      header.i32(2, Encoding.PLAIN);
      header.endStruct();
    });
  }

  /** A data page V1: `rowCount` counts nulls too. */
  dataPage(body: Uint8Array, rowCount: number, encoding: number): void {
    this.dataPageOffset ??= this.file.length;
    this.dataPageCount += 1;
    this.#page(body, PageType.DATA_PAGE, (header) => {
      header.beginStructField(5);
      header.i32(1, rowCount);
      header.i32(2, encoding);
      header.i32(3, Encoding.RLE);
      header.i32(4, Encoding.RLE);
      header.endStruct();
    });
  }

  #page(body: Uint8Array, type: number, writeKind: (header: CompactWriter) => void): void {
    if (body.length > maxPageBodyBytes) {
      throw new TributaryError(
        'PARQUET_UNSUPPORTED',
        `A value of ${body.length} bytes does not fit into a page.`,
      );
    }
    const stored = this.codec.compress(body);
    const header = this.#header;
    header.clear();
    header.beginStruct();
    header.i32(1, type);
    header.i32(2, body.length);
    header.i32(3, stored.length);
    if (this.codec.checksum !== undefined) header.i32(4, this.codec.checksum(stored) | 0);
    writeKind(header);
    header.endStruct();
    const headerBytes = header.buffer.view();
    this.file.append(headerBytes);
    this.file.append(stored);
    this.uncompressedBytes += headerBytes.length + body.length;
    this.compressedBytes += headerBytes.length + stored.length;
  }
}
