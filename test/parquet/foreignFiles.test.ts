// Files of other writers: DuckDB, hyparquet-writer and parquetjs-lite, in every encoding and codec they offer.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Encoding, SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import { type ColumnBatch, encodeParquet, readParquet } from '../../shared/parquet/index.js';
import { duckDb } from './duckdb.js';
import {
  allTypes,
  assertColumnsEqual,
  batchOf,
  expectedColumns,
  field,
  type Plain,
  plainColumns,
  randomColumn,
} from './values.js';

const database = duckDb();
let fileCount = 0;

/** The file that DuckDB writes for a query. */
async function writtenByDuckDb(query: string, options = ''): Promise<Uint8Array> {
  const db = await database();
  fileCount += 1;
  const path = join(db.folder, `duckdb-${fileCount}.parquet`);
  await db.run(`copy (${query}) to '${path}' (format parquet${options})`);
  return new Uint8Array(await readFile(path));
}

function column(batch: ColumnBatch, name: string): Plain[] {
  const index = batch.fields.findIndex((candidate) => candidate.name === name);
  return plainColumns(batch)[index] ?? assert.fail(`no column ${name}`);
}

function types(batch: ColumnBatch): Record<string, string> {
  return Object.fromEntries(batch.fields.map(({ name, type }) => [name, type]));
}

describe('a file of DuckDB', () => {
  const random = seededRandom(31);
  const columns = allTypes.map((type) => {
    const columnField = field(type, type);
    const shape = {
      rowCount: 3000,
      nullShare: 0.2,
      distinct: type === 'string' ? 40 : Number.POSITIVE_INFINITY,
    };
    const generated = randomColumn(columnField, random, shape);
    if (type !== 'date') return generated;
    return { ...generated, values: generated.values.map((day) => day && Number(day) % 1_000_000) };
  });

  for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw']) {
    for (const version of ['v1', 'v2']) {
      it(`copied from ours holds the same (${codec}, ${version})`, async () => {
        const db = await database();
        const ours = await db.file(encodeParquet(batchOf(columns)).bytes);
        const bytes = await writtenByDuckDb(
          `select * from read_parquet(${ours})`,
          `, compression ${codec}, parquet_version ${version}, row_group_size 2048`,
        );
        const read = await readParquet(bytes);
        assert.deepEqual(
          read.fields.map(({ type }) => type),
          allTypes,
        );
        assertColumnsEqual(plainColumns(read), expectedColumns(columns), codec);
      });
    }
  }

  it('with other units and unsigned integers gives our types', async () => {
    const bytes = await writtenByDuckDb(`select
      make_timestamp(1234567000)::timestamp_ms as millis, make_timestamp_ns(-1) as nanos, make_timestamp_ns(1999) as later,
      make_timestamptz(-5) as utc, 200::utinyint as u8, 60000::usmallint as u16, 4000000000::uinteger as u32,
      '{"a":1}'::json as j, true as flag`);
    const read = await readParquet(bytes);
    assert.deepEqual(types(read), {
      millis: 'timestamp_ntz',
      nanos: 'timestamp_ntz',
      later: 'timestamp_ntz',
      utc: 'timestamp',
      u8: 'short',
      u16: 'integer',
      u32: 'long',
      j: 'string',
      flag: 'boolean',
    });
    assert.deepEqual(plainColumns(read).flat(), [
      1234567000n,
      -1n,
      1n,
      -5n,
      200,
      60000,
      4000000000n,
      '{"a":1}',
      true,
    ]);
  });

  it('with timestamps far from today keeps their microseconds', async () => {
    const bytes = await writtenByDuckDb(
      "select timestamptz '9999-12-31 23:59:59.999999+00' as far, timestamp_ms '9999-12-31 23:59:59.999' as far_millis",
    );
    const read = await readParquet(bytes);
    assert.deepEqual(plainColumns(read), [[253402300799999999n], [253402300799999000n]]);
  });

  it('with nested columns is refused by the name of the column, and read without it', async () => {
    for (const [nested, name] of [
      ["{'x': 1, 'y': 'b'}", 'position'],
      ['[1, 2, 3]', 'list'],
      ["map {'k': 1}", 'pairs'],
    ]) {
      const bytes = await writtenByDuckDb(`select 1 as before, ${nested} as ${name}, 'after' as behind`);
      await assert.rejects(readParquet(bytes), (error: unknown) => {
        assert.ok(error instanceof TributaryError);
        assert.equal(error.code, 'PARQUET_UNSUPPORTED');
        assert.match(error.message, new RegExp(`"${name}" cannot be read: it is nested`));
        return true;
      });
      const read = await readParquet(bytes, { columns: ['behind', 'before'] });
      assert.deepEqual(plainColumns(read), [['after'], [1]]);
    }
  });

  it('with a type that no column type stands for is refused by the name of the column', async () => {
    for (const [expression, type] of [
      ["'2f1a4b1e-6f2a-4b57-9a5d-0c1d2e3f4a5b'::uuid", 'UUID'],
      ["time '12:00:00'", 'TIME'],
    ]) {
      const bytes = await writtenByDuckDb(`select ${expression} as odd`);
      await assert.rejects(
        readParquet(bytes),
        new RegExp(`"odd" cannot be read: .* as ${type} has no column type`),
      );
    }
  });
});

describe('a file of hyparquet-writer', () => {
  const rowCount = 2500;
  const integers = Array.from({ length: rowCount }, (_, row) => ((row * 7919) % 1000) - 500);
  const longs = integers.map((value, row) => BigInt(value) * 10n ** BigInt(row % 17));
  const texts = integers.map((value, row) => `prefix-${row % 10}-${value}-é`);
  const cases: readonly [name: string, type: SchemaElement, encoding: Encoding, data: readonly Plain[]][] = [
    ['integer', { name: 'v', type: 'INT32' }, 'DELTA_BINARY_PACKED', integers],
    ['integer', { name: 'v', type: 'INT32' }, 'BYTE_STREAM_SPLIT', integers],
    ['integer', { name: 'v', type: 'INT32' }, 'RLE_DICTIONARY', integers],
    ['long', { name: 'v', type: 'INT64' }, 'DELTA_BINARY_PACKED', longs],
    ['long', { name: 'v', type: 'INT64' }, 'BYTE_STREAM_SPLIT', longs],
    ['double', { name: 'v', type: 'DOUBLE' }, 'BYTE_STREAM_SPLIT', integers.map((value) => value / 8)],
    ['float', { name: 'v', type: 'FLOAT' }, 'BYTE_STREAM_SPLIT', integers.map((value) => value / 8)],
    ['string', { name: 'v', type: 'BYTE_ARRAY', converted_type: 'UTF8' }, 'DELTA_BYTE_ARRAY', texts],
    ['string', { name: 'v', type: 'BYTE_ARRAY', converted_type: 'UTF8' }, 'DELTA_LENGTH_BYTE_ARRAY', texts],
    ['string', { name: 'v', type: 'BYTE_ARRAY', converted_type: 'UTF8' }, 'RLE_DICTIONARY', texts],
    ['boolean', { name: 'v', type: 'BOOLEAN' }, 'RLE', integers.map((value) => value > 0)],
  ];
  for (const [type, element, encoding, data] of cases) {
    for (const nulls of [false, true]) {
      it(`in ${encoding} gives ${type}${nulls ? ' with nulls' : ''}`, async () => {
        const values = data.map((value, row) => (nulls && row % 3 === 1 ? null : value));
        const schema: SchemaElement[] = [
          { name: 'root', num_children: 1 },
          { ...element, repetition_type: nulls ? 'OPTIONAL' : 'REQUIRED' },
        ];
        const buffer = parquetWriteBuffer({
          columnData: [{ name: 'v', data: values, encoding }],
          schema,
          rowGroupSize: 1000,
          pageSize: 2000,
        });
        const read = await readParquet(new Uint8Array(buffer));
        assert.deepEqual(types(read), { v: type });
        const expected = values.map((value) => (value !== null && type === 'long' ? BigInt(value) : value));
        assertColumnsEqual(plainColumns(read), [expected], encoding);
      });
    }
  }

  it('in BYTE_STREAM_SPLIT gives bytes and decimals of a fixed length', async () => {
    const fixed = { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 3, repetition_type: 'REQUIRED' } as const;
    const bytes = integers.map((value) => Uint8Array.of(value >> 8, value, 7));
    const unscaled = integers.map((value) => BigInt(value));
    const buffer = parquetWriteBuffer({
      columnData: [
        { name: 'bytes', data: bytes, encoding: 'BYTE_STREAM_SPLIT' },
        { name: 'decimal', data: unscaled, encoding: 'BYTE_STREAM_SPLIT' },
      ],
      schema: [
        { name: 'root', num_children: 2 },
        { name: 'bytes', ...fixed },
        { name: 'decimal', ...fixed, converted_type: 'DECIMAL', precision: 6, scale: 2 },
      ],
      pageSize: 2000,
    });
    const read = await readParquet(new Uint8Array(buffer), { allTypes: true });
    assert.deepEqual(read.columns[0], { kind: 'bytes', values: bytes });
    assert.deepEqual(read.columns[1], { kind: 'decimals', values: unscaled });
  });

  it('in its defaults and gzip gives the same as in hyparquet', async () => {
    const buffer = parquetWriteBuffer({
      columnData: [
        { name: 'text', data: texts, type: 'STRING' },
        { name: 'time', data: integers.map((value) => new Date(1.7e12 + value)), type: 'TIMESTAMP' },
        { name: 'number', data: integers.map((value) => value / 3), type: 'DOUBLE' },
      ],
      codec: 'GZIP',
      compressors: { GZIP: (input) => gzipSync(input) },
    });
    const read = await readParquet(new Uint8Array(buffer));
    assert.deepEqual(types(read), { text: 'string', time: 'timestamp', number: 'double' });
    assertColumnsEqual(
      plainColumns(read),
      [texts, integers.map((value) => BigInt(1.7e12 + value) * 1000n), integers.map((value) => value / 3)],
      'defaults',
    );
  });

  it('without rows gives its columns', async () => {
    const buffer = parquetWriteBuffer({ columnData: [{ name: 'v', data: [], type: 'DOUBLE' }] });
    const read = await readParquet(new Uint8Array(buffer));
    assert.equal(read.rowCount, 0);
    assert.deepEqual(types(read), { v: 'double' });
  });
});

// ---- parquetjs-lite has no types of its own

interface ParquetJsWriter {
  appendRow(row: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
}
interface ParquetJs {
  readonly ParquetSchema: new (fields: Readonly<Record<string, object>>) => object;
  readonly ParquetWriter: {
    openFile(schema: object, path: string, options: object): Promise<ParquetJsWriter>;
  };
}
const parquetJs: ParquetJs = createRequire(import.meta.url)('parquetjs-lite');

async function writtenByParquetJs(
  fields: Readonly<Record<string, object>>,
  rows: readonly Readonly<Record<string, unknown>>[],
  options: object = {},
): Promise<Uint8Array> {
  fileCount += 1;
  const path = join((await database()).folder, `parquetjs-${fileCount}.parquet`);
  const writer = await parquetJs.ParquetWriter.openFile(new parquetJs.ParquetSchema(fields), path, options);
  for (const row of rows) await writer.appendRow(row);
  await writer.close();
  return new Uint8Array(await readFile(path));
}

describe('a file of parquetjs-lite', () => {
  const rows = Array.from({ length: 1500 }, (_, row) => ({
    text: `row ${row}`,
    number: row / 4,
    count: row * 1000,
    flag: row % 3 === 0,
    time: new Date(1.7e12 + row),
    micros: 1.7e15 + row,
    ...(row % 5 === 0 ? {} : { sparse: `x${row % 7}` }),
  }));
  for (const compression of ['UNCOMPRESSED', 'SNAPPY', 'GZIP']) {
    for (const useDataPageV2 of [false, true]) {
      it(`gives its values (${compression}, data pages ${useDataPageV2 ? 'V2' : 'V1'})`, async () => {
        const bytes = await writtenByParquetJs(
          {
            text: { type: 'UTF8', compression },
            number: { type: 'DOUBLE', compression },
            count: { type: 'INT64', compression },
            flag: { type: 'BOOLEAN', compression },
            time: { type: 'TIMESTAMP_MILLIS', compression },
            micros: { type: 'TIMESTAMP_MICROS', compression },
            sparse: { type: 'UTF8', optional: true, compression },
          },
          rows,
          { useDataPageV2, rowGroupSize: 600, pageSize: 100 },
        );
        const read = await readParquet(bytes);
        assert.deepEqual(types(read), {
          text: 'string',
          number: 'double',
          count: 'long',
          flag: 'boolean',
          time: 'timestamp',
          micros: 'timestamp',
          sparse: 'string',
        });
        assertColumnsEqual([column(read, 'text')], [rows.map((row) => row.text)], 'text');
        assertColumnsEqual([column(read, 'number')], [rows.map((row) => row.number)], 'number');
        assertColumnsEqual([column(read, 'count')], [rows.map((row) => BigInt(row.count))], 'count');
        assertColumnsEqual([column(read, 'flag')], [rows.map((row) => row.flag)], 'flag');
        assertColumnsEqual(
          [column(read, 'time')],
          [rows.map((row) => BigInt(row.time.getTime()) * 1000n)],
          'time',
        );
        assertColumnsEqual([column(read, 'micros')], [rows.map((row) => BigInt(row.micros))], 'micros');
        assertColumnsEqual([column(read, 'sparse')], [rows.map((row) => row.sparse ?? null)], 'sparse');
      });
    }
  }

  it('with INT96 timestamps, as old Spark and Impala write them, gives microseconds', async () => {
    const placeholders = [0x11111111, 0x22222222, 0x33333333];
    const bytes = await writtenByParquetJs(
      { v: { type: 'INT96', compression: 'UNCOMPRESSED' } },
      placeholders.map((v) => ({ v })),
      { useDataPageV2: false },
    );
    // parquetjs-lite writes plain numbers; the real form is nanoseconds of the day, then the Julian day.
    const real: readonly [nanosOfDay: bigint, julianDay: number][] = [
      [45_296_123_456_789n, 2_440_588],
      [86_399_999_999_999n, 2_440_587],
      [1000n, 2_460_000],
    ];
    const page = Buffer.alloc(36);
    placeholders.forEach((placeholder, index) => {
      page.writeBigInt64LE(BigInt(placeholder), index * 12);
    });
    const offset = Buffer.from(bytes.buffer).indexOf(page);
    assert.ok(offset > 0);
    const view = new DataView(bytes.buffer, offset);
    real.forEach(([nanosOfDay, julianDay], index) => {
      view.setBigInt64(index * 12, nanosOfDay, true);
      view.setInt32(index * 12 + 8, julianDay, true);
    });
    const read = await readParquet(bytes);
    assert.deepEqual(types(read), { v: 'timestamp' });
    assert.deepEqual(plainColumns(read), [[45_296_123_456n, -1n, 1_677_196_800_000_001n]]);
    const db = await database();
    assert.deepEqual(
      await db.columns(`select epoch_us(v) from read_parquet(${await db.file(bytes)})`),
      plainColumns(read),
    );
  });
});

describe('reading columns', () => {
  const columns = [
    { field: field('a', 'integer'), values: [1, 2] },
    { field: field('b', 'string'), values: ['x', null] },
    { field: field('c', 'double'), values: [0.5, 1.5] },
  ];

  it('gives those asked for, in that order, and leaves out the ones the file lacks', async () => {
    const { bytes } = encodeParquet(batchOf(columns));
    const read = await readParquet(bytes, { columns: ['c', 'missing', 'a'] });
    assert.deepEqual(
      read.fields.map(({ name }) => name),
      ['c', 'a'],
    );
    assert.deepEqual(plainColumns(read), [
      [0.5, 1.5],
      [1, 2],
    ]);
    assert.equal((await readParquet(bytes, { columns: [] })).fields.length, 0);
  });

  /** Counts what is fetched; like a blob client. */
  function remote(bytes: Uint8Array) {
    const fetched: [number, number][] = [];
    return {
      fetched,
      byteLength: bytes.length,
      slice: async (start: number, end: number) => {
        fetched.push([start, end]);
        return bytes.slice(start, end).buffer;
      },
    };
  }

  it('fetches a small file in one request', async () => {
    const source = remote(encodeParquet(batchOf(columns)).bytes);
    assertColumnsEqual(plainColumns(await readParquet(source)), expectedColumns(columns), 'remote');
    assert.deepEqual(source.fetched, [[0, source.byteLength]]);
  });

  it('fetches only the chunks of its columns from a large file', async () => {
    const random = seededRandom(33);
    const large = ['a', 'b', 'c', 'd'].map((name) => ({
      field: field(name, 'double'),
      values: Array.from({ length: 100_000 }, () => random.next()),
    }));
    const source = remote(encodeParquet(batchOf(large), { codec: 'none' }).bytes);
    const read = await readParquet(source, { columns: ['b'] });
    assertColumnsEqual(plainColumns(read), [large[1]!.values], 'one column of a large file');
    const bytesFetched = source.fetched.reduce((sum, [start, end]) => sum + end - start, 0);
    assert.equal(source.fetched.length, 2);
    assert.ok(bytesFetched < 1_400_000, `${bytesFetched} bytes for a column of 800,000`);
    assertColumnsEqual(plainColumns(await readParquet(source)), expectedColumns(large), 'all columns');
  });

  it('passes on an error of the source unchanged', async () => {
    const outage = new TributaryError('STORAGE_UNAVAILABLE', 'The storage does not answer.');
    const source = { byteLength: 1000, slice: () => Promise.reject(outage) };
    await assert.rejects(readParquet(source), outage);
  });

  it('refuses a source that gives fewer bytes than asked for', async () => {
    const { bytes } = encodeParquet(batchOf(columns));
    const source = { byteLength: bytes.length, slice: async () => new ArrayBuffer(3) };
    await assert.rejects(readParquet(source), { code: 'PARQUET_INVALID' });
  });
});
