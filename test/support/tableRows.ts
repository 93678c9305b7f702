// The rows of a table at its newest version, straight from the log and the data files.
import { openTable } from '../../shared/delta/index.js';
import { readParquet } from '../../shared/parquet/index.js';
import { type ObjectStore, storeBelow } from '../../shared/storage/index.js';
import type { TableOnStore } from './deltaFixtures.js';

/** `device/sequence` of every live row, sorted. Which files are live is what the code under test says; their content is read apart. */
export async function liveRows(table: Omit<TableOnStore, 'random'>): Promise<string[]> {
  const { snapshot } = await openTable(table);
  return rowsOfFiles(storeBelow(table.store, table.root), snapshot.files.keys());
}

/** The same of some files, by their paths in the log. */
export async function rowsOfFiles(files: ObjectStore, paths: Iterable<string>): Promise<string[]> {
  const rows: string[] = [];
  for (const path of paths) {
    const bytes = await files.read(decodeURIComponent(path));
    if (bytes === undefined) throw new Error(`${path} is in the log, but not in storage`);
    const batch = await readParquet(bytes, { columns: ['device_id', 'sequence'] });
    const [device, sequence] = batch.columns;
    for (let row = 0; row < batch.rowCount; row++)
      rows.push(`${device!.values[row]}/${String(sequence!.values[row]).padStart(6, '0')}`);
  }
  return rows.sort();
}
