// Batches cut, joined and built row by row.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import {
  BatchBuilder,
  type ColumnBatch,
  type ColumnField,
  concatBatches,
  encodeParquet,
  readParquet,
  sliceBatch,
} from '../../shared/parquet/index.js';
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

const random = seededRandom(51);
const columns = allTypes.map((type) =>
  randomColumn(field(type, type), random, {
    rowCount: 40,
    nullShare: 0.3,
    distinct: Number.POSITIVE_INFINITY,
  }),
);
const batch = batchOf(columns);
const expected = plainColumns(batch);

function rowsOf(values: readonly (readonly Plain[])[], start: number, end: number): Plain[][] {
  return values.map((column) => column.slice(start, end));
}

describe('a slice of a batch', () => {
  it('holds the rows asked for, clamped to the batch', () => {
    for (const [start, end, from, to] of [
      [0, 40, 0, 40],
      [5, 17, 5, 17],
      [39, 100, 39, 40],
      [-3, 2, 0, 2],
      [40, 50, 40, 40],
      [9, 4, 4, 4],
    ] as const) {
      const slice = sliceBatch(batch, start, end);
      assert.equal(slice.rowCount, to - from);
      assertColumnsEqual(plainColumns(slice), rowsOf(expected, from, to), `${start} to ${end}`);
    }
  });

  it('shares the memory of numbers', () => {
    const original = Float64Array.of(1, 2, 3);
    const whole: ColumnBatch = {
      rowCount: 3,
      fields: [field('v', 'double')],
      columns: [{ kind: 'numbers', values: original, validity: Uint8Array.of(1, 0, 1) }],
    };
    const [column] = sliceBatch(whole, 1, 3).columns;
    assert.ok(column?.kind === 'numbers');
    assert.equal(column.values.buffer, original.buffer);
    assert.deepEqual(column.validity, Uint8Array.of(0, 1));
  });

  it('can be encoded', async () => {
    const { bytes } = encodeParquet(sliceBatch(batch, 7, 31));
    assertColumnsEqual(
      plainColumns(await readParquet(bytes)),
      rowsOf(expectedColumns(columns), 7, 31),
      'encoded slice',
    );
  });
});

describe('joined batches', () => {
  it('hold all rows in order', () => {
    const parts = [sliceBatch(batch, 0, 11), sliceBatch(batch, 11, 11), sliceBatch(batch, 11, 40)];
    const joined = concatBatches(parts, batch.fields);
    assert.equal(joined.rowCount, 40);
    assertColumnsEqual(plainColumns(joined), expected, 'joined');
  });

  it('take the shape asked for: order, missing columns as null, others dropped', () => {
    const first = batchOf([
      { field: field('a', 'integer'), values: [1, 2] },
      { field: field('b', 'string'), values: ['x', 'y'] },
    ]);
    const second = batchOf([{ field: field('c', 'double'), values: [0.5] }]);
    const third = batchOf([{ field: field('b', 'string'), values: ['z'] }]);
    const fields = [field('c', 'double'), field('b', 'string'), field('d', 'binary')];
    const joined = concatBatches([first, second, third], fields);
    assert.deepEqual(joined.fields, fields);
    assert.deepEqual(plainColumns(joined), [
      [null, null, 0.5, null],
      ['x', 'y', null, 'z'],
      [null, null, null, null],
    ]);
  });

  it('have 64-bit integers when one of them has', () => {
    const small = batchOf([{ field: field('v', 'long'), values: [1n, null] }]);
    const large = batchOf([{ field: field('v', 'long'), values: [2n ** 60n + 1n] }]);
    const joined = concatBatches([small, large], small.fields);
    assert.deepEqual(plainColumns(joined), [[1n, null, 2n ** 60n + 1n]]);
  });

  it('ignore what lies behind rowCount', () => {
    const long = { ...batchOf([{ field: field('v', 'string'), values: ['a', 'b', 'c'] }]), rowCount: 2 };
    assert.deepEqual(plainColumns(concatBatches([long, long], long.fields)), [['a', 'b', 'a', 'b']]);
  });

  it('of no batches are empty', () => {
    const joined = concatBatches([], batch.fields);
    assert.equal(joined.rowCount, 0);
    assert.equal(plainColumns(joined).flat().length, 0);
  });

  it('refuse a column of another type, and a required column that is missing', () => {
    const text = batchOf([{ field: field('v', 'string'), values: ['a'] }]);
    const isInvalid = (message: RegExp) => (error: unknown) =>
      error instanceof TributaryError && error.code === 'PARQUET_INVALID' && message.test(error.message);
    assert.throws(
      () => concatBatches([text], [field('v', 'long')]),
      isInvalid(/"v" is string .* but long is asked for/),
    );
    assert.throws(() => concatBatches([text], [field('w', 'long', false)]), isInvalid(/required column "w"/));
  });
});

describe('a batch builder', () => {
  const fields: readonly ColumnField[] = [
    field('device', 'string'),
    field('at', 'timestamp'),
    field('level', 'double'),
    field('count', 'integer'),
    field('on', 'boolean'),
    field('body', 'binary'),
    field('total', 'long'),
  ];

  function fillRow(builder: BatchBuilder, row: number): void {
    builder.setText(0, `device ${row}`);
    builder.setNumber(1, row * 1000);
    if (row % 2 === 0) builder.setNumber(2, row / 2);
    builder.setNumber(3, -row);
    if (row % 3 === 0) builder.setNumber(4, row % 2);
    if (row % 5 === 0) builder.setBytes(5, Uint8Array.of(row % 256));
    builder.setNumber(6, row);
    builder.endRow();
  }

  function expectedRows(rowCount: number): Plain[][] {
    const rows = Array.from({ length: rowCount }, (_, row) => row);
    return [
      rows.map((row) => `device ${row}`),
      rows.map((row) => BigInt(row * 1000)),
      rows.map((row) => (row % 2 === 0 ? row / 2 : null)),
      rows.map((row) => (row === 0 ? -0 : -row) + 0),
      rows.map((row) => (row % 3 === 0 ? row % 2 === 1 : null)),
      rows.map((row) => (row % 5 === 0 ? Buffer.of(row % 256).toString('hex') : null)),
      rows.map((row) => BigInt(row)),
    ];
  }

  it('gives the rows that were set, null where nothing was, beyond its first capacity', () => {
    const builder = new BatchBuilder(fields, 4);
    for (const rowCount of [0, 1, 4, 5, 100]) {
      while (builder.rowCount < rowCount) fillRow(builder, builder.rowCount);
      const built = builder.finish();
      assert.equal(built.rowCount, rowCount);
      assert.deepEqual(built.fields, fields);
      assertColumnsEqual(plainColumns(built), expectedRows(rowCount), `${rowCount} rows`);
    }
  });

  it('starts again after reset without remnants, even of an unfinished row', () => {
    const builder = new BatchBuilder(fields, 2);
    for (let row = 0; row < 50; row++) fillRow(builder, row);
    for (let column = 0; column < fields.length; column++) {
      if (column !== 0 && column !== 5) builder.setNumber(column, 1);
    }
    builder.setText(0, 'unfinished');
    builder.setBytes(5, Uint8Array.of(1));
    builder.reset();
    for (let row = 0; row < 60; row++) builder.endRow();
    const built = builder.finish();
    assert.equal(built.rowCount, 60);
    assert.deepEqual(
      plainColumns(built),
      fields.map(() => new Array(60).fill(null)),
    );
  });

  it('forgets a row that is discarded, and a cell that is taken back', () => {
    const builder = new BatchBuilder(fields);
    fillRow(builder, 0);
    builder.setText(0, 'bad');
    builder.setNumber(2, 7);
    builder.setBytes(5, Uint8Array.of(9));
    builder.discardRow();
    builder.setNumber(3, 5);
    builder.setNumber(6, 6);
    builder.setNull(6);
    builder.endRow();
    const built = plainColumns(builder.finish());
    assert.deepEqual(
      built.map((column) => column[1]),
      [null, null, null, 5, null, null, null],
    );
  });

  it('leaves out the validity of a column without nulls', () => {
    const builder = new BatchBuilder([field('a', 'double'), field('b', 'double')]);
    builder.setNumber(0, 1);
    builder.endRow();
    const [a, b] = builder.finish().columns;
    assert.ok(a?.kind === 'numbers' && b?.kind === 'numbers');
    assert.equal(a.validity, undefined);
    assert.equal(b.validity?.[0], 0);
  });

  it('takes integers beyond 2^53 among others, in any order', () => {
    const builder = new BatchBuilder([field('v', 'long')], 2);
    const values = [5n, 2n ** 62n + 1n, null, -7n, -(2n ** 63n), 9n];
    for (const value of values) {
      if (value !== null) {
        if (Number.isSafeInteger(Number(value))) builder.setNumber(0, Number(value));
        else builder.setBigInteger(0, value);
      }
      builder.endRow();
    }
    assert.deepEqual(plainColumns(builder.finish()), [values]);
    builder.reset();
    builder.setNumber(0, 3);
    builder.endRow();
    const [column] = builder.finish().columns;
    assert.ok(column?.kind === 'numbers' && column.values instanceof Float64Array);
    assert.throws(() => {
      builder.setBigInteger(0, 2n ** 60n);
      builder.setNumber(0, 0.5);
    }, /takes whole numbers, not 0.5/);
  });

  it('fills batches that come back from a file', async () => {
    const builder = new BatchBuilder(fields, 8);
    for (let row = 0; row < 300; row++) fillRow(builder, row);
    const { bytes } = encodeParquet(builder.finish());
    builder.reset(); // the file holds its own copy
    assertColumnsEqual(plainColumns(await readParquet(bytes)), expectedRows(300), 'built and encoded');
  });
});
