import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventBatch } from '../../shared/events/index.js';
import { planAppend } from '../../shared/ingest/appendPlan.js';
import { currentProgress, firstEventOfNextIncarnation } from '../../shared/ingest/sourceProgress.js';
import type { ColumnBatch } from '../../shared/parquet/index.js';

const none: ReadonlyMap<string, number> = new Map();

/** Events `from`..`to`, enqueued at `enqueuedFromMs` and one millisecond apart. */
function events(from: number, to: number, enqueuedFromMs = from): EventBatch {
  const sequenceNumbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return {
    source: 'hub',
    partition: '3',
    bodies: sequenceNumbers.map(() => new Uint8Array()),
    sequenceNumbers,
    enqueuedMs: sequenceNumbers.map((_, index) => enqueuedFromMs + index),
    systemProperties: sequenceNumbers.map(() => ({})),
    properties: sequenceNumbers.map(() => ({})),
  };
}

/** One row for each of `sequenceNumbers`. */
function rows(...sequenceNumbers: number[]): ColumnBatch {
  return {
    rowCount: sequenceNumbers.length,
    fields: [
      { name: '_source', type: 'string', nullable: false },
      { name: '_sequence_number', type: 'long', nullable: false },
    ],
    columns: [
      { kind: 'text', values: sequenceNumbers.map(() => 'hub') },
      { kind: 'numbers', values: Float64Array.from(sequenceNumbers) },
    ],
  };
}

function plan(batch: EventBatch, batchRows: ColumnBatch, committed = none, committedElsewhere = none) {
  return planAppend({ events: batch, rows: batchRows, committed, committedElsewhere, nowMs: 42 });
}

function sequenceNumbersOf(batch: ColumnBatch | undefined): number[] {
  const column = batch?.columns[1];
  return column?.kind === 'numbers'
    ? Array.from(column.values as Float64Array).slice(0, batch?.rowCount)
    : [];
}

function committedUpTo(sequenceNumber: number, enqueuedMs: number, source = 'hub'): Map<string, number> {
  return new Map([
    [`ingest/${source}/3`, sequenceNumber],
    [`ingest/${source}/3/enqueued`, enqueuedMs],
  ]);
}

describe('planAppend', () => {
  it('takes every row of the first batch and records the last event, even when that one has no row', () => {
    const planned = plan(events(0, 9), rows(0, 1, 1, 5));
    assert.deepEqual(sequenceNumbersOf(planned?.batch), [0, 1, 1, 5]);
    assert.deepEqual(planned?.transactions, [
      { appId: 'ingest/hub/3', version: 9, lastUpdated: 42 },
      { appId: 'ingest/hub/3/enqueued', version: 9, lastUpdated: 42 },
    ]);
  });

  it('trims a redelivery that was cut at other places', () => {
    const planned = plan(events(5, 15), rows(5, 6, 9, 10, 10, 15), committedUpTo(9, 9));
    assert.deepEqual(sequenceNumbersOf(planned?.batch), [10, 10, 15]);
    assert.equal(planned?.transactions[0]?.version, 15);
  });

  it('has nothing to do when all of it is committed, or when the batch has no row for this table', () => {
    assert.equal(plan(events(5, 9), rows(5, 9), committedUpTo(9, 9)), undefined);
    assert.equal(plan(events(5, 9), rows(), none), undefined);
  });

  it('keeps rows that only the other table has passed: a crash came between the two commits', () => {
    const planned = plan(events(0, 9), rows(3), none, committedUpTo(9, 9));
    assert.deepEqual(sequenceNumbersOf(planned?.batch), [3]);
    assert.equal(planned?.startsIncarnation, false);
  });

  it('depends on the next incarnation too, so that a rival who starts it makes the writer ask again', () => {
    assert.deepEqual(plan(events(0, 1), rows(0))?.readAppIds, ['ingest/hub/3', 'ingest/hub#1/3']);
  });

  it('never lets the recorded enqueue time fall when the broker clock steps back', () => {
    const planned = plan(events(10, 12, 5_000), rows(10), committedUpTo(9, 9_000));
    assert.equal(planned?.transactions[1]?.version, 9_000);
  });

  describe('when the hub was made again', () => {
    it('takes old numbers with later broker times as a new source', () => {
      const planned = plan(events(0, 4, 2_000), rows(0, 2), committedUpTo(900, 1_000));
      assert.equal(planned?.startsIncarnation, true);
      assert.deepEqual(sequenceNumbersOf(planned?.batch), [0, 2]);
      assert.deepEqual(planned?.batch.columns[0], { kind: 'text', values: ['hub#1', 'hub#1'] });
      assert.deepEqual(
        planned?.transactions.map(({ appId, version }) => [appId, version]),
        [
          ['ingest/hub#1/3', 4],
          ['ingest/hub#1/3/enqueued', 2_004],
        ],
      );
    });

    it('goes on in the new incarnation afterwards', () => {
      const committed = new Map([...committedUpTo(900, 1_000), ...committedUpTo(4, 2_004, 'hub#1')]);
      const planned = plan(events(3, 6, 2_003), rows(3, 5, 6), committed);
      assert.equal(planned?.startsIncarnation, false);
      assert.deepEqual(sequenceNumbersOf(planned?.batch), [5, 6]);
    });

    it('agrees with the other table on the incarnation, also when this table missed one', () => {
      const elsewhere = new Map([...committedUpTo(4, 2_004, 'hub#1'), ...committedUpTo(7, 3_000, 'hub#2')]);
      const planned = plan(events(8, 9, 3_001), rows(9), committedUpTo(900, 1_000), elsewhere);
      assert.equal(planned?.transactions[0]?.appId, 'ingest/hub#2/3');
    });

    it('cuts redelivered events of the old hub off the front of a batch', () => {
      const mixed = { ...events(5, 8), enqueuedMs: [10, 11, 2_000, 2_001] };
      const planned = plan(mixed, rows(5, 6, 7, 8), committedUpTo(900, 1_000));
      assert.deepEqual(sequenceNumbersOf(planned?.batch), [7, 8]);
    });
  });
});

describe('currentProgress', () => {
  it('is nothing for a partition never seen', () => {
    assert.deepEqual(currentProgress([none], { hub: 'hub', partition: '0' }), {
      incarnation: 0,
      lastSequenceNumber: -1,
      lastEnqueuedMs: Number.NEGATIVE_INFINITY,
    });
  });

  it('does not mistake a redelivery for a new hub', () => {
    const progress = currentProgress([committedUpTo(9, 9)], { hub: 'hub', partition: '3' });
    assert.equal(firstEventOfNextIncarnation(events(0, 20), progress), 21);
  });
});
