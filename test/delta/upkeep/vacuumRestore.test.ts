// A vacuum and a restore at the same time: what the one brings back, the other must not delete.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../../shared/base/index.js';
import {
  executeVacuum,
  optimizeTable,
  planVacuum,
  restoreTable,
  TableWriter,
  vacuumTable,
} from '../../../shared/delta/index.js';
import { findVacuumAtWork, vacuumLeaseMs, vacuumTags } from '../../../shared/delta/upkeep/vacuumRuns.js';
import { createMemoryStore } from '../../../shared/storage/index.js';
import { expectedRows, partitionAppend, readingsSchema, readLogLines } from '../../support/deltaFixtures.js';
import { ProcessKilled } from '../../support/faultyStore.js';
import { putCommitLines } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { ofSeeds } from '../../support/seeds.js';
import { storeWith } from '../../support/storeWith.js';
import { Outcomes, TableRace } from '../../support/tableRace.js';
import { liveRows } from '../../support/tableRows.js';

const root = 'tables/readings';
const dayMs = 86_400_000;

/** Version 4 packed the files of versions 1 to 3, which vacuum may take by now. */
async function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (let last = 1; last <= 3; last++) await writer.append(partitionAppend('p0', 1, last * 2));
  await optimizeTable(table);
  clock.advance(8 * dayMs);
  return table;
}

async function operations(table: Awaited<ReturnType<typeof setUp>>): Promise<unknown[]> {
  const commits = await readLogLines(table.store, root);
  return commits.map(([first]) => (first!.commitInfo as Record<string, unknown>).operation);
}

describe('a vacuum beside a restore', () => {
  it('never deletes what came back, in many orders', async () => {
    const outcomes = new Outcomes();
    for (let seed = 0; seed < ofSeeds(200); seed++) {
      const table = await setUp();
      const race = new TableRace(table, seed);
      const results = await race.settle<void>([
        async () => {
          // A restore asks the store more often than a vacuum: without pauses it would hardly ever come in between.
          const { store, ...others } = race.as(1);
          const pause = async (turns: number) => {
            for (let turn = 0; turn < turns; turn++) await store.head('nothing');
          };
          const slow = storeWith(store, {
            async delete(path) {
              await pause(15);
              return store.delete(path);
            },
          });
          const vacuum = { ...others, store: slow };
          await pause(seed % 25);
          outcomes.count(`vacuum ${(await vacuumTable(vacuum)).kind}`);
        },
        async () => outcomes.count(`restore ${(await restoreTable({ ...race.as(2), version: 3 })).kind}`),
        async () => {
          const late = race.as(3);
          for (let turn = 0; turn < (seed * 7) % 40; turn++) await late.store.head('nothing');
          outcomes.count(`restore ${(await restoreTable({ ...late, version: 2 })).kind}`);
        },
      ]);
      for (const result of results) {
        if (result.status === 'fulfilled') continue;
        const { reason } = result;
        assert.ok(reason instanceof TributaryError && reason.code === 'DELTA_FILE_MISSING', String(reason));
        outcomes.count('restore came too late');
      }
      // Throws when a live file is gone.
      const rows = await liveRows(table);
      assert.ok(rows.length === 6 || rows.length === 4, `seed ${seed}: ${rows.length} rows`);
    }
    const summary = `${outcomes}`;
    for (const [what, least] of [
      ['vacuum vacuumed', 20],
      ['vacuum aborted', 5],
      ['restore restored', 20],
      ['restore conflict', 5],
      ['restore vacuumAtWork', 5],
    ] as const)
      assert.ok(outcomes.of(what) >= ofSeeds(least), `${what}: ${summary}`);
  });

  it('stops before it starts when planned files came back', async () => {
    const table = await setUp();
    const plan = await planVacuum(table);
    assert.equal(plan.paths.length, 3);
    assert.equal((await restoreTable({ ...table, version: 3 })).kind, 'restored');
    assert.deepEqual(await executeVacuum(plan, table), { kind: 'aborted', deletedCount: 0 });
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 6 }));
  });

  it('that is half done keeps restores away, and one that died does so for an hour', async () => {
    const table = await setUp();
    let left = 1;
    const dying = storeWith(table.store, {
      async delete(path: string) {
        if (left-- <= 0) throw new ProcessKilled();
        return table.store.delete(path);
      },
    });
    await assert.rejects(vacuumTable({ ...table, store: dying }), ProcessKilled);
    assert.deepEqual(await restoreTable({ ...table, version: 3 }), { kind: 'vacuumAtWork', version: 5 });
    table.clock.advance(2 * vacuumLeaseMs);
    await assert.rejects(restoreTable({ ...table, version: 3 }), { code: 'DELTA_FILE_MISSING' });
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 6 }));
  });

  it('does not matter to a restore that brings no file back', async () => {
    const table = await setUp();
    const writer = new TableWriter({ ...table, random: seededRandom(5) });
    await writer.append(partitionAppend('p1', 1, 3));
    await putCommitLines(table.store, root, 6, [{ commitInfo: { operation: 'VACUUM START' } }]);
    assert.equal((await restoreTable({ ...table, version: 4 })).kind, 'restored');
    assert.deepEqual(await liveRows(table), expectedRows({ p0: 6 }));
  });

  it('starts again before its first start has lost its force, and stops when it may not', async () => {
    const table = await setUp();
    const plan = await planVacuum(table);
    // Many names that are gone already, each deletion slow.
    const many = {
      ...plan,
      paths: [...plan.paths, ...Array.from({ length: 3000 }, (_, index) => `gone-${index}`)],
    };
    const slow = (beforeDelete: (count: number) => Promise<void>) => {
      let deletes = 0;
      return storeWith(table.store, {
        async delete(path: string) {
          await beforeDelete(++deletes);
          return table.store.delete(path);
        },
      });
    };
    const store = slow(async (count) => {
      if (count % 100 === 0) table.clock.advance(vacuumLeaseMs / 10);
    });
    assert.equal((await executeVacuum(many, { ...table, store })).kind, 'vacuumed');
    const log = (await operations(table)).slice(5);
    assert.deepEqual(log, ['VACUUM START', 'VACUUM START', 'VACUUM START', 'VACUUM END']);

    const changed = slow(async (count) => {
      if (count === 1024) {
        table.clock.advance(vacuumLeaseMs);
        await putCommitLines(table.store, root, 10, [
          { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
        ]);
      }
    });
    const result = await executeVacuum({ ...many, version: 8 }, { ...table, store: changed });
    assert.deepEqual(result, { kind: 'aborted', deletedCount: 1024 });
    const end = (await readLogLines(table.store, root)).at(-1)![0]!.commitInfo as Record<string, unknown>;
    assert.deepEqual([end.operation, end.operationParameters], ['VACUUM END', { status: 'FAILED' }]);
  });
});

describe('a vacuum at work', () => {
  const nowMs = 100 * vacuumLeaseMs;
  const entry = (version: number, operation: string, ageMs: number, run?: string) => ({
    version,
    timestampMs: nowMs - ageMs,
    commitInfo: { operation, ...(run === undefined ? {} : { tags: vacuumTags(run) }) },
  });
  const start = (version: number, ageMs: number, run?: string) => entry(version, 'VACUUM START', ageMs, run);
  const end = (version: number, run?: string) => entry(version, 'VACUUM END', 0, run);

  it('is one that started and has not ended', () => {
    assert.equal(findVacuumAtWork([], nowMs), undefined);
    assert.equal(findVacuumAtWork([start(3, 5, 'a')], nowMs), 3);
    assert.equal(findVacuumAtWork([start(3, 5, 'a'), end(4, 'a')], nowMs), undefined);
    assert.equal(findVacuumAtWork([start(3, 5, 'a'), end(4, 'b')], nowMs), 3);
    assert.equal(findVacuumAtWork([start(3, 5, 'a'), start(4, 4, 'b'), end(5, 'a')], nowMs), 4);
    assert.equal(findVacuumAtWork([start(3, 5, 'a'), start(4, 4, 'a'), end(5, 'a')], nowMs), undefined);
    assert.equal(findVacuumAtWork([end(2, 'a'), start(3, 5, 'b')], nowMs), 3);
  });

  it('of another engine ends with the next end that names no run', () => {
    assert.equal(findVacuumAtWork([start(3, 5), end(4)], nowMs), undefined);
    assert.equal(findVacuumAtWork([start(3, 5), end(4, 'a')], nowMs), 3);
    assert.equal(findVacuumAtWork([start(3, 5, 'a'), end(4)], nowMs), 3);
    assert.equal(findVacuumAtWork([start(3, 5), start(4, 4), end(5)], nowMs), 4);
  });

  it('that started long ago has died', () => {
    assert.equal(findVacuumAtWork([start(3, vacuumLeaseMs, 'a')], nowMs), undefined);
    assert.equal(findVacuumAtWork([start(3, vacuumLeaseMs - 1, 'a')], nowMs), 3);
  });
});
