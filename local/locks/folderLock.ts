// One process per data folder: a lock file that names its holder by process id and start time.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TributaryError } from '../../shared/base/index.js';

export interface FolderLock {
  release(): void;
}

/** Held by this process: its own id in a lock file may also be that of a killed process. */
const heldHere = new Set<string>();

export interface FolderLockOptions {
  readonly folder: string;
  /** Name of the lock file in it. */
  readonly fileName: string;
  /** What to throw when a living process holds the folder; `?` when it is gone by the time its name is read. */
  readonly inUse: (processId: string) => TributaryError;
}

/** Makes the folder if need be. A lock that a killed process left behind is taken over. */
export function lockFolder({ folder, fileName, inUse }: FolderLockOptions): FolderLock {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, fileName);
  const own = `${process.pid} ${processStart(process.pid)}\n`;
  for (let attempt = 0; attempt < 2; attempt++) {
    if (createFile(path, own)) {
      heldHere.add(path);
      return {
        release() {
          // Not an error when someone has wiped the folder meanwhile.
          if (heldHere.delete(path)) rmSync(path, { force: true });
        },
      };
    }
    const holder = readIfExists(path);
    if (holder === undefined) continue;
    if (isHeld(path, holder)) throw inUse(processIdOf(holder));
    rmSync(path, { force: true });
  }
  throw inUse(processIdOf(readIfExists(path) ?? ''));
}

function processIdOf(holder: string): string {
  return holder.trim().split(' ')[0] || '?';
}

function isHeld(path: string, holder: string): boolean {
  if (heldHere.has(path)) return true;
  const [pid = '', start = ''] = holder.trim().split(' ');
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
