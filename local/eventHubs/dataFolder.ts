// What the emulator keeps on disk: a lock, and per hub a description and the partitions' segment files.
import { mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TributaryError } from '../../shared/base/index.js';

export interface HubRecord {
  readonly name: string;
  readonly partitionCount: number;
  readonly createdAtMs: number;
}

/** Locks held by this process: its own process id in a lock file says nothing about who holds it. */
const heldHere = new Set<string>();

export class DataFolder {
  readonly #path: string;
  readonly #lockPath: string;

  /**
   * Takes the folder for this process; a lock that a killed process left behind is taken over.
   * @throws TributaryError LOCAL_START_FAILED when a living process holds it
   */
  constructor(path: string) {
    this.#path = resolve(path);
    this.#lockPath = join(this.#path, 'emulator.lock');
    mkdirSync(this.#path, { recursive: true });
    this.#lock();
  }

  /** @throws TributaryError LOCAL_STATE_MISMATCH when the description cannot be read */
  readHub(hubName: string): HubRecord | undefined {
    const path = this.#hubFile(hubName);
    const text = readIfExists(path);
    if (text === undefined) return undefined;
    const record = parseHubRecord(text);
    if (record !== undefined) return record;
    throw new TributaryError(
      'LOCAL_STATE_MISMATCH',
      `${path} does not describe an event hub. Restore the file, or delete the folder ${join(path, '..')} to start with an empty hub.`,
    );
  }

  writeHub(record: HubRecord): void {
    const path = this.#hubFile(record.name);
    mkdirSync(join(path, '..'), { recursive: true });
    // Written beside and renamed, so that a crash never leaves half a description.
    writeFileSync(`${path}.new`, `${JSON.stringify(record, undefined, 2)}\n`);
    renameSync(`${path}.new`, path);
  }

  deleteHub(hubName: string): void {
    rmSync(join(this.#hubFile(hubName), '..'), { recursive: true, force: true });
  }

  partitionFolder(hubName: string, partitionId: number): string {
    return join(this.#hubFile(hubName), '..', String(partitionId));
  }

  unlock(): void {
    // Not an error when someone has wiped the folder meanwhile.
    if (heldHere.delete(this.#lockPath)) rmSync(this.#lockPath, { force: true });
  }

  #hubFile(hubName: string): string {
    return join(this.#path, hubName.toLowerCase(), 'hub.json');
  }

  #lock(): void {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (createLock(this.#lockPath)) {
        heldHere.add(this.#lockPath);
        return;
      }
      const holder = readIfExists(this.#lockPath);
      if (holder === undefined) continue;
      if (this.#isHeld(holder)) throw this.#inUse(holder);
      unlinkSync(this.#lockPath);
    }
    throw this.#inUse(readIfExists(this.#lockPath) ?? '');
  }

  #isHeld(holder: string): boolean {
    if (heldHere.has(this.#lockPath)) return true;
    const [pid = '', startedAt = ''] = holder.trim().split(' ');
    if (Number(pid) === process.pid || !isAlive(Number(pid))) return false;
    // Process ids are used again, in containers within seconds; a process's start time tells them apart.
    return startedAt === processStart(Number(pid));
  }

  #inUse(holder: string): TributaryError {
    const [pid = '?'] = holder.trim().split(' ');
    return new TributaryError(
      'LOCAL_START_FAILED',
      `The data folder ${this.#path} is in use by process ${pid}. Stop that Event Hubs emulator, or give this one another folder.`,
    );
  }
}

function createLock(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid} ${processStart(process.pid)}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
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

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function parseHubRecord(text: string): HubRecord | undefined {
  const record: unknown = parseJson(text);
  if (typeof record !== 'object' || record === null) return undefined;
  const { name, partitionCount, createdAtMs } = record as Partial<Record<keyof HubRecord, unknown>>;
  if (typeof name !== 'string' || typeof partitionCount !== 'number' || typeof createdAtMs !== 'number')
    return undefined;
  return { name, partitionCount, createdAtMs };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
