// Crashes before and after every write, rivals in seeded orders, events that come twice or never: every record once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batchSteps, type FileLoader, loadFiles } from '../../../shared/autoloader/index.js';
import { seededRandom, TributaryError } from '../../../shared/base/index.js';
import type { Ledger, LedgerChange, LedgerChangeResult, LedgerRow } from '../../../shared/storage/index.js';
import { FaultyStore, ProcessKilled } from '../../support/faultyStore.js';
import { FileWorld, landingWith, streamOf } from '../../support/fileStreams.js';
import { Interleaving } from '../../support/interleaving.js';
import { caseStride, ofSeeds } from '../../support/seeds.js';

const small = { group: { maxFiles: 2 }, stage: { maxRows: 3 } };

/** Two batches, bad records, a new column in the second: everything that a loader writes is written. */
function fill(world: FileWorld): string[] {
  world.putJson('a.ndjson', { n: 0 }, { n: 1 }, { n: 2 }, { n: 3 });
  world.put('b.ndjson', '{"n":4}\nbad\n{"n":5}');
  world.putJson('c.ndjson', { n: 6, extra: 'x' });
  world.putJson('d.ndjson', { n: 7 });
  world.putJson('e.ndjson', { n: 8, later: true });
  return ['a:0', 'a:1', 'a:2', 'a:3', 'b:0', 'b:2', 'c:0', 'd:0', 'e:0'].map(idOf);
}

function idOf(text: string): string {
  const [file, row] = text.split(':');
  return `${file}.ndjson#${String(row).padStart(6, '0')}`;
}

async function assertLoadedOnce(world: FileWorld, expected: readonly string[]): Promise<void> {
  assert.deepEqual(await world.identities(), expected);
  const bad = await world.rows('quarantine');
  assert.deepEqual(
    bad.map(({ _partition, _index }) => [_partition, _index]),
    [['b.ndjson', 1]],
  );
  const { ledger } = world.open();
  assert.deepEqual(await ledger.outstanding(), { fileCount: 0, byteCount: 0 });
  for await (const { state, path, rowCount } of ledger.files()) {
    assert.equal(state, 'committed', path);
    assert.ok((rowCount ?? 0) > 0, path);
  }
}

/** Writes of all stores of one process, counted together. */
class Lifetime {
  writeCount = 0;
  #isKilled = false;

  constructor(private readonly crash?: { readonly atWrite: number; readonly when: 'before' | 'after' }) {}

  async write<Result>(land: () => Promise<Result>): Promise<Result> {
    this.enter();
    this.writeCount++;
    this.#crashIf('before');
    const result = await land();
    this.#crashIf('after');
    return result;
  }

  enter(): void {
    if (this.#isKilled) throw new ProcessKilled();
  }

  #crashIf(when: 'before' | 'after'): void {
    if (this.crash?.atWrite !== this.writeCount || this.crash.when !== when) return;
    this.#isKilled = true;
    throw new ProcessKilled();
  }
}

class MortalLedger implements Ledger {
  constructor(
    private readonly inner: Ledger,
    private readonly life: Lifetime,
  ) {}

  async get(key: Parameters<Ledger['get']>[0]): Promise<LedgerRow | undefined> {
    this.life.enter();
    return this.inner.get(key);
  }

  async *list(range: Parameters<Ledger['list']>[0]): AsyncIterable<LedgerRow> {
    this.life.enter();
    yield* this.inner.list(range);
  }

  change(partition: string, changes: readonly LedgerChange[]): Promise<LedgerChangeResult> {
    return this.life.write(() => this.inner.change(partition, changes));
  }
}

function mortalStores(world: FileWorld, life: Lifetime) {
  const lake = new FaultyStore(world.lake, {});
  return {
    ledger: new MortalLedger(world.ledger, life),
    lake: Object.assign(lake, {
      putIfAbsent: (path: string, bytes: Uint8Array) => life.write(() => world.lake.putIfAbsent(path, bytes)),
      put: (path: string, bytes: Uint8Array) => life.write(() => world.lake.put(path, bytes)),
    }),
  };
}

async function listAndLoad(world: FileWorld, stores: Parameters<FileWorld['open']>[0] = {}): Promise<void> {
  const { discovery, loader } = world.open(stores);
  await discovery.list();
  await loadFiles(loader);
}

function newWorld(): FileWorld {
  return new FileWorld(streamOf({ maxFilesPerBatch: 3 }), small);
}

describe('a loader that dies', () => {
  it('before or after any of its writes leaves every record to be loaded exactly once', async () => {
    const counting = newWorld();
    fill(counting);
    const whole = new Lifetime();
    await listAndLoad(counting, mortalStores(counting, whole));
    assert.ok(whole.writeCount > 15, `${whole.writeCount} writes`);
    for (let atWrite = 1; atWrite <= whole.writeCount; atWrite += caseStride) {
      for (const when of ['before', 'after'] as const) {
        const world = newWorld();
        const expected = fill(world);
        const life = new Lifetime({ atWrite, when });
        await assert.rejects(listAndLoad(world, mortalStores(world, life)), ProcessKilled);
        await listAndLoad(world);
        await assertLoadedOnce(world, expected);
      }
    }
  });

  it('again and again, at any of its writes, gets there all the same', async () => {
    for (let seed = 0; seed < ofSeeds(25); seed++) {
      const random = seededRandom(seed);
      const world = newWorld();
      const expected = fill(world);
      for (let deaths = 0; ; deaths++) {
        const when = random.next() < 0.5 ? 'before' : 'after';
        const life = new Lifetime({ atWrite: 1 + Math.floor(random.next() * (4 + deaths)), when });
        try {
          await listAndLoad(world, mortalStores(world, life));
          break;
        } catch (error) {
          if (!(error instanceof ProcessKilled)) throw error;
        }
      }
      await assertLoadedOnce(world, expected);
    }
  });
});

describe('storage whose answers get lost', () => {
  it('makes the loader try again, and no record come twice', async () => {
    for (let seed = 0; seed < ofSeeds(40); seed++) {
      const random = seededRandom(seed + 500);
      const world = newWorld();
      const expected = fill(world);
      const kinds = ['lostError', 'lostExists', 'late', 'refused'] as const;
      const lake = new FaultyStore(world.lake, {
        writeFault: () => (random.next() < 0.2 ? kinds[Math.floor(random.next() * kinds.length)] : undefined),
        flakyReads: { random, probability: 0.03 },
      });
      for (let attempt = 0; ; attempt++) {
        assert.ok(attempt < 100, `seed ${seed}`);
        try {
          await listAndLoad(world, { lake });
          break;
        } catch (error) {
          const isTransient = error instanceof TributaryError && error.retry === 'transient';
          if (!isTransient) throw error;
        }
      }
      await assertLoadedOnce(world, expected);
    }
  });
});

describe('two loaders of one stream', () => {
  it('share the work in any order of their steps', async () => {
    for (let seed = 0; seed < ofSeeds(40); seed++) {
      const world = newWorld();
      const expected = fill(world);
      const interleaving = new Interleaving(seededRandom(seed));
      const run = () => async () => {
        const inTurn = interleavedLedger(world.ledger, interleaving);
        const stores = { lake: interleaving.view(world.lake), ledger: inTurn };
        for (;;) {
          try {
            return await listAndLoad(world, stores);
          } catch (error) {
            // As an orchestration would: what a rival was faster with is looked at again.
            if (!(error instanceof TributaryError) || error.retry !== 'transient') throw error;
          }
        }
      };
      const results = await interleaving.run([run(), run(), run()]);
      for (const result of results)
        assert.equal(result.status, 'fulfilled', `seed ${seed}: ${String(reasonOf(result))}`);
      await assertLoadedOnce(world, expected);
    }
  });
});

/** Runs a batch up to its commit, and returns what was to be committed. */
async function stageBatch(loader: FileLoader): Promise<unknown> {
  const plan = await loader.plan();
  assert.ok(plan.kind === 'batch');
  const steps = batchSteps(plan.load);
  let next = steps.next();
  while (next.done !== true) {
    const { step, inputs } = next.value;
    if (step === 'commit') return inputs[0];
    next = steps.next(await Promise.all(inputs.map((input) => loader.run(step, input))));
  }
  return assert.fail('a batch without a commit');
}

describe('rivals that saw different versions of a file', () => {
  for (const first of ['the one that read it', 'the one that came too late']) {
    it(`agree on what ${first} has settled`, async () => {
      const world = newWorld();
      world.putJson('a.ndjson', { n: 1 });
      world.putJson('b.ndjson', { n: 2 });
      await world.open().discovery.list();
      const [early, late] = [world.open().loader, world.open().loader];
      const read = await stageBatch(early);
      world.putJson('a.ndjson', { n: 3 });
      const missed = await stageBatch(late);
      const isRead = first === 'the one that read it';
      // The winner dies between its commit and its marks; the other one goes on.
      const dying = world.open({
        ledger: { ...ledgerOf(world.ledger), change: () => Promise.reject(new ProcessKilled()) },
      });
      await assert.rejects(dying.loader.run('commit', isRead ? read : missed), ProcessKilled);
      await (isRead ? late : early).run('commit', isRead ? missed : read);
      await listAndLoad(world);
      const rows = await world.rows();
      assert.deepEqual(
        rows.map(({ n }) => n),
        isRead ? [1, 2] : [3, 2],
      );
      assert.deepEqual(await world.open().ledger.outstanding(), { fileCount: 0, byteCount: 0 });
    });
  }
});

function ledgerOf(ledger: Ledger): Ledger {
  return {
    get: (key) => ledger.get(key),
    list: (range) => ledger.list(range),
    change: (partition, changes) => ledger.change(partition, changes),
  };
}

function reasonOf(result: PromiseSettledResult<unknown>): unknown {
  return result.status === 'rejected' ? (result.reason as Error).stack : undefined;
}

function interleavedLedger(ledger: Ledger, interleaving: Interleaving): Ledger {
  // A view of a store gives turns to its calls; the ledger borrows them.
  const turns = interleaving.view({
    read: async () => undefined,
    head: async () => undefined,
    putIfAbsent: async () => ({ kind: 'created' }),
    put: async () => {},
    async *list() {},
    delete: async () => true,
  });
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await turns.head('before');
    const result = await work();
    await turns.head('after');
    return result;
  };
  return {
    get: (key) => inTurn(() => ledger.get(key)),
    async *list(range) {
      await turns.head('list');
      yield* ledger.list(range);
    },
    change: (partition, changes) => inTurn(() => ledger.change(partition, changes)),
  };
}

describe('events of files', () => {
  it('may come twice, in any order, late, for files that are gone, or not at all', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const random = seededRandom(seed);
      const world = newWorld();
      const expected = fill(world);
      const paths = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.ndjson`);
      for (let event = 0; event < 20; event++) {
        const { discovery, loader } = world.open();
        const path = random.next() < 0.1 ? 'gone.ndjson' : paths[Math.floor(random.next() * 4)]!;
        await discovery.enter(path);
        if (random.next() < 0.3) await loadFiles(loader);
      }
      // The listing finds the last one, whose event never came.
      await listAndLoad(world);
      await assertLoadedOnce(world, expected);
    }
  });

  it('that come during a load are not forgotten', async () => {
    const world = newWorld();
    world.putJson('a.ndjson', { n: 0 });
    let isSent = false;
    const landing = landingWith(world.landing, {
      read: async (version, range) => {
        if (!isSent) {
          isSent = true;
          world.putJson('late.ndjson', { n: 1 });
          await world.open().discovery.enter('late.ndjson');
        }
        return world.landing.read(version, range);
      },
    });
    const { discovery, loader } = world.open({ landing });
    await discovery.list();
    await loadFiles(loader);
    assert.deepEqual(await world.identities(), ['a.ndjson#000000', 'late.ndjson#000000']);
  });

  it('of files that were there leave later ones for another time, where that was asked for', async () => {
    const world = newWorld();
    world.putJson('a.ndjson', { n: 0 });
    const { discovery, loader } = world.open();
    await discovery.list();
    const discoveredBeforeMs = world.clock.nowMs() + 1;
    world.clock.advance(10);
    world.putJson('b.ndjson', { n: 1 });
    await discovery.list();
    await loadFiles(loader, { discoveredBeforeMs });
    assert.deepEqual(await world.identities(), ['a.ndjson#000000']);
    await loadFiles(loader);
    assert.equal((await world.rows()).length, 2);
  });
});
