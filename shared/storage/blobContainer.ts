// The container that holds the lake.
import type { ContainerClient } from '@azure/storage-blob';
import { storageError } from './blobErrors.js';

/** @throws TributaryError STORAGE_DENIED, STORAGE_UNAVAILABLE */
export async function createContainerIfMissing(container: ContainerClient): Promise<void> {
  try {
    await container.createIfNotExists();
  } catch (error) {
    throw storageError(error, () => `create container ${container.containerName}`);
  }
}
