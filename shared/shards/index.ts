export { shardOf } from './hash.js';
export { parseSignal, type ShardSignal } from './signal.js';
export { type AddressedSignal, buildSignals, type SignalInput } from './signalBuilder.js';
