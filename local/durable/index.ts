export type { DurableFunctions, FunctionCall, FunctionOutcome } from './durableFunctions.js';
export { DurableHub, type DurableHubOptions } from './durableHub.js';
export { type DurableFaults, parseFaults } from './faults.js';
export {
  createDurableListener,
  DurableBackend,
  type DurableBackendOptions,
  isDurableClient,
} from './hostBinding.js';
