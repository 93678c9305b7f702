export { shardOf } from './hash.js';
export { outboxBytesIn, type ShardLimits, shardLimits, sizeWarning } from './limits.js';
export { type OperationResult, ShardSession } from './operations.js';
export type { OutboxRows } from './outbox.js';
export { hasShards, planShards, type ShardPlan, shardFields } from './plan.js';
export type {
  LatestDevice,
  SealedBatch,
  SealInput,
  ShardSummary,
} from './results.js';
export {
  type AlertRow,
  decodeAlertRow,
  decodeFailedRow,
  decodeLateRow,
  decodeWindowRow,
  type FailedRow,
  type LateRow,
  type WindowRow,
} from './rows.js';
export { parseSignal, resultBytesOf, type ShardSignal, signalBreaches } from './signal.js';
export { type AddressedSignal, buildSignals, type SignalInput } from './signalBuilder.js';
