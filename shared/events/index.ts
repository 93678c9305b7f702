export { doubleOf, isJsonNumber } from './decimal.js';
export { createEventDecoder } from './eventDecoder.js';
export { quarantineFields, quarantineSchema, readingFields, readingSchema } from './schema.js';
export { isoMicros } from './timestamp.js';
export {
  type DecodedBatch,
  type EventBatch,
  type EventDecoder,
  type QuarantineReason,
  quarantineReasons,
} from './types.js';
