// A table of ours in a folder, where Spark and delta-rs find it, too.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock, systemRandom } from '../../shared/base/index.js';
import {
  openTable,
  parseTableColumns,
  type ResolveUri,
  readSnapshotAt,
  type Snapshot,
  scanTable,
  type UpkeepOptions,
} from '../../shared/delta/index.js';
import { canonicalRows } from '../support/canonicalRows.js';
import type { Cleanup } from '../support/cleanup.js';
import { createFolderStore } from '../support/folderStore.js';

export interface SharedTable extends UpkeepOptions {
  /** The same table, for engines that open folders. */
  readonly path: string;
}

/** Late enough for vacuum and cleanup to find what was written or removed just now expired. */
export const later: Clock = {
  nowMs: () => systemClock.nowMs() + 60 * 86_400_000,
  sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal),
};

/** A folder for tables, by name. */
export function createTableFolder(t: Cleanup): (name: string) => SharedTable {
  const folder = mkdtempSync(join(tmpdir(), 'interop-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = createFolderStore(folder);
  return (name) => ({
    store,
    root: name,
    clock: systemClock,
    random: systemRandom,
    path: join(folder, name),
  });
}

export async function openAt(table: SharedTable, version?: number): Promise<Snapshot> {
  return version === undefined ? (await openTable(table)).snapshot : readSnapshotAt({ ...table, version });
}

/** All rows as we read them, as texts to compare as sets. */
export async function ourRowTexts(
  table: SharedTable,
  snapshot: Snapshot,
  resolveUri?: ResolveUri,
): Promise<string[]> {
  const columns = parseTableColumns(snapshot.metadata.schemaString);
  const rows: string[] = [];
  const resolving = resolveUri === undefined ? {} : { resolveUri };
  for await (const batch of scanTable({ ...table, snapshot, ...resolving }))
    rows.push(...canonicalRows(batch, columns));
  return rows.sort();
}
