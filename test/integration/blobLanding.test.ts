// The landing adapter against Azurite.
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { BlobServiceClient, ContainerClient as Container, type ContainerClient } from '@azure/storage-blob';
import type { Azurite } from '../../local/azurite/index.js';
import { TributaryError } from '../../shared/base/index.js';
import { createBlobLanding } from '../../shared/storage/index.js';
import { describeLandingContract } from '../storage/landingContract.js';
import { reverseCleanup } from '../support/cleanup.js';
import { startTestAzurite } from '../support/testAzurite.js';

describe('the landing container on Azurite', () => {
  let azurite: Azurite;
  let containers = 0;
  const cleanup = reverseCleanup({ after });

  before(async () => {
    azurite = await startTestAzurite(cleanup);
  });

  async function createContainer(): Promise<ContainerClient> {
    containers++;
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    const container = service.getContainerClient(`landing${containers}`);
    await container.create();
    return container;
  }

  describeLandingContract({
    name: 'Azurite, pages of 100',
    createLanding: async () => {
      const container = await createContainer();
      return {
        landing: createBlobLanding({ container, pageSize: 100 }),
        send: async (path, bytes) => {
          await container.getBlockBlobClient(path).upload(Buffer.from(bytes), bytes.byteLength);
        },
      };
    },
    manyFiles: 250,
  });

  it('takes the directories of a hierarchical namespace for no files', async () => {
    const container = await createContainer();
    await container.getBlockBlobClient('dir').upload('', 0, { metadata: { hdi_isfolder: 'true' } });
    const landing = createBlobLanding({ container });
    for await (const file of landing.list('')) assert.fail(file.path);
    assert.equal(await landing.head('dir'), undefined);
  });

  it('says that the container is missing, or that access is denied', async (_: TestContext) => {
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    const missing = createBlobLanding({ container: service.getContainerClient('nowhere') });
    const url = `http://127.0.0.1:${azurite.blobPort}/devstoreaccount1/landing1?sv=2024-11-04&sp=r&sr=c&sig=c2VjcmV0`;
    const denied = createBlobLanding({ container: new Container(url) });
    const version = { path: 'a', etag: '0x1' };
    for (const [landing, code] of [
      [missing, 'STORAGE_CONTAINER_NOT_FOUND'],
      [denied, 'STORAGE_DENIED'],
    ] as const) {
      const fails = (error: unknown) => error instanceof TributaryError && error.code === code;
      await assert.rejects(landing.head('a'), fails);
      await assert.rejects(landing.read(version, { start: 0, end: 1 }), fails);
      await assert.rejects(landing.delete(version), fails);
      await assert.rejects(landing.list('')[Symbol.asyncIterator]().next(), fails);
    }
  });
});
