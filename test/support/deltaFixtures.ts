// A small table and its appends, for tests of the Delta log.
import type { Clock, Random } from '../../shared/base/index.js';
import type {
  AppendRequest,
  PrimitiveField,
  StructType,
  TransactionVersions,
} from '../../shared/delta/index.js';
import {
  type ColumnBatch,
  type ColumnType,
  type DataBatch,
  readParquet,
  sliceBatch,
} from '../../shared/parquet/index.js';
import { type ObjectStore, storeBelow } from '../../shared/storage/index.js';

export function field(name: string, type: ColumnType, nullable = true): PrimitiveField {
  return { name, type, nullable, metadata: {} };
}

const readingsFields: readonly PrimitiveField[] = [
  field('device_id', 'string', false),
  field('sequence', 'long', false),
  field('temperature', 'double'),
  field('event_time', 'timestamp'),
];

export const readingsSchema: StructType = { type: 'struct', fields: readingsFields };

/** Rows `from`..`to` (inclusive) of a device; every value follows from the sequence number. */
export function readingsBatch(device: string, from: number, to: number): ColumnBatch {
  const rowCount = to - from + 1;
  const sequence = Float64Array.from({ length: rowCount }, (_, row) => from + row);
  return {
    rowCount,
    fields: readingsFields.map(({ name, type, nullable }) => ({ name, type, nullable })),
    columns: [
      { kind: 'text', values: new Array<string>(rowCount).fill(device) },
      { kind: 'numbers', values: sequence },
      {
        kind: 'numbers',
        values: sequence.map((value) => value / 2),
        validity: Uint8Array.from(sequence, (value) => (value % 3 === 0 ? 0 : 1)),
      },
      { kind: 'numbers', values: sequence.map((value) => 1_700_000_000_000_000 + value) },
    ],
  };
}

/** Rows without a transaction. */
export function blindAppend(batch: DataBatch): AppendRequest {
  return { prepare: () => ({ batch, transactions: [], readAppIds: [] }) };
}

/** Rows `from`..`to` of a partition, trimmed by what is committed, as ingest does it. */
export function partitionAppend(partition: string, from: number, to: number): AppendRequest {
  const appId = `ingest/${partition}`;
  return {
    prepare(committed: TransactionVersions) {
      const done = committed.get(appId) ?? 0;
      if (done >= to) return undefined;
      const batch = readingsBatch(partition, from, to);
      return {
        batch: sliceBatch(batch, Math.max(0, done - from + 1), batch.rowCount),
        transactions: [{ appId, version: to }],
        readAppIds: [appId],
      };
    },
  };
}

export interface TableOnStore {
  readonly store: ObjectStore;
  readonly root: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** The log's lines, by version, straight from the store: independent of the code under test. */
export async function readLogLines(store: ObjectStore, root: string): Promise<Record<string, unknown>[][]> {
  const table = storeBelow(store, root);
  const commits: Record<string, unknown>[][] = [];
  for await (const { path } of table.list('_delta_log/')) {
    if (!path.endsWith('.json')) continue;
    const text = new TextDecoder().decode(await table.read(path));
    commits.push(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
  }
  return commits;
}

/** Paths in the log's `add` actions, in the order of the log. */
export async function addedPaths(store: ObjectStore, root: string): Promise<string[]> {
  const commits = await readLogLines(store, root);
  return commits.flat().flatMap(({ add }) => (add === undefined ? [] : [(add as { path: string }).path]));
}

export async function dataFiles(store: ObjectStore, root: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { path } of storeBelow(store, root).list('part-')) names.push(path);
  return names;
}

/** `device/sequence` of every row that the log refers to, sorted; read without the code under test. */
export async function committedRows(store: ObjectStore, root: string): Promise<string[]> {
  const table = storeBelow(store, root);
  const rows: string[] = [];
  for (const path of await addedPaths(store, root)) {
    const bytes = (await table.read(path))!;
    const batch = await readParquet(bytes, { columns: ['device_id', 'sequence'] });
    const [device, sequence] = batch.columns;
    for (let row = 0; row < batch.rowCount; row++) {
      rows.push(`${device!.values[row]}/${String(sequence!.values[row]).padStart(6, '0')}`);
    }
  }
  return rows.sort();
}

/** What `committedRows` shows when every row is there once. */
export function expectedRows(partitions: Readonly<Record<string, number>>): string[] {
  return Object.entries(partitions)
    .flatMap(([partition, last]) =>
      Array.from({ length: last }, (_, index) => `${partition}/${String(index + 1).padStart(6, '0')}`),
    )
    .sort();
}
