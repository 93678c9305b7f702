// Tables that other engines wrote, where they are at hand: our checkpoint of them stands for their whole log.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock, seededRandom, TributaryError } from '../../../shared/base/index.js';
import { cleanUpLog, openTable, vacuumTable, writeCheckpoint } from '../../../shared/delta/index.js';
import { createMemoryStore, type ObjectStore } from '../../../shared/storage/index.js';
import { readOnlyFolderStore } from '../../support/folderStore.js';

const cases = join(import.meta.dirname, '..', '..', '..', '..', '..', 'shared', 'delta-cases');

function tableFolders(): string[] {
  return ['dat', 'kernel-golden'].flatMap((group) =>
    readdirSync(join(cases, group))
      .map((name) => join(group, name, 'delta'))
      .filter((folder) => existsSync(join(cases, folder, '_delta_log'))),
  );
}

async function copyOf(source: ObjectStore, clock: ManualClock, prefix: string): Promise<ObjectStore> {
  const store = createMemoryStore(clock);
  for await (const { path } of source.list(prefix)) await store.put(path, (await source.read(path))!);
  return store;
}

async function summary(store: ObjectStore, clock: ManualClock) {
  const { snapshot } = await openTable({ store, root: '', clock });
  const sorted = <Value>(map: ReadonlyMap<string, Value>) =>
    [...map].sort(([left], [right]) => (left < right ? -1 : 1));
  return {
    version: snapshot.version,
    protocol: snapshot.protocol,
    metadata: snapshot.metadata,
    files: sorted(snapshot.files).map(([path, add]) => [path, { ...add, dataChange: false }]),
    transactions: sorted(snapshot.transactions),
  };
}

async function attempt<Result>(work: () => Promise<Result>, refusals: string[]): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    assert.match(error.code, /^DELTA_/);
    refusals.push(error.message);
    return undefined;
  }
}

describe('a checkpoint of a foreign table', { skip: !existsSync(cases) }, () => {
  it('stands for its log, or is refused with a reason', async () => {
    const written: string[] = [];
    const refusals: string[] = [];
    for (const folder of tableFolders()) {
      const clock = new ManualClock(Date.UTC(2026, 0, 1));
      const store = await copyOf(readOnlyFolderStore(join(cases, folder)), clock, '_delta_log/');
      const before = await attempt(async () => {
        const state = await summary(store, clock);
        await writeCheckpoint({ store, root: '', clock, random: seededRandom(1) });
        return state;
      }, refusals);
      if (before === undefined) continue;
      const ours = `_delta_log/${String(before.version).padStart(20, '0')}.checkpoint.parquet`;
      for await (const { path } of store.list('_delta_log/0')) if (path !== ours) await store.delete(path);
      assert.deepEqual(await summary(store, clock), before, folder);
      written.push(folder.split(sep)[1]!);
    }
    assert.ok(written.length > 60, `${written.length} written; ${refusals.join('; ')}`);
    for (const name of [
      'multi-part-checkpoint',
      'v2-checkpoint-json',
      'v2-checkpoint-parquet',
      'only-checkpoint-files',
    ])
      assert.ok(written.includes(name), name);
  });
});

/** Names of the objects in the table's folder, those of the log left out. */
async function dataNames(store: ObjectStore): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { path } of store.list('')) if (!path.startsWith('_delta_log/')) names.add(path);
  return names;
}

describe('vacuum and cleanup of a foreign table', { skip: !existsSync(cases) }, () => {
  it('leave every file that the table refers to, and the state as it is', async () => {
    let vacuumed = 0;
    const refusals: string[] = [];
    for (const folder of tableFolders()) {
      const clock = new ManualClock(Date.UTC(2026, 0, 1));
      const store = await copyOf(readOnlyFolderStore(join(cases, folder)), clock, '');
      const table = { store, root: '', clock, random: seededRandom(1) };
      clock.advance(400 * 86_400_000);
      const before = await attempt(() => summary(store, clock), refusals);
      const names = await dataNames(store);
      const live = before?.files.map(([path]) => decodeURIComponent(String(path).split('\n')[0]!)) ?? [];
      const result = await attempt(async () => {
        const { kind } = await vacuumTable(table);
        await cleanUpLog(table);
        return kind;
      }, refusals);
      if (before === undefined || result === undefined) continue;
      if (result === 'vacuumed') vacuumed++;
      const left = await dataNames(store);
      for (const path of live) assert.equal(left.has(path), names.has(path), `${folder}: ${path}`);
      const { version: _, ...after } = await summary(store, clock);
      const { version: __, ...wanted } = before;
      assert.deepEqual(after, wanted, folder);
    }
    assert.ok(vacuumed > 10, `${vacuumed} vacuumed; ${refusals.join('; ')}`);
  });
});
