// Appends that bring new columns: rows and schema in one commit, beside others that do the same.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import {
  type AppendRequest,
  addColumns,
  openTable,
  type StructField,
  type StructType,
  TableWriter,
  type TableWriterOptions,
} from '../../shared/delta/index.js';
import { type ColumnType, encodeParquet } from '../../shared/parquet/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';
import { blindAppend, field, readLogLines } from '../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';
import { Interleaving } from '../support/interleaving.js';
import { batchOf, type Cells, rowObjects } from '../support/rowObjects.js';
import { ofSeeds } from '../support/seeds.js';
import { storeWith } from '../support/storeWith.js';

const root = 'tables/t';
const baseSchema: StructType = { type: 'struct', fields: [field('id', 'long', false)] };

function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  return { store: createMemoryStore(clock), root, clock, random: seededRandom(1), schema: baseSchema };
}

type Table = ReturnType<typeof setUp>;

function structOf(...fields: StructField[]): StructType {
  return { type: 'struct', fields };
}

interface Wide {
  readonly column: string;
  readonly type: ColumnType;
  readonly cells: Cells;
  readonly allowTypeWidening?: boolean;
}

/** One row per cell, with ids from `id` on, once only; the table gets the column if it lacks it. */
function wideAppend(id: number, { column, type, cells, allowTypeWidening }: Wide): AppendRequest {
  const appId = `source/${id}`;
  return {
    prepare(committed) {
      if (committed.has(appId)) return undefined;
      return {
        batch: batchOf({ id: ['long', cells.map((_, row) => id + row)], [column]: [type, cells] }),
        transactions: [{ appId, version: 1 }],
        readAppIds: [],
        evolve: structOf(field(column, type, false)),
        ...(allowTypeWidening !== undefined && { allowTypeWidening }),
      };
    },
  };
}

async function fieldsOf(table: Pick<Table, 'store' | 'root' | 'clock'>): Promise<readonly StructField[]> {
  const { snapshot } = await openTable(table);
  return (JSON.parse(snapshot.metadata.schemaString) as StructType).fields;
}

async function columnNames(table: Pick<Table, 'store' | 'root' | 'clock'>): Promise<string[]> {
  return (await fieldsOf(table)).map(({ name }) => name);
}

async function rowsById(table: Table) {
  return (await rowObjects(table)).sort((left, right) => Number(left.id) - Number(right.id));
}

/** A store whose next write to the log lets a rival go first. */
function overtaken(table: Table, rival: () => Promise<unknown>): TableWriterOptions['store'] {
  let isFirst = true;
  return storeWith(table.store, {
    async putIfAbsent(path, bytes) {
      if (isFirst && /_delta_log\/0*[1-9]\d*\.json$/.test(path)) {
        isFirst = false;
        await rival();
      }
      return table.store.putIfAbsent(path, bytes);
    },
  });
}

describe('an append with a new column', () => {
  it('commits schema, transaction and rows at once', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(blindAppend(batchOf({ id: ['long', [1]] })));
    const result = await writer.append(wideAppend(2, { column: 'Note', type: 'string', cells: ['x'] }));
    assert.deepEqual(result, { kind: 'committed', version: 2, rowCount: 1 });
    const [first = [], , third = []] = await readLogLines(table.store, root);
    assert.deepEqual(
      third.map((line) => Object.keys(line)[0]),
      ['commitInfo', 'metaData', 'txn', 'add'],
    );
    const before = first.find(({ metaData }) => metaData !== undefined)?.metaData as object;
    const after = third[1]?.metaData as object;
    const fields = [field('id', 'long', false), field('Note', 'string')];
    assert.deepEqual(after, { ...before, schemaString: JSON.stringify(structOf(...fields)) });
    assert.equal((third[0] as { commitInfo: { isBlindAppend: boolean } }).commitInfo.isBlindAppend, true);
    assert.deepEqual(await rowsById(table), [
      { id: 1, Note: null },
      { id: 2, Note: 'x' },
    ]);
  });

  it('writes no schema when the table has the column, in whatever case', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(wideAppend(1, { column: 'Note', type: 'string', cells: ['x'] }));
    await writer.append(wideAppend(2, { column: 'NOTE', type: 'string', cells: ['y'] }));
    const commits = await readLogLines(table.store, root);
    assert.deepEqual(
      commits.map((lines) => lines.some(({ metaData }) => metaData !== undefined)),
      [true, true, false],
    );
    assert.deepEqual(await columnNames(table), ['id', 'Note']);
    assert.deepEqual(
      (await rowsById(table)).map(({ Note }) => Note),
      ['x', 'y'],
    );
  });

  it('may have no rows', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const widen: AppendRequest = {
      prepare: () => ({
        batch: batchOf({ id: ['long', []] }),
        transactions: [],
        readAppIds: [],
        evolve: structOf(field('note', 'string')),
      }),
    };
    assert.deepEqual(await writer.append(widen), { kind: 'committed', version: 1, rowCount: 0 });
    assert.deepEqual(await writer.append(widen), { kind: 'alreadyCommitted', version: 1 });
    assert.deepEqual(await columnNames(table), ['id', 'note']);
  });

  it('is prepared with the table as it is', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const seen: unknown[] = [];
    const look: AppendRequest = {
      prepare(_, view) {
        seen.push([
          view.version,
          view.metadata.id,
          ...view.columns.map(({ name, type }) => `${name} ${type}`),
        ]);
        return undefined;
      },
    };
    await writer.append(look);
    await writer.append(wideAppend(1, { column: 'note', type: 'string', cells: ['x'] }));
    await writer.append(look);
    const { id } = (await openTable(table)).snapshot.metadata;
    assert.deepEqual(seen, [
      [0, id, 'id long'],
      [1, id, 'id long', 'note string'],
    ]);
  });

  it('brings the table feature that the column needs, and lists what the old version implied', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(wideAppend(1, { column: 'at', type: 'timestamp_ntz', cells: [5] }));
    const expected = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['timestampNtz', 'appendOnly', 'invariants'],
    };
    assert.deepEqual((await writer.snapshot()).protocol, expected);
    assert.deepEqual((await openTable(table)).snapshot.protocol, expected);
    await writer.append(wideAppend(2, { column: 'at', type: 'timestamp_ntz', cells: [6] }));
    assert.deepEqual(await rowsById(table), [
      { id: 1, at: 5 },
      { id: 2, at: 6 },
    ]);
  });

  it('fails when the column would bind writers to rules that are not kept here', async () => {
    const table = setUp();
    const ruled = { ...field('level', 'long'), metadata: { 'delta.invariants': '{}' } };
    const request: AppendRequest = {
      prepare: () => ({
        batch: batchOf({ id: ['long', [1]] }),
        transactions: [],
        readAppIds: [],
        evolve: structOf(ruled),
      }),
    };
    const writer = new TableWriter(table);
    const plain = wideAppend(2, { column: 'note', type: 'string', cells: ['x'] });
    const [bad, good] = await Promise.allSettled([writer.append(request), writer.append(plain)]);
    assert.equal(good.status, 'fulfilled');
    assert.match(String(bad.status === 'rejected' && bad.reason), /table "tables\/t" cannot be written/);
    assert.deepEqual(await columnNames(table), ['id', 'note']);
  });
});

describe('a group whose members bring new columns', () => {
  it('widens the table once, with the columns of all', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const results = await Promise.all([
      writer.append(blindAppend(batchOf({ id: ['long', [1]] }))),
      writer.append(wideAppend(2, { column: 'a', type: 'string', cells: ['x'] })),
      writer.append(wideAppend(3, { column: 'b', type: 'double', cells: [0.5] })),
      writer.append(wideAppend(4, { column: 'A', type: 'string', cells: ['y'] })),
    ]);
    assert.deepEqual(new Set(results.map(({ version }) => version)), new Set([1]));
    assert.deepEqual(await rowsById(table), [
      { id: 1, a: null, b: null },
      { id: 2, a: 'x', b: null },
      { id: 3, a: null, b: 0.5 },
      { id: 4, a: 'y', b: null },
    ]);
    assert.equal(writer.metrics.dataFileCount, 1);
  });

  it('fails only the member whose column another one gave another type, naming both', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    const results = await Promise.allSettled([
      writer.append(wideAppend(1, { column: 'a', type: 'string', cells: ['x'] })),
      writer.append(wideAppend(2, { column: 'A', type: 'double', cells: [1] })),
      writer.append(wideAppend(3, { column: 'b', type: 'long', cells: [1] })),
    ]);
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value.version : result.reason.code)),
      [1, 'DELTA_SCHEMA_MISMATCH', 1],
    );
    assert.match(
      String((results[1] as PromiseRejectedResult).reason),
      /"a" of table .* "string", but double/,
    );
    assert.deepEqual(await columnNames(table), ['id', 'a', 'b']);
  });

  it('does not get the column of a member whose rows cannot be written', async () => {
    const table = setUp();
    const writer = new TableWriter({
      ...table,
      encode(batch, options) {
        if (batch.columns.some((column) => column.kind === 'text' && column.values.includes('poison')))
          throw new Error('cannot be encoded');
        return encodeParquet(batch, options);
      },
    });
    const results = await Promise.allSettled([
      writer.append(wideAppend(1, { column: 'a', type: 'string', cells: ['x'] })),
      writer.append(wideAppend(2, { column: 'bad', type: 'string', cells: ['poison'] })),
      writer.append(wideAppend(3, { column: 'b', type: 'string', cells: ['y'] })),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(await columnNames(table), ['id', 'a', 'b']);
  });

  it('leaves the column of a member that must wait for the next commit', async () => {
    const table = setUp();
    const writer = new TableWriter({ ...table, limits: { maxRows: 1 } });
    const results = await Promise.all([
      writer.append(wideAppend(1, { column: 'a', type: 'string', cells: ['x'] })),
      writer.append(wideAppend(2, { column: 'b', type: 'string', cells: ['y'] })),
    ]);
    assert.deepEqual(
      results.map(({ version }) => version),
      [1, 2],
    );
    const [, second = []] = await readLogLines(table.store, root);
    const metaData = second.find((line) => line.metaData !== undefined)?.metaData as { schemaString: string };
    assert.doesNotMatch(metaData.schemaString, /"b"/);
    assert.deepEqual(await columnNames(table), ['id', 'a', 'b']);
  });
});

describe('a rival that changes the schema first', () => {
  const mine = (id: number) => wideAppend(id, { column: 'mine', type: 'string', cells: ['x'] });

  it('keeps its column, and the append its own', async () => {
    const table = setUp();
    const rival = new TableWriter({ ...table, random: seededRandom(2) });
    const theirs = wideAppend(9, { column: 'theirs', type: 'double', cells: [1] });
    const writer = new TableWriter({ ...table, store: overtaken(table, () => rival.append(theirs)) });
    assert.deepEqual(await writer.append(mine(1)), { kind: 'committed', version: 2, rowCount: 1 });
    assert.deepEqual(await columnNames(table), ['id', 'theirs', 'mine']);
    assert.deepEqual(await rowsById(table), [
      { id: 1, theirs: null, mine: 'x' },
      { id: 9, theirs: 1, mine: null },
    ]);
  });

  it('with the same column makes no second one', async () => {
    const table = setUp();
    const rival = () =>
      addColumns({ ...table, random: seededRandom(2), schema: structOf(field('MINE', 'string')) });
    const writer = new TableWriter({ ...table, store: overtaken(table, rival) });
    await writer.append(mine(1));
    assert.deepEqual(await columnNames(table), ['id', 'MINE']);
    assert.deepEqual(await rowsById(table), [{ id: 1, MINE: 'x' }]);
  });

  it('with the same column of another type fails that member alone', async () => {
    const table = setUp();
    const rival = () =>
      addColumns({ ...table, random: seededRandom(2), schema: structOf(field('mine', 'date')) });
    const writer = new TableWriter({ ...table, store: overtaken(table, rival) });
    const other = wideAppend(2, { column: 'other', type: 'long', cells: [7] });
    const [failed, committed] = await Promise.allSettled([writer.append(mine(1)), writer.append(other)]);
    assert.equal(committed.status, 'fulfilled');
    assert.ok(failed.status === 'rejected');
    assert.equal(failed.reason.code, 'DELTA_SCHEMA_MISMATCH');
    assert.match(failed.reason.message, /"mine" of table tables\/t is "date", but string is wanted/);
    assert.deepEqual(await rowsById(table), [{ id: 2, mine: null, other: 7 }]);
  });
});

describe('racing appends that bring new columns', () => {
  it('lose no column and no row, in many interleavings', async () => {
    let preparedAgain = 0;
    for (let seed = 0; seed < ofSeeds(120); seed++) {
      const table = setUp();
      const race = new Interleaving(seededRandom(seed));
      const writers = [0, 1, 2].map(
        (writer) =>
          new TableWriter({
            ...table,
            store: race.view(table.store),
            random: seededRandom(seed * 10 + writer),
          }),
      );
      const results = await race.run(
        writers.map((writer, index) => async () => {
          for (let round = 0; round < 3; round++) {
            const id = index * 10 + round;
            const shared = wideAppend(id, { column: `shared${round}`, type: 'long', cells: [id] });
            const own = wideAppend(100 + id, { column: `own${index}_${round}`, type: 'long', cells: [id] });
            await Promise.all([writer.append(shared), writer.append(own)]);
          }
        }),
      );
      for (const result of results)
        assert.ok(result.status === 'fulfilled', `seed ${seed}: ${'reason' in result && result.reason}`);
      const names = await columnNames(table);
      assert.equal(new Set(names).size, 1 + 3 + 9, `seed ${seed}: ${names}`);
      assert.equal(names.length, 1 + 3 + 9);
      const rows = await rowsById(table);
      assert.equal(rows.length, 18, `seed ${seed}`);
      for (const { id, ...values } of rows)
        assert.deepEqual(
          Object.values(values).filter((value) => value !== null),
          [Number(id) % 100],
        );
      for (const { metrics } of writers) preparedAgain += metrics.dataFileCount - metrics.commitCount;
    }
    assert.ok(preparedAgain > ofSeeds(100), `only ${preparedAgain} data files were prepared again`);
  });

  it('agree on the type of a column: one wins, the others fail and lose only their own rows', async () => {
    for (let seed = 0; seed < ofSeeds(40); seed++) {
      const table = setUp();
      const race = new Interleaving(seededRandom(seed));
      const types: readonly ColumnType[] = ['string', 'double', 'date'];
      const results = await race.run(
        types.map((type, index) => () => {
          const random = seededRandom(seed * 10 + index);
          const writer = new TableWriter({ ...table, store: race.view(table.store), random });
          return writer.append(wideAppend(index, { column: 'a', type, cells: [null] }));
        }),
      );
      const codes = results.map((result) => (result.status === 'fulfilled' ? 'ok' : result.reason.code));
      assert.deepEqual(codes.sort(), ['DELTA_SCHEMA_MISMATCH', 'DELTA_SCHEMA_MISMATCH', 'ok']);
      assert.equal((await rowObjects(table)).length, 1);
    }
  });
});

describe('a crash while the schema is widened', () => {
  const work = [
    [wideAppend(1, { column: 'a', type: 'string', cells: ['x', 'y'] })],
    [
      wideAppend(3, { column: 'b', type: 'double', cells: [1] }),
      wideAppend(4, { column: 'c', type: 'date', cells: [null] }),
    ],
  ];

  async function run(table: Table, store: TableWriterOptions['store'], seed: number): Promise<void> {
    const writer = new TableWriter({ ...table, store, random: seededRandom(seed) });
    for (const group of work) await Promise.all(group.map((request) => writer.append(request)));
  }

  it('at any write leaves a readable table, and a rerun completes', async () => {
    const counting = new FaultyStore(setUp().store);
    await run(setUp(), counting, 1);
    assert.equal(counting.writeCount, 5);
    for (let atWrite = 1; atWrite <= counting.writeCount; atWrite++) {
      for (const when of ['before', 'after'] as const) {
        const table = setUp();
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(run(table, dying, 1), ProcessKilled, `write ${atWrite}, ${when}`);
        if (atWrite > 1 || when === 'after') {
          // The rows that are there have the columns that came with them.
          const names = await columnNames(table);
          for (const row of await rowsById(table)) {
            if (row.id === 1) assert.ok(names.includes('a'));
            if (row.id === 3) assert.ok(names.includes('b') && names.includes('c'));
          }
        }
        await run(table, table.store, 2);
        assert.deepEqual(await rowsById(table), [
          { id: 1, a: 'x', b: null, c: null },
          { id: 2, a: 'y', b: null, c: null },
          { id: 3, a: null, b: 1, c: null },
          { id: 4, a: null, b: null, c: null },
        ]);
      }
    }
  });
});

describe('an append that fits the table only since a rival widened it', () => {
  it('is not refused by a writer that has not seen this', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.append(blindAppend(batchOf({ id: ['long', [1]] })));
    await addColumns({ ...table, schema: structOf(field('note', 'string')) });
    const rows = batchOf({ id: ['long', [2]], note: ['string', ['x']] });
    assert.deepEqual(await writer.append(blindAppend(rows)), { kind: 'committed', version: 3, rowCount: 1 });
  });

  it('does not make others of its group miss what rivals committed', async () => {
    const table = setUp();
    const writer = new TableWriter(table);
    await writer.snapshot();
    const append = wideAppend(1, { column: 'id', type: 'long', cells: [1] });
    await new TableWriter({ ...table, random: seededRandom(2) }).append(append);
    const misfit = blindAppend(batchOf({ id: ['long', [2]], note: ['string', ['x']] }));
    const results = await Promise.allSettled([writer.append(append), writer.append(misfit)]);
    assert.deepEqual(results[0], {
      status: 'fulfilled',
      value: { kind: 'alreadyCommitted', version: 1 },
    });
    assert.equal(results[1].status, 'rejected');
    assert.equal((await rowObjects(table)).length, 1);
  });

  it('costs a look at the log when it does not fit, and no listing', async () => {
    const table = setUp();
    const store = new FaultyStore(table.store);
    const writer = new TableWriter({ ...table, store });
    await writer.snapshot();
    const before = [store.readPaths.length, store.listCount];
    const rows = batchOf({ id: ['long', [2]], note: ['string', ['x']] });
    await assert.rejects(writer.append(blindAppend(rows)), { code: 'DELTA_SCHEMA_MISMATCH' });
    assert.deepEqual([store.readPaths.length, store.listCount], [before[0]! + 1, before[1]]);
  });
});
