// Runs the suites with node's own test runner, two processes at a time: two cores are what CI has, and tests that start processes or
// ask a JVM mostly wait. `unit` shares processes among the files of a folder: starting one and loading the product takes longer than
// most files.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const testRoot = join(import.meta.dirname, '..');

interface Suite {
  readonly isMember: (file: string) => boolean;
  /** Whether files of a folder share a process. */
  readonly isShared: boolean;
  /** For seeds.ts. */
  readonly allSeeds?: boolean;
  /** Run once before the tests. */
  readonly preparation?: string;
}

const topFolder = (file: string): string => /^[^\\/]+(?=[\\/])/.exec(file)?.[0] ?? '';
const isUnit = (file: string): boolean => !['integration', 'interop'].includes(topFolder(file));
const isSeeded = (file: string): boolean =>
  isUnit(file) && readFileSync(join(testRoot, file), 'utf8').includes('/support/seeds.js');

const unit: Suite = { isMember: isUnit, isShared: true };
const seeded: Suite = { ...unit, isMember: isSeeded, allSeeds: true };
const integration: Suite = { isMember: (file) => topFolder(file) === 'integration', isShared: false };
const interop: Suite = {
  isMember: (file) => topFolder(file) === 'interop',
  isShared: false,
  preparation: join('interop', 'prepare.js'),
};

const suites: Readonly<Record<string, readonly Suite[]>> = {
  unit: [unit],
  seeded: [seeded],
  integration: [integration],
  interop: [interop],
  all: [{ ...unit, allSeeds: true }, integration],
};

const processCount = 2;
/** They load the function app, whose functions register themselves once in a process. */
const needOwnProcess = [join('functions', 'recordedHistories.test.js')];
const entryFolder = join(testRoot, `entries-${process.pid}`);
/** A folder with more files than this is spread over processes, so that none is the last for long. */
const filesPerProcess = 20;
/** Of a test, and of all tests of a process: far more than they take on the busiest machine, since only what hangs must end. */
const testTimeoutMs = 3_600_000;

const [suiteName = 'all', ...filters] = process.argv.slice(2);
const wanted = suites[suiteName];
if (wanted === undefined) {
  console.error(`Unknown suite "${suiteName}". Known: ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}

const allFiles = readdirSync(testRoot, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();
const runs = wanted
  .map((suite) => ({ suite, files: allFiles.filter(suite.isMember) }))
  .filter(({ files }) => files.length > 0);
if (runs.length === 0) {
  console.error(`No test file matches ${filters.join(' ') || suiteName}.`);
  process.exit(1);
}
// All of them, also when one fails: whoever mends it sees everything at once.
const statuses = runs.map(({ suite, files }) => run(suite, files));
rmSync(entryFolder, { recursive: true, force: true });
process.exit(statuses.find((status) => status !== 0) ?? 0);

/** @returns the exit code */
function run({ isShared, allSeeds = false, preparation }: Suite, files: readonly string[]): number {
  if (preparation !== undefined)
    spawnSync(process.execPath, [join(testRoot, preparation)], { stdio: 'inherit' });
  const paths = isShared ? writeEntries(files) : files.map((file) => join(testRoot, file));
  const { status } = spawnSync(
    process.execPath,
    [
      ...['--enable-source-maps', '--test', `--test-concurrency=${processCount}`],
      ...[`--test-timeout=${testTimeoutMs}`, '--test-reporter=spec'],
      ...paths,
    ],
    { stdio: 'inherit', env: { ...process.env, TEST_SEEDS: allSeeds ? 'all' : 'few' } },
  );
  return status ?? 1;
}

/** Modules that import test files of one folder, each within a suite of its own name: hooks of a file stay its own. */
function writeEntries(files: readonly string[]): string[] {
  mkdirSync(entryFolder);
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const group = needOwnProcess.includes(file) ? file : dirname(file);
    groups.set(group, [...(groups.get(group) ?? []), file]);
  }
  return (
    [...groups.values()]
      .flatMap((group) => chunksOf(group, filesPerProcess))
      // The runner takes them in the order of their names: the largest first, small ones fill up the end.
      .sort((left, right) => right.length - left.length)
      .map((chunk, index) => {
        const path = join(entryFolder, `${String(index + 1).padStart(2, '0')}.mjs`);
        const lines = chunk.map((file) => {
          const url = pathToFileURL(join(testRoot, file)).href;
          return `await describe(${JSON.stringify(file)}, async () => void (await import(${JSON.stringify(url)})));\n`;
        });
        writeFileSync(path, `import { describe } from 'node:test';\n${lines.join('')}`);
        return path;
      })
  );
}

/** Of about equal length, none longer than `most`. */
function chunksOf<T>(items: readonly T[], most: number): T[][] {
  const count = Math.ceil(items.length / most);
  return Array.from({ length: count }, (_, index) => items.filter((_, place) => place % count === index));
}
