export {
  type BatchLimits,
  type BatchPlan,
  type BatchState,
  type CommittedBatch,
  FileLedger,
  type FileLedgerOptions,
  type FileOutcome,
  type FinishedFile,
  maxFilesPerBatch,
  type PlanResult,
} from './fileLedger.js';
export type { FileRow, FileState, LandedFile, WaitingFile } from './fileRows.js';
export type { GatheringLimits } from './gathering.js';
