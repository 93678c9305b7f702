export { type FolderLock, type FolderLockOptions, lockFolder } from './folderLock.js';
