// Tables with structs, lists, maps and decimals: created, appended to, compacted, deleted from.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import {
  addColumns,
  type Comparison,
  columnsOf,
  createTable,
  deleteRows,
  type Literal,
  openTable,
  optimizeTable,
  type Predicate,
  parseRowPredicate,
  parseTableSchema,
  planDelete,
  readRows,
  type Snapshot,
  type StructField,
  scanTable,
  TableWriter,
} from '../../shared/delta/index.js';
import type { DataBatch, DataField, DataType } from '../../shared/parquet/index.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import { batchOfRows, plainRows, randomOf, randomType } from '../parquet/nestedValues.js';
import { blindAppend, readLogLines } from '../support/deltaFixtures.js';
import { queryTable } from '../support/duckdb.js';
import { putCommitLines } from '../support/foreignTable.js';
import { InstantClock } from '../support/instantClock.js';
import { encodeZ85, vectorBytes } from '../support/roaring.js';

const root = 'tables/orders';

const nullable = (name: string, type: DataType): DataField => ({ name, type, nullable: true });
const required = (name: string, type: DataType): DataField => ({ name, type, nullable: false });
const listOf = (element: DataField): DataType => ({ kind: 'list', element });
const structOf = (...fields: DataField[]): DataType => ({ kind: 'struct', fields });
const mapOf = (type: DataType): DataType => ({
  kind: 'map',
  key: required('key', 'string'),
  value: nullable('value', type),
});
const decimal = (precision: number, scale: number): DataType => ({ kind: 'decimal', precision, scale });

const item = structOf(required('sku', 'string'), nullable('price', decimal(10, 2)));
const orderFields: readonly DataField[] = [
  required('id', 'long'),
  nullable(
    'customer',
    structOf(nullable('name', 'string'), nullable('address', structOf(nullable('zip', 'integer')))),
  ),
  nullable('items', listOf(required('element', item))),
  nullable('labels', { kind: 'map', key: required('key', 'string'), value: nullable('value', 'string') }),
  nullable('total', decimal(20, 2)),
];

const withMetadata = (fields: readonly DataField[]): StructField[] =>
  fields.map((field) => ({ ...field, metadata: {} }));

function setUp(fields: readonly DataField[] = orderFields) {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const schema = { type: 'struct', fields: withMetadata(fields) } as const;
  return { store, root, clock, random: seededRandom(1), schema };
}

type Table = ReturnType<typeof setUp>;

async function append(table: Table, ...batches: DataBatch[]): Promise<void> {
  const writer = new TableWriter(table);
  await Promise.all(batches.map((batch) => writer.append(blindAppend(batch))));
}

async function rowsOf(table: Table, snapshot?: Snapshot): Promise<unknown[][]> {
  const read = snapshot ?? (await openTable(table)).snapshot;
  const rows: unknown[][] = [];
  for await (const batch of scanTable({ ...table, snapshot: read })) rows.push(...plainRows(batch));
  return rows;
}

async function statsOfLastAdd(table: Table): Promise<string> {
  const lines = (await readLogLines(table.store, root)).flat();
  return lines.flatMap(({ add }) => (add === undefined ? [] : [(add as { stats: string }).stats])).at(-1)!;
}

const order = (id: number, name: string | null, total: bigint | null): unknown[] => [
  BigInt(id),
  name === null ? null : [name, [id]],
  [[`sku-${id}`, BigInt(id)]],
  [['k', name]],
  total,
];

describe('the schema of a table with nested columns', () => {
  it('is written as Spark writes it, and read back', async () => {
    const table = setUp();
    const { snapshot } = await createTable(table);
    assert.equal(
      snapshot.metadata.schemaString,
      '{"type":"struct","fields":[' +
        '{"name":"id","type":"long","nullable":false,"metadata":{}},' +
        '{"name":"customer","type":{"type":"struct","fields":[{"name":"name","type":"string","nullable":true,"metadata":{}},' +
        '{"name":"address","type":{"type":"struct","fields":[{"name":"zip","type":"integer","nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}},' +
        '{"name":"items","type":{"type":"array","elementType":{"type":"struct","fields":[{"name":"sku","type":"string","nullable":false,"metadata":{}},' +
        '{"name":"price","type":"decimal(10,2)","nullable":true,"metadata":{}}]},"containsNull":false},"nullable":true,"metadata":{}},' +
        '{"name":"labels","type":{"type":"map","keyType":"string","valueType":"string","valueContainsNull":true},"nullable":true,"metadata":{}},' +
        '{"name":"total","type":"decimal(20,2)","nullable":true,"metadata":{}}]}',
    );
    assert.deepEqual(columnsOf(parseTableSchema(snapshot.metadata.schemaString)), table.schema.fields);
  });

  it('asks for the feature timestampNtz when one is inside', async () => {
    const local = nullable('t', listOf(nullable('element', structOf(nullable('at', 'timestamp_ntz')))));
    const { snapshot } = await createTable(setUp([local]));
    assert.deepEqual(snapshot.protocol.readerFeatures, ['timestampNtz']);
  });

  it('may not have names, decimals and structs that no engine takes, at any depth', async () => {
    const refused: readonly [DataField, RegExp][] = [
      [nullable('s', structOf(nullable('a b', 'long'))), /"s\.a b"/],
      [
        nullable('l', listOf(nullable('element', structOf(nullable('x', 'long'), nullable('X', 'long'))))),
        /two columns "l\.element\.X"/,
      ],
      [nullable('s', structOf()), /no fields in "s"/],
      [nullable('d', decimal(39, 0)), /decimal\(39,0\)/],
      [nullable('d', decimal(4, 5)), /decimal\(4,5\)/],
      [
        nullable('m', {
          kind: 'map',
          key: required('key', 'string'),
          value: nullable('value', { kind: 'void' }),
        }),
        /"m\.value" as void/,
      ],
    ];
    for (const [field, message] of refused)
      await assert.rejects(createTable(setUp([field])), { code: 'DELTA_SCHEMA_MISMATCH', message });
  });

  it('takes more nested columns, and notices one of another type', async () => {
    const table = setUp();
    await createTable(table);
    const more = withMetadata([...orderFields, nullable('notes', listOf(nullable('element', 'string')))]);
    const schema = { type: 'struct', fields: more } as const;
    assert.deepEqual(await addColumns({ ...table, schema }), {
      kind: 'added',
      version: 1,
      columns: ['notes'],
    });
    assert.equal((await addColumns({ ...table, schema })).kind, 'unchanged');
    const { snapshot } = await openTable(table);
    assert.deepEqual(columnsOf(parseTableSchema(snapshot.metadata.schemaString)), more);
    const other = withMetadata([nullable('total', decimal(20, 3))]);
    await assert.rejects(addColumns({ ...table, schema: { type: 'struct', fields: other } }), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /decimal\(20,2\).*decimal\(20,3\)/,
    });
  });
});

describe('an append with nested columns', () => {
  it('is read back, also by DuckDB', async () => {
    const table = setUp();
    const rows = [
      order(1, 'a', 100n),
      order(2, null, null),
      [3n, [null, null], [], [], -5n],
      [4n, null, null, null, null],
    ];
    await append(table, batchOfRows(orderFields, rows));
    assert.deepEqual(await rowsOf(table), rows);
    const { snapshot } = await openTable(table);
    assert.deepEqual(
      await queryTable(
        storeBelow(table.store, root),
        snapshot,
        `select customer.address.zip as zip, len(items) as items, labels['k'] as label, total::varchar as total from {files} order by id`,
      ),
      [
        { zip: 1, items: 1n, label: 'a', total: '1.00' },
        { zip: null, items: 1n, label: null, total: null },
        { zip: null, items: 0n, label: null, total: '-0.05' },
        { zip: null, items: null, label: null, total: null },
      ],
    );
  });

  it('gets the order and the spelling of the table, and nulls for fields that it lacks', async () => {
    const table = setUp();
    const short: readonly DataField[] = [
      nullable('Items', listOf(nullable('element', structOf(nullable('SKU', 'string'))))),
      nullable('customer', structOf(nullable('Address', structOf(nullable('ZIP', 'integer'))))),
      nullable('ID', 'long'),
    ];
    await append(
      table,
      batchOfRows(short, [
        [[['x'], ['y']], [[7]], 1n],
        [null, null, 2n],
      ]),
      batchOfRows(orderFields, [order(3, 'c', 1n)]),
    );
    assert.deepEqual(await rowsOf(table), [
      [
        1n,
        [null, [7]],
        [
          ['x', null],
          ['y', null],
        ],
        null,
        null,
      ],
      [2n, null, null, null, null],
      order(3, 'c', 1n),
    ]);
    assert.equal((await openTable(table)).snapshot.version, 1, 'both went into one commit');
  });

  it('names what does not fit, at any depth', async () => {
    const table = setUp();
    const misfits: readonly DataField[] = [
      required('id', 'long'),
      nullable(
        'customer',
        structOf(nullable('name', 'long'), nullable('age', 'integer'), nullable('Age', 'integer')),
      ),
      nullable(
        'items',
        listOf(nullable('element', structOf(nullable('sku', 'string'), nullable('price', decimal(10, 3))))),
      ),
      nullable('labels', 'string'),
    ];
    const row = [1n, [1n, 2, 3], [['a', 1n], null, [null, 2n]], 'x'];
    await assert.rejects(append(table, batchOfRows(misfits, [row])), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'DELTA_SCHEMA_MISMATCH');
      for (const problem of [
        'column "customer.name" has the type long; in the table it is string',
        'column "customer.Age" is there twice',
        'column "customer.Age" is not in the table',
        'column "items.element" may not be null, but is in entry 1',
        'column "items.element.sku" may not be null, but is in entry 2',
        'column "items.element.price" has the type decimal(10,3); in the table it is decimal(10,2)',
        'column "labels" has the type string; in the table it is {"type":"map","keyType":"string","valueType":"string","valueContainsNull":true}',
      ])
        assert.ok(error.message.includes(problem), `${problem}\n${error.message}`);
      return true;
    });
    const lacking = [
      required('id', 'long'),
      nullable('items', listOf(nullable('element', structOf(nullable('price', decimal(10, 2)))))),
    ];
    await assert.rejects(append(table, batchOfRows(lacking, [[1n, [[5n]]]])), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /column "items\.element\.sku" is missing and may not be null/,
    });
  });

  it('does not ask for required fields of a struct that is null', async () => {
    const fields = [nullable('s', structOf(required('x', 'integer'), nullable('y', 'integer')))];
    const table = setUp(fields);
    await append(table, batchOfRows(fields, [[null], [[1, null]]]));
    assert.deepEqual(await rowsOf(table), [[null], [[1, null]]]);
  });
});

describe('an append with narrower types inside', () => {
  it('is brought to the types of the table, at any depth', async () => {
    const wide = [
      nullable('d', decimal(20, 4)),
      nullable('i', decimal(12, 2)),
      nullable(
        's',
        structOf(nullable('l', listOf(nullable('element', 'long'))), nullable('m', mapOf(decimal(10, 2)))),
      ),
    ];
    const narrow = [
      nullable('D', decimal(10, 2)),
      nullable('i', 'integer'),
      nullable(
        's',
        structOf(nullable('M', mapOf(decimal(5, 0))), nullable('L', listOf(nullable('element', 'short')))),
      ),
    ];
    const table = setUp(wide);
    await append(
      table,
      batchOfRows(narrow, [
        [-150n, 7, [[['k', 3n]], [1, null]]],
        [null, null, [[['k', null]], null]],
        [5n, null, null],
      ]),
    );
    assert.deepEqual(await rowsOf(table), [
      [-15_000n, 700n, [[1n, null], [['k', 300n]]]],
      [null, null, [null, [['k', null]]]],
      [500n, null, null],
    ]);
    const wider = [nullable('d', decimal(20, 5))];
    await assert.rejects(append(table, batchOfRows(wider, [[1n]])), { code: 'DELTA_SCHEMA_MISMATCH' });
  });
});

describe('an append that widens a nested schema', () => {
  it('adds fields inside structs, lists and maps in the commit of its rows', async () => {
    const table = setUp();
    await append(table, batchOfRows(orderFields, [order(1, 'a', 1n)]));
    const evolved = [
      orderFields[0]!,
      nullable('customer', structOf(nullable('Name', 'string'), nullable('vip', 'boolean'))),
      nullable(
        'items',
        listOf(
          nullable(
            'element',
            structOf(nullable('sku', 'string'), nullable('tags', listOf(nullable('element', 'string')))),
          ),
        ),
      ),
      nullable('discount', decimal(4, 3)),
    ];
    const batch = batchOfRows(evolved, [[2n, ['b', 1], [['x', ['t', null]]], 125n]]);
    const evolve = { type: 'struct', fields: withMetadata(evolved) } as const;
    await new TableWriter(table).append({
      prepare: () => ({ batch, transactions: [], readAppIds: [], evolve }),
    });
    const { snapshot } = await openTable(table);
    assert.equal(snapshot.version, 2);
    const rows = (await rowsOf(table)).sort(([one], [other]) => Number(one) - Number(other));
    assert.deepEqual(rows, [
      [1n, ['a', [1], null], [['sku-1', 1n, null]], [['k', 'a']], 1n, null],
      [2n, ['b', null, 1], [['x', null, ['t', null]]], null, null, 125n],
    ]);
    const result = await optimizeTable({ ...table, sortBy: ['id'] });
    assert.equal(result.kind, 'optimized');
    assert.deepEqual(await rowsOf(table), rows);
  });
});

describe('a partitioned table with nested columns', () => {
  it('keeps decimals as partition values and everything else in its files', async () => {
    const table = { ...setUp(), partitionColumns: ['total'] };
    const rows = [order(1, 'a', 150n), order(2, null, -5n), order(3, 'c', 150n), order(4, 'd', null)];
    await append(table, batchOfRows(orderFields, rows));
    const { snapshot } = await openTable(table);
    assert.deepEqual(
      [...snapshot.files.values()].map(({ partitionValues }) => partitionValues.total).sort(),
      ['-0.05', '1.50', null],
    );
    await append(table, batchOfRows(orderFields, [order(5, 'e', 150n)]));
    assert.equal((await optimizeTable({ ...table, sortBy: ['id'] })).kind, 'optimized');
    const read = (await rowsOf(table)).sort(([one], [other]) => Number(one) - Number(other));
    assert.deepEqual(read, [...rows, order(5, 'e', 150n)]);
  });
});

describe('the statistics of nested columns', () => {
  it('are nested as the schema is, without what lists and maps hold, decimals with all their digits', async () => {
    const table = setUp();
    const huge = 10n ** 20n - 1n;
    await append(
      table,
      batchOfRows(orderFields, [
        order(1, 'b', huge),
        order(2, null, -5n),
        [3n, ['a', null], null, null, null],
      ]),
    );
    assert.equal(
      await statsOfLastAdd(table),
      '{"numRecords":3,' +
        '"minValues":{"id":1,"customer":{"name":"a","address":{"zip":1}},"total":-0.05},' +
        '"maxValues":{"id":3,"customer":{"name":"b","address":{"zip":1}},"total":999999999999999999.99},' +
        '"nullCount":{"id":0,"customer":{"name":1,"address":{"zip":2}},"items":1,"labels":1,"total":1}}',
    );
  });

  for (const [name, configuration, nullCount] of [
    ['the first leaves', { 'delta.dataSkippingNumIndexedCols': '2' }, { id: 0, customer: { name: 1 } }],
    [
      'a field of a struct',
      { 'delta.dataSkippingStatsColumns': 'Customer.`address`.zip,total' },
      { customer: { address: { zip: 2 } }, total: 1 },
    ],
    [
      'a whole struct',
      { 'delta.dataSkippingStatsColumns': 'customer' },
      { customer: { name: 1, address: { zip: 2 } } },
    ],
  ] as const) {
    it(`are those of ${name} where the table says so`, async () => {
      const table = { ...setUp(), configuration };
      await append(
        table,
        batchOfRows(orderFields, [
          order(1, 'b', 1n),
          order(2, null, -5n),
          [3n, ['a', null], null, null, null],
        ]),
      );
      assert.deepEqual(JSON.parse(await statsOfLastAdd(table)).nullCount, nullCount);
    });
  }
});

describe('files with nested columns', () => {
  it('are left out by the statistics of fields and decimals, never when a row matches', async () => {
    const table = setUp();
    for (const [id, total] of [
      [1, 10n ** 19n + 2n],
      [2, 10n ** 19n + 1n],
      [3, -1n],
      [4, null],
    ] as const)
      await append(table, batchOfRows(orderFields, [order(id, id === 3 ? null : `n${id}`, total)]));
    const { snapshot } = await openTable(table);
    const left = async (filesMatching: Predicate): Promise<number[]> => {
      const ids: number[] = [];
      for await (const batch of scanTable({ ...table, snapshot, columns: ['id'], filesMatching }))
        ids.push(...plainRows(batch).map(([id]) => Number(id)));
      return ids.sort();
    };
    const compare = (column: string | string[], comparison: Comparison, value: Literal): Predicate => ({
      kind: 'compare',
      column,
      comparison,
      value,
    });
    assert.deepEqual(await left(compare(['customer', 'address', 'zip'], '=', 2)), [2]);
    assert.deepEqual(await left(compare(['customer', 'name'], '>=', 'n2')), [2, 4]);
    assert.deepEqual(await left(compare('total', '=', '100000000000000000.01')), [2]);
    assert.deepEqual(await left(compare('total', '<', 0)), [3]);
    const isNull: Predicate = { kind: 'isNull', column: ['customer', 'address', 'zip'] };
    assert.deepEqual(await left({ kind: 'not', condition: isNull }), [1, 2, 4]);
  });
});

describe('a table with nested columns', () => {
  it('is compacted and sorted by a primitive column with the same rows', async () => {
    const table = setUp();
    for (const id of [3, 1, 2])
      await append(
        table,
        batchOfRows(orderFields, [
          order(id, id === 2 ? null : `n${id}`, BigInt(id)),
          order(id + 10, 'x', null),
        ]),
      );
    const result = await optimizeTable({ ...table, sortBy: ['id'] });
    assert.equal(result.kind === 'optimized' && result.addedCount, 1);
    assert.deepEqual(await rowsOf(table), [
      ...[1, 2, 3].map((id) => order(id, id === 2 ? null : `n${id}`, BigInt(id))),
      ...[11, 12, 13].map((id) => order(id, 'x', null)),
    ]);
    const stats = JSON.parse(await statsOfLastAdd(table));
    assert.deepEqual([stats.numRecords, stats.maxValues.customer.name, stats.nullCount.total], [6, 'x', 3]);
  });

  it('is not sorted by a nested column or a decimal', async () => {
    const table = setUp();
    for (const id of [1, 2])
      await append(table, batchOfRows(orderFields, [order(id, 'a', 1n), order(id, 'b', 2n)]));
    for (const name of ['customer', 'total', 'labels'])
      await assert.rejects(optimizeTable({ ...table, sortBy: [name] }), {
        code: 'DELTA_SCHEMA_MISMATCH',
        message: /sorted by/,
      });
  });

  it('loses the rows that a delete matches, and no others', async () => {
    const table = setUp();
    await append(
      table,
      batchOfRows(orderFields, [order(1, 'a', 1n), order(2, null, null), order(3, 'c', 3n)]),
    );
    await append(table, batchOfRows(orderFields, [order(4, 'd', 4n)]));
    const result = await deleteRows({
      ...table,
      predicate: {
        description: 'id in (1, 3)',
        columns: ['id'],
        matches: ({ columns }, row) => [1, 3].includes(Number(columns[0]!.values[row])),
      },
    });
    assert.equal(result.kind === 'deleted' && result.deletedRowCount, 2);
    const left = (await rowsOf(table)).sort(([one], [other]) => Number(one) - Number(other));
    assert.deepEqual(left, [order(2, null, null), order(4, 'd', 4n)]);
  });

  it('loses the rows that a condition on a field of a struct or a decimal names, by statistics where it can', async () => {
    const table = setUp();
    for (const [id, name, total] of [
      [1, 'a', 100n],
      [2, 'b', 250n],
      [3, null, null],
    ] as const)
      await append(table, batchOfRows(orderFields, [order(id, name, total), order(id + 10, 'x', 999n)]));
    const deleteWhere = async (text: string) => {
      const predicate = parseRowPredicate(text, (await openTable(table)).snapshot);
      return [await planDelete({ ...table, predicate }), await deleteRows({ ...table, predicate })] as const;
    };
    const [plan, result] = await deleteWhere("customer.name = 'a'");
    assert.equal(plan.readFileCount, 1, 'the statistics of the others rule it out');
    assert.equal(result.kind === 'deleted' && result.deletedRowCount, 1);
    await deleteWhere('total BETWEEN 2.5 AND 2.51 OR customer.name IS NULL');
    const ids = (await rowsOf(table)).map(([id]) => Number(id)).sort((left, right) => left - right);
    assert.deepEqual(ids, [11, 12, 13]);
  });

  it('shows its rows in columns of primitive types, nested ones as JSON', async () => {
    const table = setUp();
    await append(table, batchOfRows(orderFields, [order(1, 'a', 100n), order(2, null, null)]));
    const { snapshot } = await openTable(table);
    for await (const { fields, columns } of readRows({ ...table, snapshot })) {
      assert.deepEqual(
        fields.map(({ name, type }) => [name, type]),
        orderFields.map(({ name, type }) => [name, name === 'id' ? type : 'string']),
      );
      const texts = columns
        .slice(1)
        .map((column) => (column.kind === 'text' ? column.values[0] : column.kind));
      const [customer, items, labels, total] = texts;
      assert.equal(JSON.parse(String(customer)).name, 'a');
      assert.ok(Array.isArray(JSON.parse(String(items))));
      assert.equal(typeof JSON.parse(String(labels)), 'object');
      assert.equal(total, '1.00');
      assert.equal(columns[4]?.kind === 'text' && columns[4].values[1], null);
    }
  });

  it('keeps its rows through random appends, deletes and compactions (25 seeds)', async () => {
    for (let seed = 0; seed < 25; seed++) {
      const random = seededRandom(seed);
      const limits = { depth: 3, requiredShare: 0.2, keys: ['string', 'long'] as const };
      const fields = [
        required('id', 'integer'),
        ...[0, 1].map((index) => nullable(`column${index}`, randomType(random, limits))),
      ];
      const table = { ...setUp(fields), random };
      let expected: unknown[][] = [];
      for (let step = 0; step < 4; step++) {
        const rows = Array.from({ length: 1 + Math.floor(random.next() * 12) }, () =>
          fields.map((field, index) =>
            index === 0 ? Math.floor(random.next() * 100) : randomOf(field, random),
          ),
        );
        await append(table, batchOfRows(fields, rows));
        expected.push(...rows);
        const limit = Math.floor(random.next() * 40);
        await deleteRows({
          ...table,
          predicate: {
            description: `id < ${limit}`,
            columns: ['id'],
            matches: ({ columns }, row) => Number(columns[0]!.values[row]) < limit,
          },
        });
        expected = expected.filter(([id]) => Number(id) >= limit);
        if (step % 2 === 1) await optimizeTable({ ...table, sortBy: ['id'] });
      }
      const inOrder = (rows: unknown[][]) => rows.map(textOf).sort();
      assert.deepEqual(inOrder(await rowsOf(table)), inOrder(expected), `seed ${seed}`);
    }
  });

  it('keeps out the rows of deletion vectors when it is compacted', async () => {
    const table = setUp();
    await append(
      table,
      batchOfRows(
        orderFields,
        [1, 2, 3, 4].map((id) => order(id, `n${id}`, 1n)),
      ),
    );
    await append(table, batchOfRows(orderFields, [order(5, null, 2n)]));
    await deleteByVector(table, [0, 2]);
    const result = await optimizeTable({ ...table, sortBy: ['id'] });
    assert.equal(result.kind === 'optimized' && result.rowCount, 3);
    assert.deepEqual(await rowsOf(table), [order(2, 'n2', 1n), order(4, 'n4', 1n), order(5, null, 2n)]);
  });
});

function textOf(row: unknown): string {
  return JSON.stringify(row, (_, value) =>
    typeof value === 'bigint'
      ? `${value}n`
      : typeof value === 'number'
        ? String(Object.is(value, -0) ? '-0' : value)
        : value,
  );
}

/** What another engine's DELETE commits for the oldest file. */
async function deleteByVector(table: Table, rows: readonly number[]): Promise<void> {
  const { snapshot } = await openTable(table);
  const [add] = snapshot.files.values();
  const bytes = vectorBytes(rows, false);
  const deletionVector = {
    storageType: 'i',
    pathOrInlineDv: encodeZ85(bytes),
    sizeInBytes: bytes.length,
    cardinality: rows.length,
  };
  const features = ['deletionVectors'];
  await putCommitLines(table.store, root, snapshot.version + 1, [
    {
      protocol: {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: features,
        writerFeatures: [...features, 'appendOnly', 'invariants'],
      },
    },
    { remove: { path: add!.path, dataChange: true, deletionTimestamp: 1 } },
    { add: { ...add, deletionVector } },
  ]);
}
