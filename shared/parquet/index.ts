export { BatchBuilder } from './batchBuilder.js';
export { concatBatches, sliceBatch } from './batches.js';
export { canWriteZstd, type ParquetCodec } from './codecs.js';
export type {
  ColumnBatch,
  ColumnField,
  ColumnType,
  ColumnValues,
  DataBatch,
  DataField,
  DataType,
  DataValues,
  DecimalType,
  DecimalValues,
  ListDataType,
  MapDataType,
  StructDataType,
  VoidType,
} from './columns.js';
export {
  DataBatchBuilder,
  type ListBuilder,
  type MapBuilder,
  type StructBuilder,
  type ValuesBuilder,
} from './dataBatchBuilder.js';
export { isNullAt, nullValues } from './dataBatches.js';
export { type EncodedParquet, type EncodeOptions, encodeParquet } from './encode.js';
export {
  openParquet,
  type ParquetColumn,
  type ParquetFile,
  type ParquetSource,
  type ReadOptions,
  readParquet,
} from './read.js';
export { findUnsupported } from './reading/schemaTree.js';
export { type EncodeRecordsOptions, encodeRecords } from './records/encodeRecords.js';
export type { RecordField, RecordType, RecordValues } from './records/recordTypes.js';
export { selectRows } from './selectRows.js';
export type { ColumnStatistics } from './statistics.js';
