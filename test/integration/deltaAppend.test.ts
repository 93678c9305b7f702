// The Delta writer on Azurite: rivals on one table, and answers lost between the service and the SDK.
import assert from 'node:assert/strict';
import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import type { Azurite } from '../../local/azurite/index.js';
import { systemClock, systemRandom } from '../../shared/base/index.js';
import { createTable, openTable, readRows, TableWriter } from '../../shared/delta/index.js';
import { createBlobStore, type ObjectStore } from '../../shared/storage/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import {
  addedPaths,
  committedRows,
  dataFiles,
  expectedRows,
  partitionAppend,
  readingsSchema,
  readLogLines,
} from '../support/deltaFixtures.js';
import { startTestAzurite } from '../support/testAzurite.js';

const root = 'tables/readings';

describe('appending on Azurite', () => {
  const cleanup = reverseCleanup({ after });
  let azurite: Azurite | undefined;
  let containers = 0;

  before(async () => {
    azurite = await startTestAzurite(cleanup);
  });

  async function createContainer(): Promise<string> {
    const name = `lake${++containers}`;
    await BlobServiceClient.fromConnectionString(azurite!.connectionString).getContainerClient(name).create();
    return name;
  }

  function storeOf(container: string, blobPort = azurite!.blobPort): ObjectStore {
    const text = azurite!.connectionString.replace(`:${azurite!.blobPort}/`, `:${blobPort}/`);
    return createBlobStore({
      container: BlobServiceClient.fromConnectionString(text, {
        retryOptions: { retryDelayInMs: 10, maxTries: 4 },
      }).getContainerClient(container),
    });
  }

  const writerOn = (store: ObjectStore) =>
    new TableWriter({ store, root, clock: systemClock, random: systemRandom, schema: readingsSchema });

  it('lets eight rivals make ten commits each; nothing is lost and versions are contiguous', async () => {
    const container = await createContainer();
    const store = storeOf(container);
    const writers = Array.from({ length: 8 }, () => writerOn(storeOf(container)));
    await Promise.all(
      writers.map(async (writer, index) => {
        for (let round = 0; round < 10; round++) {
          const result = await writer.append(partitionAppend(`p${index}`, round * 5 + 1, round * 5 + 5));
          assert.equal(result.kind, 'committed');
        }
      }),
    );
    assert.equal((await readLogLines(store, root)).length, 81);
    assert.equal(new Set(await addedPaths(store, root)).size, 80);
    assert.equal((await dataFiles(store, root)).length, 80);
    const lasts = Object.fromEntries(writers.map((_, index) => [`p${index}`, 50]));
    assert.deepEqual(await committedRows(store, root), expectedRows(lasts));
    const { snapshot } = await openTable({ store, root, clock: systemClock });
    assert.equal(snapshot.version, 80);
    assert.equal(snapshot.totalRows, 400);
    let rows = 0;
    for await (const batch of readRows({ store, root, snapshot, columns: ['sequence'] }))
      rows += batch.rowCount;
    assert.equal(rows, 400);
  });

  it('recognises its own commit when the answer to the write is lost and the SDK tries again', async (t) => {
    const container = await createContainer();
    await createTable({
      store: storeOf(container),
      root,
      schema: readingsSchema,
      clock: systemClock,
      random: systemRandom,
    });
    const proxy = await startLossyProxy(t, azurite!.blobPort, /_delta_log\/0*1\.json|part-/);
    const writer = writerOn(storeOf(container, proxy.port));
    assert.deepEqual(await writer.append(partitionAppend('p0', 1, 7)), {
      kind: 'committed',
      version: 1,
      rowCount: 7,
    });
    assert.equal(proxy.dropped(), 2);
    assert.equal((await readLogLines(storeOf(container), root)).length, 2);
    assert.deepEqual(await committedRows(storeOf(container), root), expectedRows({ p0: 7 }));
  });
});

/** Forwards everything; of each PUT to a new path that matches, the first answer is dropped after the service has done the work. */
async function startLossyProxy(t: TestContext, targetPort: number, paths: RegExp) {
  const seen = new Set<string>();
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url?.split('?')[0] ?? '';
    const isDropped = incoming.method === 'PUT' && paths.test(path) && !seen.has(path);
    if (isDropped) seen.add(path);
    const { method, url, headers } = incoming;
    const forwarded = sendRequest(
      { host: '127.0.0.1', port: targetPort, method, path: url, headers, agent: false },
      (answer) => {
        if (isDropped) {
          answer.resume();
          answer.on('end', () => outgoing.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, dropped: () => seen.size };
}
