// How fast landed files become rows, and how much memory that takes: many small files, and one large one. In a process of its own,
// as the peak memory of a process says nothing about a part of what it did. The peer reads the same files in the same run.
import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, resourceUsage } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { loadFiles, type OpenFileStream, openFileStream } from '../shared/autoloader/index.js';
import { seededRandom, silentLogger, systemClock, systemRandom } from '../shared/base/index.js';
import { definePipeline } from '../shared/pipeline/index.js';
import { createMemoryLedger, createMemoryStore } from '../shared/storage/index.js';
import { LandingFolder } from './landingFolder.js';

const smallFiles = { fileCount: 2_000, recordsPerFile: 20 };
/** About 289 MB. `node dist/bench/files.js large 5200000` has 1 GB: the peak then grows by the data files, which are in memory here. */
const largeFile = { fileCount: 1, recordsPerFile: 1_500_000 };
const instanceMiB = 2_048;
/** Of a storage account in the same region, to the first byte of a small blob. */
const remoteMs = 20;

interface Measured {
  readonly seconds: number;
  readonly rowCount: number;
  readonly byteCount: number;
  readonly baseMiB: number;
  readonly peakMiB: number;
}

/** Takes about a minute. */
export async function benchFiles(write: (line: string) => void): Promise<void> {
  await benchLanding('small JSON files', smallFiles, write);
  await benchLanding(`small JSON files, ${remoteMs} ms away`, { ...smallFiles, latencyMs: remoteMs }, write);
  await benchLanding('one NDJSON file', largeFile, write);
}

interface Landed {
  readonly fileCount: number;
  readonly recordsPerFile: number;
  readonly latencyMs?: number;
}

async function benchLanding(
  what: string,
  { fileCount, recordsPerFile, latencyMs = 0 }: Landed,
  write: (line: string) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-files-'));
  try {
    writeFiles(folder, fileCount, recordsPerFile);
    const script = fileURLToPath(import.meta.url);
    const { stdout } = await promisify(execFile)(process.execPath, [
      script,
      'measure',
      folder,
      String(latencyMs),
    ]);
    const { seconds, rowCount, byteCount, baseMiB, peakMiB } = JSON.parse(stdout) as Measured;
    if (rowCount !== fileCount * recordsPerFile) throw new Error(`${rowCount} rows were loaded`);
    const peerSeconds = await readWithDuckDb(folder, rowCount);
    const rate = (count: number) => Math.round(count / seconds).toLocaleString('en');
    const megabytes = byteCount / 1e6;
    write(
      `${what}: ${fileCount.toLocaleString('en')} of ${megabytes.toFixed(1)} MB, ${rowCount.toLocaleString('en')} rows in ${seconds.toFixed(1)} s: ` +
        `${rate(fileCount)} files/s, ${rate(rowCount)} rows/s, ${(megabytes / seconds).toFixed(1)} MB/s`,
    );
    write(
      `  peak memory of the process ${peakMiB.toFixed(0)} MiB, ${((100 * peakMiB) / instanceMiB).toFixed(0)} % of a 2 GB instance (${baseMiB.toFixed(0)} MiB before)`,
    );
    write(
      `  DuckDB read_json into Parquet, one thread: ${peerSeconds.toFixed(1)} s; ${(peerSeconds / seconds).toFixed(2)} of its speed`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeFiles(folder: string, fileCount: number, recordsPerFile: number): void {
  const random = seededRandom(11);
  for (let file = 0; file < fileCount; file++) {
    const name = join(folder, `${String(file).padStart(6, '0')}.ndjson`);
    if (recordsPerFile <= 1_000) {
      writeFileSync(name, Array.from({ length: recordsPerFile }, (_, n) => recordText(n, random)).join(''));
      continue;
    }
    const handle = openSync(name, 'w');
    for (let start = 0; start < recordsPerFile; start += 1_000) {
      const count = Math.min(1_000, recordsPerFile - start);
      writeSync(handle, Array.from({ length: count }, (_, n) => recordText(start + n, random)).join(''));
    }
    closeSync(handle);
  }
}

function recordText(n: number, random: { next(): number }): string {
  const value = (scale: number) => Math.round(random.next() * scale * 100) / 100;
  const record = {
    deviceId: `sensor-${String(n % 500).padStart(3, '0')}`,
    ts: new Date(1_760_000_000_000 + 1_000 * n).toISOString(),
    temperature: value(40),
    humidity: value(100),
    pressure: value(1_000),
    battery: random.next(),
    location: { lat: value(90), lon: value(180) },
    status: random.next() < 0.9 ? 'OK' : 'WARN',
  };
  return `${JSON.stringify(record)}\n`;
}

/** From the listing to the last commit into a table that is there already; the lake and the ledger are in memory. */
async function measure(folder: string, latencyMs: number): Promise<Measured> {
  const { files } = definePipeline({
    source: { eventHub: 'hub' },
    deviceId: { from: 'id' },
    eventTime: { from: 'time' },
    fields: { temperature: { type: 'double' } },
    files: { landed: { container: 'input-files', schemaHints: { ts: 'timestamp' } } },
  });
  const lake = createMemoryStore(systemClock);
  const landing = new LandingFolder(folder, latencyMs);
  const { discovery, loader, ledger } = openFileStream(files[0]!, {
    ...{ lake, landing, ledger: createMemoryLedger() },
    ...{ clock: systemClock, random: systemRandom, logger: silentLogger },
    ...{ tableRoot: 'tables/landed', quarantineRoot: 'tables/quarantine' },
  });
  await makeTable(folder, discovery, loader);
  const baseMiB = resourceUsage().maxRSS / 1024;
  const startMs = performance.now();
  await discovery.list();
  const { byteCount } = await ledger.outstanding();
  const batches = await loadFiles(loader);
  const seconds = (performance.now() - startMs) / 1_000;
  const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  return { seconds, rowCount, byteCount, baseMiB, peakMiB: resourceUsage().maxRSS / 1024 };
}

/** The first batch of a stream reads its files twice, since they decide on the columns: one record does. */
async function makeTable(
  folder: string,
  discovery: OpenFileStream['discovery'],
  loader: OpenFileStream['loader'],
): Promise<void> {
  writeFileSync(join(folder, 'first.json'), recordText(0, { next: () => 0.125 }));
  await discovery.enter('first.json');
  await loadFiles(loader);
}

/** One thread, as we have; with its own inference over all files, and compressed as our data files are. */
async function readWithDuckDb(folder: string, rowCount: number): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  try {
    const connection = await instance.connect();
    const startMs = performance.now();
    await connection.run(
      `copy (select * from read_json('${folder}/*.ndjson', format = 'newline_delimited', union_by_name = true, filename = true))
       to '${join(folder, 'peer.parquet')}' (format parquet, compression snappy)`,
    );
    const seconds = (performance.now() - startMs) / 1_000;
    const reader = await connection.runAndReadAll(
      `select count(*)::int from '${join(folder, 'peer.parquet')}'`,
    );
    connection.closeSync();
    if (reader.getRows()[0]?.[0] !== rowCount) throw new Error('the peer read other rows');
    return seconds;
  } finally {
    instance.closeSync();
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const write = (line: string) => console.log(line);
  if (argv[2] === 'measure')
    process.stdout.write(JSON.stringify(await measure(String(argv[3]), Number(argv[4]))));
  else if (argv[2] === 'remote')
    await benchLanding(
      `small JSON files, ${argv[3]} ms away`,
      { ...smallFiles, latencyMs: Number(argv[3]) },
      write,
    );
  else if (argv[2] === 'large')
    await benchLanding('one NDJSON file', { fileCount: 1, recordsPerFile: Number(argv[3]) }, write);
  else await benchFiles(write);
}
