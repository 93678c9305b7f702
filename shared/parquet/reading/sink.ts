// Pure. Where decoded values go: one sink per column and row group, filled page by page.

import { TributaryError } from '../../base/index.js';
import type { ColumnValues } from '../columns.js';
import { Encoding } from '../format.js';
import type { ByteReader } from './byteReader.js';
import { damagedPage } from './byteReader.js';
import { readHybrid } from './hybrid.js';

/**
 * Present values are written side by side at `at`, then `spread` moves them to their rows. So each encoding is decoded
 * by one plain loop, with or without nulls.
 */
export interface ColumnSink<Column = ColumnValues> {
  /** Replaces the dictionary by `entryCount` PLAIN values. */
  readDictionary(reader: ByteReader, entryCount: number): void;
  readValues(reader: ByteReader, encoding: number, count: number, at: number): void;
  /** `presentCount` values at `at` belong to the rows `at` to `at + rowCount` whose `validity` is 1. */
  spread(validity: Uint8Array, at: number, rowCount: number, presentCount: number): void;
  /** `validity` undefined: no null. */
  finish(validity: Uint8Array | undefined): Column;
}

export function unsupportedEncoding(encoding: number): TributaryError {
  return new TributaryError(
    'PARQUET_UNSUPPORTED',
    `Encoding ${encoding} of parquet.thrift cannot be read here.`,
  );
}

/**
 * That PLAIN values are all that a page holds. Where a damaged footer says that a column has no nulls, their levels would be taken for
 * values, and the last values be left over.
 */
export function expectEnd(reader: ByteReader): void {
  if (reader.remaining > 0) throw damagedPage('a page goes on behind its values');
}

export function isDictionaryEncoding(encoding: number): boolean {
  return encoding === Encoding.RLE_DICTIONARY || encoding === Encoding.PLAIN_DICTIONARY;
}

let indexScratch = new Int32Array(0);

/** Dictionary indices of a page, each below `entryCount`; valid until the next call. */
export function readIndices(reader: ByteReader, count: number, entryCount: number | undefined): Int32Array {
  if (entryCount === undefined) throw damagedPage('a page refers to a dictionary that is missing');
  if (indexScratch.length < count) indexScratch = new Int32Array(count);
  const indices = indexScratch;
  readHybrid(reader, reader.byte(), indices, 0, count);
  for (let position = 0; position < count; position++) {
    if (indices[position]! >>> 0 >= entryCount) throw damagedPage('an index points behind its dictionary');
  }
  return indices;
}
