// DuckDB as the independent reader and writer of the Parquet tests: a temp folder and one connection per test file.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

export interface DuckDb {
  readonly folder: string;
  /** Column values of a query, by column. */
  columns(sql: string): Promise<unknown[][]>;
  rows(sql: string): Promise<Record<string, unknown>[]>;
  run(sql: string): Promise<void>;
  /** Writes `bytes` to a fresh file and returns its path, quoted for SQL. */
  file(bytes: Uint8Array): Promise<string>;
}

/** Opened on first use, closed after the test file. Extensions are never looked for on the network. */
export function duckDb(): () => Promise<DuckDb> {
  let opened: Promise<{ db: DuckDb; close: () => Promise<void> }> | undefined;
  after(async () => {
    if (opened !== undefined) await (await opened).close();
  });
  return async () => {
    opened ??= open();
    return (await opened).db;
  };
}

async function open(): Promise<{ db: DuckDb; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'parquet-test-'));
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  const close = async () => {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  };
  return { db: describeDb(folder, connection), close };
}

function describeDb(folder: string, connection: DuckDBConnection): DuckDb {
  let fileCount = 0;
  return {
    folder,
    columns: async (sql) => (await connection.runAndReadAll(sql)).getColumns() as unknown[][],
    rows: async (sql) =>
      (await connection.runAndReadAll(sql)).getRowObjects() as unknown as Record<string, unknown>[],
    run: async (sql) => {
      await connection.run(sql);
    },
    file: async (bytes) => {
      fileCount += 1;
      const path = join(folder, `file-${fileCount}.parquet`);
      await writeFile(path, bytes);
      return `'${path}'`;
    },
  };
}
