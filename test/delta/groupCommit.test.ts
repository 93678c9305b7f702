// Appends that wait together share a commit, and do not share their mistakes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import { type AppendRequest, type AppendResult, TableWriter } from '../../shared/delta/index.js';
import { encodeParquet } from '../../shared/parquet/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';
import {
  addedPaths,
  blindAppend,
  committedRows,
  dataFiles,
  expectedRows,
  partitionAppend,
  readingsBatch,
  readingsSchema,
  readLogLines,
} from '../support/deltaFixtures.js';
import { FaultyStore } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';

const root = 'tables/readings';

function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  return { store, root, clock, random: seededRandom(5), schema: readingsSchema };
}

function versionsOf(results: readonly AppendResult[]): number[] {
  return [...new Set(results.map(({ version }) => version))];
}

describe('group commit', () => {
  it('puts appends made in one turn into one commit with one data file', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const results = await Promise.all(
      Array.from({ length: 32 }, (_, index) => writer.append(partitionAppend(`p${index}`, 1, index + 1))),
    );
    assert.deepEqual(versionsOf(results), [1]);
    assert.deepEqual(
      results.map((result) => result.kind === 'committed' && result.rowCount),
      Array.from({ length: 32 }, (_, index) => index + 1),
    );
    assert.equal((await dataFiles(table.store, root)).length, 1);
    const lasts = Array.from({ length: 32 }, (_, index) => [`p${index}`, index + 1] as const);
    assert.deepEqual(await committedRows(table.store, root), expectedRows(Object.fromEntries(lasts)));
  });

  it('lets appends that come during a commit share the next one', async () => {
    const table = setUp();
    let arriveDuringWrite: (() => void) | undefined;
    const arrivals: Promise<AppendResult>[] = [];
    const store = new FaultyStore(table.store, {
      writeFault(_, path) {
        if (path.includes('_delta_log/00000000000000000001')) arriveDuringWrite?.();
        return undefined;
      },
    });
    const writer = new TableWriter({ ...table, store });
    arriveDuringWrite = () => {
      for (let index = 1; index <= 20; index++)
        arrivals.push(writer.append(partitionAppend(`p${index}`, 1, 3)));
    };
    const first = await writer.append(partitionAppend('p0', 1, 3));
    const results = await Promise.all(arrivals);
    assert.equal(first.version, 1);
    assert.equal(results.length, 20);
    assert.deepEqual(versionsOf(results), [2]);
    assert.equal((await addedPaths(table.store, root)).length, 2);
    assert.equal(writer.metrics.commitCount, 2);
  });

  it('does not put two appends of one application into one commit, and keeps their order', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const results = await Promise.all([
      writer.append(partitionAppend('p0', 1, 2)),
      writer.append(partitionAppend('p0', 3, 4)),
      writer.append(partitionAppend('p1', 1, 1)),
      writer.append(partitionAppend('p0', 4, 6)),
    ]);
    assert.deepEqual(
      results.map(({ version }) => version),
      [1, 2, 1, 3],
    );
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 6, p1: 1 }));
  });

  it('holds back an append whose application waits behind a deferred one', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const both: AppendRequest = {
      prepare: (committed) => ({
        batch: readingsBatch('p1', 1, 3),
        transactions: [
          { appId: 'ingest/p0', version: (committed.get('ingest/p0') ?? 0) + 1 },
          { appId: 'ingest/p1', version: Math.max(3, committed.get('ingest/p1') ?? 0) },
        ],
        readAppIds: [],
      }),
    };
    const results = await Promise.all([
      writer.append(partitionAppend('p0', 1, 2)),
      writer.append(both),
      writer.append(partitionAppend('p1', 1, 9)),
    ]);
    assert.deepEqual(
      results.map(({ version }) => version),
      [1, 2, 3],
    );
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 2, p1: 9 }));
  });

  it('answers those that have nothing left at once, and commits the others', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(partitionAppend('p0', 1, 5));
    const results = await Promise.all([
      writer.append(partitionAppend('p0', 2, 5)),
      writer.append(partitionAppend('p1', 1, 2)),
    ]);
    assert.deepEqual(results, [
      { kind: 'alreadyCommitted', version: 1 },
      { kind: 'committed', version: 2, rowCount: 2 },
    ]);
  });

  it('cuts a group at the limit of rows, and lets one large append through', async () => {
    const table = setUp();
    const writer = new TableWriter({ ...table, limits: { maxRows: 10 } });
    const results = await Promise.all([
      writer.append(partitionAppend('p0', 1, 6)),
      writer.append(partitionAppend('p1', 1, 4)),
      writer.append(partitionAppend('p2', 1, 1)),
      writer.append(partitionAppend('p3', 1, 50)),
    ]);
    assert.deepEqual(
      results.map(({ version }) => version),
      [1, 1, 2, 3],
    );
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 6, p1: 4, p2: 1, p3: 50 }));
  });

  it('cuts a group at the limit of bytes', async () => {
    const table = setUp();
    const writer = new TableWriter({ ...table, limits: { maxBytes: 2_000 } });
    const results = await Promise.all(
      Array.from({ length: 4 }, (_, index) => writer.append(partitionAppend(`p${index}`, 1, 40))),
    );
    assert.deepEqual(
      results.map(({ version }) => version),
      [1, 2, 3, 4],
    );
  });
});

describe('one bad append in a group', () => {
  const rivals = (writer: TableWriter, bad: AppendRequest) =>
    Promise.allSettled([
      writer.append(partitionAppend('p0', 1, 2)),
      writer.append(bad),
      writer.append(partitionAppend('p1', 1, 3)),
    ]);

  async function assertOnlyMiddleFails(
    table: ReturnType<typeof setUp>,
    results: readonly PromiseSettledResult<AppendResult>[],
    expected: assert.AssertPredicate,
  ): Promise<void> {
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const [, bad] = results;
    assert.throws(() => {
      throw bad?.status === 'rejected' ? bad.reason : undefined;
    }, expected);
    assert.deepEqual(await committedRows(table.store, root), expectedRows({ p0: 2, p1: 3 }));
  }

  it('fails alone when its prepare throws', async () => {
    const table = setUp();
    const error = new TributaryError('EVENT_BATCH_INVALID', 'a bad batch');
    const bad: AppendRequest = {
      prepare() {
        throw error;
      },
    };
    await assertOnlyMiddleFails(table, await rivals(new TableWriter(table), bad), error);
  });

  it('fails alone when its columns do not fit the table', async () => {
    const table = setUp();
    const batch = readingsBatch('x', 1, 2);
    const wrong = { ...batch, fields: batch.fields.map((field) => ({ ...field, name: `${field.name}_2` })) };
    await assertOnlyMiddleFails(table, await rivals(new TableWriter(table), blindAppend(wrong)), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /"device_id" is missing.*"device_id_2" is not in the table/,
    });
  });

  it('fails alone when it names one application twice', async () => {
    const table = setUp();
    const twice = { appId: 'a', version: 1 };
    const bad: AppendRequest = {
      prepare: () => ({ batch: readingsBatch('x', 1, 1), transactions: [twice, twice], readAppIds: [] }),
    };
    await assertOnlyMiddleFails(table, await rivals(new TableWriter(table), bad), /two transactions/);
  });

  it('fails alone when its rows cannot be encoded', async () => {
    const table = setUp();
    const writer = new TableWriter({
      ...table,
      encode(batch, options) {
        const [devices] = batch.columns;
        if (devices?.kind === 'text' && devices.values.includes('poison')) {
          throw new TributaryError('PARQUET_INVALID', 'cannot be encoded');
        }
        return encodeParquet(batch, options);
      },
    });
    const results = await rivals(writer, blindAppend(readingsBatch('poison', 1, 2)));
    await assertOnlyMiddleFails(table, results, { code: 'PARQUET_INVALID' });
  });

  it('does not hold up later appends', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await assert.rejects(writer.append({ prepare: () => assert.fail('bad') }));
    assert.equal((await writer.append(partitionAppend('p0', 1, 2))).kind, 'committed');
    assert.equal((await readLogLines(table.store, root)).length, 2);
  });
});
