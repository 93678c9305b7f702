export type { CommitTime } from './commitTimes.js';
export { type CreateTableOptions, createTable } from './createTable.js';
export type { ResolveUri, StoredFile } from './dataFiles.js';
export { pruneFiles } from './dataSkipping.js';
export type { Comparison, Literal, Predicate } from './predicate.js';
export { type ReadRowsOptions, readRows } from './readTable.js';
export { type ScanOptions, scanTable } from './scan.js';
export { columnsOf, parseTableSchema, type TableField, type TableSchema } from './schema.js';
export { type AzureLocation, parseAzureUri } from './storageUri.js';
export { type OpenTableOptions, openTable, type TableLocation, type TableReader } from './tableReader.js';
export {
  dataFieldOf,
  parseTableColumns,
  type TableColumn,
  type TableType,
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
  StructField,
  StructType,
  TransactionAction,
  TransactionVersions,
} from './types.js';
