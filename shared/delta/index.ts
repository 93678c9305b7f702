export type {
  AddAction,
  AppendRequest,
  AppendResult,
  Metadata,
  PreparedAppend,
  Protocol,
  Snapshot,
  StructField,
  StructType,
  TransactionAction,
  TransactionVersions,
} from './types.js';
