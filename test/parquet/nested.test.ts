// Structs, lists, maps and decimals: files of other writers, also in the old forms, and damaged ones.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { type Random, seededRandom, TributaryError } from '../../shared/base/index.js';
import {
  type DataBatch,
  type DataType,
  type DataValues,
  encodeParquet,
  isNullAt,
  nullValues,
  openParquet,
  readParquet,
  selectRows,
} from '../../shared/parquet/index.js';
import { ofSeeds } from '../support/seeds.js';
import { duckDb } from './duckdb.js';

const database = duckDb();

/** Structs as arrays of their fields, maps as arrays of pairs, decimals as unscaled bigints. */
function plain(values: DataValues, row: number): unknown {
  if (isNullAt(values, row)) return null;
  switch (values.kind) {
    case 'text':
    case 'bytes':
    case 'numbers':
      return values.values[row];
    case 'decimals':
      return BigInt(values.values[row]!);
    case 'struct':
      return values.children.map((child) => plain(child, row));
    case 'list':
      return elements(values.offsets, row).map((index) => plain(values.element, index));
    case 'map':
      return elements(values.offsets, row).map((index) => [
        plain(values.keys, index),
        plain(values.values, index),
      ]);
    case 'void':
      return null;
  }
}

function elements(offsets: Int32Array, row: number): number[] {
  return Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, index) => offsets[row]! + index);
}

function columnOf(batch: DataBatch, index = 0): unknown[] {
  return Array.from({ length: batch.rowCount }, (_, row) => plain(batch.columns[index]!, row));
}

/** A random type: how DuckDB spells it, values as `plain` shows them, and their SQL. */
interface Generator {
  readonly sqlType: string;
  value(random: Random): unknown;
  sql(value: unknown): string;
}

const nullShare = 0.2;

function nullable(generator: Generator): Generator {
  return {
    sqlType: generator.sqlType,
    value: (random) => (random.next() < nullShare ? null : generator.value(random)),
    sql: (value) => (value === null ? 'null' : generator.sql(value)),
  };
}

const integer: Generator = nullable({
  sqlType: 'integer',
  value: (random) => Math.floor(random.next() * 1000) - 500,
  sql: String,
});
const text: Generator = nullable({
  sqlType: 'varchar',
  value: (random) => `t${Math.floor(random.next() * 20)}`,
  sql: (value) => `'${value}'`,
});
const decimal = (precision: number, scale: number): Generator =>
  nullable({
    sqlType: `decimal(${precision},${scale})`,
    value: (random) => BigInt(Math.floor(random.next() * 2e6) - 1e6) * 10n ** BigInt(precision - 7),
    sql: (value) => {
      const digits = String(value)
        .replace('-', '')
        .padStart(scale + 1, '0');
      const sign = (value as bigint) < 0n ? '-' : '';
      return `${sign}${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
    },
  });
const list = (element: Generator): Generator =>
  nullable({
    sqlType: `${element.sqlType}[]`,
    value: (random) => Array.from({ length: Math.floor(random.next() * 4) }, () => element.value(random)),
    sql: (value) => `[${(value as unknown[]).map((item) => element.sql(item))}]::${element.sqlType}[]`,
  });
const struct = (...fields: readonly Generator[]): Generator =>
  nullable({
    sqlType: `struct(${fields.map(({ sqlType }, index) => `f${index} ${sqlType}`)})`,
    value: (random) => fields.map((field) => field.value(random)),
    sql: (value) =>
      `{${fields.map((field, index) => `'f${index}': ${field.sql((value as unknown[])[index])}`)}}`,
  });
const map = (value: Generator): Generator =>
  nullable({
    sqlType: `map(varchar, ${value.sqlType})`,
    value: (random) =>
      Array.from({ length: Math.floor(random.next() * 4) }, (_, index) => [`k${index}`, value.value(random)]),
    sql: (pairs) =>
      `map {${(pairs as [string, unknown][]).map(([key, item]) => `'${key}': ${value.sql(item)}`)}}`,
  });

async function writtenByDuckDb(generator: Generator, rows: readonly unknown[], options: string) {
  const db = await database();
  const path = join(db.folder, 'nested.parquet');
  await db.run('drop table if exists nested');
  await db.run(`create table nested (v ${generator.sqlType})`);
  await db.run(`insert into nested values ${rows.map((row) => `(${generator.sql(row)})`)}`);
  await db.run(`copy nested to '${path}' (format parquet${options})`);
  return new Uint8Array(await readFile(path));
}

const generators: readonly [name: string, generator: Generator][] = [
  ['a struct', struct(integer, text)],
  ['a list', list(integer)],
  ['a map', map(integer)],
  ['a decimal in 32 bits', decimal(9, 2)],
  ['a decimal in 64 bits', decimal(18, 6)],
  ['a decimal in 128 bits', decimal(38, 10)],
  ['structs in structs', struct(struct(struct(integer), text), list(text))],
  ['lists in lists', list(list(list(integer)))],
  ['maps of lists of structs', map(list(struct(integer, decimal(20, 3), map(text))))],
  ['lists of maps and structs', list(struct(map(integer), list(text), struct(list(integer), text)))],
];

describe('a nested column that DuckDB wrote', () => {
  for (const [name, generator] of generators) {
    for (const [version, options] of [
      ['V1', ', compression snappy, parquet_version v1'],
      ['V2', ', compression zstd, parquet_version v2'],
    ] as const) {
      it(`as ${name} gives the same values (${version})`, async () => {
        const random = seededRandom(name.length);
        const rows = Array.from({ length: 300 }, () => generator.value(random));
        const bytes = await writtenByDuckDb(generator, rows, options);
        assert.deepEqual(columnOf(await readParquet(bytes, { allTypes: true })), rows);
      });
    }
  }

  it('in several row groups is joined', async () => {
    const generator = struct(integer, list(text), map(decimal(20, 2)), decimal(9, 2));
    const random = seededRandom(3);
    const rows = Array.from({ length: 5000 }, () => generator.value(random));
    const bytes = await writtenByDuckDb(generator, rows, ', row_group_size 2048');
    const batch = await readParquet(bytes, { allTypes: true });
    assert.deepEqual(columnOf(batch), rows);
    const picked = Int32Array.from(rows.keys()).filter((row) => row % 7 === 3);
    assert.deepEqual(
      columnOf(selectRows(batch, picked)),
      Array.from(picked, (row) => rows[row]),
    );
  });

  it('is not read without being asked for', async () => {
    const bytes = await writtenByDuckDb(decimal(9, 2), [1n], '');
    await assert.rejects(readParquet(bytes), /"v" cannot be read: it is a decimal/);
  });

  it('can be read in part', async () => {
    const generator = struct(integer, list(text), struct(integer, text));
    const random = seededRandom(5);
    const rows = Array.from({ length: 50 }, () => generator.value(random) as unknown[] | null);
    const file = await openParquet(await writtenByDuckDb(generator, rows, ''));
    const [column] = file.columns;
    assert.ok(column?.kind === 'struct');
    const batch = await file.read([{ ...column, children: column.children.slice(1, 2) }]);
    assert.deepEqual(
      columnOf(batch),
      rows.map((row) => (row === null ? null : [row[1]])),
    );
  });
});

const optional = { repetition_type: 'OPTIONAL' } as const;
const repeated = { repetition_type: 'REPEATED' } as const;
const leaf = { type: 'INT32' } as const;

function written(schema: SchemaElement[], data: readonly unknown[]): Uint8Array {
  const columnData = [{ name: 'v', data: [...data] }];
  const root = { name: 'root', num_children: 1 };
  return new Uint8Array(parquetWriteBuffer({ columnData, schema: [root, ...schema] }));
}

describe('an old form of a list or map', () => {
  const integers = [[1, 2], [], null, [3]];
  const lists: readonly [string, SchemaElement[]][] = [
    [
      'in three levels of other names',
      [
        { name: 'v', ...optional, converted_type: 'LIST', num_children: 1 },
        { name: 'bag', ...repeated, num_children: 1 },
        { name: 'array_element', ...optional, ...leaf },
      ],
    ],
  ];
  for (const [name, schema] of lists) {
    it(`${name} is a list`, async () => {
      const batch = await readParquet(written(schema, integers), { allTypes: true });
      assert.deepEqual(columnOf(batch), integers);
    });
  }

  const shapes: readonly [string, SchemaElement[], string][] = [
    [
      'two levels of a primitive',
      [
        { name: 'v', ...optional, converted_type: 'LIST', num_children: 1 },
        { name: 'array', ...repeated, ...leaf },
      ],
      'list<integer>',
    ],
    [
      'two levels of a group with two fields',
      [
        { name: 'v', ...optional, converted_type: 'LIST', num_children: 1 },
        { name: 'element', ...repeated, num_children: 2 },
        { name: 'a', ...optional, ...leaf },
        { name: 'b', ...optional, ...leaf },
      ],
      'list<struct<a integer, b integer>>',
    ],
    [
      'two levels of a group named array',
      [
        { name: 'v', ...optional, converted_type: 'LIST', num_children: 1 },
        { name: 'array', ...repeated, num_children: 1 },
        { name: 'a', ...optional, ...leaf },
      ],
      'list<struct<a integer>>',
    ],
    [
      'two levels of a group named after the list',
      [
        { name: 'v', ...optional, converted_type: 'LIST', num_children: 1 },
        { name: 'v_tuple', ...repeated, num_children: 1 },
        { name: 'a', ...optional, ...leaf },
      ],
      'list<struct<a integer>>',
    ],
    ['a repeated field', [{ name: 'v', ...repeated, ...leaf }], 'list<integer>'],
    [
      'a repeated group',
      [
        { name: 'v', ...repeated, num_children: 1 },
        { name: 'a', ...optional, ...leaf },
      ],
      'list<struct<a integer>>',
    ],
    [
      'a map by its older name',
      [
        { name: 'v', ...optional, converted_type: 'MAP_KEY_VALUE', num_children: 1 },
        { name: 'map', ...repeated, num_children: 2 },
        { name: 'key', repetition_type: 'REQUIRED', ...leaf },
        { name: 'value', ...optional, ...leaf },
      ],
      'map<integer, integer>',
    ],
  ];
  for (const [name, schema, type] of shapes) {
    it(`of ${name} is ${type}`, async () => {
      const batch = await readParquet(written(schema, []), { allTypes: true });
      assert.equal(typeText(batch.fields[0]!.type), type);
    });
  }
});

function typeText(type: DataType): string {
  if (typeof type === 'string') return type;
  switch (type.kind) {
    case 'list':
      return `list<${typeText(type.element.type)}>`;
    case 'map':
      return `map<${typeText(type.key.type)}, ${typeText(type.value.type)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name} ${typeText(field.type)}`).join(', ')}>`;
    default:
      return type.kind;
  }
}

describe('a damaged file with nested columns', () => {
  it('ends in a PARQUET error or in a batch, never in anything else', async () => {
    const generator = list(struct(map(decimal(20, 2)), list(text), integer));
    const random = seededRandom(11);
    const rows = Array.from({ length: 40 }, () => generator.value(random));
    for (const options of [', compression uncompressed', ', compression snappy, parquet_version v2']) {
      const bytes = await writtenByDuckDb(generator, rows, options);
      for (let attempt = 0; attempt < ofSeeds(400); attempt++) {
        const damaged = bytes.slice();
        const at = Math.floor(random.next() * damaged.length);
        damaged[at] = damaged[at]! ^ (1 << Math.floor(random.next() * 8));
        await assertCodeOrBatch(damaged);
      }
    }
  });
});

async function assertCodeOrBatch(bytes: Uint8Array): Promise<void> {
  try {
    const batch = await readParquet(bytes, { allTypes: true });
    for (const index of batch.columns.keys()) columnOf(batch, index);
  } catch (error) {
    assert.ok(error instanceof TributaryError, `${error}`);
    assert.match(error.code, /^PARQUET_/);
  }
}

describe('a column of nulls', () => {
  const field = (type: DataType) => ({ name: 'f', type, nullable: true });
  const types: readonly DataType[] = [
    'string',
    'long',
    { kind: 'decimal', precision: 20, scale: 2 },
    { kind: 'struct', fields: [field('integer'), field('binary')] },
    { kind: 'list', element: field('string') },
    { kind: 'map', key: field('string'), value: field('double') },
    { kind: 'void' },
  ];
  for (const type of types) {
    it(`is null in every row as ${typeText(type)}`, () => {
      const batch = { rowCount: 2, fields: [field(type)], columns: [nullValues(type, 2)] };
      assert.deepEqual(columnOf(batch), [null, null]);
      assert.deepEqual(columnOf(selectRows(batch, Int32Array.of(1))), [null]);
    });
  }
});

describe('flat columns asked for with all types', () => {
  it('are the same as without', async () => {
    const batch = {
      rowCount: 2,
      fields: [{ name: 'a', type: 'long' as const, nullable: false }],
      columns: [{ kind: 'numbers' as const, values: Float64Array.of(1, 2) }],
    };
    const { bytes } = encodeParquet(batch);
    const read = await readParquet(bytes, { allTypes: true });
    assert.deepEqual(read.columns, (await readParquet(bytes)).columns);
    assert.deepEqual(read.columns, batch.columns);
  });
});
