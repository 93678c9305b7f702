// How fast small files become one, and how much memory that takes: in a process of its own, as the peak memory of a process
// says nothing about a part of what it did.
import { execFile } from 'node:child_process';
import { argv, resourceUsage } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { seededRandom, systemClock } from '../shared/base/index.js';
import { TableWriter } from '../shared/delta/index.js';
import { commitCompaction, planCompaction, rewriteFiles } from '../shared/maintenance/index.js';
import { createMemoryStore } from '../shared/storage/index.js';
import { telemetry, telemetrySchema } from './telemetry.js';

/** Files of one bin; the second is as many as the limit of rows in `planCompaction` lets into one. */
const fileCounts = [200, 800];
const rowsPerFile = 2_500;
const limits = { targetFileBytes: 128 * 2 ** 20, minimumSmallFiles: 5 };
const sortBy = ['device_id', 'event_time'];
const instanceMiB = 2_048;

interface Measured {
  readonly seconds: number;
  readonly rowCount: number;
  readonly inputMiB: number;
  readonly baseMiB: number;
  readonly peakMiB: number;
}

/** Prints rows a second and peak memory of bins of 500,000 and of 1,000,000 rows. Takes about 15 seconds. */
export async function benchCompaction(write: (line: string) => void): Promise<void> {
  for (const fileCount of fileCounts) await benchBin(fileCount, write);
}

async function benchBin(fileCount: number, write: (line: string) => void): Promise<void> {
  const script = fileURLToPath(import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, [script, 'measure', String(fileCount)]);
  const { seconds, rowCount, inputMiB, baseMiB, peakMiB } = JSON.parse(stdout) as Measured;
  write(
    `${fileCount} files into one, sorted: ${rowCount.toLocaleString('en')} rows of ${telemetrySchema.fields.length} columns in ${seconds.toFixed(1)} s, ` +
      `${Math.round(rowCount / seconds).toLocaleString('en')} rows/s`,
  );
  write(
    `  peak memory of the process ${peakMiB.toFixed(0)} MiB, ${((100 * peakMiB) / instanceMiB).toFixed(0)} % of a 2 GB instance ` +
      `(${baseMiB.toFixed(0)} MiB before the rewrite, ${inputMiB.toFixed(0)} MiB of it the store in memory)`,
  );
}

async function measure(fileCount: number): Promise<Measured> {
  const clock = systemClock;
  const table = { store: createMemoryStore(clock), root: 'readings', clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: telemetrySchema });
  for (let file = 0; file < fileCount; file++) {
    const batch = telemetry(rowsPerFile, file);
    await writer.append({ prepare: () => ({ batch, transactions: [], readAppIds: [] }) });
  }
  const plan = await planCompaction(table, limits);
  const [bin] = plan.bins;
  if (bin === undefined || plan.bins.length > 1) throw new Error(`${plan.bins.length} bins instead of one`);
  const baseMiB = resourceUsage().maxRSS / 1024;
  const startMs = performance.now();
  const result = await rewriteFiles(table, bin, sortBy);
  const seconds = (performance.now() - startMs) / 1000;
  const peakMiB = resourceUsage().maxRSS / 1024;
  await commitCompaction(table, plan, [result]);
  if (result.kind !== 'rewritten') throw new Error('nobody else was there to remove the files');
  return {
    seconds,
    rowCount: result.rowCount,
    inputMiB: writer.metrics.dataBytes / 2 ** 20,
    baseMiB,
    peakMiB,
  };
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  if (argv[2] === 'measure') process.stdout.write(JSON.stringify(await measure(Number(argv[3]))));
  else await benchCompaction((line) => console.log(line));
}
