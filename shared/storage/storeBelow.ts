// A view of one folder of a store: paths inside it are relative to the folder and cannot leave it.
import { assertObjectPath, assertPathPrefix, normalFolder } from './objectPath.js';
import type { ObjectInfo, ObjectStore } from './objectStore.js';

/**
 * `storeBelow(store, 'tables/readings').read('_delta_log/0.json')` reads `tables/readings/_delta_log/0.json`.
 * Paths are checked before they are joined, so `..` cannot leave the folder.
 * @param folder with or without a trailing slash; '' gives `store` itself
 * @throws TributaryError STORAGE_INVALID_PATH
 */
export function storeBelow(store: ObjectStore, folder: string): ObjectStore {
  const normal = normalFolder(folder);
  if (normal === '') return store;
  const root = `${normal}/`;

  const absolute = (path: string): string => {
    assertObjectPath(path);
    return root + path;
  };
  const relative = (info: ObjectInfo): ObjectInfo => ({ ...info, path: info.path.slice(root.length) });

  return {
    read: async (path, range) => store.read(absolute(path), range),
    async head(path) {
      const info = await store.head(absolute(path));
      return info === undefined ? undefined : relative(info);
    },
    putIfAbsent: async (path, bytes) => store.putIfAbsent(absolute(path), bytes),
    put: async (path, bytes) => store.put(absolute(path), bytes),
    async *list(prefix, options = {}) {
      assertPathPrefix(prefix);
      const { startAfter } = options;
      const below = startAfter === undefined ? {} : { startAfter: root + startAfter };
      for await (const info of store.list(root + prefix, below)) yield relative(info);
    },
    delete: async (path) => store.delete(absolute(path)),
  };
}
