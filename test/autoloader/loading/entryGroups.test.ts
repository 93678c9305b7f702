// Files whose events come together are entered together, and each event learns what became of its own file.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EntryGroups } from '../../../shared/autoloader/loading/entryGroups.js';
import type { Ledger } from '../../../shared/storage/index.js';
import { FileWorld, streamOf } from '../../support/fileStreams.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('files whose events come at the same time', () => {
  it('gather while earlier ones are entered', async () => {
    const groups: (readonly number[])[] = [];
    const ends: (() => void)[] = [];
    const entries = new EntryGroups(async (files: readonly number[]) => {
      groups.push(files);
      await new Promise<void>((resolve) => ends.push(resolve));
      return files.map((file) => file * 10);
    });
    const results = [1, 2, 3].map((file) => entries.add(file));
    ends.shift()?.();
    await settled();
    const last = entries.add(4);
    ends.shift()?.();
    await settled();
    ends.shift()?.();
    assert.deepEqual(await Promise.all([...results, last]), [10, 20, 30, 40]);
    assert.deepEqual(groups, [[1], [2, 3], [4]]);
  });

  it('fail together, and the next ones are tried', async () => {
    let calls = 0;
    const entries = new EntryGroups(async (files: readonly number[]) => {
      if (++calls === 2) throw new Error('no answer');
      return files;
    });
    const results = await Promise.allSettled([1, 2, 3].map((file) => entries.add(file)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    );
    assert.equal(await entries.add(4), 4);
  });

  it('cost a change of the ledger for many of them', async () => {
    const world = new FileWorld(streamOf());
    let changes = 0;
    const ledger: Ledger = {
      get: (key) => world.ledger.get(key),
      list: (range) => world.ledger.list(range),
      change: (partition, rows) => {
        changes++;
        return world.ledger.change(partition, rows);
      },
    };
    const { discovery } = world.open({ ledger });
    const paths = Array.from({ length: 300 }, (_, index) => `${index}.json`);
    for (const path of paths) world.putJson(path, { n: 1 });
    // Each event comes twice, one is for a file that is gone.
    const entered = await Promise.all([...paths, ...paths, 'gone.json'].map((path) => discovery.enter(path)));
    assert.deepEqual(entered, [...Array(600).fill(true), false]);
    assert.equal((await world.open().ledger.outstanding()).fileCount, 300);
    assert.ok(changes < 40, `${changes} changes`);
  });
});
