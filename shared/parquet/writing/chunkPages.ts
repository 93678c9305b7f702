// Pure. A chunk's pages: definition levels and values, cut by size, with or without a dictionary.
import { TributaryError } from '../../base/index.js';
import type { ColumnField } from '../columns.js';
import { Encoding } from '../format.js';
import type { ChunkStatistics } from '../statistics.js';
import { ByteBuffer } from './byteBuffer.js';
import { WordDictionary } from './dictionary.js';
import { NumberScratch } from './fixedWidth.js';
import type { PageWriter } from './pageWriter.js';
import { appendAllPresent, appendIndices, appendLevels, indexBitWidth } from './rle.js';

/** Where a finished chunk lies and what it holds; the footer's ColumnMetaData. */
export interface ColumnChunk {
  readonly field: ColumnField;
  readonly rowCount: number;
  readonly dataEncoding: number;
  readonly dictionaryPageOffset: number | undefined;
  readonly dataPageOffset: number;
  readonly dataPageCount: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  readonly statistics: ChunkStatistics;
}

/** Memory that every chunk uses again. */
export class ChunkScratch {
  readonly numbers = new NumberScratch();
  readonly words = new WordDictionary();
  readonly body = new ByteBuffer();
  readonly values = new ByteBuffer();
  indices = new Int32Array(0);
  levels = new Uint8Array(0);

  reserveRows(rowCount: number): void {
    if (rowCount > this.indices.length) this.indices = new Int32Array(rowCount);
    if (rowCount > this.levels.length) this.levels = new Uint8Array(rowCount);
  }
}

export interface ChunkContext {
  readonly pages: PageWriter;
  readonly scratch: ChunkScratch;
  /** Uncompressed size at which a page is closed; a single longer value still has its page. */
  readonly maxPageBytes: number;
}

/** What is known of a chunk before its pages are cut. */
export interface ChunkPlan {
  readonly field: ColumnField;
  readonly from: number;
  readonly to: number;
  /** Levels of the rows: `levels[row - levelsFrom]`. Undefined when no row is null. */
  readonly levels: Uint8Array | undefined;
  readonly levelsFrom: number;
}

export function finishChunk(
  context: ChunkContext,
  plan: ChunkPlan,
  dataEncoding: number,
  statistics: ChunkStatistics,
): ColumnChunk {
  const { pages } = context;
  if (pages.dataPageOffset === undefined) throw new Error('a chunk needs a data page');
  return {
    field: plan.field,
    rowCount: plan.to - plan.from,
    dataEncoding,
    dictionaryPageOffset: pages.dictionaryPageOffset,
    dataPageOffset: pages.dataPageOffset,
    dataPageCount: pages.dataPageCount,
    uncompressedBytes: pages.uncompressedBytes,
    compressedBytes: pages.compressedBytes,
    statistics,
  };
}

/** `appendValues` writes the present values with positions `firstValue` to `lastValue`, counted without nulls. */
export function cutPages(
  context: ChunkContext,
  plan: ChunkPlan,
  bitsPerValue: number,
  encoding: number,
  appendValues: (body: ByteBuffer, firstValue: number, lastValue: number) => void,
): void {
  const { pages, scratch, maxPageBytes } = context;
  const rowsPerPage = Math.max(1, Math.floor((maxPageBytes * 8) / bitsPerValue));
  let firstValue = 0;
  for (let row = plan.from; row < plan.to; row += rowsPerPage) {
    const pageEnd = Math.min(row + rowsPerPage, plan.to);
    const lastValue = firstValue + countPresent(plan, row, pageEnd);
    scratch.body.clear();
    appendPageLevels(scratch.body, plan, row, pageEnd);
    appendValues(scratch.body, firstValue, lastValue);
    pages.dataPage(scratch.body.view(), pageEnd - row, encoding);
    firstValue = lastValue;
  }
}

function countPresent(plan: ChunkPlan, from: number, to: number): number {
  const { levels, levelsFrom } = plan;
  if (levels === undefined) return to - from;
  let count = 0;
  for (let row = from; row < to; row++) if (levels[row - levelsFrom] !== 0) count += 1;
  return count;
}

function appendPageLevels(body: ByteBuffer, plan: ChunkPlan, from: number, to: number): void {
  if (!plan.field.nullable) return;
  if (plan.levels === undefined) appendAllPresent(body, to - from);
  else appendLevels(body, plan.levels, from - plan.levelsFrom, to - plan.levelsFrom);
}

/** Dictionary page from `scratch.body`, then pages of `scratch.indices`. */
export function encodeIndices(
  context: ChunkContext,
  plan: ChunkPlan,
  entryCount: number,
  statistics: ChunkStatistics,
): ColumnChunk {
  const { pages, scratch } = context;
  const bitWidth = indexBitWidth(entryCount);
  pages.dictionaryPage(scratch.body.view(), entryCount);
  cutPages(context, plan, bitWidth, Encoding.RLE_DICTIONARY, (body, firstValue, lastValue) =>
    appendIndices(body, scratch.indices, firstValue, lastValue, bitWidth),
  );
  return finishChunk(context, plan, Encoding.RLE_DICTIONARY, statistics);
}

/** Pages of PLAIN values whose size shows only as they are written. */
export function cutGrowingPages<T>(
  context: ChunkContext,
  plan: ChunkPlan,
  values: readonly (T | null)[],
  appendValue: (target: ByteBuffer, value: T) => void,
  beforeReuse: () => void,
): void {
  const { pages, scratch, maxPageBytes } = context;
  const target = scratch.values;
  let row = plan.from;
  while (row < plan.to) {
    const pageStart = row;
    target.clear();
    while (row < plan.to && (target.length < maxPageBytes || row === pageStart)) {
      const value = values[row++];
      if (value !== null && value !== undefined) appendValue(target, value);
    }
    beforeReuse();
    scratch.body.clear();
    appendPageLevels(scratch.body, plan, pageStart, row);
    scratch.body.append(target.view());
    pages.dataPage(scratch.body.view(), row - pageStart, Encoding.PLAIN);
  }
}

export function requireNullable(field: ColumnField, row: number): void {
  if (field.nullable) return;
  throw new TributaryError(
    'PARQUET_INVALID',
    `Column "${field.name}" is required, but row ${row} is null: declare it nullable or supply a value.`,
  );
}

export function requireRows(field: ColumnField, available: number, needed: number): void {
  if (available >= needed) return;
  throw new TributaryError(
    'PARQUET_INVALID',
    `Column "${field.name}" has ${available} values, but the batch has ${needed} rows.`,
  );
}
