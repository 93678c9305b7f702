// Log lines written by hand, for tables that other engines could have written.
import type { Clock } from '../../shared/base/index.js';
import { openTable, type TableLocation } from '../../shared/delta/index.js';
import { type ObjectStore, storeBelow } from '../../shared/storage/index.js';

export const logDigits = (version: number): string => String(version).padStart(20, '0');

export async function putCommitLines(
  store: ObjectStore,
  root: string,
  version: number,
  lines: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  await storeBelow(store, root).put(`_delta_log/${logDigits(version)}.json`, new TextEncoder().encode(text));
}

/** Names below `_delta_log/`. */
export async function logNames(store: ObjectStore, root: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { path } of storeBelow(store, root).list('_delta_log/')) names.push(path.slice(11));
  return names;
}

export async function deleteCommits(
  store: ObjectStore,
  root: string,
  from: number,
  to: number,
): Promise<void> {
  for (let version = from; version <= to; version++)
    await storeBelow(store, root).delete(`_delta_log/${logDigits(version)}.json`);
}

/** Gives the table properties that are refused when a table is created here; the newest metaData stays as it is otherwise. */
export async function setProperties(
  table: TableLocation & { readonly clock: Clock },
  properties: Readonly<Record<string, string>>,
): Promise<void> {
  const { version, metadata } = (await openTable(table)).snapshot;
  const configuration = { ...metadata.configuration, ...properties };
  await putCommitLines(table.store, table.root, version + 1, [
    { commitInfo: { operation: 'SET TBLPROPERTIES' } },
    { metaData: { ...metadata, configuration } },
  ]);
}
