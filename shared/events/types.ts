// Pure. A batch of events as the source hands it over, and what decoding makes of it.
import type { ColumnBatch } from '../parquet/index.js';

/**
 * Events of one partition in ascending sequence order; the arrays are index-aligned.
 * From Event Hubs, IoT Hub, or Kafka producers on the same hub.
 */
export interface EventBatch {
  /** Event hub name. */
  readonly source: string;
  readonly partition: string;
  readonly bodies: readonly Uint8Array[];
  readonly sequenceNumbers: readonly number[];
  /** Broker time, milliseconds UTC. */
  readonly enqueuedMs: readonly number[];
  /** Broker annotations and message properties, e.g. `iothub-connection-device-id`, `x-opt-kafka-key`, `partitionKey`. */
  readonly systemProperties: readonly Readonly<Record<string, unknown>>[];
  /** Application properties; Kafka headers arrive here as raw bytes. */
  readonly properties: readonly Readonly<Record<string, unknown>>[];
}

/** Why an event, or a part of it, is in quarantine. Stable: people write queries against these. docs/errors.md explains each. */
export const quarantineReasons = [
  'empty_body',
  'invalid_gzip',
  'body_too_large',
  'invalid_utf8',
  'invalid_json',
  'too_deep',
  'not_an_object',
  'no_readings',
  'too_many_readings',
  'not_telemetry',
  'missing_device_id',
  'invalid_device_id',
  'device_id_mismatch',
  'missing_event_time',
  'invalid_event_time',
  'event_time_in_future',
  'missing_required_field',
  'invalid_required_field',
  'processing_failed',
] as const;

/** The same of files that landed in blob storage, besides `invalid_json` and others of the above. */
export const fileQuarantineReasons = [
  'invalid_csv',
  'invalid_avro',
  'invalid_parquet',
  'invalid_utf16',
  'invalid_zstd',
  'record_too_large',
  'decompressed_too_large',
  'truncated',
  'unknown_format',
  'unsupported',
  'file_missing',
] as const;

/** The same of readings that a device shard could not take in, besides `processing_failed`. */
export const shardQuarantineReasons = ['shard_full'] as const;

export type QuarantineReason = (typeof quarantineReasons)[number];
export type ShardQuarantineReason = 'processing_failed' | (typeof shardQuarantineReasons)[number];
export type FileQuarantineReason = QuarantineReason | (typeof fileQuarantineReasons)[number];

/**
 * Both batches are in ascending `_sequence_number`, then `_index` order, so that a prefix can be cut off by
 * sequence number. Every event of the batch has at least one row in one of the two.
 */
export interface DecodedBatch {
  readonly readings: ColumnBatch;
  readonly quarantine: ColumnBatch;
}

export interface EventDecoder {
  /**
   * Never throws for any body. Same batch, same result: nothing but `_ingest_time` depends on when it is called.
   * @param ingestTimeMs goes to `_ingest_time`, milliseconds UTC
   */
  decode(batch: EventBatch, ingestTimeMs: number): DecodedBatch;
  /**
   * Quarantine rows for whole events, one each with `_index` -1 and the body's bytes: the way out for an event that
   * decodes but then fails every time it is written.
   */
  reject(batch: EventBatch, reason: QuarantineReason, detail: string, ingestTimeMs: number): ColumnBatch;
}
