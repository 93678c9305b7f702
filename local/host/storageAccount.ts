// The storage accounts a function app names: the host's own (AzureWebJobsStorage) and those of its bindings.
import { createHash } from 'node:crypto';
import { BlobServiceClient, type ContainerClient, RestError } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { describeError, TributaryError } from '../../shared/base/index.js';
import type { AppSettings } from './settings.js';

/** The real host keeps its state in these containers of AzureWebJobsStorage; so does this one. */
export const hostContainerName = 'azure-webjobs-hosts';
export const eventHubContainerName = 'azure-webjobs-eventhub';

export const hostStorageSetting = 'AzureWebJobsStorage';

// An emulator on this machine either answers at once or is not running: the clients' usual retries would only hide that.
const retryOptions = { maxTries: 4, retryDelayInMs: 100, maxRetryDelayInMs: 1_000 };

export interface StorageAccount {
  readonly blobs: BlobServiceClient;
  readonly queues: QueueServiceClient;
}

/** @throws TributaryError SETTING_MISSING, or CONFIG_INVALID for text that is no connection string */
export function openStorageAccount(
  settings: AppSettings,
  connection: string,
  usedBy: string,
): StorageAccount {
  const connectionString = settings.connection(connection, usedBy);
  try {
    return {
      blobs: BlobServiceClient.fromConnectionString(connectionString, { retryOptions }),
      queues: QueueServiceClient.fromConnectionString(connectionString, { retryOptions }),
    };
  } catch (cause) {
    throw new TributaryError(
      'CONFIG_INVALID',
      `The setting "${connection}", used by ${usedBy}, is no storage connection string: ${describeError(cause)}`,
      { cause },
    );
  }
}

/** @throws TributaryError STORAGE_UNAVAILABLE when the account does not answer */
export async function openContainer(account: StorageAccount, name: string): Promise<ContainerClient> {
  const container = account.blobs.getContainerClient(name);
  try {
    await container.createIfNotExists();
    return container;
  } catch (cause) {
    throw new TributaryError(
      'STORAGE_UNAVAILABLE',
      `The container "${name}" at ${new URL(container.url).host} cannot be opened: ${describeError(cause)}. Is the storage emulator running?`,
      { cause },
    );
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof RestError && error.statusCode === 404;
}

/** Someone else changed, created or leased it first. */
export function isConflict(error: unknown): boolean {
  return error instanceof RestError && (error.statusCode === 409 || error.statusCode === 412);
}

/**
 * Names the app's state in storage: timers, receipts, the blob queue. The same folder has the same id on each start; at
 * most 32 characters, as the real host wants, and fit for a queue name.
 */
export function hostIdOf(appFolder: string, settings: AppSettings): string {
  const given = settings.get('AzureFunctionsWebHost__hostid');
  if (given !== undefined) return given.toLowerCase();
  const name = appFolder.split(/[\\/]/).filter(Boolean).at(-1) ?? 'app';
  const readable =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '')
      .slice(0, 20) || 'app';
  const digest = createHash('sha256').update(appFolder).digest('hex').slice(0, 10);
  return `${readable}-${digest}`;
}
