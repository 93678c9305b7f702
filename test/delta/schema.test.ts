// What a batch must look like to go into a table.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alignBatch, columnsOf, parseTableSchema } from '../../shared/delta/schema.js';
import {
  type ColumnBatch,
  type ColumnType,
  type ColumnValues,
  nullValues,
} from '../../shared/parquet/index.js';

const tableSchema = parseTableSchema(
  JSON.stringify({
    type: 'struct',
    fields: [
      { name: 'Device_Id', type: 'string', nullable: false, metadata: {} },
      { name: 'value', type: 'double', nullable: true, metadata: {} },
      { name: 'shape', type: 'variant', nullable: true, metadata: {} },
      {
        name: 'parts',
        type: { type: 'array', elementType: { type: 'struct', fields: [{ name: 'v', type: 'variant' }] } },
        nullable: true,
        metadata: {},
      },
      { name: 'count', type: 'long', nullable: false, metadata: {} },
    ],
  }),
);

type Column = readonly [name: string, type: ColumnType, values: ColumnValues, nullable?: boolean];

function batchOf(...columns: readonly Column[]): ColumnBatch {
  return {
    rowCount: 2,
    fields: columns.map(([name, type, , nullable = true]) => ({ name, type, nullable })),
    columns: columns.map(([, , values]) => values),
  };
}

const ids: Column = ['device_id', 'string', { kind: 'text', values: ['a', 'b'] }];
const values: Column = ['value', 'double', { kind: 'numbers', values: Float64Array.of(1, 2) }];
const counts: Column = ['count', 'long', { kind: 'numbers', values: Float64Array.of(3, 4) }];

function problemsOf(batch: ColumnBatch): readonly string[] {
  const alignment = alignBatch(batch, tableSchema);
  return alignment.kind === 'mismatch' ? alignment.problems : [];
}

describe('a batch that fits', () => {
  it('gets the order and the spelling of the table', () => {
    const alignment = alignBatch(batchOf(counts, values, ['DEVICE_ID', 'string', ids[2]]), tableSchema);
    assert.deepEqual(alignment, {
      kind: 'aligned',
      batch: {
        rowCount: 2,
        fields: [
          { name: 'Device_Id', type: 'string', nullable: false },
          { name: 'value', type: 'double', nullable: true },
          { name: 'count', type: 'long', nullable: false },
        ],
        columns: [ids[2], values[2], counts[2]],
      },
    });
  });

  it('gets nulls for columns that it lacks', () => {
    const alignment = alignBatch(batchOf(ids, counts), tableSchema);
    assert.equal(alignment.kind, 'aligned');
    assert.deepEqual(alignment.batch.columns[1], {
      kind: 'numbers',
      values: new Float64Array(2),
      validity: new Uint8Array(2),
    });
  });

  it('may have nulls beyond its last row', () => {
    const long: Column = [
      'count',
      'long',
      { kind: 'numbers', values: new Float64Array(4), validity: Uint8Array.of(1, 1, 0, 0) },
    ];
    const longText: Column = ['device_id', 'string', { kind: 'text', values: ['a', 'b', null] }];
    assert.deepEqual(problemsOf(batchOf(longText, long)), []);
  });
});

describe('a batch that does not fit', () => {
  it('names columns that the table lacks', () => {
    assert.deepEqual(
      problemsOf(batchOf(ids, counts, ['extra', 'long', counts[2]], ['more', 'long', counts[2]])),
      ['column "extra" is not in the table', 'column "more" is not in the table'],
    );
  });

  it('names columns of another type', () => {
    assert.deepEqual(
      problemsOf(batchOf(ids, ['value', 'float', values[2]], ['COUNT', 'integer', counts[2]])),
      [
        'column "value" has the type float; in the table it is double',
        'column "COUNT" has the type integer; in the table it is long',
      ],
    );
  });

  it('names nulls, and their first row, in columns that may have none', () => {
    const withNull: Column = ['device_id', 'string', { kind: 'text', values: ['a', null] }];
    const invalid: Column = [
      'count',
      'long',
      { kind: 'numbers', values: new Float64Array(2), validity: Uint8Array.of(0, 1) },
    ];
    assert.deepEqual(problemsOf(batchOf(withNull, invalid)), [
      'column "device_id" may not be null, but is in row 1',
      'column "count" may not be null, but is in row 0',
    ]);
  });

  it('names missing columns that may not be null', () => {
    assert.deepEqual(problemsOf(batchOf(values)), [
      'column "Device_Id" is missing and may not be null',
      'column "count" is missing and may not be null',
    ]);
  });

  it('names columns that are there twice, in any spelling', () => {
    assert.deepEqual(problemsOf(batchOf(ids, counts, ['Count', 'long', counts[2]])), [
      'column "Count" is there twice',
    ]);
  });

  it('names columns whose type cannot be written', () => {
    assert.deepEqual(problemsOf(batchOf(ids, counts, ['shape', 'double', values[2]])), [
      'column "shape" has the type variant in the table, which cannot be written',
    ]);
  });
});

describe('a schema', () => {
  it('of another writer may hold types that cannot be written, at any depth', () => {
    assert.deepEqual(
      columnsOf(tableSchema).map(({ name }) => name),
      ['Device_Id', 'value', 'count'],
    );
  });

  for (const text of [
    '',
    'null',
    '[]',
    '{"type":"array"}',
    '{"type":"struct","fields":[{}]}',
    '{"type":"struct"}',
  ]) {
    it(`is damaged when it is ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseTableSchema(text), { code: 'DELTA_LOG_CORRUPT' });
    });
  }

  it('has a column of nulls in the form of each type', () => {
    const forms: readonly [ColumnType, string][] = [
      ['string', 'Array'],
      ['binary', 'Array'],
      ['boolean', 'Uint8Array'],
      ['byte', 'Int32Array'],
      ['short', 'Int32Array'],
      ['integer', 'Int32Array'],
      ['date', 'Int32Array'],
      ['long', 'Float64Array'],
      ['float', 'Float64Array'],
      ['double', 'Float64Array'],
      ['timestamp', 'Float64Array'],
      ['timestamp_ntz', 'Float64Array'],
    ];
    for (const [type, form] of forms) {
      const column = nullValues(type, 2);
      assert.equal(column.values.constructor.name, form, type);
      assert.equal(column.values.length, 2);
      if (column.kind === 'numbers') assert.deepEqual(column.validity, new Uint8Array(2));
      else assert.deepEqual(column.values, [null, null]);
    }
  });
});
