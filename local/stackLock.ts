// One `npm start` per state folder: a lock file that names its holder and the services it started.
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface RunningService {
  readonly name: string;
  readonly pid: number;
  /** Path of its script, by which the process is recognised. */
  readonly script: string;
}

export type LockResult =
  | {
      readonly kind: 'acquired';
      /** Services still running from an earlier run that was killed before it could stop them. */
      readonly leftBehind: readonly RunningService[];
    }
  | { readonly kind: 'held'; readonly pid: number | undefined };

interface Lock {
  readonly pid: number;
  readonly script: string;
  readonly services: readonly RunningService[];
}

export class StackLock {
  constructor(private readonly file: string) {}

  acquire(): LockResult {
    const found = readJson<Lock>(this.file);
    if (found !== undefined && looksLike(found.pid, found.script)) return { kind: 'held', pid: found.pid };
    const rival = this.#setAside(found);
    if (rival !== undefined) return { kind: 'held', pid: rival };
    try {
      this.#write([], 'wx');
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      return { kind: 'held', pid: readJson<Lock>(this.file)?.pid };
    }
    const services = found?.services ?? [];
    return { kind: 'acquired', leftBehind: services.filter(({ pid, script }) => looksLike(pid, script)) };
  }

  /** So that the next run finds these services when this process is killed. */
  recordServices(services: readonly RunningService[]): void {
    this.#write(services, 'w');
  }

  release(): void {
    rmSync(this.file, { force: true });
  }

  #write(services: readonly RunningService[], flag: 'w' | 'wx'): void {
    const lock: Lock = { pid: process.pid, script: process.argv[1] ?? '', services };
    writeFileSync(this.file, `${JSON.stringify(lock)}\n`, { flag });
  }

  /**
   * Renames the lock of a dead process away: of two starts at once only one gets hold of it.
   * @returns the process id of a rival that was quicker and whose lock was put back
   */
  #setAside(expected: Lock | undefined): number | undefined {
    const aside = `${this.file}.stale`;
    try {
      renameSync(this.file, aside);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    const moved = readJson<Lock>(aside);
    if (moved !== undefined && moved.pid !== expected?.pid) {
      renameSync(aside, this.file);
      return moved.pid;
    }
    rmSync(aside, { force: true });
    return undefined;
  }
}

/** Process ids are used again, so the process must also run that script, where the system can tell. */
function looksLike(pid: number, script: string): boolean {
  if (!isAlive(pid)) return false;
  const result = spawnSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8' });
  return result.status !== 0 || result.stdout.includes(script);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Undefined when there is no such file, or when it was cut off by a crash. */
export function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
