export {
  type BinPaths,
  type BinResult,
  type CompactionPlan,
  type CompactionResult,
  commitCompaction,
  planCompaction,
  rewriteFiles,
} from './compaction.js';
export { type LogUpkeepResult, tendLog } from './logUpkeep.js';
export { type OrchestrationStarter, startSingleton } from './singleton.js';
