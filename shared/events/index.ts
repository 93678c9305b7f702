export { type OpenedBody, openBody } from './body.js';
export { doubleOf, isJsonNumber } from './decimal.js';
export { createEventDecoder } from './eventDecoder.js';
export { nestsDeeper } from './jsonSource.js';
export { quarantineFields, quarantineSchema, readingFields, readingSchema } from './schema.js';
export { isoMicros } from './timestamp.js';
export {
  type DecodedBatch,
  type EventBatch,
  type EventDecoder,
  type FileQuarantineReason,
  fileQuarantineReasons,
  type QuarantineReason,
  quarantineReasons,
  type ShardQuarantineReason,
  shardQuarantineReasons,
} from './types.js';
