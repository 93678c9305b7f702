// Event times in every form that devices use, and those that are refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { isoMicros, timestampReader } from '../../shared/events/timestamp.js';
import type { TimestampForm } from '../../shared/pipeline/index.js';

const second = 1_000_000;
const start = Date.UTC(2025, 9, 5, 18, 40, 10) * 1000;

const isoTimes: readonly (readonly [text: string, micros: number])[] = [
  ['2025-10-05T18:40:10Z', start],
  ['2025-10-06T10:00:00.000Z', Date.UTC(2025, 9, 6, 10) * 1000],
  ['2025-10-05T18:40:10', start],
  ['2025-10-05 18:40:10', start],
  ['2025-10-05t18:40:10z', start],
  ['2025-10-05T18:40:10.5Z', start + 500_000],
  ['2025-10-05T18:40:10,25Z', start + 250_000],
  ['2025-10-05T18:40:10.123456Z', start + 123_456],
  ['2025-10-05T18:40:10.1234567Z', start + 123_456],
  ['2025-10-05T18:40:10.123456999Z', start + 123_456],
  ['2025-10-05T18:40:10.000001', start + 1],
  ['2025-10-05T20:40:10+02:00', start],
  ['2025-10-05T20:40:10.5+0200', start + 500_000],
  ['2025-10-05T20:40:10+02', start],
  ['2025-10-05T13:10:10-05:30', start],
  ['2025-10-05T18:40:10.123456789+00:00', start + 123_456],
  ['2025-10-05T18:40:10-00:00', start],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29) * 1000],
  ['2000-02-29T23:59:59Z', Date.UTC(2000, 1, 29, 23, 59, 59) * 1000],
  ['1970-01-01T00:00:00Z', 0],
  ['1969-12-31T23:59:59.5Z', -500_000],
  ['1700-03-01T00:00:00Z', Date.UTC(1700, 2, 1) * 1000],
  ['2255-06-05T23:47:34.740991Z', Number.MAX_SAFE_INTEGER],
];

const notIso: readonly string[] = [
  '',
  'yesterday, after lunch',
  '2025-10-05',
  '2025-10-05T18:40Z',
  '2025-10-05T18:40:10.Z',
  '2025-10-05T18:40:10.1234567890Z',
  '2025-10-05T18:40:10ZZ',
  '2025-10-05T18:40:10Z ',
  ' 2025-10-05T18:40:10Z',
  '2025-10-05_18:40:10Z',
  '2025/10/05T18:40:10Z',
  '2025-10-05T18-40-10Z',
  '2025-13-05T18:40:10Z',
  '2025-00-05T18:40:10Z',
  '2025-10-00T18:40:10Z',
  '2025-02-29T18:40:10Z',
  '1900-02-29T18:40:10Z',
  '2025-04-31T18:40:10Z',
  '2025-10-05T24:00:00Z',
  '2025-10-05T18:60:10Z',
  '2016-12-31T23:59:60Z',
  '2025-10-05T18:40:10+24:00',
  '2025-10-05T18:40:10+02:60',
  '2025-10-05T18:40:10+2:00',
  '2025-10-05T18:40:10+02:0',
  '2025-10-05T18:40:10+02:',
  '2025-10-05T18:40:10+',
  '2025-10-05T18:40:10 Europe/Berlin',
  '2025-10-05T18:40:10.5 Z',
  '20251005T184010Z000',
  '-025-10-05T18:40:10Z',
  '+2025-10-05T18:40:10Z',
  '٢٠٢٥-10-05T18:40:10Z',
  '1600-01-01T00:00:00Z',
  '2255-06-05T23:47:34.740992Z',
  '9999-12-31T23:59:59Z',
];

const epochTimes: readonly (readonly [form: TimestampForm, value: unknown, micros: number])[] = [
  ['epochSeconds', 1_759_689_610, start],
  ['epochSeconds', 1_759_689_610.25, start + 250_000],
  ['epochSeconds', 1_759_689_610.123_456, start + 123_456],
  ['epochSeconds', '1759689610', start],
  ['epochSeconds', '1759689610.5', start + 500_000],
  ['epochSeconds', '1759689610.1234569', start + 123_456],
  ['epochSeconds', -1.5, -1_500_000],
  ['epochSeconds', 0, 0],
  ['epochSeconds', -0, 0],
  ['epochSeconds', '-0', 0],
  ['epochSeconds', 1e9, 1e9 * second],
  ['epochMillis', 1_759_689_610_000, start],
  ['epochMillis', '1759689610001', start + 1000],
  ['epochMicros', 1_759_689_610_000_001, start + 1],
  ['epochMicros', '1759689610000001', start + 1],
  ['epochMicros', '-1', -1],
  ['epochMicros', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
];

const notEpoch: readonly (readonly [form: TimestampForm, value: unknown])[] = [
  ['epochSeconds', '1.5e9'],
  ['epochSeconds', ' 1759689610'],
  ['epochSeconds', '1759689610.'],
  ['epochSeconds', '.5'],
  ['epochSeconds', ''],
  ['epochSeconds', 1e300],
  ['epochSeconds', 9_007_199_255],
  ['epochSeconds', true],
  ['epochSeconds', {}],
  ['epochSeconds', [1_759_689_610]],
  ['epochSeconds', '2025-10-05T18:40:10Z'],
  ['epochMillis', 1_759_689_610_000.5],
  ['epochMillis', '1759689610000.5'],
  ['epochMillis', 9_007_199_254_741],
  ['epochMillis', '+1'],
  ['epochMicros', Number.MAX_SAFE_INTEGER + 1],
  ['epochMicros', '9007199254740993'],
  ['epochMicros', '123456789012345678901234567890'],
  ['iso', 1_759_689_610],
  ['iso', '1759689610'],
];

describe('an ISO time', () => {
  for (const [text, micros] of isoTimes) {
    it(`${text} is read to the microsecond`, () => assert.equal(isoMicros(text), micros));
  }
  for (const text of notIso) {
    it(`${JSON.stringify(text)} is refused`, () => assert.ok(Number.isNaN(isoMicros(text))));
  }

  it('agrees with Date on every day from 1700 to 2250 and on random times', () => {
    const day = 86_400_000;
    for (let ms = Date.UTC(1700, 0, 1); ms < Date.UTC(2250, 0, 1); ms += day) {
      assert.equal(isoMicros(new Date(ms).toISOString()), ms * 1000);
    }
    const random = seededRandom(11);
    for (let round = 0; round < 5_000; round++) {
      const ms = Math.floor(random.next() * Date.UTC(2250, 0, 1));
      assert.equal(isoMicros(new Date(ms).toISOString()), ms * 1000);
    }
  });
});

describe('an epoch time', () => {
  for (const [form, value, micros] of epochTimes) {
    it(`${JSON.stringify(value)} is read as ${form}`, () =>
      assert.equal(timestampReader([form])(value), micros));
  }
  for (const [form, value] of notEpoch) {
    it(`${JSON.stringify(value)} is refused as ${form}`, () => {
      assert.ok(Number.isNaN(timestampReader([form])(value)));
    });
  }

  it('and an ISO time can be mixed', () => {
    const read = timestampReader(['epochMillis', 'iso']);
    assert.equal(read('2025-10-05T18:40:10Z'), start);
    assert.equal(read(1_759_689_610_000), start);
    assert.equal(read('1759689610000'), start);
  });
});
