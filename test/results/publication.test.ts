import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import {
  alertPauseMs,
  fixShardCount,
  type PublicationInput,
  type PublishOutcome,
  planPublication,
} from '../../shared/results/index.js';
import type { SealedBatch } from '../../shared/shards/index.js';
import { createMemoryStore } from '../../shared/storage/index.js';
import { InstantClock } from '../support/instantClock.js';

const noRows = { alerts: [], failed: [], late: [], windows: [] };

function sealed(number: number | null, hasMore = false): SealedBatch {
  return { number, hasMore, bornMs: 1, rows: noRows, layouts: [], latest: [], summary: null };
}

/** One round in which every batch is published, or those of `failing` shards are not. */
function runRound(input: PublicationInput, answers: readonly SealedBatch[], failing: readonly number[] = []) {
  const round = planPublication(input);
  const batches = round.publishable(answers);
  const outcomes = batches.map(({ shard, number }): PublishOutcome => {
    if (failing.includes(shard)) return { kind: 'failed', shard, error: 'no' };
    return { kind: 'published', shard, number };
  });
  return { seals: round.seals, batches, ...round.after(batches, outcomes) };
}

const shards = (count: number) => Array.from({ length: count }, (_, shard) => ({ shard }));

describe('a publication of all shards', () => {
  it('publishes what was sealed and ends', () => {
    const { batches, acknowledged, next } = runRound({ waiting: shards(3), shardCount: 3 }, [
      sealed(null),
      sealed(7),
      sealed(0),
    ]);
    assert.deepEqual(
      batches.map(({ shard }) => shard),
      [1, 2],
    );
    assert.deepEqual(
      acknowledged.map(({ shard, number }) => [shard, number]),
      [
        [1, 7],
        [2, 0],
      ],
    );
    assert.equal(next, undefined);
  });

  it('goes on with the shards that have more, acknowledging as it seals', () => {
    const first = runRound({ waiting: shards(2), shardCount: 2 }, [sealed(4, true), sealed(9)]);
    assert.deepEqual(first.next, { shardCount: 2, waiting: [{ shard: 0, acknowledge: 4 }] });
    assert.deepEqual(
      first.acknowledged.map(({ shard }) => shard),
      [1],
    );
    const second = runRound(first.next!, [sealed(5)]);
    assert.deepEqual(
      second.seals.map(({ shard, acknowledge }) => [shard, acknowledge]),
      [[0, 4]],
    );
    assert.equal(second.next, undefined);
  });

  it('takes a bounded number of shards at once, and each of them in the end', () => {
    const seen: number[] = [];
    let rounds = 0;
    for (let input: PublicationInput | undefined = { waiting: shards(100), shardCount: 100 }; input; ) {
      const round = planPublication(input);
      assert.ok(round.seals.length <= 32);
      seen.push(...round.seals.map(({ shard }) => shard));
      input = round.after([], []).next;
      rounds++;
    }
    assert.deepEqual(
      seen,
      shards(100).map(({ shard }) => shard),
    );
    assert.equal(rounds, 4);
  });

  it('leaves a shard that fails to the next run, and acknowledges the others', () => {
    const { acknowledged, next } = runRound(
      { waiting: shards(3), shardCount: 3 },
      [sealed(1), sealed(2, true), sealed(3)],
      [0, 1],
    );
    assert.deepEqual(
      acknowledged.map(({ shard }) => shard),
      [2],
    );
    assert.equal(next, undefined);
  });

  it('goes on without a shard that answers nothing', () => {
    const input = { waiting: shards(2), shardCount: 2 };
    // An entity without an answer: JSON has no undefined.
    const answers = JSON.parse(JSON.stringify([null, sealed(3)])) as SealedBatch[];
    assert.deepEqual(
      runRound(input, answers).acknowledged.map(({ shard }) => shard),
      [1],
    );
  });

  it('seals again where the batch was not stored yet, and puts the answers in their places', () => {
    const round = planPublication({ waiting: shards(4), shardCount: 4 });
    const summary = { atMs: 5 } as unknown as NonNullable<SealedBatch['summary']>;
    const first = [
      sealed(1),
      { ...sealed(null), isUnstored: true, summary },
      // JSON has no undefined.
      null as unknown as SealedBatch,
      { ...sealed(null), isUnstored: true },
    ];
    const again = round.again(first);
    assert.deepEqual(
      again.map(({ shard }) => shard),
      [1, 3],
    );
    const completed = round.completed(first, [sealed(7), { ...sealed(null), isUnstored: true }]);
    assert.deepEqual(
      completed.map((batch) => batch?.number),
      [1, 7, undefined, null],
    );
    // The summary is told once; the second answer has none.
    assert.deepEqual(completed[1]?.summary, summary);
    assert.deepEqual(
      round.again(completed).map(({ shard }) => shard),
      [3],
    );
    assert.deepEqual(
      round.publishable(completed).map(({ shard }) => shard),
      [0, 1],
    );
  });

  it('shares the latest states that one run may take among the shards', () => {
    const of = (shardCount: number) =>
      planPublication({ waiting: shards(1), shardCount }).seals[0]?.maxDevices;
    assert.deepEqual([of(1), of(16), of(64), of(1024)], [1_000, 62, 15, 1]);
  });
});

describe('a publication of alerts', () => {
  const start: PublicationInput = { waiting: [{ shard: 5 }], shardCount: 16, onlyAlerts: true };

  it('looks again after a pause, and ends when nothing came', () => {
    const first = runRound(start, [sealed(3)]);
    assert.equal(first.seals[0]?.onlyAlerts, true);
    assert.deepEqual(
      first.acknowledged.map(({ number }) => number),
      [3],
    );
    assert.equal(first.pauseMs, alertPauseMs);
    const second = runRound(first.next!, [sealed(4)]);
    assert.equal(second.pauseMs, alertPauseMs);
    const third = runRound(second.next!, [sealed(null)]);
    assert.deepEqual([third.pauseMs, third.next], [0, undefined]);
  });

  it('looks again also when the alert that started it is not there yet', () => {
    const first = runRound(start, [sealed(null)]);
    assert.equal(first.pauseMs, alertPauseMs);
    assert.deepEqual(first.next?.waiting, [{ shard: 5 }]);
    assert.equal(runRound(first.next!, [sealed(null)]).next, undefined);
  });

  it('leaves it to the timer when publishing fails', () => {
    const { next, pauseMs, acknowledged } = runRound(start, [sealed(3)], [5]);
    assert.deepEqual([next, pauseMs, acknowledged], [undefined, 0, []]);
  });
});

describe('the number of shards', () => {
  const store = () => createMemoryStore(new InstantClock(0));

  it('is fixed by the first app on a lake', async () => {
    const lake = store();
    await fixShardCount(lake, 16);
    await fixShardCount(lake, 16);
    await assert.rejects(
      fixShardCount(lake, 32),
      (error) =>
        error instanceof TributaryError &&
        error.code === 'SHARD_COUNT_CHANGED' &&
        /is 32, .*born with 16/.test(error.message),
    );
  });

  it('is refused when what is written cannot be read', async () => {
    const lake = store();
    await lake.put('state/shards.json', new TextEncoder().encode('{"shards":'));
    await assert.rejects(fixShardCount(lake, 16), /cannot be read/);
  });
});
