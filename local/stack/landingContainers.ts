// Where files land on this machine: containers that in Azure come with the infrastructure.
import { BlobServiceClient } from '@azure/storage-blob';
import { createContainerIfMissing } from '../../shared/storage/index.js';

/** @throws TributaryError STORAGE_UNAVAILABLE */
export async function createLandingContainers(storage: string, containers: readonly string[]): Promise<void> {
  const service = BlobServiceClient.fromConnectionString(storage);
  await Promise.all(
    containers.map((container) => createContainerIfMissing(service.getContainerClient(container))),
  );
}
