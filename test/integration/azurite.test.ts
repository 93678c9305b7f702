import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { startAzurite } from '../../local/azurite/index.js';

describe('Azurite as a child process', () => {
  it('serves blobs on free ports, keeps them over a restart, and reports a taken port', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-azurite-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const first = await startAzurite({ folder, blobPort: 0, queuePort: 0, tablePort: 0 });
    t.after(() => first.stop());
    const container = BlobServiceClient.fromConnectionString(first.connectionString).getContainerClient(
      'lake',
    );
    await container.create();
    await container.getBlockBlobClient('a').upload('x', 1);
    await assert.rejects(
      startAzurite({ folder: join(folder, 'rival'), blobPort: first.blobPort, queuePort: 0, tablePort: 0 }),
      /LOCAL|Azurite .*EADDRINUSE/s,
    );
    await first.stop();
    assert.notEqual(await first.service.exited, undefined);

    const second = await startAzurite({ folder, blobPort: 0, queuePort: 0, tablePort: 0 });
    t.after(() => second.stop());
    const again = BlobServiceClient.fromConnectionString(second.connectionString).getContainerClient('lake');
    assert.equal((await again.getBlockBlobClient('a').downloadToBuffer()).toString(), 'x');
  });
});
