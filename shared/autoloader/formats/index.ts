export { extensionOf } from './formatOf.js';
export { readRecords } from './readRecords.js';
export {
  type BadRecord,
  type BadRecordReason,
  badRecordReasons,
  DateValue,
  ExactNumber,
  type FileFormat,
  type FileObject,
  type FileRecord,
  type FileValue,
  type GoodRecord,
  type LandedBytes,
  type ReadRecordsOptions,
  type RecordChunk,
  TimestampValue,
} from './types.js';
