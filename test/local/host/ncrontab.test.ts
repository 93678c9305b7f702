import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSchedule } from '../../../local/host/ncrontab.js';
import { TributaryError } from '../../../shared/base/index.js';

function occurrences(expression: string, after: string, count: number): string[] {
  const schedule = parseSchedule(expression);
  const found: string[] = [];
  for (let ms = Date.parse(after); found.length < count; ) {
    const next = schedule.next(ms);
    if (next === undefined) break;
    found.push(new Date(next).toISOString().slice(0, 19));
    ms = next;
  }
  return found;
}

describe('an NCRONTAB schedule', () => {
  const cases: readonly [expression: string, after: string, expected: readonly string[]][] = [
    ['0 */5 * * * *', '2026-01-31T10:03:20Z', ['2026-01-31T10:05:00', '2026-01-31T10:10:00']],
    ['*/15 * * * * *', '2026-01-31T10:03:20.500Z', ['2026-01-31T10:03:30', '2026-01-31T10:03:45']],
    ['*/5 * * * *', '2026-01-31T10:03:20Z', ['2026-01-31T10:05:00', '2026-01-31T10:10:00']],
    ['0 0 * * * *', '2026-12-31T23:10:00Z', ['2027-01-01T00:00:00', '2027-01-01T01:00:00']],
    ['0 30 9 * * 1-5', '2026-01-30T09:30:00Z', ['2026-02-02T09:30:00', '2026-02-03T09:30:00']],
    ['0 30 9 * * mon-fri', '2026-01-30T09:30:00Z', ['2026-02-02T09:30:00', '2026-02-03T09:30:00']],
    ['0 0 0 1 jan,jul *', '2026-03-05T00:00:00Z', ['2026-07-01T00:00:00', '2027-01-01T00:00:00']],
    ['0 0 0 * January Monday', '2026-03-05T00:00:00Z', ['2027-01-04T00:00:00', '2027-01-11T00:00:00']],
    ['0 0 12 29 2 *', '2026-03-05T00:00:00Z', ['2028-02-29T12:00:00', '2032-02-29T12:00:00']],
    ['0 0 0 31 * *', '2026-01-31T00:00:00Z', ['2026-03-31T00:00:00', '2026-05-31T00:00:00']],
    ['0 0 8-18/5 * * *', '2026-01-31T09:00:00Z', ['2026-01-31T13:00:00', '2026-01-31T18:00:00']],
    [
      '0 50/4 * * * *',
      '2026-01-31T09:00:00Z',
      ['2026-01-31T09:50:00', '2026-01-31T09:54:00', '2026-01-31T09:58:00'],
    ],
    ['0,30 59 23 * * *', '2026-01-31T23:59:00Z', ['2026-01-31T23:59:30', '2026-02-01T23:59:00']],
    ['0 0 0 * * 0', '2026-01-31T00:00:00Z', ['2026-02-01T00:00:00', '2026-02-08T00:00:00']],
    ['0 0 0 * * 7', '2026-01-31T00:00:00Z', ['2026-02-01T00:00:00', '2026-02-08T00:00:00']],
    ['0 0 0 * * fri-7', '2026-01-31T00:00:00Z', ['2026-02-01T00:00:00', '2026-02-06T00:00:00']],
    // Both day fields must hold: a Friday the 13th.
    [
      '0 0 0 13 * 5',
      '2026-01-01T00:00:00Z',
      ['2026-02-13T00:00:00', '2026-03-13T00:00:00', '2026-11-13T00:00:00'],
    ],
    // Clocks change in Europe on 29 March 2026 and in the USA on 8 March; UTC does not.
    [
      '0 30 * 29 3 *',
      '2026-03-29T00:30:00Z',
      ['2026-03-29T01:30:00', '2026-03-29T02:30:00', '2026-03-29T03:30:00'],
    ],
    ['01:30:00', '2026-01-31T10:00:00.250Z', ['2026-01-31T11:30:00', '2026-01-31T13:00:00']],
    ['1.00:00:00', '2026-02-28T10:00:00Z', ['2026-03-01T10:00:00']],
  ];
  for (const [expression, after, expected] of cases) {
    it(`"${expression}" after ${after} is ${expected.join(', ')}`, () => {
      assert.deepEqual(occurrences(expression, after, expected.length), expected);
    });
  }

  it('finds 29 February on a given weekday across a century without a leap day', () => {
    assert.deepEqual(occurrences('0 0 0 29 2 0', '2088-02-29T00:00:00Z', 1), ['2128-02-29T00:00:00']);
  });

  it('has no next occurrence when its day never comes', () => {
    assert.equal(parseSchedule('0 0 0 31 2 *').next(0), undefined);
  });

  it('gives the occurrence strictly after the time, to the millisecond', () => {
    const noonMs = Date.parse('2026-01-31T12:00:00Z');
    const schedule = parseSchedule('0 0 12 * * *');
    assert.equal(schedule.next(noonMs - 1), noonMs);
    assert.equal(schedule.next(noonMs), noonMs + 86_400_000);
  });

  const wrong: readonly [expression: string, message: RegExp][] = [
    ['0 */5 * *', /4 fields/],
    ['0 60 * * * *', /"60" in the minute field is not from 0 to 59/],
    ['0 * 24 * * *', /"24" in the hour field/],
    ['0 0 0 0 * *', /"0" in the day field/],
    ['0 0 0 * 13 *', /"13" in the month field/],
    ['0 0 0 * * 8', /"8" in the day of week field/],
    ['0 0 0 * noon *', /"noon" in the month field/],
    ['0 10-5 * * * *', /"10-5" in the minute field is no range/],
    ['0 */0 * * * *', /no valid step/],
    ['0 1/2/3 * * * *', /no valid step/],
    ['0 1, * * * *', /"" in the minute field/],
    ['00:00:00', /more than zero/],
    ['', /1 fields/],
  ];
  for (const [expression, message] of wrong) {
    it(`refuses "${expression}" and says why`, () => {
      assert.throws(
        () => parseSchedule(expression),
        (error) =>
          error instanceof TributaryError && error.code === 'CONFIG_INVALID' && message.test(error.message),
      );
    });
  }
});
