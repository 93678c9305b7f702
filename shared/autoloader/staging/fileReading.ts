// How the files of a stream are read.
import type { FileStream } from '../../pipeline/index.js';
import { extensionOf, type ReadRecordsOptions, type RecordChunk, readRecords } from '../formats/index.js';
import type { LandedFileBytes } from './landedBytes.js';

export type ReadingRules = Pick<FileStream, 'format' | 'csv'>;

export function readFile(
  file: LandedFileBytes,
  { format, csv }: ReadingRules,
  options: Pick<ReadRecordsOptions, 'keepWrittenFractions'> = {},
): AsyncIterable<RecordChunk> {
  return readRecords(file, { format, csv, ...options });
}

/** Whether the values of the file are texts that may stand for numbers and times. */
export function readsTexts(path: string, { format }: Pick<ReadingRules, 'format'>): boolean {
  return format === 'csv' || (format === 'auto' && ['csv', 'tsv'].includes(extensionOf(path)));
}

/** Small files cost a round trip each: those that follow are under way while one is read. */
const filesAhead = 64;
/** Of their bytes in memory. A file that is larger is fetched when its turn comes. */
const bytesAhead = 8 * 2 ** 20;

export function prefetch(files: readonly LandedFileBytes[], after: number): void {
  let bytes = 0;
  for (const file of files.slice(after + 1, after + 1 + filesAhead)) {
    bytes += file.size;
    if (bytes > bytesAhead) return;
    file.prefetch();
  }
}
