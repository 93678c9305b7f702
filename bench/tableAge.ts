// Does a table get slower as it ages? Appends at versions 20 and 2,000 of two tables in turns, then what upkeep leaves of the old one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { BlobServiceClient } from '@azure/storage-blob';
import { startAzurite } from '../local/azurite/index.js';
import { type Clock, seededRandom, systemClock } from '../shared/base/index.js';
import {
  type AppendRequest,
  openTable,
  optimizeTable,
  TableWriter,
  writeCheckpoint,
} from '../shared/delta/index.js';
import { createBlobStore, createMemoryStore, type ObjectStore } from '../shared/storage/index.js';
import { telemetry, telemetrySchema } from './telemetry.js';

const versionCount = 2_000;
const rowsPerCommit = 1_000;
/** Appends that a median is taken of: the last ones of the old table, those around `youngVersion` of the young one. */
const sampleSize = 30;
const youngVersion = 20;
/** Of both tables. */
const appendCount = versionCount + youngVersion + sampleSize / 2;
/** Small for the size of this table, so that upkeep leaves more than one file. */
const targetBytes = 8 * 2 ** 20;
/** Appends after the last checkpoint, which whoever opens the table reads one by one. */
const tailCount = 5;

/** Prints latencies and their ratio, live files, and the reads that opening costs. Takes about 20 seconds and 300 MB. */
export async function benchTableAge(write: (line: string) => void): Promise<void> {
  await measureAge(createMemoryStore(systemClock), write);
}

/** The same over HTTP against Azurite, whose latency is part of all that is printed. Takes about two minutes. */
export async function benchTableAgeOnAzurite(write: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-age-'));
  const azurite = await startAzurite({ folder, blobPort: 0, queuePort: 0, tablePort: 0 });
  try {
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    const container = service.getContainerClient('lake');
    await container.create();
    await measureAge(createBlobStore({ container }), write);
  } finally {
    await azurite.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureAge(inner: ObjectStore, write: (line: string) => void): Promise<void> {
  const clock = systemClock;
  const store = new CountingStore(inner);
  const table = { store, root: 'readings', clock, random: seededRandom(1) };
  const latencies = await appendAll(table, write);

  const young = median(latencies.young);
  const old = median(latencies.old);
  write(
    `append of ${rowsPerCommit} rows: ${young.toFixed(2)} ms at version ${youngVersion}, ` +
      `${old.toFixed(2)} ms at version ${versionCount}: ratio ${(old / young).toFixed(2)}`,
  );
  write(`  2 storage writes each, and ${store.readCount} reads in all ${appendCount} appends`);
  await reportOpening('before upkeep', table, write);
  await tend(table, write);
  await reportOpening(`after upkeep and ${tailCount} more appends`, table, write);
}

interface BenchTable {
  readonly store: CountingStore;
  readonly root: string;
  readonly clock: Clock;
  readonly random: ReturnType<typeof seededRandom>;
}

/**
 * Milliseconds of each append around the two versions, of a young table and an old one in turns: what else the machine does while
 * the table ages does not count.
 */
async function appendAll(
  table: BenchTable,
  write: (line: string) => void,
): Promise<{ readonly young: readonly number[]; readonly old: readonly number[] }> {
  // A table apart warms the code up: the first appends would otherwise be slow for a reason that is not their table's age.
  const warm = new TableWriter({ ...table, root: 'warm-up', schema: telemetrySchema });
  for (let round = 0; round < 200; round++) await warm.append(rowsOf(round));
  const oldWriter = new TableWriter({ ...table, schema: telemetrySchema });
  const youngWriter = new TableWriter({ ...table, root: 'young', schema: telemetrySchema });
  await oldWriter.snapshot();
  await youngWriter.snapshot();
  table.store.reset();
  for (let version = 1; version <= versionCount - sampleSize; version++)
    await oldWriter.append(rowsOf(version));
  for (let version = 1; version <= youngVersion - sampleSize / 2; version++)
    await youngWriter.append(rowsOf(version));
  const young: number[] = [];
  const old: number[] = [];
  for (let sample = 0; sample < sampleSize; sample++) {
    const rows = rowsOf(sample);
    young.push(await millisecondsOf(() => youngWriter.append(rows)));
    old.push(await millisecondsOf(() => oldWriter.append(rows)));
  }
  if (table.store.writeCount !== 2 * appendCount)
    write(`  NOT 2 storage writes an append: ${table.store.writeCount} in all`);
  return { young, old };
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Optimize, a checkpoint, and a few appends on top. */
async function tend(table: BenchTable, write: (line: string) => void): Promise<void> {
  const startMs = performance.now();
  let runCount = 1;
  // Until it finds nothing to do, as a timer would; the rows compress better together, so the first run's files may be small again.
  while ((await optimizeTable({ ...table, limits: { targetBytes } })).kind !== 'nothing') runCount++;
  const elapsedMs = performance.now() - startMs;
  await writeCheckpoint(table);
  const { snapshot } = await openTable(table);
  const mostFiles = Math.ceil((2 * snapshot.totalBytes) / targetBytes);
  write(
    `optimize: ${runCount} runs in ${(elapsedMs / 1000).toFixed(1)} s; ${snapshot.files.size} live files ` +
      `for ${(snapshot.totalBytes / 2 ** 20).toFixed(1)} MiB with a target of ${targetBytes / 2 ** 20} MiB; ` +
      `2 x bytes / target: ${mostFiles}`,
  );
  const writer = new TableWriter(table);
  for (let round = 0; round < tailCount; round++) await writer.append(rowsOf(round));
}

function rowsOf(seed: number): AppendRequest {
  const batch = telemetry(rowsPerCommit, seed);
  return { prepare: () => ({ batch, transactions: [], readAppIds: [] }) };
}

async function reportOpening(when: string, table: BenchTable, write: (line: string) => void): Promise<void> {
  table.store.reset();
  const startMs = performance.now();
  const { snapshot } = await openTable(table);
  const elapsedMs = performance.now() - startMs;
  const { readCount, listCount, checkpointReadCount } = table.store;
  write(
    `open ${when}: ${elapsedMs.toFixed(1)} ms, ${listCount} listing and ${readCount} reads ` +
      `(${checkpointReadCount} of a checkpoint) to version ${snapshot.version} with ${snapshot.files.size} files`,
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

class CountingStore implements ObjectStore {
  readCount = 0;
  checkpointReadCount = 0;
  listCount = 0;
  writeCount = 0;

  constructor(private readonly inner: ObjectStore) {}

  reset(): void {
    this.readCount = 0;
    this.checkpointReadCount = 0;
    this.listCount = 0;
    this.writeCount = 0;
  }

  read(...args: Parameters<ObjectStore['read']>) {
    this.readCount++;
    if (args[0].includes('.checkpoint.')) this.checkpointReadCount++;
    return this.inner.read(...args);
  }

  head(path: string) {
    this.readCount++;
    return this.inner.head(path);
  }

  list(...args: Parameters<ObjectStore['list']>) {
    this.listCount++;
    return this.inner.list(...args);
  }

  putIfAbsent(path: string, bytes: Uint8Array) {
    this.writeCount++;
    return this.inner.putIfAbsent(path, bytes);
  }

  put(path: string, bytes: Uint8Array) {
    this.writeCount++;
    return this.inner.put(path, bytes);
  }

  delete(path: string) {
    return this.inner.delete(path);
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  await (argv[2] === 'azurite' ? benchTableAgeOnAzurite : benchTableAge)((line) => console.log(line));
}
