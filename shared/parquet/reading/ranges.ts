// Byte ranges of a file that lies in memory or far away: the tail first, then neighbouring ranges in one request.
import { TributaryError } from '../../base/index.js';
import { magic } from '../format.js';
import { damagedPage } from './byteReader.js';

/** A file in memory, or one whose ranges are fetched (`end` is exclusive, as for ArrayBuffer.slice). */
export type ParquetSource =
  | Uint8Array
  | { readonly byteLength: number; slice(start: number, end: number): Promise<ArrayBuffer> };

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Small files come whole with the first request; of larger ones this tail holds almost every footer. */
const tailBytes = 2 ** 19;
/** A gap this small costs less than another request. */
const maxGapBytes = 2 ** 16;
/** Metadata length and magic behind the footer. */
const trailerBytes = 8;

export class FileRanges {
  private constructor(
    private readonly source: ParquetSource,
    private readonly tail: Uint8Array,
    private readonly tailStart: number,
    /** Metadata with its length and the closing magic. */
    readonly footer: Uint8Array,
    /** Offset of the metadata: column chunks end before it. */
    readonly dataEnd: number,
  ) {}

  /** Throws PARQUET_INVALID when the end of the file is not the end of a Parquet file. */
  static async open(source: ParquetSource): Promise<FileRanges> {
    const fileBytes = source.byteLength;
    if (fileBytes < magic.length + trailerBytes) throw damagedPage(`${fileBytes} bytes are too few`);
    const tailStart = source instanceof Uint8Array ? 0 : Math.max(0, fileBytes - tailBytes);
    const tail = await fetchRange(source, tailStart, fileBytes);
    const footerStart = locateFooter(tail, fileBytes);
    const footer =
      footerStart >= tailStart
        ? tail.subarray(footerStart - tailStart)
        : await fetchRange(source, footerStart, fileBytes);
    return new FileRanges(source, tail, tailStart, footer, footerStart);
  }

  /** The bytes of each range, in the order asked for. */
  async fetch(ranges: readonly ByteRange[]): Promise<Uint8Array[]> {
    const outside = ranges.filter((range) => range.start < this.tailStart);
    const runs = await Promise.all(
      mergeNeighbours(outside).map(async (run) => ({
        start: run.start,
        bytes: await fetchRange(this.source, run.start, run.end),
      })),
    );
    runs.push({ start: this.tailStart, bytes: this.tail });
    return ranges.map((range) => {
      const run = runs.find(({ start, bytes }) => start <= range.start && range.end <= start + bytes.length);
      if (run === undefined) throw new Error(`range ${range.start}..${range.end} was not fetched`);
      return run.bytes.subarray(range.start - run.start, range.end - run.start);
    });
  }
}

async function fetchRange(source: ParquetSource, start: number, end: number): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.subarray(start, end);
  const bytes = new Uint8Array(await source.slice(start, end));
  if (bytes.length !== end - start) {
    throw damagedPage(`bytes ${start} to ${end} were asked for, but ${bytes.length} came`);
  }
  return bytes;
}

function locateFooter(tail: Uint8Array, fileBytes: number): number {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const closing = String.fromCharCode(...tail.subarray(-magic.length));
  if (closing === 'PARE')
    throw new TributaryError('PARQUET_UNSUPPORTED', 'The Parquet file has an encrypted footer.');
  if (closing !== 'PAR1') throw damagedPage('it does not end in PAR1; was it cut short?');
  const metadataBytes = view.getUint32(tail.length - trailerBytes, true);
  const footerStart = fileBytes - trailerBytes - metadataBytes;
  if (footerStart < magic.length) throw damagedPage(`its footer claims ${metadataBytes} bytes`);
  return footerStart;
}

function mergeNeighbours(ranges: readonly ByteRange[]): ByteRange[] {
  const merged: { start: number; end: number }[] = [];
  for (const range of [...ranges].sort((left, right) => left.start - right.start)) {
    const last = merged.at(-1);
    if (last !== undefined && range.start <= last.end + maxGapBytes) last.end = Math.max(last.end, range.end);
    else merged.push({ start: range.start, end: range.end });
  }
  return merged;
}
