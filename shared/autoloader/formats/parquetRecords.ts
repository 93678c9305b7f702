// Parquet to records, a row group at a time: of larger files only that part is in memory.
import { TributaryError } from '../../base/index.js';
import { type DataField, openParquet, type ParquetSource } from '../../parquet/index.js';
import { columnReader } from './columnValues.js';
import { UnreadableContent } from './content.js';
import { type DeclaredDrafts, type Draft, setMember } from './drafts.js';
import type { FileValue } from './types.js';

/** @throws UnreadableContent for damage and for columns of a type that nothing stands for; errors of `source` pass through */
export async function* readParquetRecords(source: ParquetSource, fileBytes: number): DeclaredDrafts {
  const file = await asContent(openParquet(source));
  const bytesPerRow = fileBytes / Math.max(1, file.rowCount);
  const batches = file.readRowGroups(file.columns)[Symbol.asyncIterator]();
  for (;;) {
    const next = await asContent(batches.next());
    if (next.done) return;
    const { fields, columns, rowCount } = next.value;
    const readers = fields.map((field, index) => columnReader(field.type, columns[index]!));
    yield { fields, drafts: rowsOf(fields, readers, rowCount, bytesPerRow) };
  }
}

function* rowsOf(
  fields: readonly DataField[],
  readers: readonly ((row: number) => FileValue)[],
  rowCount: number,
  sourceBytes: number,
): Generator<Draft> {
  for (let row = 0; row < rowCount; row++) {
    const value: Record<string, FileValue> = {};
    for (let index = 0; index < fields.length; index++) {
      setMember(value, fields[index]!.name, readers[index]!(row));
    }
    yield { kind: 'record', value, offset: 0, sourceBytes };
  }
}

async function asContent<Value>(reading: Promise<Value>): Promise<Value> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    if (error.code === 'PARQUET_UNSUPPORTED') throw new UnreadableContent('unsupported', error.message);
    if (error.code === 'PARQUET_INVALID') throw new UnreadableContent('invalid_parquet', error.message);
    throw error;
  }
}
