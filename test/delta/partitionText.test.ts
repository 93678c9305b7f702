// Partition values as the log spells them, and back; folders as Hive names them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { doubleText, partitionFolder, partitionText } from '../../shared/delta/partitionText.js';
import { partitionColumn } from '../../shared/delta/partitionValues.js';
import { decodePath, encodePath } from '../../shared/delta/paths.js';
import type { ColumnType } from '../../shared/parquet/index.js';
import { batchOf, type Cells, objectsOf } from '../support/rowObjects.js';

function textOf(type: ColumnType, cell: Cells[number]) {
  return partitionText(batchOf({ a: [type, [cell]] }).columns[0]!, type, 0);
}

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('a partition value as text', () => {
  const spelled: readonly [ColumnType, Cells[number], string][] = [
    ['string', 'a/b %20', 'a/b %20'],
    ['string', '__HIVE_DEFAULT_PARTITION__', '__HIVE_DEFAULT_PARTITION__'],
    ['binary', bytes(0xef, 0xbb, 0xbf, 0x68, 0x69), '\ufeffhi'],
    ['boolean', 1, 'true'],
    ['boolean', 0, 'false'],
    ['byte', -128, '-128'],
    ['integer', 2 ** 31 - 1, '2147483647'],
    ['long', 2n ** 63n - 1n, '9223372036854775807'],
    ['long', -(2 ** 53) + 1, '-9007199254740991'],
    ['date', 19_889, '2024-06-15'],
    ['date', -719_162, '0001-01-01'],
    ['timestamp', 1_718_479_845_000_000, '2024-06-15T19:30:45.000000Z'],
    ['timestamp', 1_718_479_845_000_001, '2024-06-15T19:30:45.000001Z'],
    ['timestamp', -1, '1969-12-31T23:59:59.999999Z'],
    ['timestamp_ntz', 1_718_479_845_000_000, '2024-06-15 19:30:45'],
    ['timestamp_ntz', 1_718_479_845_120_000, '2024-06-15 19:30:45.120000'],
    ['float', Math.fround(0.1), '0.1'],
    ['float', Math.fround(1.1e10), '1.1E10'],
    ['float', Math.fround(16_777_217), '1.6777216E7'],
    ['float', -0, '-0.0'],
    ['double', 0.1, '0.1'],
    ['double', -0, '-0.0'],
    ['double', Number.NaN, 'NaN'],
    ['double', Number.NEGATIVE_INFINITY, '-Infinity'],
  ];
  for (const [type, value, text] of spelled) {
    it(`${type} ${text} is spelled so, and read back`, () => {
      assert.equal(textOf(type, value), text);
      const read = objectsOf({
        rowCount: 1,
        fields: [{ name: 'a', type, nullable: true }],
        columns: [partitionColumn(type, text, 1)],
      });
      assert.deepEqual(read, [{ a: value }]);
    });
  }

  it('is null for null and for what is empty', () => {
    for (const type of ['string', 'long', 'binary', 'timestamp'] as const)
      assert.equal(textOf(type, null), null);
    assert.equal(textOf('string', ''), null);
    assert.equal(textOf('binary', bytes()), null);
  });

  it('has no form for bytes that are no UTF-8', () => {
    assert.equal(textOf('binary', bytes(0xff, 0xfe)), undefined);
  });

  it('holds no half of a surrogate pair, which would spoil the log for other readers', () => {
    assert.equal(textOf('string', 'a\ud800b\u{1f600}'), 'a\ufffdb\u{1f600}');
  });
});

describe('a floating point number as text', () => {
  // As java.lang.Double.toString gives them.
  const spelled: readonly [number, string][] = [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-12.5, '-12.5'],
    [0.001, '0.001'],
    [0.00099, '9.9E-4'],
    [9_999_999, '9999999.0'],
    [10_000_000, '1.0E7'],
    [12_345_678.9, '1.23456789E7'],
    [1e21, '1.0E21'],
    [5e-324, '4.9E-324'],
    [Number.MAX_VALUE, '1.7976931348623157E308'],
  ];
  for (const [value, text] of spelled) {
    it(`is ${text}`, () => {
      // The smallest number has one digit here and two in Java; both are the same number.
      if (value === 5e-324) assert.equal(Number(doubleText(value)), Number(text));
      else assert.equal(doubleText(value), text);
    });
  }
});

describe('a partition folder', () => {
  // Value -> folder on disk -> path in the log, as Spark writes them.
  const spelled: readonly [string | null, string, string][] = [
    ['a b', 'p=a b/', 'p=a%20b/'],
    ['Serbia/srb%', 'p=Serbia%2Fsrb%25/', 'p=Serbia%252Fsrb%2525/'],
    ['100%25', 'p=100%2525/', 'p=100%252525/'],
    ['M\u00fcnchen', 'p=M\u00fcnchen/', 'p=M\u00fcnchen/'],
    ['}<>|', 'p=}<>|/', 'p=%7D%3C%3E%7C/'],
    ['a\t\\\u007f', 'p=a%09%5C%7F/', 'p=a%2509%255C%257F/'],
    [
      '2024-06-15T19:30:45.000000Z',
      'p=2024-06-15T19%3A30%3A45.000000Z/',
      'p=2024-06-15T19%253A30%253A45.000000Z/',
    ],
    ['..', '', ''],
    [null, 'p=__HIVE_DEFAULT_PARTITION__/', 'p=__HIVE_DEFAULT_PARTITION__/'],
  ];
  for (const [value, folder, path] of spelled) {
    it(`of ${JSON.stringify(value)} is ${JSON.stringify(folder)}`, () => {
      assert.equal(partitionFolder({ p: value }), folder);
      assert.equal(encodePath(folder), path);
      assert.equal(decodePath(path), folder);
    });
  }

  it('names every column in order', () => {
    assert.equal(partitionFolder({ 'si=te': 'x', day: '2026-01-01' }), 'si%3Dte=x/day=2026-01-01/');
    assert.equal(partitionFolder({}), '');
  });

  it('is left out where storages would not keep it', () => {
    for (const value of ['x'.repeat(300), '\u20ac'.repeat(80), 'ends with a dot.', 'ends with a space '])
      assert.equal(partitionFolder({ p: value }), '', value.slice(0, 20));
    const long = Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`p${index}`, 'x'.repeat(150)]));
    assert.equal(partitionFolder(long), '');
  });
});
