import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseHostConfig } from '../../../local/host/hostConfig.js';
import { TributaryError } from '../../../shared/base/index.js';

describe('host.json', () => {
  it("has the real host's defaults when it says nothing", () => {
    const config = parseHostConfig(undefined, 2);
    assert.equal(config.functionTimeoutMs, 1_800_000);
    assert.equal(config.routePrefix, 'api');
    assert.equal(config.eventHubs.maxEventBatchSize, 100);
    assert.equal(config.eventHubs.prefetchCount, 300);
    assert.deepEqual(config.eventHubs.initialOffset, { kind: 'fromStart' });
    assert.deepEqual(config.blobs, { maxDegreeOfParallelism: 16, poisonBlobThreshold: 5 });
  });

  it('is read, and keys for others are ignored', () => {
    const config = parseHostConfig(
      {
        version: '2.0',
        functionTimeout: '00:05:00',
        logging: { logLevel: 'Information' },
        retry: { strategy: 'fixedDelay', maxRetryCount: 3, delayInterval: '00:00:05' },
        extensions: {
          http: { routePrefix: '/v1/' },
          durableTask: { hubName: 'x' },
          eventHubs: {
            maxEventBatchSize: 1000,
            minEventBatchSize: 256,
            maxWaitTime: '00:00:01.500',
            batchCheckpointFrequency: 2,
            partitionOwnershipExpirationInterval: '00:00:30',
            targetUnprocessedEventThreshold: 5,
            initialOffsetOptions: { type: 'fromEnqueuedTime', enqueuedTimeUtc: '2026-01-31T00:00:00Z' },
          },
        },
      },
      2,
    );
    assert.equal(config.functionTimeoutMs, 300_000);
    assert.equal(config.routePrefix, 'v1');
    assert.equal(config.eventHubs.maxWaitTimeMs, 1500);
    assert.equal(config.eventHubs.batchCheckpointFrequency, 2);
    assert.equal(config.eventHubs.partitionOwnershipExpirationIntervalMs, 30_000);
    assert.deepEqual(config.eventHubs.initialOffset, {
      kind: 'fromEnqueuedTime',
      enqueuedTimeMs: Date.parse('2026-01-31T00:00:00Z'),
    });
    assert.deepEqual(config.retry, {
      retryStrategy: 'fixedDelay',
      maxRetryCount: 3,
      delayInterval: { seconds: 5 },
    });
  });

  it('may take the time limit away', () => {
    assert.equal(parseHostConfig({ functionTimeout: '-1' }, 1).functionTimeoutMs, Number.POSITIVE_INFINITY);
  });

  const eventHubs = (options: object) => ({ extensions: { eventHubs: options } });
  const wrong: readonly [content: unknown, message: RegExp][] = [
    [[], /host\.json must be a JSON object/],
    [{ version: '1.0' }, /host\.json: version is "1\.0"; it must be "2\.0"/],
    [{ functionTimeout: 'soon' }, /host\.json: functionTimeout is "soon"/],
    [{ extensions: 1 }, /host\.json: extensions must be a JSON object, not 1/],
    [{ extensions: { http: { routePrefix: 1 } } }, /extensions\.http\.routePrefix is 1; it must be text/],
    [
      eventHubs({ maxEventBatchSize: '10' }),
      /extensions\.eventHubs\.maxEventBatchSize is "10"; it must be a whole number from 1/,
    ],
    [eventHubs({ maxEventBatchSize: 0 }), /maxEventBatchSize is 0/],
    [
      eventHubs({ minEventBatchSize: 101 }),
      /minEventBatchSize is 101; it must be at most maxEventBatchSize \(100\)/,
    ],
    [eventHubs({ maxWaitTime: '00:11:00' }), /maxWaitTime is "00:11:00".*at most 10 minutes/],
    [eventHubs({ initialOffsetOptions: { type: 'middle' } }), /initialOffsetOptions\.type is "middle"/],
    [eventHubs({ initialOffsetOptions: { type: 'fromEnqueuedTime' } }), /enqueuedTimeUtc is ""/],
    [{ extensions: { blobs: { poisonBlobThreshold: 0 } } }, /extensions\.blobs\.poisonBlobThreshold is 0/],
    [{ retry: { strategy: 'often' } }, /retry\.strategy is "often"/],
    [{ retry: { strategy: 'fixedDelay', delayInterval: '00:00:01' } }, /retry\.maxRetryCount is missing/],
    [{ retry: { strategy: 'fixedDelay', maxRetryCount: 1 } }, /retry\.delayInterval is missing/],
  ];
  for (const [content, message] of wrong) {
    it(`${JSON.stringify(content)} is refused with the key's name`, () => {
      assert.throws(
        () => parseHostConfig(content, 1),
        (error) =>
          error instanceof TributaryError && error.code === 'CONFIG_INVALID' && message.test(error.message),
      );
    });
  }
});
