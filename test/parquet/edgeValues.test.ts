// The values an encoder gets wrong: each written alone and among others, required and nullable, read by us, by
// hyparquet and by DuckDB, and found by a DuckDB filter that may skip by the footer's statistics.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { type ColumnBatch, type ColumnType, encodeParquet, readParquet } from '../../shared/parquet/index.js';
import { duckDb } from './duckdb.js';
import {
  assertColumnsEqual,
  batchOf,
  expectedColumns,
  field,
  isWide,
  type Plain,
  plainColumns,
  type TestColumn,
} from './values.js';

const database = duckDb();

const year = 366n * 86_400_000_000n;

const edgeValues: Readonly<Record<ColumnType, readonly Plain[]>> = {
  string: [
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\u007f',
    '\u0080',
    '߿',
    'ࠀ',
    '퟿',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
    '😀😀',
    '\ufeffmark',
    '\ud800',
    '\udc00',
    'a\ud83d',
    '\udc00\ud800',
    'x'.repeat(191),
    'x'.repeat(192),
    'é'.repeat(300),
    '😀'.repeat(100),
    `${'y'.repeat(250)}\ud800`,
    'z'.repeat(100_000),
  ],
  binary: ['', '00', 'ff', '0000', 'ff'.repeat(70_000)],
  boolean: [false, true],
  byte: [-128, -1, 0, 1, 127],
  short: [-32768, -1, 0, 32767],
  integer: [-(2 ** 31), -1, 0, 1, 2 ** 31 - 1],
  long: [
    -(2n ** 63n),
    -(2n ** 53n) - 1n,
    -(2n ** 53n),
    -(2n ** 53n) + 1n,
    -(2n ** 32n) - 1n,
    -(2n ** 32n),
    -(2n ** 31n),
    -1n,
    0n,
    1n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
  ],
  float: [
    -0,
    0,
    1.5,
    -1.5,
    0.1,
    3.4028234663852886e38,
    1e-45,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ],
  double: [
    -0,
    0,
    0.1,
    5e-324,
    -5e-324,
    2 ** 53 + 2,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ],
  date: [-719_162, -1, 0, 1, 19_000, 2_932_896],
  timestamp: [-62_135_596_800_000_000n, -1n, 0n, 1n, 1_700_000_000_123_456n, 253_402_300_799_999_999n],
  timestamp_ntz: [-2208988800000000n, -1n, 0n, 999n, 9_007_199_254_740_991n, 9_007_199_254_740_993n + year],
};

const types = Object.keys(edgeValues) as ColumnType[];

async function byHyparquet(bytes: Uint8Array, type: ColumnType): Promise<Plain[]> {
  const file = bytes.slice().buffer;
  const rows = await parquetReadObjects({
    file,
    utf8: false,
    parsers: {
      timestampFromMicroseconds: (micros) => micros,
      dateFromDays: (days) => days,
      stringFromBytes: (utf8) => Buffer.from(utf8).toString('utf8'),
    },
  });
  return rows.map((row) => {
    const value: unknown = row.v;
    if (value === null || value === undefined) return null;
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return (isWide(type) ? BigInt(value as bigint) : value) as Plain;
  });
}

async function checkEveryReader(
  columns: readonly TestColumn[],
  type: ColumnType,
  label: string,
): Promise<void> {
  const { bytes } = encodeParquet(batchOf(columns));
  const expected = expectedColumns(columns);
  assertColumnsEqual(plainColumns(await readParquet(bytes)), expected, `${label}, our reader`);
  assertColumnsEqual([await byHyparquet(bytes, type)], expected, `${label}, hyparquet`);
  assertColumnsEqual([await byDuckDb(bytes, type)], expected, `${label}, DuckDB`);
}

/** Text travels as hex: the DuckDB client drops a byte order mark. */
async function byDuckDb(bytes: Uint8Array, type: ColumnType): Promise<Plain[]> {
  const db = await database();
  const expression = duckDbExpressions[type] ?? 'v';
  const [values = []] = await db.columns(`select ${expression} from read_parquet(${await db.file(bytes)})`);
  if (type !== 'string') return values as Plain[];
  return values.map((hex) => (hex === null ? null : Buffer.from(String(hex), 'hex').toString('utf8')));
}

const duckDbExpressions: Readonly<Partial<Record<ColumnType, string>>> = {
  string: 'hex(encode(v))',
  binary: 'lower(hex(v))',
  date: "date_diff('day', date '1970-01-01', v)::integer",
  timestamp: 'epoch_us(v)',
  timestamp_ntz: 'epoch_us(v)',
};

describe('edge values', () => {
  for (const type of types) {
    it(`of type ${type} come back together, required and nullable`, async () => {
      const values = edgeValues[type];
      await checkEveryReader([{ field: field('v', type, false), values }], type, 'required');
      await checkEveryReader([{ field: field('v', type), values }], type, 'nullable without nulls');
      const withNulls = values.flatMap((value) => [value, null]);
      await checkEveryReader([{ field: field('v', type), values: withNulls }], type, 'with nulls');
      const repeated = Array.from({ length: 12 }, () => withNulls).flat();
      await checkEveryReader([{ field: field('v', type), values: repeated }], type, 'repeated');
    });

    it(`of type ${type} come back alone`, async () => {
      for (const value of edgeValues[type]) {
        const columns = [{ field: field('v', type), values: [value] }];
        const { bytes } = encodeParquet(batchOf(columns));
        assertColumnsEqual(
          plainColumns(await readParquet(bytes)),
          expectedColumns(columns),
          String(value).slice(0, 40),
        );
      }
    });
  }
});

describe('a filter that may use the footer', () => {
  const literals: readonly [type: ColumnType, literal: (value: Plain) => string][] = [
    ['string', (value) => `'${String(value)}'`],
    ['integer', String],
    ['long', (value) => `'${value}'::bigint`],
    ['double', (value) => `'${String(value)}'::double`],
    ['timestamp', (value) => `make_timestamptz(${value})`],
    ['date', (value) => `(date '1970-01-01' + (${value})::integer)`],
  ];
  for (const [type, literal] of literals) {
    it(`finds every ${type}`, async () => {
      const isSearchable = (value: Plain) => !String(value).includes('\u0000');
      const values = (
        expectedColumns([{ field: field('v', type), values: edgeValues[type] }])[0] ?? []
      ).filter(isSearchable);
      const db = await database();
      // One row group a value: each one's statistics must let its own value through.
      const { bytes } = encodeParquet(batchOf([{ field: field('v', type), values }]), { rowGroupRows: 1 });
      const file = await db.file(bytes);
      for (const value of values) {
        const expected = values.filter((other) => other === value || Object.is(other, value)).length;
        const [found] = await db.columns(
          `select count(*)::integer from read_parquet(${file}) where v = ${literal(value)}`,
        );
        assert.deepEqual(found, [expected], `filter for ${String(value).slice(0, 40)}`);
      }
    });
  }
});

describe('dictionaries', () => {
  for (const entryCount of [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 255, 256, 257, 1024, 1025]) {
    it(`of ${entryCount} entries come back, with runs and without`, async () => {
      const rowCount = Math.max(64, entryCount * 8);
      for (const pattern of ['cycle', 'runs', 'mixed'] as const) {
        const indices = Array.from({ length: rowCount }, (_, row) => {
          if (pattern === 'cycle') return row % entryCount;
          if (pattern === 'runs') return Math.floor((row * entryCount) / rowCount);
          return row % 40 < 17 ? 0 : row % entryCount;
        });
        for (const type of ['string', 'long', 'integer'] as const) {
          const values = indices.map((index) =>
            type === 'string' ? `value ${index}` : type === 'long' ? BigInt(index) : index,
          );
          await checkEveryReader([{ field: field('v', type, false), values }], type, `${pattern} ${type}`);
        }
      }
    });
  }
});

describe('long columns', () => {
  it('of every length around a packed group come back', async () => {
    for (let rowCount = 1; rowCount <= 40; rowCount++) {
      const values = Array.from({ length: rowCount }, (_, row) => (row % 3 === 0 ? null : row % 2 === 0));
      const columns = [{ field: field('v', 'boolean'), values }];
      const { bytes } = encodeParquet(batchOf(columns));
      assertColumnsEqual(
        plainColumns(await readParquet(bytes)),
        expectedColumns(columns),
        `${rowCount} rows`,
      );
      assertColumnsEqual([await byHyparquet(bytes, 'boolean')], expectedColumns(columns), `${rowCount} rows`);
    }
  });

  it('of more than a million rows become several row groups', async () => {
    const rowCount = 1_000_001;
    const values = Float64Array.from({ length: rowCount }, (_, row) => row * 1000);
    const batch: ColumnBatch = {
      rowCount,
      fields: [field('v', 'timestamp', false)],
      columns: [{ kind: 'numbers', values }],
    };
    const { bytes, statistics } = encodeParquet(batch);
    assert.deepEqual(
      statistics.map(({ min, max }) => [min, max]),
      [[0, 1_000_000_000]],
    );
    const db = await database();
    const [groups, sums] = await db.columns(
      `select (select count(*)::integer from parquet_metadata(${await db.file(bytes)})), sum(epoch_us(v))::bigint from read_parquet(${await db.file(bytes)})`,
    );
    assert.deepEqual(groups, [2]);
    assert.deepEqual(sums, [500_000_500_000_000n]);
    const read = await readParquet(bytes);
    assert.equal(read.rowCount, rowCount);
    const [column] = read.columns;
    assert.ok(column?.kind === 'numbers');
    assert.deepEqual(column.values, values);
  });

  it('of text larger than a page come back', async () => {
    const values = Array.from({ length: 50 }, (_, row) =>
      String.fromCharCode(97 + (row % 26)).repeat(100_000 + row),
    );
    await checkEveryReader([{ field: field('v', 'string'), values }], 'string', 'five megabytes');
  });
});
