// Appends, optimize, vacuum, checkpoints and log cleanup at once, in orders drawn from seeds: rows are never lost or doubled.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom } from '../../../shared/base/index.js';
import {
  cleanUpLog,
  createTable,
  deleteRows,
  openTable,
  optimizeTable,
  type RowPredicate,
  restoreTable,
  TableWriter,
  vacuumTable,
  writeCheckpoint,
} from '../../../shared/delta/index.js';
import { createMemoryStore, storeBelow } from '../../../shared/storage/index.js';
import { expectedRows, partitionAppend, readingsSchema } from '../../support/deltaFixtures.js';
import { FaultyStore, type WriteFault } from '../../support/faultyStore.js';
import { replaceLogByCheckpoint } from '../../support/foreignCheckpoint.js';
import { logDigits } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { Interleaving } from '../../support/interleaving.js';
import { ofSeeds } from '../../support/seeds.js';
import { Outcomes, TableRace } from '../../support/tableRace.js';
import { liveRows, rowsOfFiles } from '../../support/tableRows.js';

const root = 'tables/readings';
const dayMs = 86_400_000;

async function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, schema: readingsSchema };
  await createTable({ ...table, random: seededRandom(0) });
  const writer = new TableWriter({ ...table, random: seededRandom(1) });
  for (let last = 1; last <= 6; last++) await writer.append(partitionAppend('p0', 1, last));
  await optimizeTable({ ...table, random: seededRandom(2) });
  // What that left behind is old enough for vacuum and cleanup, and what comes now is not.
  clock.advance(40 * dayMs);
  await writeCheckpoint({ ...table, random: seededRandom(3) });
  await writer.append(partitionAppend('p0', 1, 8));
  return table;
}

/** Rows of a device up to a sequence number. */
const upTo = (device: string, last: number): RowPredicate => ({
  description: `device_id = '${device}' and sequence <= ${last}`,
  columns: ['device_id', 'sequence'],
  matches: ({ columns }, row) =>
    columns[0]!.values[row] === device && Number(columns[1]!.values[row]) <= last,
});

type Table = Awaited<ReturnType<typeof setUp>>;

const append =
  (table: Table & { readonly random: Random }, partition: string, lasts: readonly number[]) => async () => {
    const writer = new TableWriter(table);
    for (const last of lasts) await writer.append(partitionAppend(partition, 1, last));
  };

describe('upkeep beside appends', () => {
  it('loses and doubles nothing, in many orders', async () => {
    const outcomes = new Outcomes();
    for (let seed = 0; seed < ofSeeds(20); seed++) {
      const table = await setUp();
      const race = new TableRace(table, seed);
      const optimize = (task: number) => async () => {
        for (let round = 0; round < 3; round++)
          outcomes.count(`optimize ${(await optimizeTable(race.as(task))).kind}`);
      };
      await race.run<void>([
        append(race.as(1), 'p1', [2, 3, 7]),
        append(race.as(2), 'p2', [1, 5]),
        optimize(3),
        optimize(4),
        async () => outcomes.count(`vacuum ${(await vacuumTable(race.as(5))).kind}`),
        async () => void (await writeCheckpoint(race.as(6))),
        async () => outcomes.count(`cleanup ${(await cleanUpLog(race.as(7))).kind}`),
        async () => void (await writeCheckpoint(race.as(8))),
      ]);
      const rows = expectedRows({ p0: 8, p1: 7, p2: 5 });
      assert.deepEqual(await liveRows(table), rows, `seed ${seed}`);
      assert.equal((await openTable(table)).snapshot.totalRows, rows.length);
      // And after all that, from a checkpoint alone.
      await writeCheckpoint({ ...table, random: seededRandom(9) });
      table.clock.advance(40 * dayMs);
      await writeCheckpoint({ ...table, random: seededRandom(10) });
      await cleanUpLog({ ...table, random: seededRandom(11) });
      await vacuumTable({ ...table, random: seededRandom(12) });
      assert.deepEqual(await liveRows(table), rows, `seed ${seed}, after cleanup`);
    }
    // Proof that the orders differed in what happened.
    assert.ok(outcomes.of('optimize optimized') > ofSeeds(20), `${outcomes}`);
    assert.ok(outcomes.of('optimize aborted') >= ofSeeds(3), `${outcomes}`);
    assert.ok(outcomes.of('vacuum vacuumed') > ofSeeds(10), `${outcomes}`);
  });

  it('loses and doubles nothing while the storage loses answers and fails reads, in many orders', async () => {
    const kinds: readonly WriteFault[] = ['lostError', 'lostExists', 'late', 'refused'];
    let faults = 0;
    let failures = 0;
    for (let seed = 0; seed < ofSeeds(20); seed++) {
      const table = await setUp();
      const race = new Interleaving(seededRandom(seed));
      const chance = seededRandom(seed + 500);
      const stores: FaultyStore[] = [];
      const as = (task: number) => {
        const store = new FaultyStore(race.view(table.store), {
          writeFault: () => (chance.next() < 0.2 ? kinds[Math.floor(chance.next() * 4)] : undefined),
          flakyReads: { random: chance, probability: 0.02 },
        });
        stores.push(store);
        return { ...table, store, random: seededRandom(seed * 100 + task) };
      };
      const results = await race.run<unknown>([
        () => new TableWriter(as(1)).append(partitionAppend('p1', 1, 4)),
        () => new TableWriter(as(2)).append(partitionAppend('p2', 1, 3)),
        () => optimizeTable(as(3)),
        () => optimizeTable(as(4)),
        () => vacuumTable(as(5)),
        () => writeCheckpoint(as(6)),
        () => cleanUpLog(as(7)),
      ]);
      for (const result of results) {
        if (result.status === 'fulfilled') continue;
        failures++;
        assert.equal(result.reason.retry, 'transient', `seed ${seed}: ${result.reason}`);
      }
      faults += stores.reduce((sum, { faultCount }) => sum + faultCount, 0);
      // What failed is done again; what was done in spite of an error must show.
      const writer = new TableWriter({ ...table, random: seededRandom(seed + 900) });
      await writer.append(partitionAppend('p1', 1, 4));
      await writer.append(partitionAppend('p2', 1, 3));
      const rows = expectedRows({ p0: 8, p1: 4, p2: 3 });
      assert.deepEqual(await liveRows(table), rows, `seed ${seed}`);
      await optimizeTable({ ...table, random: seededRandom(1) });
      await writeCheckpoint({ ...table, random: seededRandom(2) });
      await vacuumTable({ ...table, random: seededRandom(3) });
      assert.deepEqual(await liveRows(table), rows, `seed ${seed}, after more upkeep`);
    }
    assert.ok(faults > ofSeeds(50), `only ${faults} faults`);
    assert.ok(failures >= ofSeeds(10), `only ${failures} tasks failed`);
  });

  it('loses, doubles and revives nothing beside deletes, in many orders', async () => {
    const outcomes = new Outcomes();
    for (let seed = 0; seed < ofSeeds(60); seed++) {
      const table = await setUp();
      const race = new TableRace(table, seed);
      await race.run<void>([
        append(race.as(1), 'p1', [2, 5]),
        append(race.as(2), 'p0', [9, 10]),
        async () => {
          for (let round = 0; round < 3; round++)
            outcomes.count(`optimize ${(await optimizeTable(race.as(3))).kind}`);
        },
        async () => {
          for (let last = 1; last <= 3; last++) {
            const { kind } = await deleteRows({ ...race.as(4), predicate: upTo('p0', last), maxAttempts: 2 });
            outcomes.count(`delete ${kind}`);
          }
        },
        async () => outcomes.count(`vacuum ${(await vacuumTable(race.as(5))).kind}`),
        async () => void (await writeCheckpoint(race.as(6))),
      ]);
      const wanted = expectedRows({ p0: 10, p1: 5 }).filter((row) => !/^p0\/00000[1-3]$/.test(row));
      // A delete that gave up says so, and has deleted nothing; once its rivals are gone it goes through.
      await deleteRows({ ...table, random: seededRandom(8), predicate: upTo('p0', 3) });
      assert.deepEqual(await liveRows(table), wanted, `seed ${seed}`);
      assert.equal((await openTable(table)).snapshot.totalRows, wanted.length);
      // And after all that, from a checkpoint alone, when what was removed is deleted.
      table.clock.advance(40 * dayMs);
      await writeCheckpoint({ ...table, random: seededRandom(9) });
      await cleanUpLog({ ...table, random: seededRandom(10) });
      await vacuumTable({ ...table, random: seededRandom(11) });
      assert.deepEqual(await liveRows(table), wanted, `seed ${seed}, after cleanup`);
    }
    // Proof that the orders differed in what happened.
    const summary = `${outcomes}`;
    assert.ok(outcomes.of('delete deleted') > ofSeeds(20), summary);
    assert.ok(outcomes.of('delete conflict') > ofSeeds(20), summary);
    assert.ok(outcomes.of('optimize optimized') > ofSeeds(20), summary);
    assert.ok(outcomes.of('optimize aborted') >= ofSeeds(3), summary);
    assert.ok(outcomes.of('vacuum vacuumed') > ofSeeds(20), summary);
  });

  it('and beside restores ends in what the log tells, in many orders', async () => {
    const outcomes = new Outcomes();
    for (let seed = 0; seed < ofSeeds(30); seed++) {
      const table = await setUp();
      if (seed % 2 === 1) await replaceLogByCheckpoint(table.store, root, 'two parts');
      const { snapshot } = await openTable(table);
      const base = { version: snapshot.version, rows: await liveRows(table) };
      const race = new TableRace(table, seed);
      const restore = (task: number, version: number, turns: number) => async () => {
        const late = race.as(task);
        for (let turn = 0; turn < turns; turn++) await late.store.head('nothing');
        try {
          outcomes.count(`restore ${(await restoreTable({ ...late, version })).kind}`);
        } catch (error) {
          // Vacuum or cleanup came first.
          assert.match(
            (error as { readonly code: string }).code,
            /^DELTA_(FILE_MISSING|VERSION_NOT_FOUND|LOG_GAP)$/,
          );
          outcomes.count('restore too late');
        }
      };
      await race.run<void>([
        async () => {
          const writer = new TableWriter(race.as(1));
          for (const last of [2, 5]) await writer.append(partitionAppend('p1', 1, last));
        },
        async () => void (await new TableWriter(race.as(2)).append(partitionAppend('p0', 1, 11))),
        async () => outcomes.count(`optimize ${(await optimizeTable(race.as(3))).kind}`),
        async () =>
          outcomes.count(`delete ${(await deleteRows({ ...race.as(4), predicate: upTo('p0', 2) })).kind}`),
        async () => outcomes.count(`vacuum ${(await vacuumTable(race.as(5))).kind}`),
        async () => void (await writeCheckpoint(race.as(6))),
        async () => outcomes.count(`cleanup ${(await cleanUpLog(race.as(7))).kind}`),
        restore(8, base.version, (seed * 7) % 120),
        restore(9, base.version - 2, (seed * 11) % 120),
        restore(10, base.version, (seed * 13) % 300),
      ]);
      const wanted = await rowsByLog(table, base);
      assert.deepEqual(await liveRows(table), wanted, `seed ${seed}`);
      table.clock.advance(40 * dayMs);
      await writeCheckpoint({ ...table, random: seededRandom(9) });
      await cleanUpLog({ ...table, random: seededRandom(10) });
      await vacuumTable({ ...table, random: seededRandom(11) });
      assert.deepEqual(await liveRows(table), wanted, `seed ${seed}, after cleanup`);
    }
    const summary = `${outcomes}`;
    for (const what of [
      'restore restored',
      'restore conflict',
      'delete deleted',
      'optimize optimized',
      'vacuum vacuumed',
    ])
      assert.ok(outcomes.of(what) >= ofSeeds(6), `${what}: ${summary}`);
  });
});

/** What a table holds by the operations in its log: an account that knows nothing of files being replaced. */
async function rowsByLog(
  table: Table,
  base: { readonly version: number; readonly rows: readonly string[] },
): Promise<string[]> {
  const files = storeBelow(table.store, root);
  const byVersion = new Map<number, readonly string[]>([[base.version, base.rows]]);
  let rows = base.rows;
  for (let version = base.version + 1; ; version++) {
    const bytes = await files.read(`_delta_log/${logDigits(version)}.json`);
    if (bytes === undefined) return [...rows].sort();
    const lines = new TextDecoder().decode(bytes).trimEnd().split('\n');
    const actions = lines.map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>);
    const info = actions[0]!.commitInfo!;
    const parameters = info.operationParameters as Record<string, string>;
    if (info.operation === 'WRITE') {
      const added = actions.flatMap(({ add }) => (add === undefined ? [] : [String(add.path)]));
      rows = [...rows, ...(await rowsOfFiles(files, added))];
      assert.equal(new Set(rows).size, rows.length, `version ${version} doubles rows`);
    } else if (info.operation === 'DELETE') {
      rows = rows.filter((row) => !/^p0\/00000[12]$/.test(row));
    } else if (info.operation === 'RESTORE') {
      // Older than the race: as many rows as appends had written by then.
      rows = byVersion.get(Number(parameters.version)) ?? expectedRows({ p0: 6 });
    }
    byVersion.set(version, rows);
  }
}
