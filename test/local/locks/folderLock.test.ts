import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { lockFolder } from '../../../local/locks/index.js';
import { TributaryError } from '../../../shared/base/index.js';

function temporaryFolder(t: { after(callback: () => unknown): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-lock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function lock(folder: string) {
  return lockFolder({
    folder,
    fileName: 'durable.lock',
    inUse: (processId) => new TributaryError('LOCAL_START_FAILED', `in use by process ${processId}`),
  });
}

describe('the lock of a folder', () => {
  it('is refused while it is held, and given after its release', (t) => {
    const folder = temporaryFolder(t);
    const held = lock(folder);
    assert.throws(() => lock(folder), { code: 'LOCAL_START_FAILED', message: /in use by process \d+/ });
    held.release();
    lock(folder).release();
    assert.deepEqual(readdirSync(folder), []);
  });

  it('of a process that is gone is taken over', (t) => {
    const folder = temporaryFolder(t);
    // No process has this id: it is above the largest that systems give.
    for (const content of ['99999999 1', '', `${process.pid} 1`]) {
      writeFileSync(join(folder, 'durable.lock'), content);
      lock(folder).release();
    }
  });
});
