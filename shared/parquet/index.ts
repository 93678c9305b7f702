export type { ColumnBatch, ColumnField, ColumnType, ColumnValues } from './columns.js';
