// A table whose state is in a checkpoint of a form that this project reads but does not write, its commits gone.
import { type ObjectStore, storeBelow } from '../../shared/storage/index.js';
import { type CheckpointRows, checkpointBytes } from './checkpointFile.js';
import { readLogLines } from './deltaFixtures.js';
import { deleteCommits, logDigits } from './foreignTable.js';

export const foreignForms = [
  'two parts',
  'V2 in JSON',
  'V2 in JSON with sidecars',
  'V2 in Parquet with sidecars',
] as const;
export type ForeignForm = (typeof foreignForms)[number];

export const checkpointUuid = '80a083e8-7026-4e79-81be-64bd76c43a11';

interface FileAction {
  readonly path: string;
}

/** The log's lines as one state: adds, tombstones, the last of everything else. Deletion vectors are not taken care of. */
async function stateRows(
  store: ObjectStore,
  root: string,
): Promise<{ files: CheckpointRows; others: CheckpointRows; version: number }> {
  const commits = await readLogLines(store, root);
  const files = new Map<string, Record<string, unknown>>();
  const others = new Map<string, Record<string, unknown>>();
  for (const line of commits.flat()) {
    const [kind, action] = Object.entries(line)[0] as [string, Record<string, unknown>];
    if (kind === 'add' || kind === 'remove') files.set((action as unknown as FileAction).path, line);
    else if (kind === 'txn') others.set(`txn ${action.appId}`, line);
    else if (kind === 'domainMetadata') others.set(`domain ${action.domain}`, line);
    else if (kind !== 'commitInfo') others.set(kind, line);
  }
  return { files: [...files.values()], others: [...others.values()], version: commits.length - 1 };
}

/** @returns its version, and the names of its files below `_delta_log/` */
export async function replaceLogByCheckpoint(
  store: ObjectStore,
  root: string,
  form: ForeignForm,
): Promise<{ version: number; names: readonly string[] }> {
  const { files, others, version } = await stateRows(store, root);
  const table = storeBelow(store, root);
  const names: string[] = [];
  const put = async (name: string, bytes: Uint8Array): Promise<void> => {
    names.push(name);
    await table.put(`_delta_log/${name}`, bytes);
  };
  const jsonBytes = (rows: CheckpointRows) =>
    new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const half = Math.ceil(files.length / 2);
  const base = `${logDigits(version)}.checkpoint`;
  const header = { checkpointMetadata: { version } };
  if (form === 'two parts') {
    await put(`${base}.0000000001.0000000002.parquet`, checkpointBytes([...others, ...files.slice(0, half)]));
    await put(`${base}.0000000002.0000000002.parquet`, checkpointBytes(files.slice(half)));
  } else if (form === 'V2 in JSON') {
    await put(`${base}.${checkpointUuid}.json`, jsonBytes([header, ...others, ...files]));
  } else {
    const sidecars = ['first', 'second'].map((name) => ({
      sidecar: { path: `${version}-${name}.parquet`, sizeInBytes: 9, modificationTime: 1 },
    }));
    await put(`_sidecars/${version}-first.parquet`, checkpointBytes(files.slice(0, half)));
    await put(`_sidecars/${version}-second.parquet`, checkpointBytes(files.slice(half)));
    const rows = [header, ...others, ...sidecars];
    if (form === 'V2 in JSON with sidecars') await put(`${base}.${checkpointUuid}.json`, jsonBytes(rows));
    else await put(`${base}.${checkpointUuid}.parquet`, checkpointBytes(rows));
  }
  await deleteCommits(store, root, 0, version);
  return { version, names };
}
