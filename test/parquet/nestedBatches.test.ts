// Batches with nested columns cut, joined and picked from: the same rows as with arrays of rows.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom } from '../../shared/base/index.js';
import {
  concatBatches,
  type DataField,
  type DataType,
  encodeParquet,
  readParquet,
  selectRows,
  sliceBatch,
} from '../../shared/parquet/index.js';
import { batchOfRows, plainRows, randomOf, randomType } from './nestedValues.js';

const limits = { depth: 3, requiredShare: 0.2, keys: ['string', 'long', 'integer'] as const };

function randomFields(random: Random): DataField[] {
  return Array.from({ length: 2 }, (_, index) => ({
    name: `c${index}`,
    type: randomType(random, limits),
    nullable: true,
  }));
}

function randomRows(fields: readonly DataField[], random: Random): unknown[][] {
  return Array.from({ length: Math.floor(random.next() * 20) }, () =>
    fields.map((field) => randomOf(field, random)),
  );
}

describe('a batch with nested columns', () => {
  it('is cut at any two rows, and can be written then (100 seeds)', async () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = seededRandom(seed);
      const fields = randomFields(random);
      const rows = randomRows(fields, random);
      const from = Math.floor(random.next() * (rows.length + 1));
      const to = from + Math.floor(random.next() * (rows.length + 1 - from));
      const cut = sliceBatch(batchOfRows(fields, rows), from, to);
      assert.deepEqual(plainRows(cut), rows.slice(from, to), `seed ${seed}`);
      const { bytes } = encodeParquet(cut);
      assert.deepEqual(plainRows(await readParquet(bytes, { allTypes: true })), rows.slice(from, to));
      const again = sliceBatch(cut, 1, cut.rowCount);
      assert.deepEqual(plainRows(again), rows.slice(from, to).slice(1), `seed ${seed}, cut twice`);
    }
  });

  it('is joined with others, and its rows picked in any order (100 seeds)', () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = seededRandom(seed);
      const fields = randomFields(random);
      const parts = Array.from({ length: 3 }, () => randomRows(fields, random));
      const rows = parts.flat();
      const joined = concatBatches(
        parts.map((part) => batchOfRows(fields, part)),
        fields,
      );
      assert.deepEqual(plainRows(joined), rows, `seed ${seed}`);
      const order = Int32Array.from({ length: rows.length }, () => Math.floor(random.next() * rows.length));
      assert.deepEqual(
        plainRows(selectRows(joined, order)),
        Array.from(order, (row) => rows[row]),
        `seed ${seed}, picked`,
      );
    }
  });

  it('is joined by the names of columns: missing ones are null, others are dropped', () => {
    const list: DataType = { kind: 'list', element: { name: 'element', type: 'long', nullable: true } };
    const price: DataType = { kind: 'decimal', precision: 20, scale: 2 };
    const of = (name: string, type: DataType): DataField => ({ name, type, nullable: true });
    const one = batchOfRows([of('a', list), of('x', 'string')], [[[1n], 'dropped']]);
    const other = batchOfRows([of('b', price)], [[10n ** 19n], [null]]);
    const joined = concatBatches([one, other], [of('b', price), of('a', list)]);
    assert.deepEqual(plainRows(joined), [
      [null, [1n]],
      [10n ** 19n, null],
      [null, null],
    ]);
  });

  it('keeps decimals that are narrow in one part and wide in another', () => {
    const fields: DataField[] = [
      { name: 'v', type: { kind: 'decimal', precision: 18, scale: 0 }, nullable: true },
    ];
    const parts = [Int32Array.of(7), Float64Array.of(2 ** 50), BigInt64Array.of(10n ** 17n), [5n]];
    const batches = parts.map((values) => ({
      rowCount: 1,
      fields,
      columns: [{ kind: 'decimals' as const, values }],
    }));
    for (let count = 2; count <= parts.length; count++) {
      const joined = concatBatches(batches.slice(0, count), fields);
      assert.deepEqual(plainRows(joined), [[7n], [2n ** 50n], [10n ** 17n], [5n]].slice(0, count));
    }
  });

  it('is not joined with one whose column has another type inside', () => {
    const of = (type: DataType): DataField => ({ name: 'v', type, nullable: true });
    const listOf = (type: DataType): DataType => ({ kind: 'list', element: of(type) });
    const batch = batchOfRows([of(listOf('long'))], [[[1n]]]);
    for (const type of [listOf('integer'), listOf(listOf('long')), 'long'] as const)
      assert.throws(() => concatBatches([batch], [of(type)]), {
        code: 'PARQUET_INVALID',
        message: /"v" is list/,
      });
  });
});
