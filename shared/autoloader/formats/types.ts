// Pure. What readers of landed files take and give: bytes in, numbered records and bad records out, in bounded chunks.
import type { DataField } from '../../parquet/index.js';

/** One landed file. Errors of these calls are trouble with storage and pass through every reader unchanged. */
export interface LandedBytes {
  readonly path: string;
  /** Bytes as they lie in storage. */
  readonly size: number;
  /** The whole file from its start; may be called again. */
  stream(): AsyncIterable<Uint8Array>;
  /** `end` is exclusive. Only Parquet files are read this way. */
  read(range: { readonly start: number; readonly end: number }): Promise<Uint8Array>;
}

export type FileFormat = 'json' | 'ndjson' | 'csv' | 'parquet' | 'avro';

export interface ReadRecordsOptions {
  /** `auto` goes by the extension, below `.gz` and `.zst`, then by the content. Default `auto`. */
  readonly format?: FileFormat | 'auto';
  readonly csv?: { readonly header?: boolean; readonly delimiter?: string; readonly quote?: string };
  /**
   * Default true: records in the envelope of Event Hubs Capture or of IoT Hub's routes become the JSON of their body,
   * with the envelope in `_envelope`.
   */
  readonly unwrapEnvelopes?: boolean;
  /**
   * Default false. True: whole numbers written with a fraction or an exponent, such as 21.0, come as `ExactNumber`, too,
   * so that the inference of a schema can tell them from 21. Slower.
   */
  readonly keepWrittenFractions?: boolean;
  /** What a compressed file, or a compressed block of an Avro file, may hold. Default 8 GiB. */
  readonly maxDecompressedBytes?: number;
  /** Decompressed bytes for each byte in storage, counted from 64 MiB on. Default 500. */
  readonly maxCompressionRatio?: number;
  /** A longer line, document, array element or CSV record is bad. Default 16 MiB. */
  readonly maxRecordBytes?: number;
  /** Objects and arrays inside each other. Default 64. */
  readonly maxDepth?: number;
  /** Of a chunk; default 1,000. */
  readonly maxChunkRecords?: number;
  /** Of the bytes that a chunk's records were read from; one record may exceed it. Default 4 MiB. */
  readonly maxChunkBytes?: number;
  /** Of what a bad record keeps. Default 64 KiB. */
  readonly maxBadBytes?: number;
}

/**
 * A number that a double would change: an integer beyond 2^53, or more digits than a double holds. `text` is a JSON
 * number, as it was written; of a decimal column it has exactly the digits of the column's scale.
 */
export class ExactNumber {
  constructor(readonly text: string) {}

  toJSON(): string {
    return this.text;
  }
}

/** A moment (`isUtc`) or a local date and time without a zone, in microseconds since 1970-01-01T00:00. */
export class TimestampValue {
  constructor(
    readonly micros: number | bigint,
    readonly isUtc: boolean,
  ) {}
}

/** A calendar date. */
export class DateValue {
  constructor(readonly daysSince1970: number) {}
}

/**
 * | format | values |
 * |-|-|
 * | JSON, NDJSON, bodies of envelopes | as JSON.parse gives them, and `ExactNumber` |
 * | CSV | strings; null for an empty field without quotes |
 * | Parquet, Avro: boolean, string, enum, UUID | boolean, string |
 * | integers, float, double | number (also NaN and infinities); `ExactNumber` beyond 2^53 |
 * | decimal | `ExactNumber` |
 * | timestamps, date | `TimestampValue` (never finer than microseconds), `DateValue` |
 * | binary, fixed | Uint8Array |
 * | list, struct, map | array, object, object (keys as text; of equal keys the last one counts) |
 */
export type FileValue =
  | null
  | boolean
  | number
  | string
  | ExactNumber
  | TimestampValue
  | DateValue
  | Uint8Array
  | readonly FileValue[]
  | FileObject;

/** May have any key, `__proto__` included, as an own property. */
export interface FileObject {
  readonly [key: string]: FileValue;
}

/** Why a record, or the rest of a file, could not be read. Stable: people write queries against these. */
export const badRecordReasons = [
  'invalid_json',
  'invalid_csv',
  'invalid_avro',
  'invalid_parquet',
  'invalid_utf8',
  'invalid_utf16',
  'invalid_gzip',
  'invalid_zstd',
  'empty_body',
  'not_an_object',
  'too_deep',
  'record_too_large',
  'decompressed_too_large',
  'truncated',
  'unknown_format',
  'unsupported',
] as const;

export type BadRecordReason = (typeof badRecordReasons)[number];

export interface GoodRecord {
  readonly kind: 'record';
  /** Position among the file's records, bad ones included: 0, 1, 2, ... The same for every reading of the same bytes. */
  readonly row: number;
  readonly value: FileObject;
}

export interface BadRecord {
  readonly kind: 'bad';
  /** As of a good record; -1 when it is the rest of the file, or the whole, that cannot be read. */
  readonly row: number;
  /**
   * Where the bad part begins. Of a compressed file: in its decompressed content; of a UTF-16 file: in its content as
   * UTF-8. For Avro: where its block begins; for Parquet 0.
   */
  readonly offset: number;
  readonly reason: BadRecordReason;
  /** What and where, for people. */
  readonly detail: string;
  /** The beginning of the bad part, or of an envelope's body. May be empty. */
  readonly bytes: Uint8Array;
}

export type FileRecord = GoodRecord | BadRecord;

export interface RecordChunk {
  readonly records: readonly FileRecord[];
  /** Bytes taken from storage so far; of Parquet the file's size from the first row group on. Never decreases. */
  readonly bytesRead: number;
  /** Bytes that these records were read from, after decompression: about the memory that they take. */
  readonly sourceBytes: number;
  /**
   * The columns that the file itself declares (Parquet, and Avro without an envelope), the same object in every chunk.
   * A column that is not among them, such as a union of several types, is known by its values only.
   */
  readonly fields?: readonly DataField[];
}
