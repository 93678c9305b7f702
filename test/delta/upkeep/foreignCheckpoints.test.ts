// Tables that other engines wrote, where they are at hand: our checkpoint of them stands for their whole log.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock, seededRandom, TributaryError } from '../../../shared/base/index.js';
import { openTable, writeCheckpoint } from '../../../shared/delta/index.js';
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

async function copyOf(source: ObjectStore, clock: ManualClock): Promise<ObjectStore> {
  const store = createMemoryStore(clock);
  for await (const { path } of source.list('_delta_log/')) await store.put(path, (await source.read(path))!);
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
    let written = 0;
    const refusals: string[] = [];
    for (const folder of tableFolders()) {
      const clock = new ManualClock(Date.UTC(2026, 0, 1));
      const store = await copyOf(readOnlyFolderStore(join(cases, folder)), clock);
      const before = await attempt(async () => {
        const state = await summary(store, clock);
        await writeCheckpoint({ store, root: '', clock, random: seededRandom(1) });
        return state;
      }, refusals);
      if (before === undefined) continue;
      const ours = `_delta_log/${String(before.version).padStart(20, '0')}.checkpoint.parquet`;
      for await (const { path } of store.list('_delta_log/0')) if (path !== ours) await store.delete(path);
      assert.deepEqual(await summary(store, clock), before, folder);
      written++;
    }
    assert.ok(written > 60, `${written} written; ${refusals.join('; ')}`);
  });
});
