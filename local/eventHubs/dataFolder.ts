// What the emulator keeps on disk: a lock, and per hub a description and the partitions' segment files.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TributaryError } from '../../shared/base/index.js';
import { type FolderLock, lockFolder } from '../locks/index.js';

export interface HubRecord {
  readonly name: string;
  readonly partitionCount: number;
  readonly createdAtMs: number;
}

export class DataFolder {
  readonly #path: string;
  readonly #lock: FolderLock;

  /**
   * Takes the folder for this process; a lock that a killed process left behind is taken over.
   * @throws TributaryError LOCAL_START_FAILED when a living process holds it
   */
  constructor(path: string) {
    this.#path = resolve(path);
    this.#lock = lockFolder({
      folder: this.#path,
      fileName: 'emulator.lock',
      inUse: (processId) =>
        new TributaryError(
          'LOCAL_START_FAILED',
          `The data folder ${this.#path} is in use by process ${processId}. Stop that Event Hubs emulator, or give this one another folder.`,
        ),
    });
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
    this.#lock.release();
  }

  #hubFile(hubName: string): string {
    return join(this.#path, hubName.toLowerCase(), 'hub.json');
  }
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
