// Pure. One column of one row group, by its kind of values.
import type { ColumnField, ColumnValues } from '../columns.js';
import type { ChunkContext, ColumnChunk } from './chunkPages.js';
import { wrongArray } from './fixedWidth.js';
import { encodeNumbers } from './numberChunk.js';
import { encodeBinary, encodeText } from './textChunk.js';

/** Throws PARQUET_INVALID for a null in a required column and for values that do not fit the type. */
export function encodeColumnChunk(
  context: ChunkContext,
  field: ColumnField,
  column: ColumnValues,
  from: number,
  to: number,
): ColumnChunk {
  context.pages.beginChunk();
  context.scratch.reserveRows(to - from);
  const { type } = field;
  if (column.kind === 'numbers') return encodeNumbers(context, field, column, from, to);
  if (column.kind === 'text' && type === 'string') return encodeText(context, field, column.values, from, to);
  if (column.kind === 'bytes' && type === 'binary')
    return encodeBinary(context, field, column.values, from, to);
  throw wrongArray(field, column.kind);
}
