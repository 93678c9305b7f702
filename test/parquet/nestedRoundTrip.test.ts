// Structs, lists, maps and decimals written by the encoder and read by three readers: ours, DuckDB and hyparquet.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
} from '@duckdb/node-api';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { type Random, seededRandom } from '../../shared/base/index.js';
import {
  type DataField,
  type DataType,
  type EncodeOptions,
  encodeParquet,
  readParquet,
} from '../../shared/parquet/index.js';
import { ofSeeds } from '../support/seeds.js';
import { duckDb } from './duckdb.js';
import { batchOfRows, plainRows, randomOf, randomType } from './nestedValues.js';

const database = duckDb();

const nullable = (name: string, type: DataType): DataField => ({ name, type, nullable: true });
const required = (name: string, type: DataType): DataField => ({ name, type, nullable: false });
const listOf = (element: DataField): DataType => ({ kind: 'list', element });
const structOf = (...fields: DataField[]): DataType => ({ kind: 'struct', fields });
const mapOf = (value: DataField): DataType => ({ kind: 'map', key: required('key', 'string'), value });
const decimal = (precision: number, scale: number): DataType => ({ kind: 'decimal', precision, scale });

async function byDuckDb(bytes: Uint8Array): Promise<unknown[][]> {
  const db = await database();
  const columns = await db.columns(`select * from ${await db.file(bytes)}`);
  return Array.from({ length: columns[0]?.length ?? 0 }, (_, row) =>
    columns.map((column) => plainOfDuckDb(column[row])),
  );
}

function plainOfDuckDb(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof DuckDBListValue) return value.items.map(plainOfDuckDb);
  if (value instanceof DuckDBStructValue) return Object.values(value.entries).map(plainOfDuckDb);
  if (value instanceof DuckDBMapValue)
    return value.entries.map((entry) => [plainOfDuckDb(entry.key), plainOfDuckDb(entry.value)]);
  if (value instanceof DuckDBDecimalValue) return value.value;
  if (value instanceof DuckDBBlobValue) return Uint8Array.from(value.bytes);
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) return value.micros;
  return value;
}

async function byHyparquet(bytes: Uint8Array, fields: readonly DataField[]): Promise<unknown[][]> {
  const rows = await parquetReadObjects({
    file: bytes.slice().buffer,
    utf8: false,
    parsers: {
      timestampFromMicroseconds: (micros) => micros,
      dateFromDays: (days) => days,
      stringFromBytes: (utf8) => Buffer.from(utf8).toString('utf8'),
    },
  });
  return rows.map((row) => fields.map(({ name, type }) => plainOfHyparquet(row[name], type)));
}

/** It gives decimals as doubles, and maps as objects. */
function plainOfHyparquet(value: unknown, type: DataType): unknown {
  if (value === null || value === undefined) return null;
  if (typeof type === 'string') return type === 'boolean' ? Number(value) : value;
  switch (type.kind) {
    case 'decimal':
      return Number(value);
    case 'struct':
      return type.fields.map((field) =>
        plainOfHyparquet((value as Record<string, unknown>)[field.name], field.type),
      );
    case 'list':
      return (value as unknown[]).map((item) => plainOfHyparquet(item, type.element.type));
    case 'map':
      return Object.entries(value).map(([key, item]) => [key, plainOfHyparquet(item, type.value.type)]);
    case 'void':
      return null;
  }
}

function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random.next() * choices.length)]!;
}

function randomOptions(random: Random): EncodeOptions {
  return {
    codec: oneOf(random, ['none', 'snappy'] as const),
    rowGroupRows: oneOf(random, [1_000_000, 100, 33]),
    maxPageBytes: oneOf(random, [1, 37, 512, 1_048_576]),
  };
}

/** Every place where a value may be missing, at every depth. */
const shapes: readonly [name: string, field: DataField, values: readonly unknown[]][] = [
  [
    'a nullable struct',
    nullable('v', structOf(nullable('a', 'integer'), required('b', 'string'))),
    [[1, 'x'], null, [null, '']],
  ],
  [
    'a required struct',
    required('v', structOf(nullable('a', 'integer'), required('b', 'long'))),
    [
      [1, 2n],
      [null, 3n],
    ],
  ],
  [
    'a required struct of required fields only',
    required('v', structOf(required('a', 'double'))),
    [[1.5], [-0]],
  ],
  [
    'structs in structs',
    nullable('v', structOf(nullable('s', structOf(required('t', structOf(nullable('x', 'byte'))))))),
    [null, [null], [[[null]]], [[[-128]]]],
  ],
  [
    'a list: null, empty, of nulls',
    nullable('v', listOf(nullable('element', 'integer'))),
    [null, [], [null], [1, null, 2], [3]],
  ],
  [
    'a required list of required elements',
    required('v', listOf(required('element', 'string'))),
    [[], ['a', 'b'], ['']],
  ],
  [
    'lists in lists',
    nullable('v', listOf(nullable('element', listOf(nullable('element', 'short'))))),
    [null, [], [null], [[]], [[null]], [[1, 2], [], null, [3]]],
  ],
  [
    'a list of structs with lists',
    nullable(
      'v',
      listOf(
        nullable(
          'element',
          structOf(nullable('l', listOf(required('element', 'boolean'))), nullable('n', 'float')),
        ),
      ),
    ),
    [
      null,
      [],
      [null],
      [[null, null]],
      [
        [[], 1.5],
        [[1, 0], null],
      ],
    ],
  ],
  [
    'a map: null, empty, with null values',
    nullable('v', mapOf(nullable('value', 'integer'))),
    [
      null,
      [],
      [['a', null]],
      [
        ['a', 1],
        ['b', 2],
      ],
    ],
  ],
  [
    'a required map of required lists',
    required('v', mapOf(required('value', listOf(nullable('element', 'date'))))),
    [
      [],
      [['a', []]],
      [
        ['a', [1, null]],
        ['b', [-1]],
      ],
    ],
  ],
  [
    'a map of maps of structs',
    nullable('v', mapOf(nullable('value', mapOf(nullable('value', structOf(nullable('t', 'timestamp'))))))),
    [
      null,
      [],
      [
        ['a', null],
        ['b', []],
      ],
      [
        [
          'a',
          [
            ['c', null],
            ['d', [5n]],
          ],
        ],
      ],
    ],
  ],
  ['a decimal in 32 bits', nullable('v', decimal(9, 2)), [0n, null, 999_999_999n, -999_999_999n]],
  ['a decimal in 64 bits', nullable('v', decimal(18, 18)), [1n, null, 10n ** 18n - 1n, 1n - 10n ** 18n]],
  [
    'a decimal in bytes',
    nullable('v', decimal(38, 10)),
    [-1n, null, 10n ** 38n - 1n, 1n - 10n ** 38n, 255n, -128n],
  ],
  ['a required decimal', required('v', decimal(20, 0)), [10n ** 19n, -(10n ** 19n)]],
  [
    'a list of decimals',
    nullable('v', listOf(nullable('element', decimal(19, 4)))),
    [[1n, null], null, [-(10n ** 18n)]],
  ],
];

describe('a nested column that was written', () => {
  for (const [name, field, values] of shapes) {
    it(`as ${name} is read alike by all readers`, async () => {
      const rows = values.map((value) => [value]);
      const { bytes } = encodeParquet(batchOfRows([field], rows));
      const batch = await readParquet(bytes, { allTypes: true });
      assert.deepEqual(plainRows(batch), rows);
      assert.deepEqual(batch.fields, [field]);
      assert.deepEqual(await byDuckDb(bytes), rows);
    });
  }

  it('comes back whatever its type (many seeds), also from DuckDB (every fourth)', async () => {
    for (let seed = 0; seed < ofSeeds(200); seed++) {
      const random = seededRandom(seed);
      const limits = { depth: 4, requiredShare: 0.3, keys: ['string', 'long', 'integer'] as const };
      const fields = Array.from({ length: 1 + Math.floor(random.next() * 3) }, (_, index) => ({
        name: `column ${index}`,
        type: randomType(random, limits),
        nullable: random.next() < 0.8,
      }));
      const rowCount = Math.floor(random.next() ** 2 * 300);
      const rows = Array.from({ length: rowCount }, () => fields.map((field) => randomOf(field, random)));
      const { bytes } = encodeParquet(batchOfRows(fields, rows), randomOptions(random));
      const batch = await readParquet(bytes, { allTypes: true });
      assert.deepEqual(batch.fields, fields, `seed ${seed}`);
      assert.deepEqual(plainRows(batch), rows, `seed ${seed}`);
      if (seed % 4 === 0) assert.deepEqual(await byDuckDb(bytes), rows, `seed ${seed}, DuckDB`);
    }
  });

  it('comes back from hyparquet (many seeds)', async () => {
    const asDoubles = (value: unknown, type: DataType): unknown => {
      if (value === null || typeof type === 'string') return value;
      if (type.kind === 'decimal') return Number(value) * 10 ** -type.scale;
      if (type.kind === 'struct')
        return (value as unknown[]).map((part, index) => asDoubles(part, type.fields[index]!.type));
      if (type.kind === 'list') return (value as unknown[]).map((part) => asDoubles(part, type.element.type));
      return type.kind === 'map'
        ? (value as [string, unknown][]).map(([key, part]) => [key, asDoubles(part, type.value.type)])
        : value;
    };
    for (let seed = 0; seed < ofSeeds(50); seed++) {
      const random = seededRandom(seed);
      const fields = [nullable('v', randomType(random, { depth: 3, requiredShare: 0, keys: ['string'] }))];
      const rows = Array.from({ length: 40 }, () => fields.map((field) => randomOf(field, random)));
      const { bytes } = encodeParquet(batchOfRows(fields, rows), randomOptions(random));
      const expected = rows.map((row) => row.map((value, index) => asDoubles(value, fields[index]!.type)));
      assert.deepEqual(await byHyparquet(bytes, fields), expected, `seed ${seed}`);
    }
  });

  it('stores decimals by their digits as Spark does, and lists and maps in the standard form', () => {
    const fields = [
      nullable('a', decimal(9, 2)),
      nullable('b', decimal(18, 2)),
      nullable('c', decimal(19, 2)),
      nullable('d', decimal(38, 2)),
      nullable('l', listOf(nullable('item', 'integer'))),
      nullable('m', mapOf(nullable('item', 'integer'))),
    ];
    const { bytes } = encodeParquet(batchOfRows(fields, []));
    const { schema } = parquetMetadata(bytes.slice().buffer);
    assert.deepEqual(
      schema.slice(1, 5).map((element) => [element.type, element.type_length]),
      [
        ['INT32', undefined],
        ['INT64', undefined],
        ['FIXED_LEN_BYTE_ARRAY', 9],
        ['FIXED_LEN_BYTE_ARRAY', 16],
      ],
    );
    assert.deepEqual(
      schema.slice(5).map((element) => [element.name, element.repetition_type, element.converted_type]),
      [
        ['l', 'OPTIONAL', 'LIST'],
        ['list', 'REPEATED', undefined],
        ['element', 'OPTIONAL', undefined],
        ['m', 'OPTIONAL', 'MAP'],
        ['key_value', 'REPEATED', undefined],
        ['key', 'REQUIRED', 'UTF8'],
        ['value', 'OPTIONAL', undefined],
      ],
    );
  });
});

describe('a nested column that cannot be written', () => {
  const refused: readonly [name: string, field: DataField, value: unknown][] = [
    ['null in a required struct', required('v', structOf(nullable('a', 'integer'))), null],
    ['null in a required field of a struct', nullable('v', structOf(required('a', 'integer'))), [null]],
    ['null in a required list', required('v', listOf(nullable('element', 'integer'))), null],
    ['null among required elements', nullable('v', listOf(required('element', 'string'))), ['a', null]],
    ['a null key', nullable('v', mapOf(nullable('value', 'integer'))), [[null, 1]]],
    ['null in a required value', nullable('v', mapOf(required('value', 'integer'))), [['a', null]]],
  ];
  for (const [name, field, value] of refused) {
    it(`is refused for ${name}, naming the column`, () => {
      assert.throws(() => encodeParquet(batchOfRows([field], [[value]])), {
        code: 'PARQUET_INVALID',
        message: /Column "v/,
      });
    });
  }

  it('is refused for more digits than the decimal has', () => {
    for (const values of [Float64Array.of(1000), Int32Array.of(-1000), BigInt64Array.of(1000n), [1000n]]) {
      const batch = {
        rowCount: 1,
        fields: [nullable('v', decimal(3, 1))],
        columns: [{ kind: 'decimals' as const, values }],
      };
      assert.throws(() => encodeParquet(batch), { code: 'PARQUET_INVALID' });
    }
  });

  it('is refused for void, for structs without fields, and for values of another form', () => {
    const row = (field: DataField, value: unknown) => () => encodeParquet(batchOfRows([field], [[value]]));
    assert.throws(row(nullable('v', { kind: 'void' }), null), { code: 'PARQUET_UNSUPPORTED' });
    assert.throws(row(nullable('v', structOf(nullable('a', { kind: 'void' }))), [null]), {
      code: 'PARQUET_UNSUPPORTED',
    });
    assert.throws(row(nullable('v', structOf()), []), { code: 'PARQUET_UNSUPPORTED' });
    const lists = batchOfRows([nullable('v', listOf(nullable('element', 'integer')))], [[[1]]]);
    const misnamed = { ...lists, fields: [nullable('v', structOf(nullable('a', 'integer')))] };
    assert.throws(() => encodeParquet(misnamed), { code: 'PARQUET_INVALID' });
  });

  it('is refused when a part is shorter than the batch', () => {
    const fields = [nullable('v', structOf(nullable('a', 'integer')))];
    const short = { kind: 'struct', children: [{ kind: 'numbers', values: Int32Array.of(1) }] } as const;
    assert.throws(() => encodeParquet({ rowCount: 2, fields, columns: [short] }), {
      code: 'PARQUET_INVALID',
    });
  });
});

describe('the statistics of nested columns', () => {
  it('describe the fields of structs, count nulls with those of their parents, and leave out what lists hold', () => {
    const inner = structOf(nullable('x', 'integer'), nullable('l', listOf(nullable('element', 'integer'))));
    const fields = [
      nullable('s', structOf(nullable('inner', inner), nullable('d', decimal(38, 1)))),
      nullable('l', listOf(required('element', 'long'))),
    ];
    const rows = [
      [[[5, null], 10n ** 37n], [1n]],
      [[null, -5n], []],
      [null, null],
      [[[-7, [1]], null], null],
    ];
    const { statistics } = encodeParquet(batchOfRows(fields, rows), { rowGroupRows: 2 });
    const [struct, list] = statistics;
    const [innerStatistics, decimals] = struct!.children!;
    const [x, l] = innerStatistics!.children!;
    assert.deepEqual(
      [struct!.nullCount, innerStatistics!.nullCount, list!.nullCount, l!.nullCount],
      [1, 2, 2, 3],
    );
    assert.deepEqual([x!.min, x!.max, x!.nullCount], [-7, 5, 2]);
    assert.deepEqual([decimals!.min, decimals!.max, decimals!.nullCount], [-5, 10n ** 37n, 2]);
    assert.equal(list!.children, undefined);
  });

  it('bound decimals in the footer as DuckDB reads them', async () => {
    const db = await database();
    const fields = [
      nullable('a', decimal(5, 1)),
      nullable('b', decimal(15, 3)),
      nullable('c', decimal(30, 2)),
    ];
    const rows = [
      [-15n, 5n, 10n ** 29n],
      [20n, -6n, -(10n ** 29n)],
      [null, null, null],
    ];
    const path = await db.file(encodeParquet(batchOfRows(fields, rows)).bytes);
    const found = await db.rows(
      `select stats_min_value as min, stats_max_value as max from parquet_metadata(${path})`,
    );
    assert.deepEqual(
      found.map(({ min, max }) => [min, max]),
      [
        ['-1.5', '2.0'],
        ['-0.006', '0.005'],
        [`-1${'0'.repeat(27)}.00`, `1${'0'.repeat(27)}.00`],
      ],
    );
  });
});
