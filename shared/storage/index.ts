export type { ByteRange, ObjectInfo, ObjectStore, PutIfAbsentResult } from './objectStore.js';
