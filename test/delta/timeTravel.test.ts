// A table as it was: by version and by time, whatever the storage's clock did, and with timestamps inside commits.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { monotoneTimes, versionAt } from '../../shared/delta/commitTimes.js';
import {
  findVersionAt,
  readCommitTimes,
  readHistory,
  readRows,
  readSnapshotAt,
  TableWriter,
  writeCheckpoint,
} from '../../shared/delta/index.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import { partitionAppend, readingsSchema, readLogLines } from '../support/deltaFixtures.js';
import { InstantClock } from '../support/instantClock.js';

const root = 'tables/readings';
const startMs = 1_700_000_000_000;
const commitName = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`;

/** Versions 0 to 4, ten seconds apart; version n holds the rows up to 2n. */
async function setUp() {
  const clock = new InstantClock(startMs);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (let last = 1; last <= 4; last++) {
    await writer.append(partitionAppend('p0', 1, last * 2));
    if (last > 0) clock.advance(10_000);
  }
  return { ...table, files: storeBelow(store, root) };
}

type Table = Awaited<ReturnType<typeof setUp>>;

describe('a version of a table', () => {
  it('has the files and rows of that time', async () => {
    const table = await setUp();
    for (const version of [0, 1, 2, 3, 4]) {
      const snapshot = await readSnapshotAt({ ...table, version });
      assert.equal(snapshot.version, version);
      let rowCount = 0;
      for await (const batch of readRows({ ...table, snapshot })) rowCount += batch.rowCount;
      assert.equal(rowCount, version * 2);
      assert.equal(snapshot.transactions.get('ingest/p0'), version === 0 ? undefined : version * 2);
    }
  });

  it('that does not exist is an error', async () => {
    const table = await setUp();
    await assert.rejects(readSnapshotAt({ ...table, version: 5 }), {
      code: 'DELTA_VERSION_NOT_FOUND',
      message: /no version 5: the newest one up to it is 4/,
    });
    await assert.rejects(readSnapshotAt({ ...table, version: -1 }), {
      code: 'DELTA_VERSION_NOT_FOUND',
      message: /There is no version -1\.$/,
    });
    await assert.rejects(readSnapshotAt({ ...table, root: 'tables/other', version: 0 }), {
      code: 'DELTA_TABLE_NOT_FOUND',
    });
  });

  it('whose commits are missing is an error', async () => {
    const table = await setUp();
    await table.files.delete(commitName(1));
    await assert.rejects(readSnapshotAt({ ...table, version: 2 }), {
      code: 'DELTA_LOG_GAP',
      message: /lacks version 1 /,
    });
  });

  it('that log cleanup took is an error that says from where on versions are left', async () => {
    const table = await setUp();
    await writeCheckpoint({ ...table, version: 3 });
    for (const version of [0, 1]) await table.files.delete(commitName(version));
    for (const version of [0, 1, 2]) {
      await assert.rejects(readSnapshotAt({ ...table, version }), {
        code: 'DELTA_VERSION_NOT_FOUND',
        message: /oldest one that can is 3/,
      });
    }
    assert.equal((await readSnapshotAt({ ...table, version: 3 })).version, 3);
  });
});

describe('commit times', () => {
  it('increase by at least a millisecond, also where the clock stood still or went back', () => {
    const times = [1000, 1000, 500, 2000, 1500].map((timestampMs, version) => ({ version, timestampMs }));
    assert.deepEqual(
      monotoneTimes(times).map(({ timestampMs }) => timestampMs),
      [1000, 1001, 1002, 2000, 2001],
    );
  });

  it('mean the last version at or before a time', () => {
    const times = [10, 20, 30].map((timestampMs, index) => ({ version: index + 5, timestampMs }));
    assert.deepEqual(
      [9, 10, 19, 20, 30, 99].map((timestampMs) => versionAt(times, timestampMs)),
      [undefined, 5, 5, 6, 7, 7],
    );
  });
});

describe('a table at a time', () => {
  it('is the version that was the newest then', async () => {
    const table = await setUp();
    const times = await readCommitTimes(table);
    assert.deepEqual(
      times.map(({ version }) => version),
      [0, 1, 2, 3, 4],
    );
    for (const { version, timestampMs } of times) {
      assert.equal(await findVersionAt(table, timestampMs), version);
      assert.equal(
        (await readSnapshotAt({ ...table, timestampMs: timestampMs + 1 })).version >= version,
        true,
      );
    }
    assert.equal(await findVersionAt(table, startMs + 1e9), 4);
  });

  it('before its first version is an error', async () => {
    const table = await setUp();
    await assert.rejects(findVersionAt(table, startMs - 1), {
      code: 'DELTA_VERSION_NOT_FOUND',
      message: /as old as 2023-11-14T22:13:19\.999Z/,
    });
  });
});

/** Gives the commits from `first` on timestamps of their own, one hour apart, by rewriting them. */
async function withInCommitTimestamps(table: Table, first: number, suffix = ''): Promise<void> {
  const commits = await readLogLines(table.store, root);
  const metaData = commits[0]!.find((line) => line.metaData !== undefined)!.metaData as Record<
    string,
    unknown
  >;
  const enabling = {
    metaData: {
      ...metaData,
      configuration: {
        [`delta.enableInCommitTimestamps${suffix}`]: 'true',
        [`delta.inCommitTimestampEnablementVersion${suffix}`]: String(first),
        [`delta.inCommitTimestampEnablementTimestamp${suffix}`]: String(ownTime(first)),
      },
    },
  };
  for (let version = first; version < commits.length; version++) {
    const lines = commits[version]!.map((line) =>
      line.commitInfo === undefined
        ? line
        : { commitInfo: { ...(line.commitInfo as object), inCommitTimestamp: ownTime(version) } },
    );
    if (version === first) lines.push(enabling);
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await table.files.put(commitName(version), new TextEncoder().encode(text));
  }
}

const ownTime = (version: number): number => startMs + 3_600_000 * version;

describe('timestamps inside commits', () => {
  it('count from the version on that enabled them, storage times before it', async () => {
    const table = await setUp();
    await withInCommitTimestamps(table, 2);
    const times = await readCommitTimes(table);
    assert.deepEqual(
      times.slice(2).map(({ timestampMs }) => timestampMs),
      [2, 3, 4].map(ownTime),
    );
    for (const version of [2, 3, 4]) {
      assert.equal(await findVersionAt(table, ownTime(version)), version);
      assert.equal(await findVersionAt(table, ownTime(version) - 1), version - 1);
    }
    assert.equal(await findVersionAt(table, startMs), times[1]!.timestampMs > startMs ? 0 : 1);
    assert.equal(await findVersionAt(table, ownTime(99)), 4);
  });

  it('count under the names of the preview, too', async () => {
    const table = await setUp();
    await withInCommitTimestamps(table, 2, '-preview');
    assert.equal(await findVersionAt(table, ownTime(3)), 3);
    assert.equal(await findVersionAt(table, ownTime(3) - 1), 2);
  });

  it('are the times that the history tells', async () => {
    const table = await setUp();
    await withInCommitTimestamps(table, 2);
    const history = await readHistory(table);
    const times = history.map(({ version, timestampMs }) => ({ version, timestampMs }));
    assert.deepEqual(times.reverse(), await readCommitTimes(table));
  });

  it('that a commit lacks are an error that names the version', async () => {
    const table = await setUp();
    await withInCommitTimestamps(table, 3);
    const plain = (await readLogLines(table.store, root))[2]!;
    const text = plain.map((line) => `${JSON.stringify(line)}\n`).join('');
    await table.files.put(commitName(4), new TextEncoder().encode(text));
    await assert.rejects(findVersionAt(table, ownTime(9)), {
      code: 'DELTA_LOG_CORRUPT',
      message: /Version 4 .* lacks the inCommitTimestamp/,
    });
  });
});
