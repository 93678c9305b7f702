// A process that dies at any of its writes and deletions: the table is readable, the next run completes, and what was left over goes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../../shared/base/index.js';
import {
  cleanUpLog,
  createTable,
  deleteRows,
  openTable,
  optimizeTable,
  parseRowPredicate,
  restoreTable,
  TableWriter,
  type UpkeepOptions,
  vacuumTable,
  writeCheckpoint,
} from '../../../shared/delta/index.js';
import { vacuumLeaseMs } from '../../../shared/delta/upkeep/vacuumRuns.js';
import { createMemoryStore, type ObjectStore } from '../../../shared/storage/index.js';
import { dataFiles, expectedRows, partitionAppend, readingsSchema } from '../../support/deltaFixtures.js';
import { ProcessKilled } from '../../support/faultyStore.js';
import { type ForeignForm, replaceLogByCheckpoint } from '../../support/foreignCheckpoint.js';
import { putCommitLines } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { formsOf } from '../../support/seeds.js';
import { liveRows } from '../../support/tableRows.js';

const root = 'tables/readings';
const dayMs = 86_400_000;

type Table = UpkeepOptions & {
  readonly clock: InstantClock;
  readonly random: ReturnType<typeof seededRandom>;
};

/** Files that were packed long ago, an old state of the log, and young appends; all kinds of upkeep have something to do. */
async function setUp(form: ForeignForm | 'commits'): Promise<Table> {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  await createTable({ ...table, schema: readingsSchema });
  const features = ['v2Checkpoint'];
  if (form.startsWith('V2'))
    await putCommitLines(store, root, 1, [
      {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: features,
          writerFeatures: [...features, 'appendOnly', 'invariants'],
        },
      },
    ]);
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (const last of [2, 4, 6]) await writer.append(partitionAppend('p0', 1, last));
  await optimizeTable(table);
  if (form !== 'commits') await replaceLogByCheckpoint(store, root, form);
  clock.advance(40 * dayMs);
  await writer.append(partitionAppend('p1', 1, 2));
  await writeCheckpoint(table);
  clock.advance(40 * dayMs);
  await writer.append(partitionAppend('p1', 1, 5));
  return table;
}

/** Kills the process at its n-th change of the store; counts them. */
function dyingStore(store: ObjectStore, atChange: number, when: 'before' | 'after') {
  const fate = { changes: 0, isDead: false };
  const alive = (): void => {
    if (fate.isDead) throw new ProcessKilled();
  };
  const change = async <Result>(land: () => Promise<Result>): Promise<Result> => {
    alive();
    fate.changes++;
    const isTheLast = fate.changes === atChange;
    if (isTheLast) fate.isDead = true;
    if (isTheLast && when === 'before') throw new ProcessKilled();
    const result = await land();
    alive();
    return result;
  };
  const dying: ObjectStore = {
    async read(path, range) {
      alive();
      return store.read(path, range);
    },
    async head(path) {
      alive();
      return store.head(path);
    },
    async *list(prefix, options) {
      alive();
      yield* store.list(prefix, options);
    },
    put: (path, bytes) => change(() => store.put(path, bytes)),
    putIfAbsent: (path, bytes) => change(() => store.putIfAbsent(path, bytes)),
    delete: (path) => change(() => store.delete(path)),
  };
  return { dying, fate };
}

const all = expectedRows({ p0: 6, p1: 5 });

interface Operation {
  readonly run: (table: Table) => Promise<unknown>;
  /** What the table holds once it is done; default what it held before. */
  readonly rows?: readonly string[];
}

const operations: Readonly<Record<string, Operation>> = {
  optimize: { run: optimizeTable },
  checkpoint: { run: writeCheckpoint },
  vacuum: { run: vacuumTable },
  cleanup: { run: cleanUpLog },
  delete: {
    async run(table) {
      const { snapshot } = await openTable(table);
      await deleteRows({ ...table, predicate: parseRowPredicate('sequence <= 3', snapshot) });
    },
    rows: all.filter((row) => Number(row.slice(3)) > 3),
  },
  restore: {
    async run(table) {
      const { version } = (await openTable(table)).snapshot;
      // Back by one append; a second run finds that it is done, and may not go back by another.
      if ((await liveRows(table)).length === all.length)
        await restoreTable({ ...table, version: version - 1 });
    },
    rows: expectedRows({ p0: 6, p1: 2 }),
  },
};

for (const form of formsOf(['commits', 'two parts', 'V2 in JSON with sidecars'] as const)) {
  describe(`a process that dies, on a table with ${form}`, () => {
    for (const [name, { run, rows = all }] of Object.entries(operations)) {
      it(`in ${name}: at any change the table is whole, and the next run completes`, async () => {
        let crashCount = 0;
        for (const when of ['before', 'after'] as const) {
          for (let atChange = 1; ; atChange++) {
            const table = await setUp(form);
            const { dying, fate } = dyingStore(table.store, atChange, when);
            const isKilled = await run({ ...table, store: dying }).then(
              () => false,
              (error: unknown) => {
                assert.ok(error instanceof ProcessKilled, String(error));
                return true;
              },
            );
            assert.equal(isKilled, fate.changes >= atChange);
            if (!isKilled) break;
            crashCount++;
            const where = `change ${atChange}, ${when}`;
            const found = await liveRows(table);
            assert.ok([all.join(), rows.join()].includes(found.join()), where);
            table.clock.advance(2 * vacuumLeaseMs);
            await run({ ...table, random: seededRandom(2) });
            assert.deepEqual(await liveRows(table), rows, where);
            // Whatever the dead one left behind goes in time, and nothing else.
            table.clock.advance(60 * dayMs);
            const others = { ...table, random: seededRandom(3) };
            await vacuumTable(others);
            await writeCheckpoint(others);
            await cleanUpLog(others);
            assert.deepEqual(await liveRows(table), rows, where);
            const { snapshot } = await openTable(table);
            assert.deepEqual(await dataFiles(table.store, root), [...snapshot.files.keys()].sort(), where);
          }
        }
        assert.ok(crashCount >= 2, `${crashCount} crashes`);
      });
    }
  });
}

/** The n-th change of the store lands, but its answer gets lost. */
function forgetfulStore(
  store: ObjectStore,
  atChange: number,
): { forgetful: ObjectStore; changes: () => number } {
  let changes = 0;
  const change = async <Result>(land: () => Promise<Result>): Promise<Result> => {
    changes++;
    const isLost = changes === atChange;
    const result = await land();
    if (isLost) throw new TributaryError('STORAGE_UNAVAILABLE', 'no answer', { retry: 'transient' });
    return result;
  };
  const forgetful: ObjectStore = {
    ...store,
    read: (path, range) => store.read(path, range),
    head: (path) => store.head(path),
    list: (prefix, options) => store.list(prefix, options),
    put: (path, bytes) => change(() => store.put(path, bytes)),
    putIfAbsent: (path, bytes) => change(() => store.putIfAbsent(path, bytes)),
    delete: (path) => change(() => store.delete(path)),
  };
  return { forgetful, changes: () => changes };
}

describe('an answer of the storage that is lost', () => {
  for (const [name, { run, rows = all }] of Object.entries(operations)) {
    it(`in ${name}: at any change, it is done once all the same`, async () => {
      for (let atChange = 1; ; atChange++) {
        const table = await setUp('commits');
        const before = (await openTable(table)).snapshot;
        const { forgetful, changes } = forgetfulStore(table.store, atChange);
        await run({ ...table, store: forgetful }).catch((error: unknown) => {
          // Deletions may be given up for now; nothing that was written is in doubt.
          assert.ok(error instanceof TributaryError && error.code === 'STORAGE_UNAVAILABLE', String(error));
        });
        assert.deepEqual(await liveRows(table), rows, `change ${atChange}`);
        await run({ ...table, random: seededRandom(2) });
        assert.deepEqual(await liveRows(table), rows, `change ${atChange}, again`);
        if (changes() < atChange) {
          assert.ok(atChange > 1, 'nothing was changed');
          break;
        }
        const { snapshot } = await openTable(table);
        assert.ok(snapshot.version - before.version <= 2, `change ${atChange}: committed twice`);
      }
    });
  }
});
