// Pure. Pages of a leaf inside structs, lists and maps: its levels, and its present values side by side.
import { PageType } from '../format.js';
import { ByteReader, damagedPage } from './byteReader.js';
import { readHybrid } from './hybrid.js';
import { type ChunkSource, findPages, openPage, type Page, refuseBitPackedLevels } from './pages.js';
import type { LeafNode } from './schemaTree.js';
import type { ColumnSink } from './sink.js';

/** A leaf's part of one row group. */
export interface LevelledValues<Column> {
  /** Of levels; the first level of each array belongs to the first value. */
  readonly count: number;
  readonly definition: Uint8Array;
  /** Undefined outside lists and maps. */
  readonly repetition: Uint8Array | undefined;
  /** Holds the `presentCount` values whose definition level is the leaf's, side by side. */
  readonly sink: ColumnSink<Column>;
  readonly presentCount: number;
}

/** Throws PARQUET_INVALID for damage, PARQUET_UNSUPPORTED for encodings that are not read. */
export function readLevelledChunk<Column>(
  chunk: ChunkSource,
  leaf: LeafNode,
  createSink: (valueCount: number) => ColumnSink<Column>,
): LevelledValues<Column> {
  const pages = findPages(chunk);
  const count = chunk.rowCount;
  const sink = createSink(count);
  const definition = new Uint8Array(count);
  const repetition = leaf.maxRepetition > 0 ? new Uint8Array(count) : undefined;
  let read = 0;
  let presentCount = 0;
  for (const page of pages) {
    const { reader, levels } = openPage(chunk, page);
    if (page.type === PageType.DICTIONARY_PAGE) {
      sink.readDictionary(reader, page.valueCount);
      continue;
    }
    const end = read + page.valueCount;
    if (repetition !== undefined) {
      readLevels(page, levels?.repetition ?? reader, leaf.maxRepetition, repetition, read, end);
    }
    if (leaf.definition > 0) {
      readLevels(page, levels?.definition ?? reader, leaf.definition, definition, read, end);
    }
    const present = countOf(definition, leaf.definition, read, end);
    sink.readValues(reader, page.encoding, present, presentCount);
    presentCount += present;
    read = end;
  }
  return { count, definition, repetition, sink, presentCount };
}

/** Pages of version 1 have the levels in front of their values, each with its length. */
function readLevels(
  page: Page,
  source: ByteReader,
  maxLevel: number,
  target: Uint8Array,
  from: number,
  to: number,
): void {
  const isFirstVersion = page.type === PageType.DATA_PAGE;
  if (isFirstVersion) refuseBitPackedLevels(page);
  const levels = isFirstVersion ? new ByteReader(source.take(source.uint32())) : source;
  readHybrid(levels, 32 - Math.clz32(maxLevel), target, from, to);
  for (let index = from; index < to; index++) {
    if (target[index]! > maxLevel) throw damagedPage('a level is out of range');
  }
}

function countOf(levels: Uint8Array, wanted: number, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index++) if (levels[index] === wanted) count++;
  return count;
}
