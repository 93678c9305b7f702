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

/** Files whose first bytes are under way while an earlier one is read: small files cost one round trip each. */
const filesAhead = 8;
/** Larger ones are fetched when their turn comes. */
const mostBytesAhead = 2 ** 20;

export function prefetch(files: readonly LandedFileBytes[], after: number): void {
  for (const file of files.slice(after + 1, after + 1 + filesAhead)) {
    if (file.size <= mostBytesAhead) file.prefetch();
  }
}
