// A Python environment with delta-rs, an engine that is not ours and not from npm.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');
const environment = join(root, '.local', 'interop-python');
const python = join(environment, 'bin', 'python');
const packages = ['deltalake==1.6.6', 'pyarrow==26.0.1'];

/** Makes the Python environment once. @returns why the suite cannot run, or undefined */
export function preparePython(): string | undefined {
  if (spawnSync('python3', ['--version']).status !== 0) return 'python3 is not installed';
  if (existsSync(python) && spawnSync(python, ['-c', 'import deltalake, pyarrow']).status === 0)
    return undefined;
  const made = spawnSync('python3', ['-m', 'venv', environment], { encoding: 'utf8' });
  if (made.status !== 0) return `python3 -m venv failed: ${made.stderr.trim()}`;
  const installed = spawnSync(python, ['-m', 'pip', 'install', '--quiet', ...packages], { encoding: 'utf8' });
  return installed.status === 0
    ? undefined
    : `pip could not install ${packages.join(' ')}: ${installed.stderr.trim()}`;
}

/** Runs a script of this folder with JSON in and out. */
export function runPython(script: string, input: unknown): Record<string, unknown> {
  const result = spawnSync(python, [join(root, 'test', 'interop', script)], {
    input: JSON.stringify(input),
    encoding: 'utf8',
  });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout) as Record<string, unknown>;
}
