// Columns of a table found in files by name or id, widened where the table's type grew, and files outside the table.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { seededRandom } from '../../shared/base/index.js';
import {
  openTable,
  parseAzureUri,
  parseTableColumns,
  type ResolveUri,
  scanTable,
  vacuumTable,
} from '../../shared/delta/index.js';
import { createMemoryStore, type ObjectStore } from '../../shared/storage/index.js';
import { canonicalRows } from '../support/canonicalRows.js';
import { InstantClock } from '../support/instantClock.js';

const optional = { repetition_type: 'OPTIONAL' } as const;

interface FileColumn {
  readonly schema: readonly SchemaElement[];
  readonly data: readonly unknown[];
}

function parquetFile(...columns: readonly FileColumn[]): Uint8Array {
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.flatMap((column) => column.schema),
  ];
  const columnData = columns.map(({ schema: [first], data }) => ({ name: first!.name, data: [...data] }));
  return new Uint8Array(parquetWriteBuffer({ columnData, schema }));
}

const int32 = (name: string, data: readonly unknown[], id?: number): FileColumn => ({
  schema: [{ name, type: 'INT32', ...optional, ...(id === undefined ? {} : { field_id: id }) }],
  data,
});

interface TableShape {
  readonly fields: readonly object[];
  readonly file: Uint8Array;
  readonly path?: string;
  readonly size?: number;
  readonly mode?: 'name' | 'id';
  readonly partitionColumns?: readonly string[];
  readonly partitionValues?: Readonly<Record<string, string>>;
}

async function setUp(shape: TableShape) {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const { path = 'a.parquet' } = shape;
  const actions = [
    { protocol: { minReaderVersion: shape.mode === undefined ? 1 : 2, minWriterVersion: 5 } },
    {
      metaData: {
        id: 'id',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify({
          type: 'struct',
          fields: shape.fields.map((field) => ({ nullable: true, metadata: {}, ...field })),
        }),
        partitionColumns: shape.partitionColumns ?? [],
        configuration: shape.mode === undefined ? {} : { 'delta.columnMapping.mode': shape.mode },
      },
    },
    {
      add: {
        path,
        partitionValues: shape.partitionValues ?? {},
        size: shape.size ?? shape.file.length,
        modificationTime: 1,
        dataChange: true,
      },
    },
  ];
  const text = actions.map((action) => JSON.stringify(action)).join('\n');
  await store.put('t/_delta_log/00000000000000000000.json', new TextEncoder().encode(text));
  await store.put('t/a.parquet', shape.file);
  return { store, root: 't', clock };
}

async function rowsOf(
  table: { readonly store: ObjectStore; readonly root: string; readonly clock: InstantClock },
  options: {
    readonly columns?: readonly string[];
    readonly resolveUri?: ResolveUri;
    readonly limit?: number;
  } = {},
): Promise<unknown[]> {
  const { snapshot } = await openTable(table);
  const all = parseTableColumns(snapshot.metadata.schemaString);
  const columns = options.columns?.map((name) => all.find((column) => column.name === name)!) ?? all;
  const rows: unknown[] = [];
  for await (const batch of scanTable({ ...table, snapshot, ...options })) {
    rows.push(...canonicalRows(batch, columns).map((row) => JSON.parse(row)));
  }
  return rows;
}

const mapped = (name: string, type: unknown, id: number, physical: string) => ({
  name,
  type,
  metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physical },
});

describe('mapped columns', () => {
  it('are found by their physical names, also inside structs, and in partition values', async () => {
    const struct: FileColumn = {
      schema: [
        { name: 'col-s', ...optional, num_children: 2 },
        { name: 'col-y', type: 'INT32', ...optional },
        { name: 'col-x', type: 'INT32', ...optional },
      ],
      data: [{ 'col-y': 1, 'col-x': 2 }, null],
    };
    const inner = {
      type: 'struct',
      fields: [mapped('x', 'integer', 3, 'col-x'), mapped('z', 'string', 9, 'col-z')],
    };
    const table = await setUp({
      mode: 'name',
      fields: [
        mapped('a', 'integer', 1, 'col-a'),
        mapped('s', inner, 2, 'col-s'),
        mapped('p', 'date', 4, 'col-p'),
      ],
      file: parquetFile(int32('col-a', [7, null]), int32('a', [0, 0]), struct),
      partitionColumns: ['p'],
      partitionValues: { 'col-p': '2024-02-29' },
    });
    assert.deepEqual(await rowsOf(table), [
      { a: 7, s: { x: 2, z: null }, p: '2024-02-29' },
      { a: null, s: null, p: '2024-02-29' },
    ]);
  });

  it('are found by their ids, whatever they are called', async () => {
    const table = await setUp({
      mode: 'id',
      fields: [
        mapped('a', 'integer', 1, 'x'),
        mapped('b', 'integer', 2, 'y'),
        mapped('c', 'integer', 3, 'a'),
      ],
      file: parquetFile(int32('a', [1], 2), int32('b', [2], 1)),
    });
    assert.deepEqual(await rowsOf(table), [{ a: 2, b: 1, c: null }]);
  });

  it('are refused by id in a file without ids', async () => {
    const table = await setUp({
      mode: 'id',
      fields: [mapped('a', 'integer', 1, 'a')],
      file: parquetFile(int32('a', [1])),
    });
    await assert.rejects(rowsOf(table), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /a\.parquet.*no field ids/,
    });
  });
});

describe('columns of a narrower type', () => {
  const decimal: FileColumn = {
    schema: [{ name: 'v', type: 'INT32', converted_type: 'DECIMAL', precision: 5, scale: 2, ...optional }],
    data: [1.25, null, -3.5],
  };
  const day: FileColumn = {
    schema: [{ name: 'v', type: 'INT32', converted_type: 'DATE', ...optional }],
    data: [new Date(86_400_000), null, new Date(-86_400_000)],
  };
  const float: FileColumn = { schema: [{ name: 'v', type: 'FLOAT', ...optional }], data: [0.5, null, -1.5] };
  const bytes: FileColumn = {
    schema: [{ name: 'v', type: 'BYTE_ARRAY', ...optional }],
    data: [Uint8Array.of(104, 105), null, Uint8Array.of()],
  };
  const cases: readonly [column: FileColumn, type: string, values: readonly unknown[]][] = [
    [int32('v', [1, null, -2]), 'long', ['1', null, '-2']],
    [int32('v', [1, null, -2]), 'short', [1, null, -2]],
    [int32('v', [1, null, -2]), 'double', [1, null, -2]],
    [int32('v', [1, null, -2]), 'decimal(12,2)', ['1.00', null, '-2.00']],
    [float, 'double', [0.5, null, -1.5]],
    [decimal, 'decimal(20,4)', ['1.2500', null, '-3.5000']],
    [day, 'timestamp_ntz', ['1970-01-02T00:00:00.000000', null, '1969-12-31T00:00:00.000000']],
    [bytes, 'string', ['hi', null, '']],
  ];
  for (const [column, type, values] of cases) {
    it(`are read as ${type}`, async () => {
      const table = await setUp({ fields: [{ name: 'v', type }], file: parquetFile(column) });
      assert.deepEqual(
        await rowsOf(table),
        values.map((v) => ({ v })),
      );
    });
  }

  for (const [column, type] of [
    [int32('v', [1]), 'string'],
    [decimal, 'decimal(5,1)'],
    [decimal, 'decimal(5,3)'],
    [float, 'long'],
    [int32('v', [1]), { type: 'array', elementType: 'integer', containsNull: true }],
  ] as const) {
    it(`are refused as ${JSON.stringify(type)}, naming the file and the column`, async () => {
      const table = await setUp({ fields: [{ name: 'v', type }], file: parquetFile(column) });
      await assert.rejects(rowsOf(table), {
        code: 'DELTA_SCHEMA_MISMATCH',
        message: /Data file a\.parquet of table t, column "v"/,
      });
    });
  }
});

describe('a scan', () => {
  const list = { name: 'l', type: { type: 'array', elementType: 'integer', containsNull: true } };

  it('gives the columns asked for, in that order, and stops at a limit', async () => {
    const table = await setUp({
      fields: [
        { name: 'A', type: 'integer' },
        { name: 'b', type: 'integer' },
        { name: 'n', type: 'void' },
      ],
      file: parquetFile(int32('a', [1, 2, 3]), int32('b', [4, 5, 6])),
    });
    assert.deepEqual(await rowsOf(table, { columns: ['b', 'n', 'A'], limit: 2 }), [
      { b: 4, n: null, A: 1 },
      { b: 5, n: null, A: 2 },
    ]);
  });

  it('gives nulls for a nested column that the file lacks', async () => {
    const table = await setUp({
      fields: [{ name: 'a', type: 'integer' }, list],
      file: parquetFile(int32('a', [1])),
    });
    assert.deepEqual(await rowsOf(table), [{ a: 1, l: null }]);
  });

  it('of nothing but partition columns has a row for each of the file', async () => {
    const table = await setUp({
      fields: [
        { name: 'a', type: 'integer' },
        { name: 'p', type: 'decimal(38,18)' },
      ],
      file: parquetFile(int32('a', [1, 2])),
      partitionColumns: ['p'],
      partitionValues: { p: '1.23' },
    });
    const row = { p: '1.230000000000000000' };
    assert.deepEqual(await rowsOf(table, { columns: ['p'] }), [row, row]);
  });

  it('refuses a column of a type that is not read, and gives the others', async () => {
    const table = await setUp({
      fields: [
        { name: 'a', type: 'integer' },
        { name: 'v', type: 'variant' },
      ],
      file: parquetFile(int32('a', [1])),
    });
    await assert.rejects(rowsOf(table), { code: 'DELTA_PROTOCOL_UNSUPPORTED', message: /"v" .* variant/ });
    assert.deepEqual(await rowsOf(table, { columns: ['a'] }), [{ a: 1 }]);
  });

  it('names a data file that is damaged, and reads one whose size in the log is wrong', async () => {
    const file = parquetFile(int32('a', [1]));
    const fields = [{ name: 'a', type: 'integer' }];
    assert.deepEqual(await rowsOf(await setUp({ fields, file, size: 5 })), [{ a: 1 }]);
    assert.deepEqual(await rowsOf(await setUp({ fields, file, size: file.length + 100 })), [{ a: 1 }]);
    const cut = file.slice(0, -3);
    await assert.rejects(rowsOf(await setUp({ fields, file: cut })), {
      code: 'PARQUET_INVALID',
      message: /data file a\.parquet of table t cannot be read/,
    });
  });
});

describe('a file outside the table', () => {
  const shape = (path: string): TableShape => ({
    fields: [{ name: 'a', type: 'integer' }],
    file: parquetFile(int32('a', [1])),
    path,
  });

  it('is read where its URI leads', async () => {
    const table = await setUp(
      shape('abfss://lake@account.dfs.core.windows.net/other%20table/b%2520.parquet'),
    );
    await table.store.put('other table/b%20.parquet', parquetFile(int32('a', [42])));
    const resolveUri: ResolveUri = (uri) => {
      const location = parseAzureUri(uri);
      return location?.container === 'lake' ? { store: table.store, path: location.path } : undefined;
    };
    assert.deepEqual(await rowsOf(table, { resolveUri }), [{ a: 42 }]);
  });

  it('is refused where nothing knows its URI', async () => {
    for (const path of ['s3://bucket/b.parquet', '/data/b.parquet', 'file:/data/b.parquet']) {
      await assert.rejects(rowsOf(await setUp(shape(path))), {
        code: 'DELTA_PROTOCOL_UNSUPPORTED',
        message: new RegExp(path),
      });
    }
  });
});

describe('an URI of Azure', () => {
  const location = { account: 'account', container: 'lake', path: 'a b/c%.parquet' };
  for (const uri of [
    'abfss://lake@account.dfs.core.windows.net/a%20b/c%25.parquet',
    'wasb://lake@account.blob.core.windows.net/a%20b/c%25.parquet',
    'https://account.blob.core.windows.net/lake/a%20b/c%25.parquet',
    'https://account.dfs.core.windows.net/lake/a%20b/c%25.parquet?sig=1',
  ]) {
    it(`${uri} is taken apart`, () => assert.deepEqual(parseAzureUri(uri), location));
  }

  it('of another storage, or with a broken escape, is none', () => {
    assert.equal(parseAzureUri('s3://bucket/a'), undefined);
    assert.equal(parseAzureUri('abfss://lake@account.dfs.core.windows.net/a%2'), undefined);
  });
});

describe('columns without values', () => {
  const unknown: FileColumn = {
    schema: [{ name: 'a', type: 'INT32', ...optional, logical_type: { type: 'NULL' } }],
    data: [null, null],
  };

  it('are null in the type of the table, when the file has them as UNKNOWN', async () => {
    const table = await setUp({
      fields: [
        { name: 'a', type: 'string' },
        { name: 'b', type: 'integer' },
      ],
      file: parquetFile(unknown, int32('b', [1, 2])),
    });
    assert.deepEqual(await rowsOf(table), [
      { a: null, b: 1 },
      { a: null, b: 2 },
    ]);
  });

  it('are null when they are void, whatever the file holds', async () => {
    const table = await setUp({
      fields: [{ name: 'a', type: 'void' }],
      file: parquetFile(int32('a', [1, 2])),
    });
    assert.deepEqual(await rowsOf(table), [{ a: null }, { a: null }]);
  });

  it('tell that their struct is not null, through a field that can be read', async () => {
    const struct: FileColumn = {
      schema: [
        { name: 's', ...optional, num_children: 2 },
        {
          name: 'strange',
          type: 'INT64',
          ...optional,
          logical_type: { type: 'TIME', isAdjustedToUTC: true, unit: 'MICROS' },
        },
        { name: 'x', type: 'INT32', ...optional },
      ],
      data: [{ strange: 1n, x: 1 }, null],
    };
    const field = { name: 'later', type: 'integer', nullable: true, metadata: {} };
    const table = await setUp({
      fields: [{ name: 's', type: { type: 'struct', fields: [field] } }],
      file: parquetFile(struct),
    });
    assert.deepEqual(await rowsOf(table), [{ s: { later: null } }, { s: null }]);
  });
});

describe('a log that lost what its data files need', () => {
  const file = parquetFile(int32('a', [1, 2]));

  it('is refused when it has no schema for them', async () => {
    const table = await setUp({ fields: [], file });
    await assert.rejects(rowsOf(table), { code: 'DELTA_LOG_CORRUPT', message: /a\.parquet.*no schema/ });
  });

  it('is refused when it has no values for the columns of the partition', async () => {
    const fields = [
      { name: 'a', type: 'integer' },
      { name: 'p', type: 'integer' },
    ];
    const table = await setUp({ fields, file, partitionColumns: ['p'] });
    await assert.rejects(rowsOf(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: /a\.parquet.*no partition values/,
    });
    const other = await setUp({ fields, file, partitionColumns: ['p'], partitionValues: { other: '1' } });
    assert.deepEqual(await rowsOf(other), [
      { a: 1, p: null },
      { a: 2, p: null },
    ]);
  });

  for (const path of ['./a.parquet', 'b/../a.parquet', '%2e%2e/a.parquet', 'a.parquet/', '', '%zz']) {
    it(`is refused by readers and by vacuum when it names a file ${JSON.stringify(path)}`, async () => {
      const table = await setUp({ fields: [{ name: 'a', type: 'integer' }], file, path });
      const error = { code: 'DELTA_LOG_CORRUPT', message: /The log names the file "/ };
      await assert.rejects(rowsOf(table), error);
      table.clock.advance(30 * 86_400_000);
      await assert.rejects(vacuumTable({ ...table, random: seededRandom(1) }), error);
      assert.ok(await table.store.head('t/a.parquet'), 'the file that may be meant stays');
    });
  }

  it('is refused when its schema is nested beyond reason', async () => {
    const deep = `${'{"type":"array","elementType":'.repeat(2_000)}"string"${'}'.repeat(2_000)}`;
    const table = await setUp({ fields: [{ name: 'a', type: JSON.parse(deep) }], file });
    await assert.rejects(openTable(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: /Table t: .* nested too deeply/,
    });
  });

  it('is refused for types and partition values that only look like something known', async () => {
    for (const type of ['constructor', '__proto__', 'toString']) {
      const table = await setUp({ fields: [{ name: 'a', type }], file });
      await assert.rejects(rowsOf(table), {
        code: 'DELTA_PROTOCOL_UNSUPPORTED',
        message: new RegExp(`"a" .* has the type ${type}`),
      });
    }
    const fields = [
      { name: 'a', type: 'integer' },
      { name: 'constructor', type: 'string' },
    ];
    const shape = { fields, file, partitionColumns: ['constructor'], partitionValues: { other: '1' } };
    assert.deepEqual(await rowsOf(await setUp(shape)), [
      { a: 1, constructor: null },
      { a: 2, constructor: null },
    ]);
  });

  it('is refused when an action is no object', async () => {
    const table = await setUp({ fields: [{ name: 'a', type: 'integer' }], file });
    const text = '{"commitInfo":{}}\n{"remove":"a.parquet"}\n';
    await table.store.put('t/_delta_log/00000000000000000001.json', new TextEncoder().encode(text));
    await assert.rejects(openTable(table), {
      code: 'DELTA_LOG_CORRUPT',
      message: /Line 2 of t\/_delta_log\/0{19}1\.json has "remove"/,
    });
  });
});
