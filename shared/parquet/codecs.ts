// Compression and checksums: WebAssembly snappy, and what node:zlib of this Node.js version has.
import * as zlib from 'node:zlib';
import { snappyCompressor, snappyUncompressor } from 'hysnappy';
import { TributaryError } from '../base/index.js';
import { CompressionCodec } from './format.js';
import { decompressLz4, decompressLz4Raw } from './reading/lz4.js';
import type { PageDecompressor } from './reading/pages.js';
import type { PageCodec } from './writing/pageWriter.js';

/** `none` for bytes that are compressed elsewhere, `zstd` for the smallest files, `snappy` for every reader. */
export type ParquetCodec = keyof typeof CompressionCodec;

/** Since Node.js 22.15; the types in use describe Node.js 20. */
interface ZstdOfNewerNode {
  readonly zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
}

const { zstdCompressSync, zstdDecompressSync } = zlib as ZstdOfNewerNode;

/** Whether this Node.js can write zstd. */
export const canWriteZstd = zstdCompressSync !== undefined;

/** CRC-32 as page headers hold it. */
export const pageChecksum = (stored: Uint8Array): number => zlib.crc32(stored);

let snappyCompress: ((bytes: Uint8Array) => Uint8Array) | undefined;
let snappyDecompress: ((bytes: Uint8Array, outputBytes: number) => Uint8Array) | undefined;

export function pageCodec(codec: ParquetCodec): PageCodec {
  return { id: CompressionCodec[codec], compress: compressorFor(codec), checksum: pageChecksum };
}

function compressorFor(codec: ParquetCodec): (body: Uint8Array) => Uint8Array {
  if (codec === 'none') return (body) => body;
  if (codec === 'snappy') {
    snappyCompress ??= snappyCompressor();
    return snappyCompress;
  }
  if (zstdCompressSync !== undefined) return zstdCompressSync;
  throw new TributaryError(
    'PARQUET_UNSUPPORTED',
    `Node.js ${process.versions.node} cannot compress with zstd: use Node.js 22.15 or newer, or the codec snappy.`,
  );
}

/**
 * The decompressors for a file that uses `codecs` (names as in parquet.thrift). The JavaScript ones are loaded only
 * for files that need them.
 */
export async function decompressorsFor(
  codecs: ReadonlySet<string>,
): Promise<ReadonlyMap<string, PageDecompressor>> {
  const decompressors = new Map<string, PageDecompressor>();
  for (const codec of codecs)
    decompressors.set(codec, builtInDecompressor(codec) ?? (await loadDecompressor(codec)));
  return decompressors;
}

function builtInDecompressor(codec: string): PageDecompressor | undefined {
  switch (codec) {
    case 'UNCOMPRESSED':
      return (stored) => stored;
    case 'SNAPPY':
      snappyDecompress ??= snappyUncompressor();
      return snappyDecompress;
    case 'GZIP':
      return (stored, bodyBytes) => zlib.gunzipSync(stored, { maxOutputLength: Math.max(1, bodyBytes) });
    case 'BROTLI':
      return (stored, bodyBytes) =>
        zlib.brotliDecompressSync(stored, { maxOutputLength: Math.max(1, bodyBytes) });
    case 'ZSTD':
      if (zstdDecompressSync === undefined) return undefined;
      return (stored, bodyBytes) => zstdDecompressSync(stored, { maxOutputLength: Math.max(1, bodyBytes) });
    // Our own: hyparquet-compressors fails on short blocks, and takes a match beyond the page's end.
    case 'LZ4':
      return decompressLz4;
    case 'LZ4_RAW':
      return decompressLz4Raw;
    default:
      return undefined;
  }
}

async function loadDecompressor(codec: string): Promise<PageDecompressor> {
  if (codec === 'ZSTD') {
    const decompress = (await import('hyparquet-compressors')).compressors.ZSTD;
    if (decompress !== undefined) return decompress;
  }
  throw new TributaryError(
    'PARQUET_UNSUPPORTED',
    `The file is compressed with ${codec}, which cannot be read.`,
  );
}
