// Pure. A chunk's pages: definition levels and values, cut by size, with or without a dictionary.
import { TributaryError } from '../../base/index.js';
import { Encoding } from '../format.js';
import type { LeafType } from '../schema.js';
import type { ChunkStatistics } from '../statistics.js';
import { ByteBuffer } from './byteBuffer.js';
import { WordDictionary } from './dictionary.js';
import { NumberScratch } from './fixedWidth.js';
import type { PageWriter } from './pageWriter.js';
import { appendAllPresent, appendDeepLevels, appendIndices, appendLevels, indexBitWidth } from './rle.js';

/** A column that has a chunk of its own; inside nested columns its name is the path to it. */
export interface LeafField {
  readonly name: string;
  readonly type: LeafType;
  readonly nullable: boolean;
}

/** Where a finished chunk lies and what it holds; the footer's ColumnMetaData. */
export interface ColumnChunk {
  readonly type: LeafType;
  /** Names from the root on. */
  readonly path: readonly string[];
  /** Null ones included. */
  readonly valueCount: number;
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
  /** Of a leaf inside a struct, list or map. */
  readonly place?: LeafPlace;
}

/**
 * The levels of a leaf's entries (Dremel encoding). An entry has a value when its definition level is the greatest; the
 * "rows" of the chunk's plan are then entries, counted from 0.
 */
export interface LeafPlace {
  readonly path: readonly string[];
  readonly definitions: Int32Array;
  readonly maxDefinition: number;
  readonly repetitions: Int32Array;
  /** 0 outside lists and maps. */
  readonly maxRepetition: number;
}

/** What is known of a chunk before its pages are cut. */
export interface ChunkPlan {
  readonly field: LeafField;
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
    type: plan.field.type,
    path: context.place?.path ?? [plan.field.name],
    valueCount: plan.to - plan.from,
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
  let pageEnd: number;
  for (let row = plan.from; row < plan.to; row = pageEnd) {
    pageEnd = wholeRecords(context, Math.min(row + rowsPerPage, plan.to), plan.to);
    const lastValue = firstValue + countPresent(plan, row, pageEnd);
    scratch.body.clear();
    appendPageLevels(scratch.body, context, plan, row, pageEnd);
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

/** A page ends where a row of the table ends: readers that skip by row rely on it. */
function wholeRecords({ place }: ChunkContext, end: number, limit: number): number {
  if (place === undefined || place.maxRepetition === 0) return end;
  let next = end;
  while (next < limit && place.repetitions[next] !== 0) next += 1;
  return next;
}

function appendPageLevels(
  body: ByteBuffer,
  { place }: ChunkContext,
  plan: ChunkPlan,
  from: number,
  to: number,
): void {
  if (place !== undefined) {
    const { repetitions, maxRepetition, definitions, maxDefinition } = place;
    if (maxRepetition > 0) appendDeepLevels(body, repetitions, from, to, maxRepetition);
    if (maxDefinition > 0) appendDeepLevels(body, definitions, from, to, maxDefinition);
    return;
  }
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
    let pageEnd = plan.to;
    while (row < pageEnd) {
      const value = values[row++];
      if (value !== null && value !== undefined) appendValue(target, value);
      if (target.length >= maxPageBytes) pageEnd = wholeRecords(context, row, plan.to);
    }
    beforeReuse();
    scratch.body.clear();
    appendPageLevels(scratch.body, context, plan, pageStart, row);
    scratch.body.append(target.view());
    pages.dataPage(scratch.body.view(), row - pageStart, Encoding.PLAIN);
  }
}

export function requireNullable(field: LeafField, row: number): void {
  if (field.nullable) return;
  throw new TributaryError(
    'PARQUET_INVALID',
    `Column "${field.name}" is required, but row ${row} is null: declare it nullable or supply a value.`,
  );
}

export function requireRows(field: LeafField, available: number, needed: number): void {
  if (available >= needed) return;
  throw new TributaryError(
    'PARQUET_INVALID',
    `Column "${field.name}" has ${available} values, but the batch has ${needed} rows.`,
  );
}
