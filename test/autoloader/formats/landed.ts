// Landed files in memory for the tests of the readers, and what was read of them in short form.
import { Buffer } from 'node:buffer';
import {
  type BadRecord,
  type FileRecord,
  type LandedBytes,
  type ReadRecordsOptions,
  readRecords,
} from '../../../shared/autoloader/formats/index.js';

/** A file that arrives in chunks of `chunkBytes`. */
export function landed(path: string, content: Uint8Array | string, chunkBytes = 65_536): LandedBytes {
  const bytes = Buffer.from(content);
  return {
    path,
    size: bytes.length,
    async *stream() {
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    },
    read: async ({ start, end }) => bytes.subarray(start, end),
  };
}

/** A file in two chunks. */
export function landedInTwo(path: string, content: Uint8Array | string, cut: number): LandedBytes {
  const bytes = Buffer.from(content);
  return {
    ...landed(path, bytes),
    async *stream() {
      yield bytes.subarray(0, cut);
      yield bytes.subarray(cut);
    },
  };
}

export async function readAll(file: LandedBytes, options?: ReadRecordsOptions): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  for await (const chunk of readRecords(file, options)) records.push(...chunk.records);
  return records;
}

/** Values of good records; of bad ones `reason` and their bytes as text, `rest: reason` for row -1. */
export async function readShort(file: LandedBytes, options?: ReadRecordsOptions): Promise<unknown[]> {
  return (await readAll(file, options)).map((record) =>
    record.kind === 'record' ? record.value : short(record),
  );
}

function short({ row, reason, bytes }: BadRecord): string {
  return row < 0 ? `rest: ${reason}` : `${reason}: ${Buffer.from(bytes).toString('latin1')}`;
}

export async function onlyBad(file: LandedBytes, options?: ReadRecordsOptions): Promise<BadRecord> {
  const [record, ...more] = await readAll(file, options);
  if (record?.kind !== 'bad' || more.length > 0) throw new Error('expected one bad record');
  return record;
}
