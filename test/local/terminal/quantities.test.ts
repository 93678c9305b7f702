import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatBytes,
  formatCount,
  formatDate,
  formatDuration,
  formatElapsed,
  formatRate,
  formatTimestamp,
} from '../../../local/terminal/quantities.js';

type Case<T> = readonly [value: T, text: string];

function check<T>(name: string, format: (value: T) => string, cases: readonly Case<T>[]): void {
  it(name, () => {
    assert.deepEqual(
      cases.map(([value]) => format(value)),
      cases.map(([, text]) => text),
    );
  });
}

describe('quantities', () => {
  check('counts have thousands separators', formatCount, [
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
    [-1234, '-1,234'],
  ]);
  check('rates have one decimal below ten', formatRate, [
    [0, '0/s'],
    [0.25, '0.3/s'],
    [9.94, '9.9/s'],
    [9.97, '10/s'],
    [1000.4, '1,000/s'],
  ]);
  check('bytes are in decimal units', formatBytes, [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [42_300, '42 kB'],
    [999_600, '1.0 MB'],
    [4_210_000, '4.2 MB'],
    [1_500_000_000, '1.5 GB'],
  ]);
  check('durations keep two units', formatDuration, [
    [850, '850 ms'],
    [4200, '4.2 s'],
    [59_960, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [7_620_000, '2 h 07 min'],
  ]);
  check('elapsed time counts on beyond a day', formatElapsed, [
    [0, '00:00:00'],
    [185_900, '00:03:05'],
    [360_000_000, '100:00:00'],
  ]);
  check<number | bigint>('timestamps lose no digit and show no needless one', formatTimestamp, [
    [0, '1970-01-01T00:00:00Z'],
    [1_759_744_800_123_000, '2025-10-06T10:00:00.123Z'],
    [1_759_744_800_123_456n, '2025-10-06T10:00:00.123456Z'],
    [-1, '1969-12-31T23:59:59.999999Z'],
    [9_007_199_254_740_993_000n, '9007199254740993000 µs'],
  ]);
  check('dates are days since 1970', formatDate, [
    [0, '1970-01-01'],
    [20_367, '2025-10-06'],
  ]);
});
