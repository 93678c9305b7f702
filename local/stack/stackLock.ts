// One `npm start` per state folder: a lock file that names its holder and the services it started.
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface RunningService {
  readonly name: string;
  readonly pid: number;
}

/** A process that can be told from a later one with the same id. */
export interface Identity {
  readonly pid: number;
  /** As `ps` shows it; null where there is no `ps`. */
  readonly commandLine: string | null;
}

export interface IdentifiedService extends Identity {
  readonly name: string;
}

export type LockResult =
  | {
      readonly kind: 'acquired';
      /** Services still running from an earlier run that was killed before it could stop them. */
      readonly leftBehind: readonly IdentifiedService[];
    }
  | { readonly kind: 'held'; readonly pid: number | undefined };

interface Lock extends Identity {
  readonly services: readonly IdentifiedService[];
}

export class StackLock {
  constructor(private readonly file: string) {}

  acquire(): LockResult {
    const found = readJson<Lock>(this.file);
    if (found !== undefined && isStillRunning(found)) return { kind: 'held', pid: found.pid };
    const rival = this.#setAside(found);
    if (rival !== undefined) return { kind: 'held', pid: rival };
    try {
      this.#write([], 'wx');
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      return { kind: 'held', pid: readJson<Lock>(this.file)?.pid };
    }
    return { kind: 'acquired', leftBehind: (found?.services ?? []).filter(isStillRunning) };
  }

  /** So that the next run finds these services when this process is killed. */
  recordServices(services: readonly RunningService[]): void {
    this.#write(services, 'w');
  }

  release(): void {
    if (readJson<Lock>(this.file)?.pid !== process.pid) return;
    rmSync(this.file, { force: true });
  }

  #write(services: readonly RunningService[], flag: 'w' | 'wx'): void {
    const lock: Lock = {
      ...identify(process.pid),
      services: services.map(({ name, pid }) => ({ name, ...identify(pid) })),
    };
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

function identify(pid: number): Identity {
  const result = spawnSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8' });
  return { pid, commandLine: result.status === 0 ? result.stdout.trim() : null };
}

/**
 * Process ids are used again, so the process must also have the same command line, where the system can tell. One that
 * has ended but was not collected by its parent yet has another one, and counts as ended.
 */
export function isStillRunning({ pid, commandLine }: Identity): boolean {
  if (!isAlive(pid)) return false;
  const now = identify(pid).commandLine;
  return now === null || commandLine === null || now === commandLine;
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
