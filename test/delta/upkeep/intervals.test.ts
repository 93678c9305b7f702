// Interval texts of table properties.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  countSetting,
  flagSetting,
  parseByteSize,
  parseIntervalMs,
} from '../../../shared/delta/upkeep/intervals.js';

describe('an interval', () => {
  for (const [text, expected] of [
    ['interval 1 week', 604_800_000],
    ['interval 30 days', 2_592_000_000],
    ['INTERVAL 1 Day', 86_400_000],
    ['INTERVAL 1 weeks', 604_800_000],
    ['Interval 2 WEEKS', 1_209_600_000],
    ['168 hours', 604_800_000],
    ['interval 1 day 12 hours', 129_600_000],
    ['  interval   90   minutes ', 5_400_000],
    ['interval 1500 microseconds', 1],
    ['interval 999 nanoseconds', 0],
    ['interval 0 seconds', 0],
    ['interval 2 milliseconds', 2],
  ] as const) {
    it(`"${text}" has ${expected} ms`, () => assert.equal(parseIntervalMs(text), expected));
  }

  for (const text of [
    '',
    'interval',
    'interval 1',
    'interval 1 month',
    'interval 2 years',
    'interval -1 days',
    'interval 1.5 days',
    'interval one day',
    'interval days 1',
    'interval 1 day 2',
    'interval 1 toString',
    'interval 99999999999999999 weeks',
    'P7D',
  ]) {
    it(`"${text}" is none`, () => assert.equal(parseIntervalMs(text), undefined));
  }
});

describe('a size', () => {
  for (const [text, expected] of [
    ['134217728', 134_217_728],
    ['104857600', 100 * 2 ** 20],
    ['100mb', 100 * 2 ** 20],
    [' 1 GB ', 2 ** 30],
    ['32m', 32 * 2 ** 20],
    ['512KiB', 512 * 1024],
    ['7b', 7],
    ['0', undefined],
    ['', undefined],
    ['-1', undefined],
    ['1.5gb', undefined],
    ['mb', undefined],
    ['99999999999999999999', undefined],
  ] as const) {
    it(`"${text}" has ${expected} bytes`, () => assert.equal(parseByteSize(text), expected));
  }
});

describe('a property that makes no sense', () => {
  it('is refused by its name', () => {
    const configuration = { count: '0', flag: 'yes' };
    for (const [key, read] of [
      ['count', () => countSetting(configuration, 'count', 1)],
      ['flag', () => flagSetting(configuration, 'flag', true)],
    ] as const)
      assert.throws(read, {
        code: 'DELTA_PROTOCOL_UNSUPPORTED',
        message: new RegExp(`property ${key} is`),
      });
  });
});
