import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  backoffMs,
  createLogger,
  describeError,
  errorCodes,
  ManualClock,
  retryHintOf,
  seededRandom,
  systemClock,
  systemRandom,
  TributaryError,
} from '../../shared/base/index.js';

describe('TributaryError', () => {
  it('takes its retry hint from its code unless the situation is known better', () => {
    assert.equal(new TributaryError('STORAGE_UNAVAILABLE', 'down').retry, 'transient');
    assert.equal(new TributaryError('EVENT_BATCH_INVALID', 'odd', { retry: 'operator' }).retry, 'operator');
    for (const [code, hint] of Object.entries(errorCodes)) {
      assert.ok(['transient', 'permanent', 'operator'].includes(hint), code);
    }
  });

  it('counts errors that nobody classified as permanent, so that a bad event cannot block its partition', () => {
    assert.equal(retryHintOf(new TypeError('bug')), 'permanent');
    assert.equal(retryHintOf('text'), 'permanent');
  });

  it('is described with its code and its causes in one line', () => {
    const error = new TributaryError('STORAGE_DENIED', 'no access to lake', { cause: new Error('403') });
    assert.equal(describeError(error), 'STORAGE_DENIED: no access to lake (caused by: 403)');
    assert.equal(describeError(7), '7');
  });

  it('has its code in its stack, which is all that a host logs', () => {
    const { stack } = new TributaryError('STORAGE_DENIED', 'no access to lake');
    assert.match(stack ?? '', /^TributaryError \[STORAGE_DENIED\]: no access to lake\n {4}at /);
  });
});

describe('backoffMs', () => {
  it('is jittered from zero up to a doubling ceiling and never above the maximum', () => {
    const options = { initialMs: 10, maximumMs: 100 };
    assert.equal(backoffMs(0, 0.999, options), 9);
    assert.equal(backoffMs(2, 0.5, options), 20);
    assert.equal(backoffMs(50, 0.999, options), 99);
    assert.equal(backoffMs(3, 0, options), 0);
  });
});

describe('ManualClock', () => {
  it('wakes sleepers when their time has come or their signal aborts', async () => {
    const clock = new ManualClock(1_000);
    const woken: string[] = [];
    const abort = new AbortController();
    const early = clock.sleep(10).then(() => woken.push('early'));
    void clock.sleep(1_000).then(() => woken.push('late'));
    const aborted = clock.sleep(1_000, abort.signal).then(() => woken.push('aborted'));
    clock.advance(10);
    await early;
    abort.abort();
    await aborted;
    assert.deepEqual(woken, ['early', 'aborted']);
    assert.equal(clock.nowMs(), 1_010);
  });
});

describe('systemClock', () => {
  it('ends a sleep at once when its signal aborts', async () => {
    const abort = new AbortController();
    const sleeping = systemClock.sleep(60_000, abort.signal);
    abort.abort();
    await sleeping;
    await systemClock.sleep(60_000, abort.signal);
  });
});

describe('seededRandom', () => {
  it('repeats itself for one seed and differs for another', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return [random.next(), random.next(), random.uuid()];
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
  });

  it('makes well-formed UUIDs, as systemRandom does', () => {
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    const random = seededRandom(1);
    for (let count = 0; count < 100; count++) assert.match(random.uuid(), form);
    assert.match(systemRandom.uuid(), form);
  });

  it('is uniform enough: each tenth gets a tenth', () => {
    const random = seededRandom(3);
    const tenths = new Array<number>(10).fill(0);
    for (let count = 0; count < 100_000; count++) tenths[Math.floor(random.next() * 10)]!++;
    for (const count of tenths) assert.ok(Math.abs(count - 10_000) < 500, String(tenths));
  });
});

describe('createLogger', () => {
  it('writes the message and its fields on one line', () => {
    const lines: string[] = [];
    const logger = createLogger((line, level) => lines.push(`${level} ${line}`));
    logger.log('warn', 'lag grows', { partition: '0', events: 12 });
    logger.log('info', 'ready');
    createLogger((line) => lines.push(line), 'warn').log('info', 'below the minimum');
    assert.deepEqual(lines, ['warn lag grows {"partition":"0","events":12}', 'info ready']);
  });
});
