import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RetryContext } from '../../../local/host/coreTypes.js';
import type { HubEvent } from '../../../local/host/eventHubMetadata.js';
import { parseHostConfig } from '../../../local/host/hostConfig.js';
import type { InvocationInput, InvocationResult } from '../../../local/host/invocation.js';
import { PartitionStopped, PartitionWorker } from '../../../local/host/partitionWorker.js';
import type { RetryPolicy } from '../../../local/host/retryPolicy.js';
import { ManualClock, seededRandom, silentLogger } from '../../../shared/base/index.js';

const succeeded: InvocationResult = { kind: 'succeeded', response: { invocationId: 'x' } };
const failed: InvocationResult = { kind: 'failed', error: new Error('on purpose') };

interface Setup {
  readonly eventHubs?: object;
  readonly cardinality?: 'many' | 'one';
  readonly dataType?: 'binary' | 'none';
  readonly policy?: RetryPolicy;
  readonly firstMaxWaitMs?: number;
  /** Called for each attempt. */
  readonly run?: (attempt: number) => InvocationResult | Promise<InvocationResult>;
  readonly writeCheckpoint?: () => Promise<void>;
}

function setUp(setup: Setup) {
  const clock = new ManualClock(1_700_000_000_000);
  const config = parseHostConfig({ extensions: { eventHubs: setup.eventHubs ?? {} } }, 1).eventHubs;
  const batches: {
    sequenceNumbers: number[];
    retryContext: RetryContext | undefined;
    checkpoints: boolean;
  }[] = [];
  const checkpoints: number[] = [];
  const worker = new PartitionWorker({
    retries: {
      functionName: 'f',
      policy: setup.policy,
      attempt: async (bind: () => InvocationInput, retryContext?: RetryContext) => {
        let metadata: InvocationInput['metadata'];
        try {
          metadata = bind().metadata;
        } catch (error) {
          return { kind: 'failed', error };
        }
        const numbers = metadata.SequenceNumberArray?.collectionSint64?.sint64;
        batches.push({
          sequenceNumbers: [...(numbers ?? [Number(metadata.SequenceNumber?.json)])],
          retryContext,
          checkpoints: JSON.parse(metadata.PartitionContext?.json ?? '{}').IsCheckpointingAfterInvocation,
        });
        return (await setup.run?.(batches.length)) ?? succeeded;
      },
      logger: silentLogger,
      clock,
      random: seededRandom(1),
    },
    config,
    cardinality: setup.cardinality ?? 'many',
    dataType: setup.dataType ?? 'binary',
    facts: {
      fullyQualifiedNamespace: 'localhost',
      eventHubName: 'hub',
      consumerGroup: '$Default',
      partitionId: '0',
    },
    firstMaxWaitMs: setup.firstMaxWaitMs ?? 0,
    writeCheckpoint: async ({ sequenceNumber }) => {
      await setup.writeCheckpoint?.();
      checkpoints.push(sequenceNumber);
    },
    logger: silentLogger,
    clock,
  });
  return { worker, clock, batches, checkpoints, runs: () => batches.map((batch) => batch.sequenceNumbers) };
}

function events(from: number, to: number): HubEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    body: Buffer.from('{}'),
    sequenceNumber: from + index,
    offset: String(from + index),
    enqueuedTimeUtc: new Date(0),
    properties: {},
    annotations: {},
    messageProperties: {},
  }));
}

/** Lets everything that is ready to run, run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a partition worker', () => {
  it('runs each batch once and writes a checkpoint of its last event', async () => {
    const { worker, runs, checkpoints } = setUp({});
    await worker.accept(events(0, 2));
    await worker.accept([]);
    await worker.accept(events(3, 3));
    assert.deepEqual(runs(), [[0, 1, 2], [3]]);
    assert.deepEqual(checkpoints, [2, 3]);
  });

  it('writes the checkpoint although the function threw', async () => {
    const { worker, checkpoints } = setUp({ run: () => failed });
    await worker.accept(events(0, 2));
    assert.deepEqual(checkpoints, [2]);
  });

  it('stands still while a batch is retried, counts from 0, and then writes one checkpoint', async () => {
    const policy = { kind: 'fixedDelay', maxRetryCount: 2, delayMs: 1000 } as const;
    const { worker, clock, batches, checkpoints } = setUp({ policy, run: () => failed });
    const accepted = worker.accept(events(0, 1));
    for (const attempts of [1, 2, 3]) {
      await settle();
      assert.equal(batches.length, attempts);
      assert.deepEqual(checkpoints, attempts === 3 ? [1] : []);
      clock.advance(1000);
    }
    await accepted;
    assert.deepEqual(
      batches.map(({ retryContext }) => [retryContext?.retryCount, retryContext?.maxRetryCount]),
      [
        [0, 2],
        [1, 2],
        [2, 2],
      ],
    );
    assert.equal(batches[0]?.retryContext?.exception, undefined);
    assert.equal(batches[1]?.retryContext?.exception?.message, 'on purpose');
  });

  it('with unlimited retries holds the partition until the function succeeds', async () => {
    const policy = {
      kind: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumMs: 1000,
      maximumMs: 8000,
    } as const;
    const { worker, clock, batches, checkpoints } = setUp({
      policy,
      run: (attempt) => (attempt < 8 ? failed : succeeded),
    });
    const accepted = worker.accept(events(0, 1));
    for (let wait = 0; wait < 8; wait++) {
      await settle();
      clock.advance(8000);
    }
    await accepted;
    assert.equal(batches.length, 8);
    assert.deepEqual(checkpoints, [1]);
  });

  it('passes by a batch with a body that cannot be bound, without running the function', async () => {
    const { worker, batches, checkpoints } = setUp({ dataType: 'none' });
    const [first, second] = events(0, 1);
    await worker.accept([first!, { ...second!, body: Buffer.from('no json') }]);
    assert.deepEqual(batches, []);
    assert.deepEqual(checkpoints, [1]);
  });

  it('writes no checkpoint when it was stopped during the run, nor runs anything afterwards', async () => {
    let release = (_: InvocationResult) => {};
    const { worker, runs, checkpoints } = setUp({
      run: () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    });
    const accepted = assert.rejects(worker.accept(events(0, 1)), PartitionStopped);
    await settle();
    worker.stop();
    release(succeeded);
    await accepted;
    await assert.rejects(worker.accept(events(2, 3)), PartitionStopped);
    assert.deepEqual(runs(), [[0, 1]]);
    assert.deepEqual(checkpoints, []);
  });

  it('ends the wait for a retry when it is stopped', async () => {
    const policy = { kind: 'fixedDelay', maxRetryCount: -1, delayMs: 60_000 } as const;
    const { worker, batches, checkpoints } = setUp({ policy, run: () => failed });
    const accepted = assert.rejects(worker.accept(events(0, 1)), PartitionStopped);
    await settle();
    worker.stop();
    await accepted;
    assert.equal(batches.length, 1);
    assert.deepEqual(checkpoints, []);
  });

  it('writes every Nth checkpoint and tells the function beforehand', async () => {
    const { worker, batches, checkpoints } = setUp({ eventHubs: { batchCheckpointFrequency: 3 } });
    for (let batch = 0; batch < 7; batch++) await worker.accept(events(batch, batch));
    assert.deepEqual(checkpoints, [2, 5]);
    assert.deepEqual(
      batches.map((batch) => batch.checkpoints),
      [false, false, true, false, false, true, false],
    );
  });

  it('goes on when a checkpoint cannot be written, and writes the next', async () => {
    let writes = 0;
    const { worker, checkpoints } = setUp({
      writeCheckpoint: async () => {
        writes += 1;
        if (writes === 1) throw new Error('storage is down');
      },
    });
    await worker.accept(events(0, 0));
    await worker.accept(events(1, 1));
    assert.deepEqual(checkpoints, [1]);
  });

  it('with cardinality one runs event by event and writes one checkpoint for the list', async () => {
    const { worker, runs, checkpoints } = setUp({
      cardinality: 'one',
      run: (attempt) => (attempt === 2 ? failed : succeeded),
    });
    await worker.accept(events(0, 2));
    assert.deepEqual(runs(), [[0], [1], [2]]);
    assert.deepEqual(checkpoints, [2]);
  });

  it('with cardinality one writes no checkpoint when it was stopped in the middle of the list', async () => {
    const { worker, runs, checkpoints } = setUp({
      cardinality: 'one',
      run: (attempt) => {
        if (attempt === 2) worker.stop();
        return succeeded;
      },
    });
    await assert.rejects(worker.accept(events(0, 2)), PartitionStopped);
    assert.deepEqual(runs(), [[0], [1]]);
    assert.deepEqual(checkpoints, []);
  });
});

describe('a partition worker with a minimum batch', () => {
  const eventHubs = { minEventBatchSize: 4, maxEventBatchSize: 5, maxWaitTime: '00:00:10' };

  it('holds events until there are enough, dispatches at most the maximum, and keeps the rest', async () => {
    const { worker, runs, checkpoints } = setUp({ eventHubs, firstMaxWaitMs: 10_000 });
    await worker.accept(events(0, 2));
    assert.deepEqual(runs(), []);
    await worker.accept(events(3, 7));
    assert.deepEqual(runs(), [[0, 1, 2, 3, 4]]);
    assert.deepEqual(checkpoints, [4]);
    await worker.accept(events(8, 8));
    assert.deepEqual(runs(), [
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
  });

  it('dispatches what it has when the wait is over', async () => {
    const { worker, clock, runs, checkpoints } = setUp({ eventHubs, firstMaxWaitMs: 10_000 });
    await worker.accept(events(0, 0));
    clock.advance(6_000);
    await worker.accept(events(1, 1));
    clock.advance(3_999);
    await settle();
    assert.deepEqual(runs(), []);
    clock.advance(1);
    await settle();
    assert.deepEqual(runs(), [[0, 1]]);
    assert.deepEqual(checkpoints, [1]);
  });

  it('waits shorter for its first batch, then the whole time', async () => {
    const { worker, clock, runs } = setUp({ eventHubs, firstMaxWaitMs: 0 });
    await worker.accept(events(0, 0));
    await settle();
    assert.deepEqual(runs(), [[0]]);
    await worker.accept(events(1, 1));
    clock.advance(9_999);
    await settle();
    assert.deepEqual(runs(), [[0]]);
    clock.advance(1);
    await settle();
    assert.deepEqual(runs(), [[0], [1]]);
  });

  it('waits the whole time for what a full batch left over', async () => {
    const { worker, clock, runs } = setUp({ eventHubs, firstMaxWaitMs: 10_000 });
    await worker.accept(events(0, 2));
    clock.advance(9_000);
    await worker.accept(events(3, 6));
    clock.advance(9_999);
    await settle();
    assert.deepEqual(runs(), [[0, 1, 2, 3, 4]]);
    clock.advance(1);
    await settle();
    assert.deepEqual(runs(), [
      [0, 1, 2, 3, 4],
      [5, 6],
    ]);
  });

  it('never runs two batches at a time, even when the wait ends during a run', async () => {
    let release = (_: InvocationResult) => {};
    const { worker, clock, runs } = setUp({
      eventHubs,
      firstMaxWaitMs: 10_000,
      run: (attempt) =>
        attempt > 1
          ? succeeded
          : new Promise((resolve) => {
              release = resolve;
            }),
    });
    const first = worker.accept(events(0, 5));
    await settle();
    const second = worker.accept(events(6, 6));
    clock.advance(60_000);
    await settle();
    assert.deepEqual(runs(), [[0, 1, 2, 3, 4]]);
    release(succeeded);
    await Promise.all([first, second]);
    clock.advance(10_000);
    await settle();
    assert.deepEqual(runs(), [
      [0, 1, 2, 3, 4],
      [5, 6],
    ]);
  });

  it('drops what it holds when it is stopped: nothing was checkpointed, so it comes again', async () => {
    const { worker, clock, runs, checkpoints } = setUp({ eventHubs, firstMaxWaitMs: 10_000 });
    await worker.accept(events(0, 2));
    worker.stop();
    clock.advance(60_000);
    await settle();
    assert.deepEqual(runs(), []);
    assert.deepEqual(checkpoints, []);
  });
});
