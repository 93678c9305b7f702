// The blob adapter against Azurite, and against a server that misbehaves as Azure may.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type { Azurite } from '../../local/azurite/index.js';
import { type ErrorCode, TributaryError } from '../../shared/base/index.js';
import { createBlobStore, type ObjectStore } from '../../shared/storage/index.js';
import { describeStoreContract } from '../storage/contract.js';
import { reverseCleanup } from '../support/cleanup.js';
import { startTestAzurite } from '../support/testAzurite.js';

describe('the blob store', () => {
  const cleanup = reverseCleanup({ after });
  let azurite: Azurite | undefined;
  let containers = 0;

  before(async () => {
    azurite = await startTestAzurite(cleanup);
  });

  async function createContainer(): Promise<ContainerClient> {
    const service = BlobServiceClient.fromConnectionString(azurite!.connectionString);
    containers++;
    const container = service.getContainerClient(`lake${containers}`);
    await container.create();
    return container;
  }

  describeStoreContract({
    name: 'Azurite, pages of 100',
    createStore: async () => createBlobStore({ container: await createContainer(), pageSize: 100 }),
    manyObjects: 350,
  });

  it('leaves out the directories that a hierarchical namespace lists', async () => {
    const container = await createContainer();
    const store = createBlobStore({ container });
    await container.getBlockBlobClient('dir').upload('', 0, { metadata: { hdi_isfolder: 'true' } });
    await store.put('dir/file', new Uint8Array(1));
    const names: string[] = [];
    for await (const info of store.list('')) names.push(info.path);
    assert.deepEqual(names, ['dir/file']);
  });

  it('says that the container is missing, in every operation', async () => {
    const service = BlobServiceClient.fromConnectionString(azurite!.connectionString);
    const store = createBlobStore({ container: service.getContainerClient('nowhere') });
    for (const [name, operation] of operationsOf(store)) {
      await assert.rejects(operation(), failsWith('STORAGE_CONTAINER_NOT_FOUND', 'operator'), name);
    }
  });

  it('says that access is denied, without repeating the signature', async () => {
    const url = `http://127.0.0.1:${azurite!.blobPort}/devstoreaccount1/lake1?sv=2024-11-04&sp=r&sr=c&sig=c2VjcmV0c2lnbmF0dXJl`;
    const store = createBlobStore({ container: new ContainerClient(url) });
    for (const [name, operation] of operationsOf(store)) {
      await assert.rejects(operation(), failsWith('STORAGE_DENIED', 'operator'), name);
    }
  });

  it('calls an object under a lease a refusal, not a conflict', async () => {
    const container = await createContainer();
    const store = createBlobStore({ container });
    await store.put('leased', new Uint8Array(1));
    await container.getBlobClient('leased').getBlobLeaseClient().acquireLease(-1);
    await assert.rejects(store.delete('leased'), failsWith('STORAGE_REJECTED', 'operator'));
  });
});

describe('the blob store, when the service misbehaves', () => {
  const answers: readonly [string, number, string, ErrorCode | 'exists'][] = [
    ['throttling', 503, 'ServerBusy', 'STORAGE_UNAVAILABLE'],
    ['an internal error', 500, 'InternalError', 'STORAGE_UNAVAILABLE'],
    ['too many requests', 429, 'TooManyRequests', 'STORAGE_UNAVAILABLE'],
    ['an operation timeout', 408, 'OperationTimedOut', 'STORAGE_UNAVAILABLE'],
    ['a denied request', 403, 'AuthorizationFailure', 'STORAGE_DENIED'],
    ['a missing token', 401, 'NoAuthenticationInformation', 'STORAGE_DENIED'],
    ['an object that exists', 409, 'BlobAlreadyExists', 'exists'],
    ['a path that exists', 409, 'PathAlreadyExists', 'exists'],
    ['a failed condition', 412, 'ConditionNotMet', 'exists'],
    ['a container being deleted', 409, 'ContainerBeingDeleted', 'STORAGE_REJECTED'],
    ['an immutable object', 409, 'BlobImmutableDueToPolicy', 'STORAGE_REJECTED'],
  ];
  for (const [what, status, code, expected] of answers) {
    it(`reports ${what} (${status} ${code}) as ${expected}`, async (t) => {
      const store = await storeAnswering(t, (_, response) => {
        response.writeHead(status, { 'x-ms-error-code': code, 'content-type': 'application/xml' });
        response.end(
          `<?xml version="1.0"?><Error><Code>${code}</Code><Message>sig=c2VjcmV0c2lnbmF0dXJl</Message></Error>`,
        );
      });
      const attempt = store.putIfAbsent('a', new Uint8Array(1));
      if (expected === 'exists') assert.deepEqual(await attempt, { kind: 'exists' });
      else await assert.rejects(attempt, failsWith(expected));
    });
  }

  it('reports a dropped connection as unavailable', async (t) => {
    const store = await storeAnswering(t, (request) => request.socket.destroy());
    for (const [name, operation] of operationsOf(store)) {
      await assert.rejects(operation(), failsWith('STORAGE_UNAVAILABLE', 'transient'), name);
    }
  });

  it('reports a body cut short as unavailable', async (t) => {
    const store = await storeAnswering(t, (_, response) => {
      response.writeHead(200, { 'content-length': '1000', etag: '"1"' });
      response.write('only this', () => response.destroy());
    });
    await assert.rejects(store.read('a'), failsWith('STORAGE_UNAVAILABLE', 'transient'));
  });
});

function operationsOf(store: ObjectStore): [string, () => Promise<unknown>][] {
  const bytes = new Uint8Array(3);
  return [
    ['read', () => store.read('a')],
    ['read of an empty range', () => store.read('a', { start: 1, end: 1 })],
    ['head', () => store.head('a')],
    ['put', () => store.put('a', bytes)],
    ['putIfAbsent', () => store.putIfAbsent('a', bytes)],
    ['delete', () => store.delete('a')],
    [
      'list',
      async () => {
        for await (const _ of store.list('')) assert.fail('the list should fail');
      },
    ],
  ];
}

function failsWith(code: ErrorCode, retry?: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof TributaryError, String(error));
    assert.equal(error.code, code);
    if (retry !== undefined) assert.equal(error.retry, retry);
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /sig=|c2VjcmV0|https?:/);
    return true;
  };
}

async function storeAnswering(t: TestContext, answer: RequestListener): Promise<ObjectStore> {
  const server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/account/lake?sv=2024-11-04&sig=c2VjcmV0c2lnbmF0dXJl`;
  return createBlobStore({
    container: new ContainerClient(url, undefined, { retryOptions: { maxTries: 1 } }),
  });
}
