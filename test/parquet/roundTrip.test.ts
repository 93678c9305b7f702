// Every type, with and without nulls, in every codec, as dictionary and PLAIN: what was written comes back, from our
// reader and from DuckDB.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import {
  type ColumnType,
  canWriteZstd,
  encodeParquet,
  type ParquetCodec,
  readParquet,
} from '../../shared/parquet/index.js';
import { type DuckDb, duckDb } from './duckdb.js';
import {
  allTypes,
  assertColumnsEqual,
  batchOf,
  expectedColumns,
  field,
  type Plain,
  plainColumns,
  randomColumn,
  type TestColumn,
} from './values.js';

const database = duckDb();
const codecs: readonly ParquetCodec[] = canWriteZstd ? ['none', 'snappy', 'zstd'] : ['none', 'snappy'];

/** DuckDB's answer in our plain form. */
async function columnsByDuckDb(db: DuckDb, file: string, columns: readonly TestColumn[]): Promise<Plain[][]> {
  const expressions = columns.map(({ field: { name, type } }) => plainExpression(`"${name}"`, type));
  return (await db.columns(`select ${expressions.join(', ')} from read_parquet(${file})`)) as Plain[][];
}

function plainExpression(column: string, type: ColumnType): string {
  if (type === 'timestamp' || type === 'timestamp_ntz') return `epoch_us(${column})`;
  if (type === 'date') return `date_diff('day', date '1970-01-01', ${column})::integer`;
  if (type === 'binary') return `lower(hex(${column}))`;
  if (type === 'long') return `${column}::bigint`;
  return column;
}

/** DuckDB's dates and timestamps are narrower than ours. */
function withinDuckDb(column: TestColumn): TestColumn {
  if (column.field.type !== 'date') return column;
  return {
    ...column,
    values: column.values.map((days) => (days === null ? null : Number(days) % 1_000_000)),
  };
}

async function checkBothReaders(
  columns: readonly TestColumn[],
  bytes: Uint8Array,
  label: string,
): Promise<void> {
  const expected = expectedColumns(columns);
  assertColumnsEqual(plainColumns(await readParquet(bytes)), expected, `${label}, our reader`);
  const db = await database();
  assertColumnsEqual(await columnsByDuckDb(db, await db.file(bytes), columns), expected, `${label}, DuckDB`);
}

describe('a file', () => {
  for (const codec of codecs) {
    for (const [nulls, nullShare] of [
      ['no nulls', 0],
      ['some nulls', 0.3],
      ['only nulls', 1],
    ] as const) {
      for (const [encoding, distinct] of [
        ['dictionary', 5],
        ['plain', Number.POSITIVE_INFINITY],
      ] as const) {
        it(`of every type with ${nulls} comes back (${codec}, ${encoding})`, async () => {
          const random = seededRandom(7);
          const columns = allTypes.map((type) =>
            withinDuckDb(randomColumn(field(type, type), random, { rowCount: 500, nullShare, distinct })),
          );
          const { bytes } = encodeParquet(batchOf(columns), { codec });
          await checkBothReaders(columns, bytes, codec);
        });
      }
    }
  }

  it('of required columns comes back', async () => {
    const random = seededRandom(8);
    const columns = allTypes.map((type) =>
      withinDuckDb(
        randomColumn(field(type, type, false), random, { rowCount: 300, nullShare: 0, distinct: 20 }),
      ),
    );
    const batch = batchOf(columns);
    const { bytes } = encodeParquet(batch);
    await checkBothReaders(columns, bytes, 'required');
    assert.deepEqual((await readParquet(bytes)).fields, batch.fields);
  });

  it('uses dictionaries where values repeat and none where they do not', async () => {
    const random = seededRandom(9);
    for (const [distinct, uses] of [
      [5, true],
      [Number.POSITIVE_INFINITY, false],
    ] as const) {
      const types: readonly ColumnType[] = ['string', 'long', 'double', 'timestamp'];
      const columns = types.map((type) =>
        randomColumn(field(type, type), random, { rowCount: 2000, nullShare: 0.1, distinct }),
      );
      const db = await database();
      const file = await db.file(encodeParquet(batchOf(columns)).bytes);
      const chunks = await db.rows(`select encodings, path_in_schema from parquet_metadata(${file})`);
      for (const chunk of chunks) {
        assert.equal(String(chunk.encodings).includes('RLE_DICTIONARY'), uses, String(chunk.path_in_schema));
      }
    }
  });

  it('carries logical types and the older converted types', async () => {
    const columns = allTypes.map((type) => ({ field: field(type, type), values: [null] }));
    const db = await database();
    const file = await db.file(encodeParquet(batchOf(columns)).bytes);
    const schema = await db.rows(
      `select name, type, converted_type, logical_type from parquet_schema(${file}) where name <> 'schema'`,
    );
    const described = schema.map((row) => [row.name, row.type, row.converted_type, row.logical_type]);
    const timestamp = (utc: number) =>
      `TimestampType(isAdjustedToUTC=${utc}, unit=TimeUnit(MILLIS=<null>, MICROS=MicroSeconds(), NANOS=<null>))`;
    // DuckDB prints the bit width, a byte, as a character.
    assert.deepEqual(described, [
      ['string', 'BYTE_ARRAY', 'UTF8', 'StringType()'],
      ['binary', 'BYTE_ARRAY', null, null],
      ['boolean', 'BOOLEAN', null, null],
      ['byte', 'INT32', 'INT_8', 'IntType(bitWidth=\b, isSigned=1)'],
      ['short', 'INT32', 'INT_16', 'IntType(bitWidth=\x10, isSigned=1)'],
      ['integer', 'INT32', null, null],
      ['long', 'INT64', null, null],
      ['float', 'FLOAT', null, null],
      ['double', 'DOUBLE', null, null],
      ['date', 'INT32', 'DATE', 'DateType()'],
      ['timestamp', 'INT64', 'TIMESTAMP_MICROS', timestamp(1)],
      ['timestamp_ntz', 'INT64', null, timestamp(0)],
    ]);
  });

  it('without rows is read as an empty table with its columns', async () => {
    const columns = allTypes.map((type) => ({ field: field(type, type), values: [] }));
    const { bytes, statistics } = encodeParquet(batchOf(columns));
    assertColumnsEqual(plainColumns(await readParquet(bytes)), expectedColumns(columns), 'no rows');
    const db = await database();
    const described = await db.rows(`describe select * from read_parquet(${await db.file(bytes)})`);
    assert.deepEqual(
      described.map((row) => row.column_name),
      allTypes,
    );
    const [counts] = await db.columns(`select count(*)::integer from read_parquet(${await db.file(bytes)})`);
    assert.deepEqual(counts, [0]);
    assert.deepEqual(
      (await readParquet(bytes)).fields.map(({ type }) => type),
      allTypes,
    );
    assert.deepEqual(
      statistics.map(({ nullCount, min, max }) => [nullCount, min, max]),
      allTypes.map(() => [0, undefined, undefined]),
    );
  });

  it('without columns is written and read', async () => {
    const { bytes } = encodeParquet({ rowCount: 0, fields: [], columns: [] });
    assert.deepEqual(await readParquet(bytes), { rowCount: 0, fields: [], columns: [] });
  });

  it('keeps its values over many pages and row groups', async () => {
    const random = seededRandom(10);
    for (const distinct of [3, 40, Number.POSITIVE_INFINITY]) {
      const columns = allTypes.map((type) =>
        withinDuckDb(randomColumn(field(type, type), random, { rowCount: 3000, nullShare: 0.2, distinct })),
      );
      const { bytes } = encodeParquet(batchOf(columns), { rowGroupRows: 700, maxPageBytes: 64 });
      await checkBothReaders(columns, bytes, `${distinct} distinct values`);
      const db = await database();
      const [groups] = await db.columns(
        `select count(distinct row_group_id)::integer from parquet_metadata(${await db.file(bytes)})`,
      );
      assert.deepEqual(groups, [5]);
    }
  });

  it('takes only the first rowCount entries of longer arrays', async () => {
    const batch = batchOf([
      { field: field('a', 'integer'), values: [1, 2, 3] },
      { field: field('b', 'string'), values: ['x', null, 'z'] },
    ]);
    const read = await readParquet(encodeParquet({ ...batch, rowCount: 2 }).bytes);
    assertColumnsEqual(
      plainColumns(read),
      [
        [1, 2],
        ['x', null],
      ],
      'two of three rows',
    );
  });

  it('names its writer in the form other readers parse', async () => {
    const db = await database();
    const { bytes } = encodeParquet(batchOf([{ field: field('a', 'integer'), values: [1] }]), {
      createdBy: 'sample version 1.2.3',
    });
    const [names] = await db.columns(`select created_by from parquet_file_metadata(${await db.file(bytes)})`);
    assert.deepEqual(names, ['sample version 1.2.3']);
  });
});

describe('the encoder refuses', () => {
  const refusals: readonly [name: string, encode: () => unknown, message: RegExp][] = [
    [
      'a null in a required number column',
      () => encodeParquet(batchOf([{ field: field('speed', 'double', false), values: [1, 2, null] }])),
      /"speed" is required, but row 2 is null/,
    ],
    [
      'a null in a required text column',
      () => encodeParquet(batchOf([{ field: field('id', 'string', false), values: ['a', null] }])),
      /"id" is required, but row 1 is null/,
    ],
    [
      'a null in a required binary column of a later row group',
      () =>
        encodeParquet(batchOf([{ field: field('body', 'binary', false), values: ['00', '01', null] }]), {
          rowGroupRows: 2,
        }),
      /"body" is required, but row 2 is null/,
    ],
    [
      'a null in a required boolean column',
      () => encodeParquet(batchOf([{ field: field('on', 'boolean', false), values: [true, null] }])),
      /"on" is required, but row 1 is null/,
    ],
    [
      'a fraction in a long column',
      () => encodeLong(Float64Array.of(1, 1.5)),
      /"count" of type long holds 1.5 in row 1/,
    ],
    ['NaN in a long column', () => encodeLong(Float64Array.of(Number.NaN)), /holds NaN in row 0/],
    ['an unsafe double in a long column', () => encodeLong(Float64Array.of(2 ** 60)), /use a BigInt64Array/],
    [
      'a number beyond a byte',
      () => encodeParquet(batchOf([{ field: field('level', 'byte'), values: [1, 128] }])),
      /"level" of type byte holds 128/,
    ],
    [
      'a number beyond a short',
      () => encodeParquet(batchOf([{ field: field('level', 'short'), values: [-32769] }])),
      /"level" of type short holds -32769/,
    ],
    [
      'text in a number column',
      () =>
        encodeParquet({
          rowCount: 1,
          fields: [field('level', 'double')],
          columns: [{ kind: 'text', values: ['1'] }],
        }),
      /"level" of type double cannot be written from text/,
    ],
    [
      'integers in a double column',
      () =>
        encodeParquet({
          rowCount: 1,
          fields: [field('level', 'double')],
          columns: [{ kind: 'numbers', values: Int32Array.of(1) }],
        }),
      /cannot be written from Int32Array/,
    ],
    [
      'a field without a column',
      () => encodeParquet({ rowCount: 1, fields: [field('lost', 'double')], columns: [] }),
      /a field "lost", but no column for it/,
    ],
    [
      'a column shorter than the batch',
      () => encodeParquet({ ...batchOf([{ field: field('a', 'string'), values: ['x'] }]), rowCount: 2 }),
      /"a" has 1 values, but the batch has 2 rows/,
    ],
  ];

  function encodeLong(values: Float64Array): unknown {
    return encodeParquet({
      rowCount: values.length,
      fields: [field('count', 'long')],
      columns: [{ kind: 'numbers', values }],
    });
  }

  for (const [name, encode, message] of refusals) {
    it(`${name}, and works on`, async () => {
      assert.throws(encode, (error: unknown) => {
        assert.ok(error instanceof TributaryError);
        assert.equal(error.code, 'PARQUET_INVALID');
        assert.match(error.message, message);
        return true;
      });
      const columns = [{ field: field('a', 'string'), values: ['after', 'the', 'failure'] }];
      const { bytes } = encodeParquet(batchOf(columns));
      assertColumnsEqual(plainColumns(await readParquet(bytes)), expectedColumns(columns), 'after a failure');
    });
  }

  it('zstd where this Node.js cannot write it, and says which can', { skip: canWriteZstd }, () => {
    const batch = batchOf([{ field: field('a', 'integer'), values: [1] }]);
    assert.throws(
      () => encodeParquet(batch, { codec: 'zstd' }),
      /Node.js .* cannot compress with zstd: use Node.js 22.15 or newer/,
    );
  });
});
