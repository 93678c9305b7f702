export { createEventDecoder } from './eventDecoder.js';
export { quarantineFields, quarantineSchema, readingFields, readingSchema } from './schema.js';
export {
  type DecodedBatch,
  type EventBatch,
  type EventDecoder,
  type QuarantineReason,
  quarantineReasons,
} from './types.js';
