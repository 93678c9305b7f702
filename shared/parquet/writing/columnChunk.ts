// Pure. One leaf column of one row group, by its kind of values.
import type { DataValues } from '../columns.js';
import type { ChunkContext, ColumnChunk, LeafField } from './chunkPages.js';
import { encodeDecimals } from './decimalChunk.js';
import { wrongArray } from './fixedWidth.js';
import { encodeNumbers } from './numberChunk.js';
import { encodeBinary, encodeText } from './textChunk.js';

/** Throws PARQUET_INVALID for a null in a required column and for values that do not fit the type. */
export function encodeColumnChunk(
  context: ChunkContext,
  field: LeafField,
  column: DataValues,
  from: number,
  to: number,
): ColumnChunk {
  context.pages.beginChunk();
  context.scratch.reserveRows(to - from);
  const { type } = field;
  if (typeof type !== 'string') {
    if (column.kind === 'decimals') return encodeDecimals(context, { ...field, type }, column, from, to);
    throw wrongArray(field, column.kind);
  }
  if (column.kind === 'numbers') return encodeNumbers(context, field, column, from, to);
  if (column.kind === 'text' && type === 'string') return encodeText(context, field, column.values, from, to);
  if (column.kind === 'bytes' && type === 'binary')
    return encodeBinary(context, field, column.values, from, to);
  throw wrongArray(field, column.kind);
}
