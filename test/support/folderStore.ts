// A folder on disk as a store, for tables that engines share which know files only.
import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { comparePaths, type ObjectInfo, type ObjectStore } from '../../shared/storage/index.js';
import { assertObjectPath, assertPathPrefix } from '../../shared/storage/objectPath.js';

/** Where objects are written before they get their names; no part of the store. */
const incoming = '.incoming';

/**
 * Objects are files below `folder`, which is made when needed. Not for general use: a file system cannot hold both `a` and `a/b`, and
 * folders that became empty stay.
 */
export function createFolderStore(folder: string): ObjectStore {
  const fileOf = (path: string): string => {
    assertObjectPath(path);
    return join(folder, path);
  };

  /** Writes beside the objects, then has `name` give the file its place: it is there whole or not at all. */
  const place = async (
    path: string,
    bytes: Uint8Array,
    name: (from: string, to: string) => Promise<void>,
  ): Promise<void> => {
    const target = fileOf(path);
    const written = join(folder, incoming, randomUUID());
    await mkdir(dirname(written), { recursive: true });
    await mkdir(dirname(target), { recursive: true });
    await writeFile(written, bytes);
    try {
      await name(written, target);
    } finally {
      await rm(written, { force: true });
    }
  };

  return {
    async read(path, range) {
      const buffer = await ifThere(readFile(fileOf(path)));
      if (buffer === undefined) return undefined;
      const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
      return range === undefined ? bytes : bytes.subarray(Math.max(0, range.start), Math.max(0, range.end));
    },
    head: async (path) => infoOf(path, await ifThere(stat(fileOf(path)))),
    async putIfAbsent(path, bytes) {
      try {
        await place(path, bytes, link); // unlike rename, it fails where a file is
        return { kind: 'created' };
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return { kind: 'exists' };
        throw error;
      }
    },
    put: (path, bytes) => place(path, bytes, rename),
    async *list(prefix, options = {}) {
      assertPathPrefix(prefix);
      const { startAfter } = options;
      const paths = (await filesBelow(folder, prefix.slice(0, prefix.lastIndexOf('/') + 1))).filter(
        (path) => path.startsWith(prefix) && (startAfter === undefined || comparePaths(path, startAfter) > 0),
      );
      for (const path of paths.sort(comparePaths)) {
        const info = infoOf(path, await ifThere(stat(join(folder, path))));
        if (info !== undefined) yield info;
      }
    },
    async delete(path) {
      return (await ifThere(unlink(fileOf(path)).then(() => true))) ?? false;
    },
  };
}

/** A table that must stay as it is. */
export function readOnlyFolderStore(folder: string): ObjectStore {
  const refuse = async () => {
    throw new Error(`${folder} is read-only`);
  };
  return { ...createFolderStore(folder), putIfAbsent: refuse, put: refuse, delete: refuse };
}

/** @param below '' or a folder with its trailing slash */
async function filesBelow(folder: string, below: string): Promise<string[]> {
  const entries = (await ifThere(readdir(join(folder, below), { withFileTypes: true }))) ?? [];
  const found = await Promise.all(
    entries.map((entry): Promise<string[]> | string[] => {
      const path = below + entry.name;
      if (entry.isDirectory()) return path === incoming ? [] : filesBelow(folder, `${path}/`);
      return [path];
    }),
  );
  return found.flat();
}

function infoOf(path: string, stats: Stats | undefined): ObjectInfo | undefined {
  if (stats?.isFile() !== true) return undefined;
  return { path, sizeBytes: stats.size, lastModifiedMs: stats.mtimeMs };
}

/** Undefined for what is not there, also when another process takes it away right now, and for folders. */
async function ifThere<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
