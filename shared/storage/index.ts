export { type AccountSettings, blobContainerOf, tableBesideContainer } from './blobAndTableAccount.js';
export { createContainerIfMissing } from './blobContainer.js';
export { type BlobLandingOptions, createBlobLanding } from './blobLanding.js';
export { type BlobStoreOptions, createBlobStore } from './blobStore.js';
export { createLedgerTableIfMissing, createTableLedger } from './dataTableLedger.js';
export type {
  LandedInfo,
  LandedVersion,
  LandingMiss,
  LandingRead,
  LandingRemoval,
  LandingStore,
} from './landingStore.js';
export {
  type Ledger,
  type LedgerChange,
  type LedgerChangeResult,
  type LedgerKey,
  type LedgerRange,
  type LedgerRow,
  type LedgerValues,
  maxLedgerChanges,
} from './ledger.js';
export { createMemoryLanding, type MemoryLanding } from './memoryLanding.js';
export { createMemoryLedger } from './memoryLedger.js';
export { createMemoryStore } from './memoryStore.js';
export { comparePaths } from './objectPath.js';
export type { ByteRange, ObjectInfo, ObjectStore, PutIfAbsentResult } from './objectStore.js';
export { storeBelow } from './storeBelow.js';
