// Runs the suites with node's own test runner: `unit` and `interop` two files at a time, `integration` one by one because it shares
// two cores with the processes it starts. Those of `interop` share them, too, but mostly wait for a JVM that uses one.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const suites: Readonly<Record<string, readonly string[]>> = {
  unit: ['unit'],
  integration: ['integration'],
  interop: ['interop'],
  all: ['unit', 'integration'],
};

const testRoot = join(import.meta.dirname, '..');
const [suiteName = 'all', ...filters] = process.argv.slice(2);
const wanted = suites[suiteName];
if (wanted === undefined) {
  console.error(`Unknown suite "${suiteName}". Known: ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}

const files = readdirSync(testRoot, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js') && wanted.includes(suiteOf(file)))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort()
  .map((file) => join(testRoot, file));
if (files.length === 0) {
  console.error(`No test file matches ${filters.join(' ') || suiteName}.`);
  process.exit(1);
}

const concurrency = suiteName === 'unit' || suiteName === 'interop' ? '2' : '1';
const result = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--test', `--test-concurrency=${concurrency}`, '--test-reporter=spec', ...files],
  { stdio: 'inherit' },
);
process.exit(result.status ?? 1);

function suiteOf(file: string): string {
  const folder = file.split(/[\\/]/)[0] ?? '';
  return folder === 'integration' || folder === 'interop' ? folder : 'unit';
}
