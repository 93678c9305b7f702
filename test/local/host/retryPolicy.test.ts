import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mayRetry, parseRetryPolicy, retryDelayMs } from '../../../local/host/retryPolicy.js';

const exponential = parseRetryPolicy('f', {
  retryStrategy: 'exponentialBackoff',
  maxRetryCount: -1,
  minimumInterval: { seconds: 1 },
  maximumInterval: { seconds: 60 },
});

describe('a retry policy', () => {
  it('with a fixed delay waits the same each time, and gives up after maxRetryCount retries', () => {
    const policy = parseRetryPolicy('f', {
      retryStrategy: 'fixedDelay',
      maxRetryCount: 2,
      delayInterval: { seconds: 3 },
    });
    assert.deepEqual(
      [1, 2, 3].map((retry) => retryDelayMs(policy, retry, 0.9)),
      [3000, 3000, 3000],
    );
    assert.deepEqual(
      [0, 1, 2].map((retryCount) => mayRetry(policy, retryCount)),
      [true, true, false],
    );
  });

  it('with exponential backoff waits the minimum first, then the minimum plus a doubling share of 0.8 to 1.2', () => {
    const delays = (random: number) => [1, 2, 3, 4].map((retry) => retryDelayMs(exponential, retry, random));
    assert.deepEqual(delays(0.5), [1000, 2000, 3000, 5000]);
    assert.deepEqual(delays(0), [1000, 1800, 2600, 4200]);
  });

  it('stays at the maximum once it is there, however often it is asked', () => {
    for (const retry of [8, 30, 1000, 1_000_000]) assert.equal(retryDelayMs(exponential, retry, 0.5), 60_000);
  });

  it('with maxRetryCount -1 never gives up', () => {
    assert.equal(mayRetry(exponential, 1_000_000), true);
  });

  const wrong: readonly [name: string, options: Parameters<typeof parseRetryPolicy>[1], message: RegExp][] = [
    [
      'without maxRetryCount',
      { retryStrategy: 'fixedDelay', delayInterval: { seconds: 1 } },
      /maxRetryCount/,
    ],
    [
      'with maxRetryCount -2',
      { retryStrategy: 'fixedDelay', maxRetryCount: -2, delayInterval: { seconds: 1 } },
      /maxRetryCount/,
    ],
    ['fixedDelay without its delay', { retryStrategy: 'fixedDelay', maxRetryCount: 1 }, /delayInterval/],
    [
      'exponentialBackoff without a maximum',
      { retryStrategy: 'exponentialBackoff', maxRetryCount: 1, minimumInterval: { seconds: 1 } },
      /maximumInterval/,
    ],
    [
      'with a minimum above the maximum',
      {
        retryStrategy: 'exponentialBackoff',
        maxRetryCount: 1,
        minimumInterval: { seconds: 2 },
        maximumInterval: { seconds: 1 },
      },
      /minimumInterval <= maximumInterval/,
    ],
    ['of an unknown strategy', { retryStrategy: 'often', maxRetryCount: 1 }, /"often"/],
  ];
  for (const [name, options, message] of wrong) {
    it(`${name} is refused, naming the function`, () => {
      assert.throws(() => parseRetryPolicy('ingest', options), message);
      assert.throws(() => parseRetryPolicy('ingest', options), /"ingest"/);
    });
  }
});
