// Log cleanup: what goes, what stays, and that the table can be read at every step.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../../shared/base/index.js';
import { cleanUpLog, openTable, TableWriter, writeCheckpoint } from '../../../shared/delta/index.js';
import { planLogCleanup, unusedSidecars } from '../../../shared/delta/upkeep/logCleanupPlan.js';
import { createMemoryStore, storeBelow } from '../../../shared/storage/index.js';
import { partitionAppend, readingsSchema } from '../../support/deltaFixtures.js';
import { logDigits, logNames, putCommitLines, setProperties } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { storeWith } from '../../support/storeWith.js';

const root = 'tables/readings';
const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 0, 1, 12);

const file = (name: string, day: number, sizeBytes = 1) => ({
  path: `_delta_log/${name}`,
  sizeBytes,
  lastModifiedMs: startMs + day * dayMs,
});
const commit = (version: number, day: number) => file(`${logDigits(version)}.json`, day);
const checkpoint = (version: number, day: number, sizeBytes = 1) =>
  file(`${logDigits(version)}.checkpoint.parquet`, day, sizeBytes);
const plan = (files: ReturnType<typeof file>[], day: number, retentionDays = 30) =>
  planLogCleanup({ files, nowMs: startMs + day * dayMs, retentionMs: retentionDays * dayMs });
const named = (result: ReturnType<typeof plan>) =>
  result.kind === 'delete' ? result.paths.map((path) => path.slice(11)) : result.kind;

describe('the plan of a cleanup', () => {
  const log = [0, 1, 2, 3, 4, 5].map((version) => commit(version, version));

  it('keeps the newest checkpoint older than the retention, its commit and all after it', () => {
    const files = [
      ...log,
      checkpoint(1, 1),
      checkpoint(3, 3),
      checkpoint(5, 5),
      file(`${logDigits(2)}.crc`, 2),
    ];
    assert.deepEqual(named(plan(files, 35)), [
      `${logDigits(0)}.json`,
      `${logDigits(1)}.checkpoint.parquet`,
      `${logDigits(1)}.json`,
      `${logDigits(2)}.crc`,
      `${logDigits(2)}.json`,
    ]);
  });

  it('counts whole days: the cutoff is midnight UTC', () => {
    // Written at noon of day 3; at the end of day 33 its 30 days are over, but midnight before it is not past.
    const files = [...log, checkpoint(3, 3)];
    assert.equal(named(plan(files, 33.49)), 'nothing');
    assert.equal(plan(files, 33.51).kind, 'delete');
  });

  it('does nothing without a checkpoint that is old enough', () => {
    assert.equal(named(plan(log, 100)), 'nothing');
    assert.equal(named(plan([...log, checkpoint(5, 5)], 35)), 'nothing');
    assert.equal(
      named(plan([...log, checkpoint(3, 3, 0)], 100)),
      'nothing',
      'an empty file is no checkpoint',
    );
    assert.equal(named(plan([commit(3, 3), checkpoint(3, 3)], 100)), 'nothing', 'all is done');
  });

  it('takes times that run backwards as Spark does: a later version is not older', () => {
    const files = [commit(0, 0), commit(1, 9), commit(2, 3), commit(3, 10), checkpoint(2, 3)];
    assert.equal(named(plan(files, 38)), 'nothing');
    assert.equal(plan(files, 39.6).kind, 'delete');
  });

  it('counts a checkpoint in parts only when all are there', () => {
    const part = (index: number) =>
      file(`${logDigits(3)}.checkpoint.000000000${index}.0000000002.parquet`, 3);
    assert.equal(named(plan([...log, part(1)], 100)), 'nothing');
    assert.deepEqual(
      named(plan([...log, part(1), part(2)], 100)),
      [0, 1, 2].map((version) => `${logDigits(version)}.json`),
    );
  });

  it('takes compacted logs that start up to the checkpoint, and nothing that it does not know', () => {
    const compacted = (from: number, to: number) =>
      file(`${logDigits(from)}.${logDigits(to)}.compacted.json`, 3);
    const files = [
      checkpoint(3, 3),
      commit(3, 3),
      compacted(3, 5),
      compacted(4, 5),
      file('0.tmp', 0),
      file('00x.json', 0),
    ];
    assert.deepEqual(named(plan(files, 100)), [`${logDigits(3)}.${logDigits(5)}.compacted.json`]);
  });

  it('counts V2 checkpoints, and takes those that have expired', () => {
    const v2 = (version: number, form: string, sizeBytes = 1) =>
      file(
        `${logDigits(version)}.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.${form}`,
        version,
        sizeBytes,
      );
    const files = [
      ...log,
      checkpoint(1, 1),
      v2(1, 'json'),
      v2(2, 'parquet'),
      v2(3, 'json'),
      v2(4, 'json', 0),
    ];
    assert.deepEqual(named(plan(files, 100)), [
      `${logDigits(0)}.json`,
      v2(1, 'json').path.slice(11),
      checkpoint(1, 1).path.slice(11),
      `${logDigits(1)}.json`,
      v2(2, 'parquet').path.slice(11),
      `${logDigits(2)}.json`,
    ]);
  });

  it('lets go of sidecars that nobody refers to, when they were a day old at midnight', () => {
    const sidecars = [file('_sidecars/used', 0), file('_sidecars/old', 0), file('_sidecars/young', 0.6)];
    const used = new Set(['_delta_log/_sidecars/used']);
    const unused = (day: number) => unusedSidecars(sidecars, used, startMs + day * dayMs);
    // Written at noon of day 0 and at 02:24 of day 1.
    assert.deepEqual(unused(1.4), []);
    assert.deepEqual(unused(1.6), ['_delta_log/_sidecars/old']);
    assert.deepEqual(unused(2.6), ['_delta_log/_sidecars/old', '_delta_log/_sidecars/young']);
  });
});

async function setUp(configuration: Readonly<Record<string, string>> = {}) {
  const clock = new InstantClock(startMs);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema, configuration });
  for (let last = 1; last <= 5; last++) {
    await writer.append(partitionAppend('p0', 1, last * 2));
    clock.advance(dayMs);
  }
  await writeCheckpoint({ ...table, version: 3 });
  await writeCheckpoint(table);
  return table;
}

describe('a cleanup', () => {
  it('leaves a table that reads the same, and is done when repeated', async () => {
    const table = await setUp();
    table.clock.advance(28 * dayMs);
    assert.deepEqual(await cleanUpLog(table), { kind: 'cleaned', checkpointVersion: 3, deletedCount: 3 });
    assert.equal((await openTable(table)).snapshot.totalRows, 10);
    assert.deepEqual(await logNames(table.store, root), [
      `${logDigits(3)}.checkpoint.parquet`,
      `${logDigits(3)}.json`,
      `${logDigits(4)}.json`,
      `${logDigits(5)}.checkpoint.parquet`,
      `${logDigits(5)}.json`,
      '_last_checkpoint',
    ]);
    assert.deepEqual(await cleanUpLog(table), { kind: 'nothing' });
    table.clock.advance(28 * dayMs);
    assert.deepEqual(await cleanUpLog(table), { kind: 'cleaned', checkpointVersion: 5, deletedCount: 3 });
    assert.equal((await openTable(table)).snapshot.totalRows, 10);
  });

  it('that dies half-way is completed by the next one', async () => {
    for (let deletes = 0; deletes < 3; deletes++) {
      const table = await setUp();
      table.clock.advance(28 * dayMs);
      let left = deletes;
      const dying = storeWith(table.store, {
        delete: async (path: string) => {
          if (left-- <= 0) throw new Error('killed');
          return table.store.delete(path);
        },
      });
      await assert.rejects(cleanUpLog({ ...table, store: dying }), /killed/);
      assert.equal((await openTable(table)).snapshot.totalRows, 10);
      const result = await cleanUpLog(table);
      assert.equal(result.kind === 'cleaned' && result.deletedCount, 3 - deletes);
      assert.equal((await openTable(table)).snapshot.totalRows, 10);
    }
  });

  it('does not start when the checkpoint that would stay cannot be read', async () => {
    const table = await setUp();
    table.clock.advance(28 * dayMs);
    const files = storeBelow(table.store, root);
    await files.put(`_delta_log/${logDigits(3)}.checkpoint.parquet`, new TextEncoder().encode('not Parquet'));
    // The time of its commit counts, not that of the checkpoint.
    await assert.rejects(cleanUpLog(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: /0003\.checkpoint\.parquet cannot be read/,
    });
    assert.equal((await openTable(table)).snapshot.totalRows, 10);
  });

  it('obeys the properties of the table', async () => {
    const disabled = await setUp({ 'delta.enableExpiredLogCleanup': 'false' });
    disabled.clock.advance(100 * dayMs);
    assert.deepEqual(await cleanUpLog(disabled), { kind: 'disabled' });
    const short = await setUp({ 'delta.logRetentionDuration': 'interval 12 hours' });
    assert.equal((await cleanUpLog(short)).kind, 'cleaned');
    const odd = await setUp();
    await setProperties(odd, { 'delta.logRetentionDuration': 'interval 1 month' });
    await assert.rejects(cleanUpLog(odd), { message: /delta\.logRetentionDuration is "interval 1 month"/ });
  });

  it('is refused for tables that protect their checkpoints', async () => {
    const table = await setUp();
    table.clock.advance(28 * dayMs);
    await putCommitLines(table.store, root, 6, [
      {
        protocol: {
          minReaderVersion: 1,
          minWriterVersion: 7,
          writerFeatures: ['appendOnly', 'checkpointProtection'],
        },
      },
    ]);
    await assert.rejects(cleanUpLog(table), {
      code: 'DELTA_PROTOCOL_UNSUPPORTED',
      message: /checkpointProtection/,
    });
  });
});
