import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTableSchema } from '../../shared/delta/schema.js';
import { statsJson } from '../../shared/delta/stats.js';
import {
  type ColumnBatch,
  type ColumnStatistics,
  type ColumnType,
  encodeParquet,
} from '../../shared/parquet/index.js';

type Bound = ColumnStatistics['min'];

function column(type: ColumnType, min: Bound, max: Bound, name = 'c'): ColumnStatistics {
  return { name, type, nullCount: 0, min, max, hasNaN: false };
}

function schemaOf(columns: readonly { readonly name: string; readonly type: unknown }[]) {
  const fields = columns.map(({ name, type }) => ({ name, type, nullable: true, metadata: {} }));
  return parseTableSchema(JSON.stringify({ type: 'struct', fields }));
}

function statsOf(
  columns: readonly ColumnStatistics[],
  configuration: Readonly<Record<string, string>> = {},
  schema = schemaOf(columns),
): string {
  return statsJson({ rowCount: 9, columns, schema, configuration });
}

/** The JSON text of a column's minimum and maximum; undefined where there is none. */
function boundsOf(type: ColumnType, min: Bound, max: Bound): [string | undefined, string | undefined] {
  const match = /"minValues":\{(?:"c":(.*?))?\},"maxValues":\{(?:"c":(.*?))?\},"nullCount"/su.exec(
    statsOf([column(type, min, max)]),
  );
  return [match?.[1], match?.[2]];
}

const instant = (text: string, microseconds = 0): number => Date.parse(text) * 1000 + microseconds;
const days = (text: string): number => Date.parse(text) / 86_400_000;
const x32 = 'x'.repeat(32);

describe('statistics of a data file', () => {
  it('are one JSON object, in the order that Spark writes', () => {
    const text = statsOf([column('long', 1, 2, 'a'), { ...column('string', 'x', 'y', 'b"'), nullCount: 3 }]);
    assert.equal(
      text,
      '{"numRecords":9,"minValues":{"a":1,"b\\"":"x"},"maxValues":{"a":2,"b\\"":"y"},"nullCount":{"a":0,"b\\"":3}}',
    );
  });

  const cases: readonly [string, ColumnType, Bound, Bound, string | undefined, string | undefined][] = [
    ['small integers', 'byte', -128, 127, '-128', '127'],
    [
      'longs with all their digits',
      'long',
      -9007199254740993n,
      9223372036854775807n,
      '-9007199254740993',
      '9223372036854775807',
    ],
    ['doubles', 'double', -0.5, 1e300, '-0.5', '1e+300'],
    ['a zero minimum with a sign, a zero maximum without', 'double', 0, 0, '-0.0', '0'],
    ['no infinity', 'double', -Infinity, 3, undefined, '3'],
    ['no infinite maximum', 'float', 1, Infinity, '1', undefined],
    ['nothing where there is no value', 'double', undefined, undefined, undefined, undefined],
    ['no booleans', 'boolean', undefined, undefined, undefined, undefined],
    ['no booleans, even if offered', 'boolean', 0, 1, undefined, undefined],
    ['no binary, even if offered', 'binary', 'a', 'b', undefined, undefined],
    ['dates', 'date', days('1969-12-31'), days('2024-02-29'), '"1969-12-31"', '"2024-02-29"'],
    [
      'no date with five digits',
      'date',
      days('2024-01-01'),
      days('+010000-01-01'),
      '"2024-01-01"',
      undefined,
    ],
    [
      'whole milliseconds',
      'timestamp',
      instant('2023-06-15T12:30:00.125Z'),
      instant('2023-06-15T12:30:00.125Z'),
      '"2023-06-15T12:30:00.125Z"',
      '"2023-06-15T12:30:00.125Z"',
    ],
    [
      'timestamps: minimum down, maximum up',
      'timestamp',
      instant('2023-06-15T12:30:00.000Z', 999),
      instant('2023-06-15T12:30:00.000Z', 1),
      '"2023-06-15T12:30:00.000Z"',
      '"2023-06-15T12:30:00.001Z"',
    ],
    [
      'timestamps before 1970 likewise',
      'timestamp',
      -1,
      -1,
      '"1969-12-31T23:59:59.999Z"',
      '"1970-01-01T00:00:00.000Z"',
    ],
    [
      'timestamps beyond 2^53 microseconds exactly',
      'timestamp',
      253402300799998001n,
      253402300799998001n,
      '"9999-12-31T23:59:59.998Z"',
      '"9999-12-31T23:59:59.999Z"',
    ],
    [
      'no timestamp that would round into year 10000',
      'timestamp',
      0,
      253402300799999001n,
      '"1970-01-01T00:00:00.000Z"',
      undefined,
    ],
    [
      'local timestamps without a zone',
      'timestamp_ntz',
      instant('2023-06-15T12:30:00.000Z', 1),
      instant('2023-06-15T12:30:00.000Z', 1),
      '"2023-06-15T12:30:00.000"',
      '"2023-06-15T12:30:00.001"',
    ],
    ['short strings as they are', 'string', '', x32, '""', `"${x32}"`],
    [
      'long strings cut, the maximum with a greater ASCII character',
      'string',
      `${x32}y`,
      `${x32}y`,
      `"${x32}"`,
      `"${x32}\u007f"`,
    ],
    [
      'a maximum cut before DEL or beyond with the last character',
      'string',
      'a',
      `${x32}\u007f`,
      '"a"',
      `"${x32}\u{10ffff}"`,
    ],
    [
      'a maximum cut before a letter outside ASCII with the last character',
      'string',
      'a',
      `${x32}\u00fc`,
      '"a"',
      `"${x32}\u{10ffff}"`,
    ],
    [
      'a maximum that grows past last characters',
      'string',
      'a',
      `${x32}\u{10ffff}\u{10ffff}b`,
      '"a"',
      `"${x32}\u{10ffff}\u{10ffff}\u007f"`,
    ],
    [
      'a maximum whole when only last characters follow',
      'string',
      'a',
      `${x32}\u{10ffff}`,
      '"a"',
      `"${x32}\u{10ffff}"`,
    ],
    [
      'no maximum past twice the length',
      'string',
      'a',
      `${x32}${'\u{10ffff}'.repeat(33)}b`,
      '"a"',
      undefined,
    ],
    [
      'characters, not halves of pairs',
      'string',
      '\u{1f600}'.repeat(33),
      '\u{1f600}'.repeat(33),
      `"${'\u{1f600}'.repeat(32)}"`,
      `"${'\u{1f600}'.repeat(32)}\u{10ffff}"`,
    ],
    [
      '32 astral characters whole',
      'string',
      '\u{1f600}'.repeat(32),
      '\u{1f600}'.repeat(32),
      `"${'\u{1f600}'.repeat(32)}"`,
      `"${'\u{1f600}'.repeat(32)}"`,
    ],
  ];
  for (const [what, type, min, max, expectedMin, expectedMax] of cases) {
    it(`give ${what}`, () => {
      assert.deepEqual(boundsOf(type, min, max), [expectedMin, expectedMax]);
    });
  }

  it('cut strings at the length that the table sets', () => {
    const text = statsOf([column('string', 'abcdef', 'abcdef')], {
      'delta.dataSkippingStringPrefixLength': '3',
    });
    assert.match(text, /"minValues":\{"c":"abc"\},"maxValues":\{"c":"abc\u007f"\}/);
  });
});

describe('columns with statistics', () => {
  const many = Array.from({ length: 40 }, (_, index) => column('long', index, index, `c${index}`));
  const countedNames = (text: string): string[] => Object.keys(JSON.parse(text).nullCount);

  it('are the first 32', () => {
    assert.deepEqual(
      countedNames(statsOf(many)),
      many.slice(0, 32).map(({ name }) => name),
    );
  });

  for (const [setting, count] of [
    ['-1', 40],
    ['0', 0],
    ['3', 3],
    ['nonsense', 32],
  ] as const) {
    it(`are ${count} with delta.dataSkippingNumIndexedCols=${setting}`, () => {
      const text = statsOf(many, { 'delta.dataSkippingNumIndexedCols': setting });
      assert.equal(countedNames(text).length, count);
      assert.equal(JSON.parse(text).numRecords, 9);
    });
  }

  it('count the leaves of structs before them', () => {
    const struct = {
      type: 'struct',
      fields: [
        { name: 'x', type: 'long' },
        { name: 'y', type: { type: 'array', elementType: 'long', containsNull: true } },
      ],
    };
    const schema = schemaOf([{ name: 's', type: struct }, ...many]);
    const text = statsOf(many, { 'delta.dataSkippingNumIndexedCols': '3' }, schema);
    assert.deepEqual(countedNames(text), ['c0']);
  });

  it('are exactly those that the table names', () => {
    const columns = [column('long', 1, 2, 'a'), column('long', 1, 2, 'B'), column('long', 1, 2, 'c,`d')];
    const configuration = {
      'delta.dataSkippingStatsColumns': ' b , `c,``d`,missing.x',
      'delta.dataSkippingNumIndexedCols': '1',
    };
    assert.deepEqual(countedNames(statsOf(columns, configuration)), ['B', 'c,`d']);
  });

  it('come from the encoder in this form', () => {
    const batch: ColumnBatch = {
      rowCount: 3,
      fields: [
        { name: 't', type: 'string', nullable: true },
        { name: 'd', type: 'double', nullable: true },
        { name: 'n', type: 'long', nullable: true },
        { name: 'empty', type: 'date', nullable: true },
        { name: 'flag', type: 'boolean', nullable: false },
      ],
      columns: [
        { kind: 'text', values: ['b', null, 'a'] },
        { kind: 'numbers', values: Float64Array.of(1, Number.NaN, 2) },
        {
          kind: 'numbers',
          values: BigInt64Array.of(9007199254740993n, 2n, 0n),
          validity: Uint8Array.of(1, 1, 0),
        },
        { kind: 'numbers', values: new Int32Array(3), validity: new Uint8Array(3) },
        { kind: 'numbers', values: Uint8Array.of(1, 0, 1) },
      ],
    };
    const { statistics } = encodeParquet(batch);
    assert.equal(
      statsJson({ rowCount: 3, columns: statistics, schema: schemaOf(batch.fields), configuration: {} }),
      '{"numRecords":3,"minValues":{"t":"a","n":2},"maxValues":{"t":"b","n":9007199254740993},' +
        '"nullCount":{"t":1,"d":0,"n":1,"empty":3,"flag":0}}',
    );
  });
});
