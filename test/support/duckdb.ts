// DuckDB as the judge: reads the live data files of a table, which our own log replay names, with code that is not ours.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Snapshot } from '../../shared/delta/index.js';
import type { ObjectStore } from '../../shared/storage/index.js';

export type Row = Record<string, unknown>;

/** Runs SQL in which `{files}` stands for the live files of `snapshot`; columns that some of them lack are null. */
export async function queryTable(store: ObjectStore, snapshot: Snapshot, sql: string): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-duckdb-'));
  try {
    const paths = await downloadFiles(store, snapshot, folder);
    const list = paths.map((path) => `'${path.replaceAll("'", "''")}'`).join(', ');
    return await query(sql.replaceAll('{files}', `read_parquet([${list}], union_by_name = true)`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs SQL in a DuckDB that reaches neither the network nor its extension registry. */
export async function query(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(sql);
    const rows = reader.getRowObjectsJS() as Row[];
    connection.closeSync();
    return rows;
  } finally {
    instance.closeSync();
  }
}

async function downloadFiles(store: ObjectStore, snapshot: Snapshot, folder: string): Promise<string[]> {
  return Promise.all(
    [...snapshot.files.keys()].map(async (path) => {
      const bytes = await store.read(decodeURIComponent(path));
      if (bytes === undefined) throw new Error(`The log names ${path}, which is not in storage.`);
      const target = join(folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, bytes);
      return target;
    }),
  );
}
