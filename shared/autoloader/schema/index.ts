export { isColumnName, isLineageColumn } from './columnNames.js';
export {
  type EvolvedSchema,
  type EvolveOptions,
  evolveSchema,
  type FieldChange,
  newColumns,
} from './evolve.js';
export { type HintType, parseHintType } from './hintType.js';
export { jsonTextOf } from './jsonText.js';
export { lineageFields, type RecordSource, RecordWriter, type RecordWriterOptions } from './recordWriter.js';
export { dataFieldsOf, mergedFields, RecordShape, type StructShape, shapeLimits } from './shape.js';
export {
  evolveColumns,
  grows,
  recordFieldsOf,
  type SchemaRules,
  unexpectedColumns,
  withHintedColumns,
} from './streamSchema.js';
export type { Outgrowth } from './valueWriters.js';
