// Statistics: exact ones for the table format, lawful ones in the footer.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FileMetaData, parquetMetadata } from 'hyparquet';
import { seededRandom } from '../../shared/base/index.js';
import {
  type ColumnStatistics,
  type ColumnType,
  type EncodeOptions,
  encodeParquet,
} from '../../shared/parquet/index.js';
import { duckDb } from './duckdb.js';
import {
  allTypes,
  batchOf,
  expectedColumns,
  field,
  isWide,
  type Plain,
  randomColumn,
  randomText,
  type TestColumn,
} from './values.js';

const database = duckDb();

function encodeOne(type: ColumnType, values: readonly Plain[], options: EncodeOptions = {}) {
  const { bytes, statistics } = encodeParquet(batchOf([{ field: field('v', type), values }]), options);
  const [of] = statistics;
  assert.ok(of !== undefined);
  return { bytes, of };
}

interface FooterStatistics {
  readonly min: Uint8Array | undefined;
  readonly max: Uint8Array | undefined;
  readonly isMinExact: boolean | undefined;
  readonly isMaxExact: boolean | undefined;
  readonly nullCount: number;
}

/** The bounds of the first chunk as raw bytes: hyparquet hands strings to the parser that is given. */
function footerOf(bytes: Uint8Array): FooterStatistics {
  const metadata: FileMetaData = parquetMetadata(bytes, { parsers: { stringFromBytes: (utf8) => utf8 } });
  const statistics = metadata.row_groups[0]?.columns[0]?.meta_data?.statistics;
  assert.ok(statistics !== undefined);
  return {
    min: statistics.min_value as Uint8Array | undefined,
    max: statistics.max_value as Uint8Array | undefined,
    isMinExact: statistics.is_min_value_exact,
    isMaxExact: statistics.is_max_value_exact,
    nullCount: Number(statistics.null_count),
  };
}

function byUtf8(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** The slow truth. */
function trueBounds(column: TestColumn): [Plain | undefined, Plain | undefined] {
  const [values = []] = expectedColumns([column]);
  const present = values.filter((value) => value !== null);
  if (present.some((value) => Number.isNaN(value))) return [undefined, undefined];
  const sorted = [...present].sort((left, right) =>
    typeof left === 'string'
      ? byUtf8(left, String(right))
      : Number(left) < Number(right)
        ? -1
        : left > right
          ? 1
          : left < right
            ? -1
            : 0,
  );
  return [sorted[0], sorted.at(-1)];
}

describe('the statistics of an encoded batch', () => {
  for (const type of allTypes) {
    it(`are the truth for ${type}, over pages and row groups`, () => {
      const random = seededRandom(21);
      for (const distinct of [1, 6, Number.POSITIVE_INFINITY]) {
        for (const nullShare of [0, 0.5, 0.99]) {
          const column = randomColumn(field('v', type), random, { rowCount: 200, nullShare, distinct });
          const { of } = encodeOne(type, column.values, { rowGroupRows: 60, maxPageBytes: 100 });
          const [min, max] =
            type === 'binary' || type === 'boolean' ? [undefined, undefined] : trueBounds(column);
          assertSameValue(of, 'min', min);
          assertSameValue(of, 'max', max);
          assert.equal(of.nullCount, column.values.filter((value) => value === null).length);
        }
      }
    });
  }

  function assertSameValue(
    statistics: ColumnStatistics,
    which: 'min' | 'max',
    expected: Plain | undefined,
  ): void {
    const actual = statistics[which];
    if (typeof expected !== 'bigint') {
      assert.ok(actual === expected, `${which} is ${String(actual)}, not ${String(expected)}`);
      return;
    }
    const isSafe = Number.isSafeInteger(Number(expected));
    assert.equal(typeof actual, isSafe ? 'number' : 'bigint');
    assert.equal(BigInt(actual ?? 0), expected);
  }

  it('name and type each column in order', () => {
    const { statistics } = encodeParquet(
      batchOf([
        { field: field('a', 'string'), values: ['x', null] },
        { field: field('b', 'short'), values: [1, 2] },
      ]),
    );
    assert.deepEqual(statistics, [
      { name: 'a', type: 'string', nullCount: 1, hasNaN: false, min: 'x', max: 'x' },
      { name: 'b', type: 'short', nullCount: 0, hasNaN: false, min: 1, max: 2 },
    ]);
  });

  it('order text by code points, not by UTF-16', () => {
    const { of } = encodeOne('string', ['\uffff', '😀', '\ue000', '\ufffd']);
    assert.equal(of.min, '\ue000');
    assert.equal(of.max, '😀');
  });

  it('show lone surrogates as the file holds them', () => {
    const { of } = encodeOne('string', ['\ud800', '\udfff', '\ufffc']);
    assert.equal(of.min, '\ufffc');
    assert.equal(of.max, '\ufffd');
  });

  it('are exact beyond 2^53', () => {
    const { of } = encodeOne('long', [2n ** 53n + 1n, 2n ** 53n + 3n, 2n ** 53n]);
    assert.equal(of.min, 2n ** 53n);
    assert.equal(of.max, 2n ** 53n + 3n);
  });

  it('are whole for long text', () => {
    const [short, long] = ['a'.repeat(1000), 'b'.repeat(5000)];
    const { of } = encodeOne('string', [long, short]);
    assert.equal(of.min, short);
    assert.equal(of.max, long);
  });

  it('round floats as the file does', () => {
    const { of } = encodeOne('float', [0.1, 0.3]);
    assert.equal(of.min, Math.fround(0.1));
    assert.equal(of.max, Math.fround(0.3));
  });

  it('report NaN and give no bounds with it', () => {
    for (const type of ['double', 'float'] as const) {
      const { of } = encodeOne(type, [1, Number.NaN, 2, null], { rowGroupRows: 1 });
      assert.deepEqual([of.hasNaN, of.min, of.max, of.nullCount], [true, undefined, undefined, 1]);
    }
    assert.equal(encodeOne('double', [1, 2]).of.hasNaN, false);
  });

  it('give zero as 0, whatever its sign', () => {
    const { of } = encodeOne('double', [-0]);
    assert.deepEqual([of.min, of.max], [0, 0]);
  });
});

describe('the footer', () => {
  it('declares the order of its bounds, without which readers must ignore them', async () => {
    const { bytes } = encodeOne('string', ['b', 'a']);
    const db = await database();
    const file = await db.file(bytes);
    const [row] = await db.rows(`select * from parquet_metadata(${file})`);
    assert.equal(row?.stats_min_value, 'a');
    assert.equal(row?.stats_max_value, 'b');
    assert.equal(row?.stats_null_count, 0n);
    // column_orders is field 7 of FileMetaData: a list of one union whose member 1 is an empty struct.
    const orders = Buffer.from([0x19, 0x1c, 0x1c, 0x00, 0x00, 0x00]);
    assert.ok(
      Buffer.from(bytes)
        .subarray(-8 - orders.length, -8)
        .equals(orders),
    );
  });

  it('writes a zero minimum as -0.0 and a zero maximum as +0.0', () => {
    for (const type of ['double', 'float'] as const) {
      for (const values of [[0], [-0], [0, -0]]) {
        const { min, max } = footerOf(encodeOne(type, values).bytes);
        assert.ok(Object.is(min, -0), `${type} minimum`);
        assert.ok(Object.is(max, 0), `${type} maximum`);
      }
    }
  });

  it('has no bounds with a NaN, and no others without a value', () => {
    for (const values of [[1, Number.NaN], [Number.NaN], [null, null]]) {
      const { min, max, nullCount } = footerOf(encodeOne('double', values).bytes);
      assert.deepEqual([min, max], [undefined, undefined]);
      assert.equal(nullCount, values.filter((value) => value === null).length);
    }
  });

  it('has exact bounds for short text, and says so', () => {
    const { min, max, isMinExact, isMaxExact } = footerOf(encodeOne('string', ['b', 'a', 'ab']).bytes);
    assert.deepEqual(
      [min, max],
      [Buffer.from('a'), Buffer.from('b')].map((bytes) => new Uint8Array(bytes)),
    );
    assert.deepEqual([isMinExact, isMaxExact], [true, true]);
  });

  const truncations: readonly [name: string, text: string, min: string, max: string | undefined][] = [
    ['ASCII', 'a'.repeat(65), 'a'.repeat(64), `${'a'.repeat(63)}b`],
    ['exactly 64 bytes', 'a'.repeat(64), 'a'.repeat(64), 'a'.repeat(64)],
    ['a two-byte character over the edge', `${'a'.repeat(63)}é`, 'a'.repeat(63), `${'a'.repeat(62)}b`],
    ['a four-byte character over the edge', `${'a'.repeat(62)}😀`, 'a'.repeat(62), `${'a'.repeat(61)}b`],
    [
      'the last ASCII character at the edge',
      `${'a'.repeat(63)}\u007fz`,
      `${'a'.repeat(63)}\u007f`,
      `${'a'.repeat(62)}b`,
    ],
    [
      'a successor that needs more bytes but fits',
      `\u007f${'x'.repeat(70)}`,
      `\u007f${'x'.repeat(63)}`,
      `\u007f${'x'.repeat(62)}y`,
    ],
    ['the end of the BMP before surrogates', `${'퟿'.repeat(30)}`, '퟿'.repeat(21), `${'퟿'.repeat(20)}\ue000`],
    [
      'a character with no successor at the edge',
      `a${'\u{10ffff}'.repeat(20)}`,
      `a${'\u{10ffff}'.repeat(15)}`,
      'b',
    ],
    ['no character with a successor', '\u{10ffff}'.repeat(20), '\u{10ffff}'.repeat(16), undefined],
  ];
  for (const [name, text, min, max] of truncations) {
    it(`shortens long text lawfully: ${name}`, () => {
      const footer = footerOf(encodeOne('string', [text]).bytes);
      const decoded = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('utf8');
      assert.equal(decoded(footer.min), min);
      assert.equal(decoded(footer.max), max);
      assert.equal(footer.isMinExact, min === text);
      assert.equal(footer.isMaxExact, max === undefined ? undefined : max === text);
    });
  }

  it('has bounds around every text, of at most 64 bytes and valid UTF-8', () => {
    const random = seededRandom(22);
    const utf8 = new TextDecoder('utf-8', { fatal: true });
    for (let round = 0; round < 300; round++) {
      const column = {
        field: field('v', 'string'),
        values: [randomText(random, 90), randomText(random, 90)],
      };
      const [values = []] = expectedColumns([column]);
      const sorted = values.map((value) => Buffer.from(String(value))).sort(Buffer.compare);
      const { min, max } = footerOf(encodeOne('string', column.values).bytes);
      assert.ok(min !== undefined);
      assert.ok(Buffer.compare(min, sorted[0]!) <= 0 && min.length <= 64);
      utf8.decode(min);
      if (max === undefined) continue;
      assert.ok(Buffer.compare(max, sorted[1]!) >= 0 && max.length <= 64, `maximum of round ${round}`);
      utf8.decode(max);
    }
  });

  it('agrees with DuckDB about every type', async () => {
    const random = seededRandom(23);
    const types = allTypes.filter((type) => type !== 'binary' && type !== 'date');
    const columns = types.map((type) => {
      const shape = { rowCount: 100, nullShare: 0.2, distinct: Number.POSITIVE_INFINITY };
      const column = randomColumn(field(type, type), random, shape);
      return {
        ...column,
        values: column.values.map((value) =>
          typeof value !== 'number' || Number.isFinite(Math.fround(value)) ? value : 1,
        ),
      };
    });
    const db = await database();
    const file = await db.file(encodeParquet(batchOf(columns)).bytes);
    const footers = await db.rows(`select * from parquet_metadata(${file}) order by column_id`);
    for (const [index, column] of columns.entries()) {
      const { name, type } = column.field;
      const footer = footers[index];
      const cast = isWide(type) && type !== 'long' ? `::varchar` : '';
      if (type !== 'string') {
        const [truth] = await db.rows(
          `select min("${name}")${cast} as least, max("${name}")${cast} as greatest from read_parquet(${file})`,
        );
        const typed = (text: unknown) => {
          if (cast !== '' || type === 'boolean') return String(text);
          return type === 'float' ? Math.fround(Number(text)) : Number(text);
        };
        assert.equal(typed(footer?.stats_min_value), typed(truth?.least), `${name} minimum`);
        assert.equal(typed(footer?.stats_max_value), typed(truth?.greatest), `${name} maximum`);
      }
      const nullCount = column.values.filter((value) => value === null).length;
      assert.equal(footer?.stats_null_count, BigInt(nullCount), `${name} nulls`);
    }
  });
});
