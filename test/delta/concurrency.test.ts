// Several writers on one table: nothing lost, nothing doubled, whatever the order of their calls.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom } from '../../shared/base/index.js';
import { type AppendResult, createTable, TableWriter } from '../../shared/delta/index.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import {
  addedPaths,
  blindAppend,
  committedRows,
  dataFiles,
  expectedRows,
  field,
  partitionAppend,
  readingsBatch,
  readingsSchema,
  readLogLines,
} from '../support/deltaFixtures.js';
import { FaultyStore } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';
import { Interleaving } from '../support/interleaving.js';
import { ofSeeds } from '../support/seeds.js';
import { storeWith } from '../support/storeWith.js';

const root = 'tables/readings';

function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  return { store: createMemoryStore(clock), root, clock, schema: readingsSchema };
}

/** Every version is there, every data file was written once and is referred to at most once. */
async function assertSoundLog(table: ReturnType<typeof setUp>): Promise<void> {
  const commits = await readLogLines(table.store, root);
  const names: string[] = [];
  for await (const { path } of storeBelow(table.store, root).list('_delta_log/')) names.push(path);
  assert.deepEqual(
    names,
    commits.map((_, version) => `_delta_log/${String(version).padStart(20, '0')}.json`),
  );
  const added = await addedPaths(table.store, root);
  assert.equal(new Set(added).size, added.length);
  const files = new Set(await dataFiles(table.store, root));
  for (const path of added) assert.ok(files.has(path), path);
}

describe('a writer on a crowded table', () => {
  it('lets rivals pass before its next append, too, until it is alone again', async () => {
    const table = setUp();
    const rival = new TableWriter({ ...table, random: seededRandom(1) });
    let rivalAppends = 0;
    const store = storeWith(table.store, {
      async putIfAbsent(path, bytes) {
        if (path.endsWith('.json') && rivalAppends > 0) {
          rivalAppends--;
          await rival.append(blindAppend(readingsBatch('rival', 1, 2)));
        }
        return table.store.putIfAbsent(path, bytes);
      },
    });
    const clock = new InstantClock(1_700_000_000_000);
    const writer = new TableWriter({ ...table, store, clock, random: seededRandom(2) });
    const append = async () => {
      const [attempts, pauses] = [writer.metrics.attemptCount, clock.sleepCount];
      await writer.append(blindAppend(readingsBatch('writer', 1, 2)));
      return { attempts: writer.metrics.attemptCount - attempts, pauses: clock.sleepCount - pauses };
    };
    assert.deepEqual(await append(), { attempts: 1, pauses: 0 });
    rivalAppends = 5;
    assert.deepEqual(await append(), { attempts: 6, pauses: 5 });
    assert.deepEqual(await append(), { attempts: 1, pauses: 1 });
    assert.deepEqual(await append(), { attempts: 1, pauses: 1 });
    assert.deepEqual(await append(), { attempts: 1, pauses: 0 });
    await assertSoundLog(table);
  });
});

describe('ten racing writers', () => {
  it('all commit; each data file is written once and referred to once', async () => {
    const table = setUp();
    await createTable({ ...table, random: seededRandom(0) });
    const race = new Interleaving(seededRandom(11));
    const writers = Array.from(
      { length: 10 },
      (_, index) =>
        new TableWriter({ ...table, store: race.view(table.store), random: seededRandom(100 + index) }),
    );
    const results = await race.run(
      writers.map((writer, index) => () => writer.append(partitionAppend(`p${index}`, 1, index + 1))),
    );
    assert.deepEqual(
      results.filter(({ status }) => status === 'rejected'),
      [],
    );
    await assertSoundLog(table);
    const lasts = Object.fromEntries(writers.map((_, index) => [`p${index}`, index + 1]));
    assert.deepEqual(await committedRows(table.store, root), expectedRows(lasts));
    assert.equal((await dataFiles(table.store, root)).length, 10);
    assert.equal((await readLogLines(table.store, root)).length, 11);
    const attempts = writers.reduce((sum, { metrics }) => sum + metrics.attemptCount, 0);
    assert.ok(attempts > 10, `${attempts} attempts: the writers did not race`);
  });

  it('lose no blind append of forty', async () => {
    const table = setUp();
    const race = new Interleaving(seededRandom(12));
    const tasks = Array.from({ length: 10 }, (_, index) => async () => {
      const random = seededRandom(200 + index);
      const writer = new TableWriter({ ...table, store: race.view(table.store), random });
      for (let round = 0; round < 4; round++)
        await writer.append(blindAppend(readingsBatch(`w${index}r${round}`, 1, 2)));
    });
    assert.deepEqual(
      (await race.run(tasks)).filter(({ status }) => status === 'rejected'),
      [],
    );
    await assertSoundLog(table);
    assert.equal((await committedRows(table.store, root)).length, 80);
  });
});

describe('two owners of one partition', () => {
  /** Delivers 1..last in batches of random length, again and again from a random earlier place, until all is committed. */
  async function deliver(
    writer: TableWriter,
    partition: string,
    last: number,
    random: Random,
  ): Promise<number> {
    let position = 1;
    let redeliveries = 0;
    while (position <= last) {
      const to = Math.min(last, position + Math.floor(random.next() * 5));
      await writer.append(partitionAppend(partition, position, to));
      const goesBack = random.next() < 0.25 && redeliveries < 4;
      if (goesBack) redeliveries++;
      position = goesBack ? 1 + Math.floor(random.next() * to) : to + 1;
    }
    return redeliveries;
  }

  it('lose and double no row, in many interleavings', async () => {
    let redeliveries = 0;
    let conflicts = 0;
    for (let seed = 0; seed < ofSeeds(240); seed++) {
      const table = setUp();
      const race = new Interleaving(seededRandom(seed));
      const owners = [1, 2].map(
        (owner) =>
          new TableWriter({
            ...table,
            store: race.view(table.store),
            random: seededRandom(seed * 10 + owner),
          }),
      );
      const results = await race.run(
        owners.flatMap((writer, owner) => [
          () => deliver(writer, 'shared', 12, seededRandom(seed * 100 + owner)),
          () => deliver(writer, `own${owner}`, 6, seededRandom(seed * 100 + owner + 50)),
        ]),
      );
      for (const result of results) {
        assert.equal(
          result.status,
          'fulfilled',
          `seed ${seed}: ${result.status === 'rejected' && result.reason}`,
        );
        redeliveries += result.value;
      }
      const expected = expectedRows({ shared: 12, own0: 6, own1: 6 });
      assert.deepEqual(await committedRows(table.store, root), expected, `seed ${seed}`);
      await assertSoundLog(table);
      for (const { metrics } of owners) conflicts += metrics.dataFileCount - metrics.commitCount;
    }
    assert.ok(redeliveries > ofSeeds(240), `only ${redeliveries} redeliveries`);
    assert.ok(conflicts > ofSeeds(100), `only ${conflicts} data files were prepared again`);
  });
});

describe('an append that loses to a change of the table', () => {
  const metadataOf = async (table: ReturnType<typeof setUp>, schema: object) => {
    const [first = []] = await readLogLines(table.store, root);
    const metaData = first.find((line) => line.metaData !== undefined)?.metaData as object;
    return { metaData: { ...metaData, schemaString: JSON.stringify(schema) } };
  };

  async function raceWith(
    table: ReturnType<typeof setUp>,
    lines: (() => Promise<object>)[],
  ): Promise<AppendResult> {
    const random = seededRandom(3);
    await createTable({ ...table, random });
    const store = new FaultyStore(table.store, { writeFault: () => undefined });
    const writer = new TableWriter({ ...table, store, random });
    await writer.snapshot();
    const rival = (await Promise.all(lines.map((line) => line()))).map((line) => `${JSON.stringify(line)}\n`);
    const path = `${root}/_delta_log/00000000000000000001.json`;
    await table.store.put(path, new TextEncoder().encode(rival.join('')));
    return writer.append(partitionAppend('p0', 1, 3));
  }

  it('goes on when its rows still fit, with the new columns as nulls', async () => {
    const table = setUp();
    const fields = [...readingsSchema.fields, field('site', 'string')];
    const result = await raceWith(table, [() => metadataOf(table, { type: 'struct', fields })]);
    assert.deepEqual(result, { kind: 'committed', version: 2, rowCount: 3 });
    const commits = await readLogLines(table.store, root);
    const add = commits[2]?.find((line) => line.add !== undefined)?.add as { stats: string };
    assert.deepEqual(JSON.parse(add.stats).nullCount, {
      device_id: 0,
      sequence: 0,
      temperature: 1,
      event_time: 0,
      site: 3,
    });
  });

  it('fails when its rows no longer fit', async () => {
    const table = setUp();
    const fields = readingsSchema.fields.slice(0, 3);
    await assert.rejects(raceWith(table, [() => metadataOf(table, { type: 'struct', fields })]), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /"event_time" is not in the table/,
    });
  });

  it('fails when the table was given a feature that is not supported', async () => {
    const table = setUp();
    const protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: [],
      writerFeatures: ['rowTracking'],
    };
    await assert.rejects(raceWith(table, [async () => ({ protocol })]), {
      code: 'DELTA_PROTOCOL_UNSUPPORTED',
      message: /rowTracking/,
    });
  });

  it('is not disturbed by files that a rival adds and removes', async () => {
    const table = setUp();
    const result = await raceWith(table, [
      async () => ({
        add: { path: 'a', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true },
      }),
      async () => ({ remove: { path: 'b', dataChange: true, deletionTimestamp: 1 } }),
      async () => ({ commitInfo: { operation: 'DELETE', txnId: 'another' } }),
    ]);
    assert.deepEqual(result, { kind: 'committed', version: 2, rowCount: 3 });
    assert.equal((await dataFiles(table.store, root)).length, 1);
  });

  it('is prepared again when a rival committed for its application, and has nothing left', async () => {
    const table = setUp();
    const result = await raceWith(table, [async () => ({ txn: { appId: 'ingest/p0', version: 3 } })]);
    assert.deepEqual(result, { kind: 'alreadyCommitted', version: 1 });
  });
});

describe('a writer that loses every race', () => {
  it('gives up with a transient error after a bounded number of attempts', async () => {
    const table = setUp();
    const random = seededRandom(4);
    await createTable({ ...table, random });
    const rival = new TableWriter({ ...table, random: seededRandom(5) });
    const inner = table.store;
    const store = new FaultyStore({
      read: (path, range) => inner.read(path, range),
      head: (path) => inner.head(path),
      put: (path, bytes) => inner.put(path, bytes),
      list: (prefix, options) => inner.list(prefix, options),
      delete: (path) => inner.delete(path),
      async putIfAbsent(path, bytes) {
        if (path.includes('_delta_log')) await rival.append(blindAppend(readingsBatch('rival', 1, 1)));
        return inner.putIfAbsent(path, bytes);
      },
    });
    const writer = new TableWriter({ ...table, store, random, maxCommitAttempts: 7 });
    await assert.rejects(writer.append(partitionAppend('p0', 1, 2)), {
      code: 'DELTA_COMMIT_CONTENTION',
      retry: 'transient',
    });
    assert.equal(writer.metrics.attemptCount, 7);
    assert.equal(rival.metrics.commitCount, 7);
    assert.equal((await dataFiles(table.store, root)).length, 8);
  });
});
