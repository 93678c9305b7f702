// The process dies, answers get lost, the storage is flaky: after a redelivery every row is there once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { type AppendRequest, TableWriter } from '../../shared/delta/index.js';
import { createMemoryStore, type ObjectStore } from '../../shared/storage/index.js';
import {
  addedPaths,
  blindAppend,
  committedRows,
  expectedRows,
  partitionAppend,
  readingsBatch,
  readingsSchema,
} from '../support/deltaFixtures.js';
import { type FaultPlan, FaultyStore, ProcessKilled, type WriteFault } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';
import { ofSeeds } from '../support/seeds.js';

const root = 'tables/readings';

function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  return { store: createMemoryStore(clock), root, clock, schema: readingsSchema };
}

/** Deliveries as a hub makes them: the second of a pair waits for the first. */
const deliveries: readonly AppendRequest[][] = [
  [partitionAppend('p0', 1, 4), partitionAppend('p1', 1, 2)],
  [partitionAppend('p0', 5, 9)],
  [partitionAppend('p1', 3, 3), partitionAppend('p2', 1, 7)],
];
/** After a crash the hub cuts the same events at other places. */
const redeliveries: readonly AppendRequest[][] = [
  [partitionAppend('p0', 1, 6), partitionAppend('p1', 1, 3)],
  [partitionAppend('p0', 7, 9), partitionAppend('p2', 1, 7)],
];
const everything = expectedRows({ p0: 9, p1: 3, p2: 7 });

async function run(
  table: ReturnType<typeof setUp>,
  store: ObjectStore,
  seed: number,
  work: typeof deliveries,
) {
  const writer = new TableWriter({ ...table, store, random: seededRandom(seed) });
  for (const group of work) await Promise.all(group.map((request) => writer.append(request)));
}

describe('a crash at any write', () => {
  it('loses and doubles nothing, before and after each write lands', async () => {
    const counting = new FaultyStore(setUp().store);
    await run(setUp(), counting, 1, deliveries);
    // The table's first commit, then a data file and a commit per group.
    assert.equal(counting.writeCount, 7);

    let crashes = 0;
    for (let atWrite = 1; atWrite <= counting.writeCount; atWrite++) {
      for (const when of ['before', 'after'] as const) {
        const table = setUp();
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(run(table, dying, 1, deliveries), ProcessKilled, `write ${atWrite}, ${when}`);
        crashes += dying.faultCount;
        await run(table, table.store, 2, redeliveries);
        assert.deepEqual(await committedRows(table.store, root), everything, `write ${atWrite}, ${when}`);
      }
    }
    assert.equal(crashes, 14);
  });

  it('tells every append of the group that dies', async () => {
    const table = setUp();
    const dying = new FaultyStore(table.store, { crash: { atWrite: 3, when: 'after' } });
    const writer = new TableWriter({ ...table, store: dying, random: seededRandom(1) });
    const results = await Promise.allSettled([
      writer.append(partitionAppend('p0', 1, 1)),
      writer.append(partitionAppend('p1', 1, 1)),
      writer.append(partitionAppend('p0', 2, 2)),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.equal(dying.faultCount, 1);
  });
});

describe('a lost answer', () => {
  const kinds: readonly WriteFault[] = ['lostError', 'lostExists', 'late', 'refused'];

  for (const kind of kinds) {
    it(`(${kind}) at any write is resolved without doubling`, async () => {
      let faults = 0;
      for (let faulty = 1; faulty <= 7; faulty++) {
        const table = setUp();
        const store = new FaultyStore(table.store, {
          writeFault: (write) => (write === faulty ? kind : undefined),
        });
        await run(table, store, 1, deliveries);
        faults += store.faultCount;
        assert.equal((await addedPaths(table.store, root)).length, 3, `write ${faulty}`);
        assert.deepEqual(await committedRows(table.store, root), everything, `write ${faulty}`);
      }
      assert.equal(faults, 7);
    });

    it(`(${kind}) does not double an append that carries no transaction`, async () => {
      const table = setUp();
      const plan: FaultPlan = {
        writeFault: (_, path) => (path.endsWith('1.json') && once() ? kind : undefined),
      };
      let isFirst = true;
      const once = () => {
        const answer = isFirst;
        isFirst = false;
        return answer;
      };
      const store = new FaultyStore(table.store, plan);
      const writer = new TableWriter({ ...table, store, random: seededRandom(1) });
      assert.deepEqual(await writer.append(blindAppend(readingsBatch('a', 1, 3))), {
        kind: 'committed',
        version: 1,
        rowCount: 3,
      });
      assert.equal(store.faultCount, 1);
      assert.deepEqual(await committedRows(table.store, root), expectedRows({ a: 3 }));
    });
  }

  it('that stays unknown is an error, and the next append finds out', async () => {
    const table = setUp();
    let isDown = false;
    let landed = 0;
    const store = new FaultyStore(table.store, {
      writeFault(_, path) {
        if (!path.endsWith('1.json')) return undefined;
        isDown = true;
        landed++;
        return landed === 1 ? 'lostError' : 'refused';
      },
      flakyReads: { random: { next: () => (isDown ? 0 : 1), uuid: () => '' }, probability: 0.5 },
    });
    const writer = new TableWriter({ ...table, store, random: seededRandom(1) });
    await assert.rejects(writer.append(partitionAppend('p0', 1, 4)), {
      code: 'STORAGE_UNAVAILABLE',
      message: /outcome of writing version 1 of table tables\/readings is unknown/,
    });
    isDown = false;
    assert.deepEqual(await writer.append(partitionAppend('p0', 1, 4)), {
      kind: 'alreadyCommitted',
      version: 1,
    });
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 4 }));
  });
});

describe('a flaky store', () => {
  it('delays appends, or fails them with a transient error, but loses and doubles nothing', async () => {
    let faults = 0;
    let failures = 0;
    for (let seed = 0; seed < ofSeeds(60); seed++) {
      const table = setUp();
      const random = seededRandom(seed);
      const kinds: readonly WriteFault[] = ['lostError', 'lostExists', 'late', 'refused'];
      const store = new FaultyStore(table.store, {
        writeFault: () => (random.next() < 0.35 ? kinds[Math.floor(random.next() * 4)] : undefined),
        flakyReads: { random, probability: 0.2 },
      });
      const writer = new TableWriter({ ...table, store, random: seededRandom(seed + 1000) });
      for (const group of [...deliveries, ...redeliveries]) {
        for (let pending = [...group]; pending.length > 0; ) {
          const results = await Promise.allSettled(pending.map((request) => writer.append(request)));
          pending = pending.filter((_, index) => results[index]?.status === 'rejected');
          for (const result of results) {
            if (result.status === 'fulfilled') continue;
            failures++;
            assert.equal(result.reason.retry, 'transient', `seed ${seed}: ${result.reason}`);
          }
        }
      }
      faults += store.faultCount;
      assert.deepEqual(await committedRows(table.store, root), everything, `seed ${seed}`);
    }
    assert.ok(faults > ofSeeds(250), `only ${faults} faults`);
    assert.ok(failures > ofSeeds(20), `only ${failures} appends failed`);
  });
});
