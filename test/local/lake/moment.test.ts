import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseMoment } from '../../../local/lake/moment.js';

describe('a point in a table’s history', () => {
  for (const [text, moment] of [
    ['0', { version: 0 }],
    ['12', { version: 12 }],
    ['2026-01-31', { timestampMs: Date.UTC(2026, 0, 31) }],
    ['2026-01-31T12:30:00Z', { timestampMs: Date.UTC(2026, 0, 31, 12, 30) }],
    ['2026-01-31 12:30', { timestampMs: Date.UTC(2026, 0, 31, 12, 30) }],
    ['2026-01-31T12:30:00.123', { timestampMs: Date.UTC(2026, 0, 31, 12, 30, 0, 123) }],
    ['2026-01-31T12:30:00+01:00', { timestampMs: Date.UTC(2026, 0, 31, 11, 30) }],
  ] as const) {
    it(`is ${JSON.stringify(moment)} for ${text}`, () => assert.deepEqual(parseMoment(text, '--to'), moment));
  }

  for (const text of ['', '-1', '1.5', 'yesterday', '2026-13-01', '2026-01-31T25:00Z', '12:30']) {
    it(`is no ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseMoment(text, '--as-of'), {
        code: 'INPUT_INVALID',
        message: /--as-of takes a version such as 12, or a time/,
      });
    });
  }
});
