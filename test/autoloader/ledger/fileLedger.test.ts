// The ledger of a stream's files: discovered once, planned once, finished once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type BatchLimits,
  type BatchPlan,
  FileLedger,
  type LandedFile,
} from '../../../shared/autoloader/ledger/index.js';
import { seededRandom } from '../../../shared/base/index.js';
import { createMemoryLedger, type Ledger } from '../../../shared/storage/index.js';

const fileAt = (index: number, etag = 'e1'): LandedFile => ({
  path: `in/${index}.json`,
  etag,
  sizeBytes: 100,
  modifiedMs: 1_000 + index,
});

const limits = { maxFiles: 10, maxBytes: 1e9 };

function createFileLedger(ledger: Ledger = createMemoryLedger(), allowOverwrites = false) {
  let nowMs = 1_700_000_000_000;
  const clock = { nowMs: () => nowMs++, sleep: async () => undefined };
  return new FileLedger({ ledger, stream: 'files', allowOverwrites, clock });
}

async function planned(
  ledger: FileLedger,
  committedBatch: number,
  batchLimits: BatchLimits,
): Promise<BatchPlan | undefined> {
  const result = await ledger.plan(committedBatch, batchLimits);
  return result.kind === 'batch' ? result.plan : undefined;
}

function finished(plan: BatchPlan, version: number) {
  const files = plan.files.map((file) => ({
    file,
    outcome: { kind: 'loaded', rowCount: 1, badCount: 0 } as const,
  }));
  return { batch: plan.batch, version, files };
}

async function statesOf(ledger: FileLedger): Promise<Record<string, string>> {
  const states: Record<string, string> = {};
  for await (const { path, state } of ledger.files()) states[path] = state;
  return states;
}

describe('the ledger of files', () => {
  it('takes a file in once, however often it is announced', async () => {
    const ledger = createFileLedger();
    assert.equal((await ledger.discover([fileAt(1)])).length, 1);
    assert.equal((await ledger.discover([fileAt(1)])).length, 0);
    assert.equal((await ledger.discover([fileAt(1), fileAt(2), fileAt(2), fileAt(3)])).length, 2);
    assert.equal((await ledger.discover([fileAt(1, 'e2')])).length, 0, 'other bytes under a known name');
    assert.deepEqual(await ledger.outstanding(), { fileCount: 3, byteCount: 300 });
  });

  it('takes other bytes under a known name as another file where overwrites are allowed', async () => {
    const ledger = createFileLedger(createMemoryLedger(), true);
    assert.equal((await ledger.discover([fileAt(1)])).length, 1);
    assert.equal((await ledger.discover([fileAt(1, 'e2')])).length, 1);
    assert.equal((await ledger.discover([fileAt(1, 'e2')])).length, 0);
  });

  it('takes in many files of which some are known', async () => {
    const ledger = createFileLedger();
    await ledger.discover([3, 40, 77, 149].map((index) => fileAt(index)));
    const all = Array.from({ length: 150 }, (_, index) => fileAt(index));
    assert.equal((await ledger.discover(all)).length, 146);
    assert.equal((await ledger.knownIds()).size, 150);
  });

  it('plans the files that have waited longest, within the limits, and the same batch until it is finished', async () => {
    const ledger = createFileLedger();
    for (let index = 0; index < 25; index++) await ledger.discover([fileAt(index)]);
    const plan = await planned(ledger, -1, limits);
    assert.deepEqual(
      plan?.files.map(({ path }) => path),
      Array.from({ length: 10 }, (_, index) => `in/${index}.json`),
    );
    await ledger.discover([fileAt(99)]);
    assert.deepEqual(await planned(ledger, -1, { ...limits, maxFiles: 3 }), plan, 'whatever is asked now');
    assert.equal(await ledger.isUnfinished(0), true);
    await ledger.finish(finished(plan!, 7));
    assert.equal(await ledger.isUnfinished(0), false);
    const next = await planned(ledger, 0, { maxFiles: 100, maxBytes: 450 });
    assert.equal(next?.batch, 1);
    assert.equal(next.files.length, 5, 'the last file may exceed the bytes');
    assert.equal(next.files[0]?.path, 'in/10.json');
  });

  it('leaves files discovered later to a later batch', async () => {
    const ledger = createFileLedger();
    await ledger.discover([fileAt(1)]);
    const [first] = (await planned(ledger, -1, limits))!.files;
    await ledger.discover([fileAt(2)]);
    await ledger.finish(finished((await planned(ledger, -1, limits))!, 0));
    assert.equal(
      await planned(ledger, 0, { ...limits, discoveredBeforeMs: first!.discoveredMs + 1 }),
      undefined,
    );
    assert.equal((await planned(ledger, 0, limits))?.files.length, 1);
  });

  it('gives all of many racing planners the same batch', async () => {
    const shared = createMemoryLedger();
    await createFileLedger(shared).discover(Array.from({ length: 40 }, (_, index) => fileAt(index)));
    const plans = await Promise.all(
      Array.from({ length: 6 }, (_, rival) =>
        planned(createFileLedger(shared), -1, { ...limits, maxFiles: 5 + rival }),
      ),
    );
    for (const plan of plans) assert.deepEqual(plan, plans[0]);
  });

  it('keeps what became of each file', async () => {
    const ledger = createFileLedger();
    await ledger.discover([fileAt(1), fileAt(2), fileAt(3), fileAt(4)]);
    const plan = (await planned(ledger, -1, limits))!;
    const [one, two, three, four] = [...plan.files].sort((a, b) => a.path.localeCompare(b.path));
    const batch = {
      batch: 0,
      version: 5,
      files: [
        { file: one!, outcome: { kind: 'loaded', rowCount: 9, badCount: 1 } as const },
        { file: two!, outcome: { kind: 'unreadable', badCount: 1 } as const },
        { file: three!, outcome: { kind: 'missing' } as const },
        { file: four!, outcome: { kind: 'changed', now: fileAt(4, 'e2') } as const },
      ],
    };
    await ledger.finish(batch);
    await ledger.finish(batch);
    assert.deepEqual(await statesOf(ledger), {
      'in/1.json': 'committed',
      'in/2.json': 'unreadable',
      'in/3.json': 'missing',
      'in/4.json': 'waiting',
    });
    const next = await planned(ledger, 0, limits);
    assert.deepEqual(
      next?.files.map(({ path, etag }) => [path, etag]),
      [['in/4.json', 'e2']],
    );
    for await (const row of ledger.files()) {
      if (row.path === 'in/1.json')
        assert.deepEqual([row.rowCount, row.badCount, row.batch, row.committedVersion], [9, 1, 0, 5]);
    }
  });

  it('holds batches of more files than one text of a row', async () => {
    const ledger = createFileLedger();
    await ledger.discover(Array.from({ length: 2_000 }, (_, index) => fileAt(index)));
    const plan = await planned(ledger, -1, { maxFiles: 1_900, maxBytes: 1e9 });
    assert.equal(new Set(plan?.files.map(({ path }) => path)).size, 1_900);
  });

  it('takes fewer files into a batch when their names are long: all of them travel through one activity', async () => {
    const ledger = createFileLedger();
    const long = (index: number) => ({ ...fileAt(index), path: `${'\u00e4'.repeat(1_000)}/${index}.json` });
    await ledger.discover(Array.from({ length: 1_000 }, (_, index) => long(index)));
    const seen = new Set<string>();
    let plan = await planned(ledger, -1, { maxFiles: 1_000, maxBytes: 1e9 });
    for (let batch = 0; plan !== undefined; batch++) {
      assert.ok(Buffer.byteLength(JSON.stringify(plan)) < 700_000);
      for (const { path } of plan.files) seen.add(path);
      await ledger.finish(finished(plan, batch + 1));
      plan = await planned(ledger, batch, { maxFiles: 1_000, maxBytes: 1e9 });
    }
    assert.equal(seen.size, 1_000);
  });

  it('is born once', async () => {
    const shared = createMemoryLedger();
    const births = await Promise.all([1, 2, 3].map(() => createFileLedger(shared).birthMs()));
    assert.equal(new Set(births).size, 1);
  });

  it('loads every file exactly once though every write may be cut, before or after it took effect', async () => {
    for (let seed = 0; seed < 40; seed++) await loadWithCrashes(seed);
  });
});

/** Discovers, plans and finishes with a ledger whose writes fail at random; the batch number stands for the table's txn. */
async function loadWithCrashes(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const inner = createMemoryLedger();
  const failing: Ledger = {
    get: (key) => inner.get(key),
    list: (range) => inner.list(range),
    change: async (partition, changes) => {
      const fate = random.next();
      if (fate < 0.15) throw new Error('cut before');
      const result = await inner.change(partition, changes);
      if (fate < 0.3) throw new Error('cut after');
      return result;
    },
  };
  const loads = new Map<string, number>();
  let committed = -1;
  const attempt = async (work: (ledger: FileLedger) => Promise<void>) => {
    for (let tries = 0; tries < 200; tries++) {
      try {
        return await work(createFileLedger(failing));
      } catch (error) {
        if (!/^cut /.test((error as Error).message)) throw error;
      }
    }
    assert.fail('never came through');
  };
  const all = Array.from({ length: 60 }, (_, index) => fileAt(index));
  for (let start = 0; start < all.length; start += 20) {
    await attempt(async (ledger) => void (await ledger.discover(all.slice(start, start + 20))));
  }
  while ((await createFileLedger(inner).outstanding()).fileCount > 0) {
    await attempt(async (ledger) => {
      const plan = await planned(ledger, committed, { maxFiles: 13, maxBytes: 1e9 });
      if (plan === undefined) return;
      for (const { path } of plan.files) loads.set(path, (loads.get(path) ?? 0) + 1);
      committed = plan.batch;
      await attempt((again) => again.finish(finished(plan, plan.batch)));
    });
  }
  assert.equal(loads.size, 60, `seed ${seed}`);
  assert.ok(
    [...loads.values()].every((count) => count === 1),
    `seed ${seed}`,
  );
}
