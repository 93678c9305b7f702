// From a landed file's bytes to its content: gzip and zstd by their first bytes, within bounds, and UTF-16 to UTF-8.
import { Buffer } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import type { BadRecordReason } from './types.js';

/** The content cannot be read from here on. Never leaves this folder: it becomes the file's last bad record. */
export class UnreadableContent extends Error {
  constructor(
    readonly reason: BadRecordReason,
    message: string,
  ) {
    super(message);
  }
}

export interface ContentLimits {
  readonly maxDecompressedBytes: number;
  readonly maxCompressionRatio: number;
}

/** A stream of which the beginning is known; `bytes` begins with `head`. */
export interface Content {
  readonly head: Buffer;
  readonly bytes: AsyncIterable<Buffer>;
}

/** Below this a high ratio means nothing: short files of one repeated record reach it. */
const uncheckedRatioBytes = 64 * 2 ** 20;
/** What is decompressed in one step is at most this often 1,032 (gzip) or 32,768 (zstd) bytes long. */
const gzipPieceBytes = 16_384;
const zstdPieceBytes = 512;
/** What the zstd tool decompresses without being asked to; the window is memory. */
const maxZstdWindowBytes = 128 * 2 ** 20;

/**
 * @param headBytes how much to look at; less only when the stream is shorter, or fails: `bytes` fails then, after the head
 */
export async function peek(source: AsyncIterable<Uint8Array>, headBytes: number): Promise<Content> {
  const iterator = source[Symbol.asyncIterator]();
  const parts: Buffer[] = [];
  let length = 0;
  let isAtEnd = false;
  let failure: { readonly error: unknown } | undefined;
  while (length < headBytes && !isAtEnd) {
    try {
      const next = await iterator.next();
      isAtEnd = next.done === true;
      if (next.done) break;
      parts.push(asBuffer(next.value));
      length += next.value.length;
    } catch (error) {
      isAtEnd = true;
      failure = { error };
    }
  }
  const head = Buffer.concat(parts);
  if (failure !== undefined && head.length === 0) throw failure.error;
  async function* bytes(): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      if (failure !== undefined) throw failure.error;
      while (!isAtEnd) {
        const next = await iterator.next();
        if (next.done) break;
        yield asBuffer(next.value);
      }
      isAtEnd = true;
    } finally {
      if (!isAtEnd) await iterator.return?.();
    }
  }
  return { head, bytes: bytes() };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export type Compression = 'none' | 'gzip' | 'zstd';

export function compressionOf(head: Buffer): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length < 4) return 'none';
  const magic = head.readUInt32LE(0);
  // A frame, or one of the frames that decoders skip (RFC 8878 section 3.1).
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50 ? 'zstd' : 'none';
}

/**
 * The content of a compressed stream. Cut, damaged or oversized content gives what comes before, then throws
 * UnreadableContent; errors of `source` pass through.
 */
export function decompress(
  source: AsyncIterable<Buffer>,
  compression: Compression,
  limits: ContentLimits,
): AsyncIterable<Buffer> {
  if (compression === 'none') return source;
  const bounds = new Bounds(limits);
  return compression === 'gzip' ? gunzip(source, bounds) : unzstd(source, bounds);
}

class Bounds {
  readonly #limits: ContentLimits;
  #storedBytes = 0;
  #contentBytes = 0;

  constructor(limits: ContentLimits) {
    this.#limits = limits;
  }

  take(storedBytes: number): void {
    this.#storedBytes += storedBytes;
  }

  give(contentBytes: number): void {
    this.#contentBytes += contentBytes;
    const { maxDecompressedBytes, maxCompressionRatio } = this.#limits;
    if (this.#contentBytes > maxDecompressedBytes) {
      throw new UnreadableContent(
        'decompressed_too_large',
        `The file holds more than ${maxDecompressedBytes} bytes when decompressed. Split it, or raise the limit.`,
      );
    }
    if (
      this.#contentBytes > uncheckedRatioBytes &&
      this.#contentBytes > this.#storedBytes * maxCompressionRatio
    ) {
      throw new UnreadableContent(
        'decompressed_too_large',
        `The file decompresses to more than ${maxCompressionRatio} times its size, which no data does.`,
      );
    }
  }
}

/** Cuts at fixed places, so that a damaged file gives the same records however it arrives. */
async function* pieces(source: AsyncIterable<Buffer>, pieceBytes: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    let start = 0;
    if (rest.length > 0) {
      start = Math.min(pieceBytes - rest.length, chunk.length);
      rest = Buffer.concat([rest, chunk.subarray(0, start)]);
      if (rest.length < pieceBytes) continue;
      yield rest;
    }
    for (; chunk.length - start >= pieceBytes; start += pieceBytes) {
      yield chunk.subarray(start, start + pieceBytes);
    }
    rest = chunk.subarray(start);
  }
  if (rest.length > 0) yield rest;
}

async function* gunzip(source: AsyncIterable<Buffer>, bounds: Bounds): AsyncGenerator<Buffer> {
  const inflater = createGunzip({ chunkSize: 65_536 });
  const ready: Buffer[] = [];
  let failure: Error | undefined;
  inflater.on('data', (bytes: Buffer) => ready.push(bytes));
  const ended = new Promise<void>((resolve) => {
    inflater.once('end', resolve);
    inflater.once('error', (error) => {
      failure = error;
      resolve();
    });
  });
  function* drain(): Iterable<Buffer> {
    for (const bytes of ready.splice(0)) {
      bounds.give(bytes.length);
      yield bytes;
    }
  }
  try {
    for await (const piece of pieces(source, gzipPieceBytes)) {
      bounds.take(piece.length);
      const written = new Promise<void>((resolve) => inflater.write(piece, () => resolve()));
      await Promise.race([written, ended]);
      yield* drain();
      // What follows the last member is padding, which gzip passes over, too.
      if (failure !== undefined || inflater.readableEnded) break;
    }
    if (failure === undefined) inflater.end();
    await ended;
    yield* drain();
    if (failure !== undefined) throw invalidGzip(failure);
  } finally {
    inflater.destroy();
  }
}

function invalidGzip(error: Error): UnreadableContent {
  if ((error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') {
    return new UnreadableContent('truncated', 'The file ends within its gzip data; was it cut short?');
  }
  return new UnreadableContent('invalid_gzip', `The gzip data is damaged: ${error.message}.`);
}

/** In JavaScript on every version of Node.js: node:zlib has zstd from 22.15 on only. */
async function* unzstd(source: AsyncIterable<Buffer>, bounds: Bounds): AsyncGenerator<Buffer> {
  let ready: Buffer[] = [];
  const decompressor = new Decompress((bytes) => {
    bounds.give(bytes.length);
    // The decompressor goes on writing into its buffers.
    if (bytes.length > 0) ready.push(Buffer.from(bytes));
  });
  const content = await peek(source, 18);
  refuseLargeWindow(content.head);
  for await (const piece of pieces(content.bytes, zstdPieceBytes)) {
    bounds.take(piece.length);
    const failure = pushZstd(decompressor, piece, false);
    yield* ready;
    ready = [];
    if (failure !== undefined) throw failure;
  }
  const failure = pushZstd(decompressor, new Uint8Array(0), true);
  yield* ready;
  if (failure !== undefined) throw failure;
}

function pushZstd(
  decompressor: Decompress,
  piece: Uint8Array,
  isLast: boolean,
): UnreadableContent | undefined {
  try {
    decompressor.push(piece, isLast);
    return undefined;
  } catch (error) {
    if (error instanceof UnreadableContent) return error;
    if (isLast) {
      return new UnreadableContent('truncated', 'The file ends within its zstd data; was it cut short?');
    }
    return new UnreadableContent('invalid_zstd', `The zstd data is damaged: ${(error as Error).message}.`);
  }
}

/** RFC 8878 section 3.1.1.1: the window of the first frame. */
function refuseLargeWindow(head: Buffer): void {
  if (head.length < 6 || head.readUInt32LE(0) !== 0xfd2fb528) return;
  const isSingleSegment = (head[4]! & 0x20) !== 0;
  if (isSingleSegment) return;
  const base = 2 ** (10 + (head[5]! >> 3));
  const windowBytes = base + (base / 8) * (head[5]! & 7);
  if (windowBytes <= maxZstdWindowBytes) return;
  throw new UnreadableContent(
    'unsupported',
    `The zstd data needs a window of ${windowBytes} bytes; at most ${maxZstdWindowBytes} are supported. Compress it without --long.`,
  );
}

/** UTF-8 without its byte order mark, from UTF-8 or UTF-16. */
export async function* asUtf8({ head, bytes }: Content): AsyncGenerator<Buffer> {
  const encoding = encodingOf(head);
  if (encoding !== 'utf-8') {
    yield* fromUtf16(bytes, encoding);
    return;
  }
  let markBytes = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  for await (const chunk of bytes) {
    yield markBytes === 0 ? chunk : chunk.subarray(markBytes);
    markBytes = 0;
  }
}

/** By the mark, else by the zeros beside the first character, which is ASCII in JSON and most CSV. */
export function encodingOf(head: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const [first, second] = head;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (head.length < 4) return 'utf-8';
  if (first !== 0 && second === 0 && head[2] !== 0 && head[3] === 0) return 'utf-16le';
  if (first === 0 && second !== 0 && head[2] === 0 && head[3] !== 0) return 'utf-16be';
  return 'utf-8';
}

async function* fromUtf16(
  source: AsyncIterable<Buffer>,
  encoding: 'utf-16le' | 'utf-16be',
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  for await (const chunk of source) yield decodeUtf16(decoder, chunk, true);
  yield decodeUtf16(decoder, undefined, false);
}

function decodeUtf16(decoder: TextDecoder, chunk: Buffer | undefined, stream: boolean): Buffer {
  try {
    return Buffer.from(decoder.decode(chunk, { stream }), 'utf8');
  } catch (error) {
    throw new UnreadableContent(
      'invalid_utf16',
      `The text is not ${decoder.encoding}: ${(error as Error).message}`,
    );
  }
}
