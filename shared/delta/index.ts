export { type AddColumnsOptions, type AddColumnsResult, addColumns } from './addColumns.js';
export {
  type CheckpointResult,
  checkpointInterval,
  type DueCheckpoint,
  lastCheckpointChecksum,
  type WriteCheckpointOptions,
  writeCheckpoint,
  writeCheckpointIfDue,
} from './checkpointWriter.js';
export type { CommitTime } from './commitTimes.js';
export { type CreateTableOptions, createTable } from './createTable.js';
export type { ResolveUri, StoredFile } from './dataFiles.js';
export { pruneFiles } from './dataSkipping.js';
export {
  type DeletePlan,
  type DeleteResult,
  type DeleteRowsOptions,
  deleteRows,
  parseRowPredicate,
  planDelete,
  type RowPredicate,
} from './deleteRows.js';
export { type HistoryEntry, readHistory } from './history.js';
export { cleanUpLog, type LogCleanupResult } from './logCleanup.js';
export {
  type CommitOptimizeOptions,
  commitOptimize,
  type OptimizeResult,
  type OptimizeTableOptions,
  optimizeTable,
  type RewriteBinOptions,
  type RewrittenBin,
  rewriteBin,
} from './optimize.js';
export { jsonScalar, plainValue, type ScalarForm } from './plainValue.js';
export type { Comparison, Literal, Predicate } from './predicate.js';
export { type ReadRowsOptions, readRows } from './readTable.js';
export { type RestoreOptions, type RestoreResult, restoreTable } from './restore.js';
export { type ScanOptions, scanTable } from './scan.js';
export {
  columnsOf,
  type PrimitiveField,
  parseTableSchema,
  primitiveColumnsOf,
  type TableField,
  type TableSchema,
} from './schema.js';
export { fieldJson, schemaString, typeJson, typeTextOf } from './schemaJson.js';
export { type StageDataFileOptions, stageDataFile } from './stageDataFile.js';
export { type AzureLocation, parseAzureUri } from './storageUri.js';
export { type OpenTableOptions, openTable, type TableLocation, type TableReader } from './tableReader.js';
export {
  dataFieldOf,
  parseTableColumns,
  type TableColumn,
  type TableType,
  unreadableType,
} from './tableTypes.js';
export { TableWriter, type TableWriterOptions, type WriterMetrics } from './tableWriter.js';
export { findVersionAt, readCommitTimes, readSnapshotAt, type TableMoment } from './timeTravel.js';
export type {
  AddAction,
  AppendRequest,
  AppendResult,
  DeletionVector,
  Metadata,
  PreparedAppend,
  Protocol,
  Snapshot,
  StagedFile,
  StructField,
  StructType,
  TableView,
  TransactionAction,
  TransactionVersions,
} from './types.js';
export {
  type OptimizeBin,
  type OptimizeLimits,
  type OptimizePlan,
  optimizeLimits,
  planOptimize,
} from './upkeep/optimizePlan.js';
export type { UpkeepOptions } from './upkeep/upkeepTable.js';
export {
  executeVacuum,
  planVacuum,
  type VacuumOptions,
  type VacuumPlan,
  type VacuumResult,
  vacuumTable,
} from './vacuum.js';
