// The store that the interop suites share with Spark and delta-rs keeps the contract, too: theirs is only as good as it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createFolderStore } from '../support/folderStore.js';
import { describeStoreContract } from './contract.js';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describeStoreContract({
  name: 'folder',
  createStore: () => {
    const folder = mkdtempSync(join(tmpdir(), 'folder-store-'));
    folders.push(folder);
    return createFolderStore(join(folder, 'not made yet'));
  },
  manyObjects: 600,
  isFileSystem: true,
});
