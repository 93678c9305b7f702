// Texts of dates, timestamps and decimals in a table's log, both ways.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDays, parseTimestampMicros, parseUnscaled } from '../../shared/delta/parseScalar.js';
import { partitionValues } from '../../shared/delta/partitionValues.js';
import { dateText, decimalText, timestampText } from '../../shared/delta/scalarText.js';

describe('a timestamp', () => {
  const cases: readonly [string, bigint][] = [
    ['1970-01-01T00:00:00Z', 0n],
    ['1970-01-01 00:00:00.000001', 1n],
    ['1969-12-31T23:59:59.999999Z', -1n],
    ['1970-01-01', 0n],
    ['1970-01-01 01:00', 3_600_000_000n],
    ['1970-01-01T00:00:00+01:00', -3_600_000_000n],
    ['1970-01-01T00:00:00.123456789-0130', 5_400_123_456n],
    ['1883-11-18T12:00:00-07:52:58', -2_717_640_422n * 1_000_000n],
    ['9999-12-31T23:59:59.999999Z', 253_402_300_799_999_999n],
    ['+10000-01-01T00:00:00Z', 253_402_300_800_000_000n],
    ['-0001-01-01T00:00:00Z', -62_198_755_200_000_000n],
  ];
  for (const [text, micros] of cases) {
    it(`${text} is ${micros} microseconds`, () => assert.equal(parseTimestampMicros(text), micros));
  }

  it('that no calendar has is none', () => {
    for (const text of [
      '2023-02-29',
      '2024-13-01',
      '2024-01-01T24:00:00Z',
      '2024-01-01T00:60:00Z',
      'now',
      '',
    ])
      assert.equal(parseTimestampMicros(text), undefined, text);
  });

  it('is written as it is read', () => {
    for (const micros of [
      0n,
      -1n,
      253_402_300_799_999_999n,
      -62_198_755_200_000_000n,
      1_718_479_845_000_001n,
    ])
      assert.equal(parseTimestampMicros(timestampText(micros)), micros);
    assert.equal(timestampText(1_718_479_845_000_001n), '2024-06-15T19:30:45.000001');
  });
});

describe('a date', () => {
  it('is days since 1970', () => {
    assert.equal(parseDays('2024-02-29'), 19_782);
    assert.equal(parseDays('0001-01-01'), -719_162);
    assert.equal(parseDays('2023-02-29'), undefined);
    for (const days of [0, -1, 19_782, -719_162, 2_932_896]) assert.equal(parseDays(dateText(days)), days);
  });
});

describe('a decimal', () => {
  const cases: readonly [string, number, bigint | undefined][] = [
    ['1.23', 2, 123n],
    ['-1.2', 2, -120n],
    ['+.5', 1, 5n],
    ['5.', 0, 5n],
    ['1E+3', 0, 1000n],
    ['1.5e-3', 4, 15n],
    ['1.50', 1, 15n],
    ['1.23', 1, undefined],
    ['', 0, undefined],
    ['.', 0, undefined],
    ['x', 0, undefined],
    ['12345678901234567890123456789012345678', 0, 12345678901234567890123456789012345678n],
  ];
  for (const [text, scale, unscaled] of cases) {
    it(`${JSON.stringify(text)} with ${scale} digits after the point is ${unscaled}`, () => {
      assert.equal(parseUnscaled(text, scale), unscaled);
    });
  }

  it('is written with all its digits', () => {
    assert.equal(decimalText(-5n, 2), '-0.05');
    assert.equal(decimalText(1230n, 3), '1.230');
    assert.equal(decimalText(7n, 0), '7');
  });

  it('as a partition value must be one of its type', () => {
    const type = { kind: 'decimal', precision: 5, scale: 2 } as const;
    assert.deepEqual(partitionValues(type, '1.5', 2), { kind: 'decimals', values: [150n, 150n] });
    assert.throws(() => partitionValues(type, '1.555', 1), { code: 'DELTA_LOG_CORRUPT', message: /1\.555/ });
    assert.throws(() => partitionValues({ kind: 'struct', fields: [] }, 'x', 1), {
      code: 'DELTA_SCHEMA_MISMATCH',
    });
  });

  it('that is too large for an integer column is refused', () => {
    for (const [type, text] of [
      ['byte', '128'],
      ['short', '-32769'],
      ['integer', '2147483648'],
      ['long', '9223372036854775808'],
    ] as const) {
      assert.throws(() => partitionValues(type, text, 1), { code: 'DELTA_LOG_CORRUPT' });
    }
  });
});
