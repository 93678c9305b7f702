// VACUUM: which objects go, which stay, and what happens when it is cut short.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../../shared/base/index.js';
import {
  openTable,
  optimizeTable,
  planVacuum,
  TableWriter,
  type VacuumOptions,
  vacuumTable,
  writeCheckpoint,
} from '../../../shared/delta/index.js';
import { FullState } from '../../../shared/delta/upkeep/fullState.js';
import { isLeftOver, neededNames } from '../../../shared/delta/upkeep/vacuumPlan.js';
import { createMemoryStore, storeBelow } from '../../../shared/storage/index.js';
import {
  dataFiles,
  expectedRows,
  partitionAppend,
  readingsSchema,
  readLogLines,
} from '../../support/deltaFixtures.js';
import { FaultyStore, ProcessKilled } from '../../support/faultyStore.js';
import { deleteCommits, putCommitLines } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { storeWith } from '../../support/storeWith.js';
import { liveRows } from '../../support/tableRows.js';

const root = 'tables/readings';
const dayMs = 86_400_000;

describe('an object in the table folder', () => {
  const rules = {
    needed: new Set(['p=a b/live.parquet']),
    olderThanMs: 1000,
    partitionColumns: ['p', '_q'],
    hidesMetadataFolder: false,
  };
  for (const [path, expected] of [
    ['part-1.parquet', true],
    ['p=a b/live.parquet', false],
    ['p=a%20b/live.parquet', true],
    ['notes/readme.txt', true],
    ['deletion_vector_x.bin', true],
    ['_delta_log/00000000000000000000.json', false],
    ['_delta_log/_last_checkpoint', false],
    ['_staging/part.parquet', false],
    ['p=1/.part.parquet.crc', false],
    ['p=1/_SUCCESS', false],
    ['_q=1/part.parquet', true],
    ['_q/part.parquet', false],
    ['_change_data/cdc-1.parquet', true],
    ['_delta_index/x', true],
    ['metadata/v1.json', true],
  ] as const) {
    it(`${path} ${expected ? 'goes' : 'stays'}`, () => {
      assert.equal(isLeftOver({ path, sizeBytes: 1, lastModifiedMs: 999 }, rules), expected);
      assert.equal(
        isLeftOver({ path, sizeBytes: 1, lastModifiedMs: 1000 }, rules),
        false,
        'while it is young',
      );
    });
  }

  it('below metadata/ stays where another format keeps its own there', () => {
    const object = { path: 'metadata/v1.json', sizeBytes: 1, lastModifiedMs: 1 };
    assert.equal(isLeftOver(object, { ...rules, hidesMetadataFolder: true }), false);
  });
});

describe('what a table needs', () => {
  const stateOf = (...lines: Record<string, unknown>[]) => {
    const state = new FullState(0);
    state.apply(0, lines);
    return state;
  };
  const now = 100 * dayMs;

  it('are live files and young tombstones by their decoded names', () => {
    const state = stateOf(
      { add: { path: 'p=US%252FEast/a%20b.parquet' } },
      { remove: { path: 'young', deletionTimestamp: now - 6 * dayMs } },
      { remove: { path: 'old', deletionTimestamp: now - 8 * dayMs } },
      { remove: { path: 'timeless' } },
    );
    assert.deepEqual([...neededNames(state, now, 7 * dayMs)], ['p=US%2FEast/a b.parquet', 'young']);
  });

  it('are files of deletion vectors, too', () => {
    // The id of the protocol's own example, "Derived Fields" of "Deletion Vectors".
    const deletionVector = { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', offset: 4 };
    const bare = { storageType: 'u', pathOrInlineDv: '^-aqEH.-t@S}K{vb[*k^' };
    const inline = { storageType: 'i', pathOrInlineDv: 'wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L' };
    const state = stateOf(
      { add: { path: 'a', deletionVector } },
      { add: { path: 'b', deletionVector: inline } },
      { remove: { path: 'c', deletionVector: bare, deletionTimestamp: now } },
    );
    assert.deepEqual(
      [...neededNames(state, now, dayMs)],
      [
        'a',
        'ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin',
        'b',
        'c',
        'deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin',
      ],
    );
  });

  it('may not be files of other tables', () => {
    const state = stateOf({ add: { path: 'abfss://other/table/a.parquet' } });
    assert.throws(() => neededNames(state, now, dayMs), { code: 'DELTA_PROTOCOL_UNSUPPORTED' });
  });
});

/** Four files packed into one, and an orphan of a writer that died. */
async function setUp(configuration: Readonly<Record<string, string>> = {}) {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema, configuration });
  for (const [partition, last] of [
    ['p1', 4],
    ['p0', 3],
    ['p1', 9],
    ['p0', 5],
  ] as const)
    await writer.append(partitionAppend(partition, 1, last));
  await storeBelow(store, root).put('part-orphan.parquet', new Uint8Array(10));
  await optimizeTable(table);
  return table;
}

const everything = expectedRows({ p0: 5, p1: 9 });

describe('a vacuum', () => {
  it('deletes removed files and orphans after the retention, and says so in the log', async () => {
    const table = await setUp();
    table.clock.advance(6 * dayMs);
    assert.deepEqual(await vacuumTable(table), { kind: 'nothing' });
    table.clock.advance(dayMs + 1);
    const plan = await planVacuum(table);
    assert.equal(plan.paths.length, 5);
    assert.equal((await dataFiles(table.store, root)).length, 6, 'a plan deletes nothing');
    const progress: number[] = [];
    const result = await vacuumTable({ ...table, onProgress: (done) => progress.push(done) });
    assert.deepEqual(result, { kind: 'vacuumed', deletedCount: 5, bytes: plan.bytes, refused: [] });
    assert.deepEqual(progress, [5]);
    assert.equal((await dataFiles(table.store, root)).length, 1);
    assert.deepEqual(await liveRows(table), everything);
    const [start, end] = (await readLogLines(table.store, root)).slice(-2).map(([line, ...rest]) => {
      assert.deepEqual(rest, []);
      return line!.commitInfo as Record<string, unknown>;
    });
    assert.deepEqual(
      [start!.operation, start!.operationParameters, start!.operationMetrics],
      [
        'VACUUM START',
        { retentionCheckEnabled: 'true', defaultRetentionMillis: '604800000' },
        { numFilesToDelete: '5', sizeOfDataToDelete: String(plan.bytes) },
      ],
    );
    assert.deepEqual(
      [end!.operation, end!.operationParameters, end!.operationMetrics],
      ['VACUUM END', { status: 'COMPLETED' }, { numDeletedFiles: '5', numVacuumedDirectories: '1' }],
    );
    assert.deepEqual(await vacuumTable(table), { kind: 'nothing' });
  });

  it('goes by the retention of the table, and by a shorter one only when told twice', async () => {
    const table = await setUp({ 'delta.deletedFileRetentionDuration': 'interval 2 days' });
    table.clock.advance(dayMs);
    await assert.rejects(planVacuum({ ...table, retentionMs: dayMs / 2 }), {
      code: 'INPUT_INVALID',
      message: /retention of 12 hours is shorter than the 48 hours/,
    });
    assert.equal((await planVacuum({ ...table, retentionMs: 30 * dayMs })).paths.length, 0);
    assert.equal(
      (await planVacuum({ ...table, retentionMs: dayMs / 2, allowShortRetention: true })).paths.length,
      5,
    );
    assert.equal((await planVacuum(table)).paths.length, 0);
    table.clock.advance(dayMs + 1);
    assert.equal((await planVacuum(table)).paths.length, 5);
  });

  it('knows the tombstones of a checkpoint', async () => {
    const table = await setUp();
    table.clock.advance(5 * dayMs);
    await storeBelow(table.store, root).delete('part-orphan.parquet');
    await writeCheckpoint(table);
    await deleteCommits(table.store, root, 0, 5);
    assert.equal((await planVacuum(table)).paths.length, 0);
    const short: VacuumOptions = { ...table, retentionMs: dayMs, allowShortRetention: true };
    assert.equal((await planVacuum(short)).paths.length, 4);
  });

  it('keeps what a running writer has not committed yet', async () => {
    const table = await setUp();
    table.clock.advance(30 * dayMs);
    await storeBelow(table.store, root).put('part-uncommitted.parquet', new Uint8Array(1));
    await vacuumTable(table);
    assert.ok((await dataFiles(table.store, root)).includes('part-uncommitted.parquet'));
  });

  it('takes files that are gone already for deleted', async () => {
    const table = await setUp();
    table.clock.advance(8 * dayMs);
    const store = storeWith(table.store, {
      delete: async (path) => (await table.store.delete(path)) && false,
    });
    const result = await vacuumTable({ ...table, store });
    assert.equal(result.kind === 'vacuumed' && result.deletedCount, 5);
  });

  it('leaves a table that changed its protocol meanwhile', async () => {
    const table = await setUp();
    table.clock.advance(8 * dayMs);
    let isFirst = true;
    const store = storeWith(table.store, {
      async putIfAbsent(path: string, bytes: Uint8Array) {
        if (isFirst)
          await putCommitLines(table.store, root, 6, [
            { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
          ]);
        isFirst = false;
        return table.store.putIfAbsent(path, bytes);
      },
    });
    assert.deepEqual(await vacuumTable({ ...table, store }), { kind: 'aborted', deletedCount: 0 });
    assert.equal((await dataFiles(table.store, root)).length, 6);
  });

  it('is refused for a table that it may not write', async () => {
    const table = await setUp();
    await putCommitLines(table.store, root, 6, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] } },
    ]);
    await assert.rejects(planVacuum(table), { code: 'DELTA_PROTOCOL_UNSUPPORTED', message: /rowTracking/ });
  });
});

describe('a vacuum that dies', () => {
  it('at any write leaves a whole table, and the next one completes', async () => {
    let crashes = 0;
    for (const atWrite of [1, 2]) {
      for (const when of ['before', 'after'] as const) {
        const table = await setUp();
        table.clock.advance(8 * dayMs);
        const dying = new FaultyStore(table.store, { crash: { atWrite, when } });
        await assert.rejects(vacuumTable({ ...table, store: dying }), ProcessKilled);
        crashes += dying.faultCount;
        assert.deepEqual(await liveRows(table), everything);
        await vacuumTable({ ...table, random: seededRandom(2) });
        assert.equal((await dataFiles(table.store, root)).length, 1);
        assert.deepEqual(await liveRows(table), everything);
      }
    }
    assert.equal(crashes, 4);
  });

  it('at any deletion, too', async () => {
    for (let deletes = 0; deletes < 5; deletes++) {
      const table = await setUp();
      table.clock.advance(8 * dayMs);
      let left = deletes;
      const store = storeWith(table.store, {
        async delete(path: string) {
          if (left-- <= 0) throw new ProcessKilled();
          return table.store.delete(path);
        },
      });
      await assert.rejects(vacuumTable({ ...table, store }), ProcessKilled);
      assert.deepEqual(await liveRows(table), everything);
      await vacuumTable({ ...table, random: seededRandom(2) });
      assert.equal((await dataFiles(table.store, root)).length, 1);
    }
  });
});

describe('the newest version', () => {
  it('is one that only says what was vacuumed', async () => {
    const table = await setUp();
    table.clock.advance(8 * dayMs);
    await vacuumTable(table);
    assert.equal((await openTable(table)).snapshot.version, 7);
  });
});
