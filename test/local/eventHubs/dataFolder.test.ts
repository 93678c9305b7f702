// The folder the emulator keeps its hubs in: the lock, and hubs that grow or shrink between starts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { DataFolder } from '../../../local/eventHubs/dataFolder.js';
import { HubStore } from '../../../local/eventHubs/hub.js';
import { ManualClock, silentLogger } from '../../../shared/base/index.js';

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-hubs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function openStore(t: TestContext, path: string | undefined, nowMs = 1_000): HubStore {
  const folder = path === undefined ? undefined : new DataFolder(path);
  const store = new HubStore({
    folder,
    retentionMs: 3_600_000,
    clock: new ManualClock(nowMs),
    logger: silentLogger,
  });
  t.after(() => {
    store.close();
    folder?.unlock();
  });
  return store;
}

/** Opens, uses and closes, as one run of the emulator does. */
function inOneRun<T>(path: string, nowMs: number, use: (store: HubStore) => T): T {
  const folder = new DataFolder(path);
  const store = new HubStore({
    folder,
    retentionMs: 3_600_000,
    clock: new ManualClock(nowMs),
    logger: silentLogger,
  });
  try {
    return use(store);
  } finally {
    store.close();
    folder.unlock();
  }
}

describe('the lock of a data folder', () => {
  it('keeps out a second emulator, of this process or another', async (t) => {
    const path = tempFolder(t);
    const holder = new DataFolder(path);
    assert.throws(() => new DataFolder(path), {
      code: 'LOCAL_START_FAILED',
      message: /in use by process \d+/,
    });
    holder.unlock();
    new DataFolder(path).unlock();

    const module = pathToFileURL(join(import.meta.dirname, '../../../local/eventHubs/dataFolder.js'));
    const holdIt = `const { DataFolder } = await import(${JSON.stringify(module)});
      new DataFolder(${JSON.stringify(path)});
      console.log('held');
      setInterval(() => {}, 1000);`;
    const other = spawn(process.execPath, ['--input-type=module', '-e', holdIt]);
    t.after(() => other.kill('SIGKILL'));
    await once(other.stdout, 'data');
    assert.throws(() => new DataFolder(path), { message: new RegExp(`in use by process ${other.pid}`) });
    other.kill('SIGKILL');
    await once(other, 'exit');
    new DataFolder(path).unlock();
  });

  it('is taken over from a process that is gone, also when its process id is used again', (t) => {
    const path = tempFolder(t);
    for (const stale of [`${2 ** 22 + 1} 1`, `${process.pid} 1`, `${process.ppid} 1`, 'garbage']) {
      writeFileSync(join(path, 'emulator.lock'), stale);
      new DataFolder(path).unlock();
    }
  });
});

describe('a hub', () => {
  it('keeps its time of creation and may grow, but not shrink', (t) => {
    const path = tempFolder(t);
    inOneRun(path, 1_000, (store) => store.create({ name: 'Readings', partitionCount: 2 }));
    inOneRun(path, 2_000, (store) => {
      const hub = store.create({ name: 'readings', partitionCount: 3 });
      assert.equal(hub.createdAtMs, 1_000);
      assert.equal(hub.partitions.length, 3);
    });
    inOneRun(path, 3_000, (store) =>
      assert.throws(() => store.create({ name: 'readings', partitionCount: 2 }), {
        code: 'LOCAL_STATE_MISMATCH',
        message: /has 3 partitions on disk, but 2 were asked for.*delete the hub's folder/,
      }),
    );
  });

  it('begins anew when it was deleted or its folder was wiped', (t) => {
    const path = tempFolder(t);
    const created = (nowMs: number) =>
      inOneRun(path, nowMs, (store) => store.create({ name: 'readings', partitionCount: 1 }).createdAtMs);
    assert.equal(created(1_000), 1_000);
    rmSync(join(path, 'readings'), { recursive: true });
    assert.equal(created(2_000), 2_000);
    inOneRun(path, 3_000, (store) => {
      store.create({ name: 'readings', partitionCount: 1 });
      assert.notEqual(store.delete('READINGS'), undefined);
      assert.equal(store.get('readings'), undefined);
      assert.equal(store.create({ name: 'readings', partitionCount: 1 }).createdAtMs, 3_000);
    });
  });

  it('is refused with a clear message when its description or its options make no sense', (t) => {
    const path = tempFolder(t);
    const store = openStore(t, path);
    store.create({ name: 'a', partitionCount: 1, consumerGroups: ['$Default', 'lake'] });
    for (const [options, message] of [
      [{ name: 'a', partitionCount: 1 }, /exists already/],
      [{ name: '../a', partitionCount: 1 }, /cannot be the name of an event hub/],
      [{ name: '', partitionCount: 1 }, /cannot be the name/],
      [{ name: 'b', partitionCount: 0 }, /whole number from 1 to 1024/],
      [{ name: 'b', partitionCount: 1.5 }, /whole number/],
      [
        { name: 'b', partitionCount: 1, consumerGroups: ['x/y'] },
        /cannot be the name of an event consumer group/,
      ],
    ] as const) {
      assert.throws(() => store.create(options), { code: 'CONFIG_INVALID', message });
    }
    writeFileSync(join(path, 'a', 'hub.json'), '{');
    store.delete('a');
    store.create({ name: 'c', partitionCount: 1 });
    writeFileSync(join(path, 'c', 'hub.json'), '{"name":1}');
    const other = new HubStore({
      folder: undefined,
      retentionMs: 1,
      clock: new ManualClock(0),
      logger: silentLogger,
    });
    assert.equal(
      other.create({ name: 'c', partitionCount: 1 }).createdAtMs,
      0,
      'memory only reads no folder',
    );
    store.close();
    assert.throws(() => store.create({ name: 'c', partitionCount: 1 }), {
      code: 'LOCAL_STATE_MISMATCH',
      message: /does not describe an event hub/,
    });
  });
});
