export {
  type DecodedBatch,
  type EventBatch,
  type EventDecoder,
  type QuarantineReason,
  quarantineReasons,
} from './types.js';
