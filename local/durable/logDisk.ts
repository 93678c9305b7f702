// Where the hub's log lies: files of one folder, with what a crash may and may not undo said by each method.
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface LogDisk {
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Buffer>;
  /** Makes the file if need be. A crash may undo any part of it until `sync`. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  sync(name: string): Promise<void>;
  /** Survives a crash, as `rename` and `remove` do. */
  truncate(name: string, byteLength: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function openLogFolder(folder: string): Promise<LogDisk> {
  await mkdir(folder, { recursive: true });
  return new LogFolder(folder);
}

class LogFolder implements LogDisk {
  /** Of the file that is appended to. */
  #open: { readonly name: string; readonly handle: FileHandle } | undefined;

  constructor(private readonly folder: string) {}

  async list(): Promise<readonly string[]> {
    return readdir(this.folder);
  }

  async read(name: string): Promise<Buffer> {
    return readFile(join(this.folder, name));
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const handle = await this.#handle(name);
    await handle.appendFile(bytes);
  }

  async sync(name: string): Promise<void> {
    await (await this.#handle(name)).datasync();
  }

  async truncate(name: string, byteLength: number): Promise<void> {
    const handle = await this.#handle(name);
    await handle.truncate(byteLength);
    await handle.sync();
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#release(from);
    await rename(join(this.folder, from), join(this.folder, to));
    await this.#syncFolder();
  }

  async remove(name: string): Promise<void> {
    await this.#release(name);
    await rm(join(this.folder, name), { force: true });
    await this.#syncFolder();
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.handle.close();
  }

  async #handle(name: string): Promise<FileHandle> {
    if (this.#open?.name === name) return this.#open.handle;
    await this.close();
    const handle = await open(join(this.folder, name), 'a');
    this.#open = { name, handle };
    // The file itself must be found after a power cut.
    await this.#syncFolder();
    return handle;
  }

  async #release(name: string): Promise<void> {
    if (this.#open?.name === name) await this.close();
  }

  async #syncFolder(): Promise<void> {
    // Folders cannot be opened on Windows, and need no sync there.
    if (process.platform === 'win32') return;
    const handle = await open(this.folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
