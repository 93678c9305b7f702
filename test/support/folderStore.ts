// A folder on disk as a store to read from, for tables that other engines wrote.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { comparePaths, type ObjectStore } from '../../shared/storage/index.js';

export function readOnlyFolderStore(folder: string): ObjectStore {
  const refuse = async () => {
    throw new Error(`${folder} is read-only`);
  };
  const isFile = (path: string): boolean =>
    statSync(join(folder, path), { throwIfNoEntry: false })?.isFile() ?? false;
  const infoOf = (path: string) => {
    const { size, mtimeMs } = statSync(join(folder, path));
    return { path, sizeBytes: size, lastModifiedMs: mtimeMs };
  };
  return {
    async read(path, range) {
      if (!isFile(path)) return undefined;
      const bytes = readFileSync(join(folder, path));
      return range === undefined ? bytes : bytes.subarray(range.start, range.end);
    },
    head: async (path) => (isFile(path) ? infoOf(path) : undefined),
    async *list(prefix, options = {}) {
      if (!existsSync(folder)) return;
      const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((path) => path.split(sep).join('/'))
        .filter(
          (path) =>
            path.startsWith(prefix) && comparePaths(path, options.startAfter ?? '') > 0 && isFile(path),
        );
      for (const path of paths.sort(comparePaths)) yield infoOf(path);
    },
    putIfAbsent: refuse,
    put: refuse,
    delete: refuse,
  };
}
