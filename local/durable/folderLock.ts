// One backend per data folder: a lock file that names its holder. A killed process's lock is taken over.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TributaryError } from '../../shared/base/index.js';

export interface FolderLock {
  release(): void;
}

/** Held by this process: its own id in a lock file may also be that of a killed process. */
const heldHere = new Set<string>();

/** @throws TributaryError LOCAL_START_FAILED when a living process holds the folder */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'durable.lock');
  const own = `${process.pid} ${processStart(process.pid)}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    if (createFile(path, own)) {
      heldHere.add(path);
      return {
        release() {
          if (heldHere.delete(path)) rmSync(path, { force: true });
        },
      };
    }
    const holder = readIfExists(path) ?? '';
    if (isHeld(path, holder)) throw inUse(folder, holder);
    rmSync(path, { force: true });
  }
  throw inUse(folder, readIfExists(path) ?? '');
}

function isHeld(path: string, holder: string): boolean {
  if (heldHere.has(path)) return true;
  const [pid = '', start = ''] = holder.split(' ');
  // Process ids are used again; the start time tells two processes apart.
  return Number(pid) !== process.pid && isAlive(Number(pid)) && start === processStart(Number(pid));
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}

/** Clock ticks since boot at which the process began; empty where there is no /proc. */
function processStart(pid: number): string {
  const stat = readIfExists(`/proc/${pid}/stat`);
  // The second field is the command in parentheses and may hold spaces; the start time is the 22nd.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function createFile(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function inUse(folder: string, holder: string): TributaryError {
  return new TributaryError(
    'LOCAL_START_FAILED',
    `The Durable data folder ${folder} is in use by process ${holder.split(' ')[0] || '?'}. Stop that host, or name another folder with --durable-data.`,
  );
}
