// Damage anywhere in a table - log, checkpoint, sidecar, deletion vector, data file - ends in an error with a code, or is
// harmless; never in another error, a hang or a crash.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import {
  openTable,
  parseTableColumns,
  readSnapshotAt,
  scanTable,
  TableWriter,
  writeCheckpoint,
} from '../../shared/delta/index.js';
import { createMemoryStore, type ObjectStore, storeBelow } from '../../shared/storage/index.js';
import { canonicalRows, digestOf } from '../support/canonicalRows.js';
import { type CheckpointRows, checkpointBytes } from '../support/checkpointFile.js';
import { partitionAppend, readingsSchema, readLogLines } from '../support/deltaFixtures.js';
import { InstantClock } from '../support/instantClock.js';
import { encodeZ85, vectorBytes } from '../support/roaring.js';
import { ofSeeds } from '../support/seeds.js';

const root = 't';
const digits = (version: number): string => String(version).padStart(20, '0');

/** Commits, a V2 checkpoint with a sidecar, a file with a deletion vector. */
async function setUp(): Promise<{ store: ObjectStore; clock: InstantClock }> {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (const last of [3, 8]) await writer.append(partitionAppend('p0', 1, last));
  const lines = (await readLogLines(store, root)).flat();
  const files = storeBelow(store, root);
  const adds = lines.filter(({ add }) => add !== undefined) as CheckpointRows;
  const vector = vectorBytes([1, 2]);
  const [first] = adds as unknown as [{ add: { path: string } }];
  const commit = [
    {
      protocol: {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['deletionVectors'],
        writerFeatures: ['deletionVectors'],
      },
    },
    { remove: { path: first.add.path, dataChange: true } },
    {
      add: {
        ...first.add,
        deletionVector: {
          storageType: 'i',
          pathOrInlineDv: encodeZ85(vector),
          sizeInBytes: vector.length,
          cardinality: 2,
        },
      },
    },
  ];
  const encode = (rows: readonly object[]) =>
    new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await files.put(`_delta_log/${digits(3)}.json`, encode(commit));
  await files.put('_delta_log/_sidecars/s.parquet', checkpointBytes(adds));
  const top = [
    { checkpointMetadata: { version: 2 } },
    ...lines.filter(({ protocol, metaData }) => protocol !== undefined || metaData !== undefined),
    { sidecar: { path: 's.parquet', sizeInBytes: 1, modificationTime: 1 } },
  ];
  const name = `${digits(2)}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json`;
  await files.put(`_delta_log/${name}`, encode(top));
  await files.put('_delta_log/_last_checkpoint', encode([{ version: 2, size: 4 }]));
  return { store, clock };
}

async function readAll(store: ObjectStore, clock: InstantClock): Promise<number> {
  const { snapshot } = await openTable({ store, root, clock });
  let rowCount = 0;
  for await (const batch of scanTable({ store, root, snapshot })) rowCount += batch.rowCount;
  return rowCount;
}

describe('a damaged table', () => {
  it('ends in an error with a code, or is read', async () => {
    const { store, clock } = await setUp();
    assert.equal(await readAll(store, clock), 6);
    await store.delete(`${root}/_delta_log/${digits(0)}.json`); // so that the checkpoint is needed
    const paths: string[] = [];
    for await (const { path } of store.list(`${root}/`)) paths.push(path);
    const random = seededRandom(23);
    const codes = new Set<string>();
    for (let attempt = 0; attempt < ofSeeds(1500); attempt++) {
      const path = paths[attempt % paths.length]!;
      const bytes = (await store.read(path))!;
      const damaged = bytes.slice(
        0,
        random.next() < 0.2 ? Math.floor(random.next() * bytes.length) : undefined,
      );
      const at = Math.floor(random.next() * damaged.length);
      if (damaged.length > 0) damaged[at] = damaged[at]! ^ (1 << Math.floor(random.next() * 8));
      await store.put(path, damaged);
      try {
        await readAll(store, clock);
      } catch (error) {
        assert.ok(error instanceof TributaryError, `${path}, byte ${at}: ${(error as Error).stack}`);
        codes.add(error.code);
      }
      await store.put(path, bytes);
    }
    for (const code of ['DELTA_LOG_CORRUPT', 'PARQUET_INVALID', 'DELTA_FILE_MISSING'])
      assert.ok(codes.has(code), code);
    assert.equal(await readAll(store, clock), 6);
  });

  it('is named by the file that is missing', async () => {
    const { store, clock } = await setUp();
    const snapshot = await readSnapshotAt({ store, root, version: 2 });
    const [first] = [...snapshot.files.values()];
    await store.delete(`${root}/${first!.path}`);
    await assert.rejects(readAll(store, clock), {
      code: 'DELTA_FILE_MISSING',
      message: new RegExp(first!.path),
    });
  });
});

/** Rows in an order of their own, as one text. */
async function contentOf(table: {
  readonly store: ObjectStore;
  readonly clock: InstantClock;
}): Promise<string> {
  const { snapshot } = await openTable({ ...table, root });
  const columns = parseTableColumns(snapshot.metadata.schemaString);
  const rows: string[] = [];
  for await (const batch of scanTable({ ...table, root, snapshot }))
    rows.push(...canonicalRows(batch, columns));
  return digestOf(rows);
}

/** Pages of data files and checkpoints have checksums; four commits, of which a checkpoint sums up the first three. */
async function setUpOurs() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (const last of [3, 8, 9]) await writer.append(partitionAppend('p0', 1, last));
  await writeCheckpoint({ ...table, version: 2 });
  for (const version of [0, 1]) await store.delete(`${root}/_delta_log/${digits(version)}.json`);
  return { store, clock };
}

type Damage = (bytes: Uint8Array, at: number, noise: () => number) => Uint8Array | undefined;

const damages: Readonly<Record<string, Damage>> = {
  flip: (bytes, at, noise) => bytes.with(at, bytes[at]! ^ (1 << (noise() & 7))),
  cut: (bytes, at) => bytes.slice(0, at),
  excise: (bytes, at, noise) => Uint8Array.of(...bytes.slice(0, at), ...bytes.slice(at + 1 + noise())),
  noise: (bytes, at, noise) => bytes.map((byte, index) => (index >= at && index < at + 40 ? noise() : byte)),
  repeat: (bytes, at) => Uint8Array.of(...bytes.slice(0, at), ...bytes.slice(Math.floor(at / 2))),
  delete: () => undefined,
};

/** A commit has no checksum: what is left as JSON may be what somebody wrote. */
function isStillJson(path: string, bytes: Uint8Array | undefined): boolean {
  if (!path.endsWith('.json')) return false;
  if (bytes === undefined) return true;
  try {
    for (const line of new TextDecoder('utf-8', { fatal: true }).decode(bytes).split('\n'))
      if (line.trim() !== '') JSON.parse(line);
    return bytes.length > 0;
  } catch {
    return false;
  }
}

describe('a damaged table of ours', () => {
  it('ends in an error that names the file, or has exactly its rows', async () => {
    const table = await setUpOurs();
    const { store } = table;
    const wanted = await contentOf(table);
    const paths: string[] = [];
    for await (const { path } of store.list(`${root}/`)) paths.push(path);
    const random = seededRandom(31);
    const noise = (): number => Math.floor(random.next() * 256);
    const names = Object.keys(damages);
    let refused = 0;
    let unharmed = 0;
    for (let attempt = 0; attempt < 1_200; attempt++) {
      const path = paths[attempt % paths.length]!;
      const name = names[Math.floor(attempt / paths.length) % names.length]!;
      const whole = (await store.read(path))!;
      const at = Math.floor(random.next() * whole.length);
      const damaged = damages[name]!(whole, at, noise);
      if (damaged === undefined) await store.delete(path);
      else await store.put(path, damaged);
      const place = `${name} at ${at} of ${path}`;
      try {
        const content = await contentOf(table);
        if (!isStillJson(path, damaged)) assert.equal(content, wanted, place);
        unharmed++;
      } catch (error) {
        assert.ok(error instanceof TributaryError, `${place}: ${(error as Error).stack}`);
        const file = path.slice(path.lastIndexOf('/') + 1);
        if (!isStillJson(path, damaged))
          assert.ok(error.message.includes(file), `${place}: ${error.message}`);
        refused++;
      }
      await store.put(path, whole);
    }
    assert.ok(refused > 300 && unharmed > 300, `${refused} refused, ${unharmed} unharmed`);
    assert.equal(await contentOf(table), wanted);
  });
});
