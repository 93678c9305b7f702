// A store some of whose methods are replaced.
import type { ObjectStore } from '../../shared/storage/index.js';

export function storeWith(store: ObjectStore, replaced: Partial<ObjectStore>): ObjectStore {
  return {
    read: (path, range) => store.read(path, range),
    head: (path) => store.head(path),
    putIfAbsent: (path, bytes) => store.putIfAbsent(path, bytes),
    put: (path, bytes) => store.put(path, bytes),
    list: (prefix, options) => store.list(prefix, options),
    delete: (path) => store.delete(path),
    ...replaced,
  };
}
