// The options of `npm run subscribe`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchesDevice, startOf } from '../../../local/subscribing/subscribeArguments.js';

describe('--since', () => {
  const nowMs = Date.parse('2025-10-06T10:00:00Z');
  const cases: readonly (readonly [since: string | undefined, start: unknown])[] = [
    [undefined, { enqueuedOn: nowMs }],
    ['beginning', { offset: '-1' }],
    ['90s', { enqueuedOn: nowMs - 90_000 }],
    ['1.5m', { enqueuedOn: nowMs - 90_000 }],
    ['2h', { enqueuedOn: nowMs - 7_200_000 }],
    ['1d', { enqueuedOn: nowMs - 86_400_000 }],
    ['999999999d', { enqueuedOn: 0 }],
    ['2025-10-06T09:00:00Z', { enqueuedOn: nowMs - 3_600_000 }],
    ['2025-10-06', { enqueuedOn: Date.parse('2025-10-06') }],
    ['', undefined],
    ['15', undefined],
    ['-5m', undefined],
    ['yesterday', undefined],
    ['1w', undefined],
    ['2025-13-06', undefined],
  ];
  for (const [since, start] of cases) {
    it(`of ${JSON.stringify(since)} begins at ${JSON.stringify(start)}`, () => {
      assert.deepEqual(startOf(since, nowMs), start);
    });
  }
});

describe('--device', () => {
  it('matches the whole id, and takes nothing but * for special', () => {
    assert.ok(matchesDevice(undefined, 'any'));
    assert.ok(matchesDevice('device_1', 'device_1'));
    assert.ok(!matchesDevice('device_1', 'device_10'));
    assert.ok(matchesDevice('device_*', 'device_10'));
    assert.ok(matchesDevice('*', 'a\nb'));
    assert.ok(matchesDevice('a*c*', 'abcd'));
    assert.ok(!matchesDevice('a.c', 'abc'));
    assert.ok(matchesDevice('(a+b)[c]', '(a+b)[c]'));
  });
});
