// Azurite on free ports in a temporary folder, for the life of one test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Azurite, startAzurite } from '../../local/azurite/index.js';
import { type Cleanup, reverseCleanup } from './cleanup.js';

export async function startTestAzurite(t: Cleanup): Promise<Azurite> {
  const cleanup = reverseCleanup(t);
  const folder = mkdtempSync(join(tmpdir(), 'tributary-azurite-'));
  cleanup.after(() => rmSync(folder, { recursive: true, force: true }));
  const azurite = await startAzurite({ folder, blobPort: 0, queuePort: 0, tablePort: 0 });
  cleanup.after(() => azurite.stop());
  return azurite;
}
