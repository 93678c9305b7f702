// A Python environment with delta-rs and Spark, engines that are not ours and not from npm. Made on first use, kept in .local/.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');
const environment = join(root, '.local', 'interop-python');
const installStamp = join(environment, 'installed.txt');
const packages = ['deltalake==1.6.6', 'pyarrow==26.0.1', 'pyspark==4.0.1'];
const deltaSpark = 'io.delta:delta-spark_2.13:4.0.1';
const jarCache = join(root, '.local', `interop-jars-${deltaSpark.split(':').pop()}`);
/** What Spark 4 runs on. */
const oldestJava = 17;

export const python = join(environment, 'bin', 'python');
export const jarFolder = join(jarCache, 'jars');

export function scriptPath(script: string): string {
  return join(root, 'test', 'interop', script);
}

/** Makes the Python environment once. @returns why the suite cannot run, or undefined */
export function preparePython(): string | undefined {
  if (spawnSync('python3', ['--version']).status !== 0) return 'python3 is not installed';
  const wanted = packages.join('\n');
  if (existsSync(installStamp) && readFileSync(installStamp, 'utf8') === wanted) return undefined;
  const made = spawnSync('python3', ['-m', 'venv', environment], { encoding: 'utf8' });
  if (made.status !== 0) return `python3 -m venv failed: ${made.stderr.trim()}`;
  const installed = spawnSync(python, ['-m', 'pip', 'install', '--quiet', ...packages], { encoding: 'utf8' });
  if (installed.status !== 0)
    return `pip could not install ${packages.join(' ')}: ${installed.stderr.trim()}`;
  writeFileSync(installStamp, wanted);
  return undefined;
}

/** Like `preparePython`, and fetches what Spark needs for Delta tables. */
export function prepareSpark(): string | undefined {
  const obstacle = preparePython() ?? javaObstacle();
  if (obstacle !== undefined || hasJars()) return obstacle;
  const fetched = spawnSync(python, [scriptPath('fetchJars.py'), deltaSpark, jarCache], { encoding: 'utf8' });
  return fetched.status === 0 && hasJars()
    ? undefined
    : `Spark could not fetch ${deltaSpark}: ${fetched.stderr.trim().slice(-2000)}`;
}

function hasJars(): boolean {
  const names = existsSync(jarFolder) ? readdirSync(jarFolder) : [];
  return ['delta-spark', 'delta-storage'].every((part) => names.some((name) => name.includes(part)));
}

function javaObstacle(): string | undefined {
  const home = process.env.JAVA_HOME;
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
  const { status, stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' });
  if (status !== 0) return `Java is not installed; Spark needs version ${oldestJava} or later`;
  const version = /version "(\d+)/.exec(stderr)?.[1];
  return Number(version) >= oldestJava
    ? undefined
    : `Java ${version} is too old; Spark needs version ${oldestJava} or later`;
}

/** Runs a script of this folder with JSON in and out. */
export function runPython(script: string, input: unknown): Record<string, unknown> {
  const result = spawnSync(python, [scriptPath(script)], { input: JSON.stringify(input), encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout) as Record<string, unknown>;
}
