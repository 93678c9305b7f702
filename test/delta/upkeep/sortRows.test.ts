// Rows sorted by columns.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sortRows } from '../../../shared/delta/upkeep/sortRows.js';
import type { ColumnBatch, ColumnType, ColumnValues } from '../../../shared/parquet/index.js';

function batchOf(type: ColumnType, column: ColumnValues, rowCount: number): ColumnBatch {
  return {
    rowCount,
    fields: [
      { name: 'key', type, nullable: true },
      { name: 'row', type: 'integer', nullable: false },
    ],
    columns: [column, { kind: 'numbers', values: Int32Array.from({ length: rowCount }, (_, row) => row) }],
  };
}

const orderOf = (batch: ColumnBatch) => [...sortRows(batch, ['KEY']).columns[1]!.values].map(Number);

describe('sorted rows', () => {
  for (const [what, type, column, expected] of [
    [
      'numbers, nulls first',
      'double',
      { kind: 'numbers', values: Float64Array.of(3, 9, -1, 0), validity: Uint8Array.of(1, 0, 1, 1) },
      [1, 2, 3, 0],
    ],
    [
      'infinities and NaN last',
      'double',
      {
        kind: 'numbers',
        values: Float64Array.of(Number.NaN, 1, Infinity, -Infinity, 0),
        validity: Uint8Array.of(1, 1, 1, 1, 0),
      },
      [4, 3, 1, 2, 0],
    ],
    [
      'integers beyond 2^53',
      'long',
      { kind: 'numbers', values: BigInt64Array.of(2n ** 60n, 1n, 2n ** 60n - 1n) },
      [1, 2, 0],
    ],
    [
      'text by code points',
      'string',
      { kind: 'text', values: ['\u{1F600}', '\uE000', null, 'a', ''] },
      [2, 4, 3, 1, 0],
    ],
    [
      'bytes',
      'binary',
      { kind: 'bytes', values: [Uint8Array.of(200), null, Uint8Array.of(7, 1), Uint8Array.of(7)] },
      [1, 3, 2, 0],
    ],
    ['ties in their order', 'boolean', { kind: 'numbers', values: Uint8Array.of(1, 0, 1, 0) }, [1, 3, 0, 2]],
  ] as const satisfies readonly (readonly [string, ColumnType, ColumnValues, number[]])[]) {
    it(`${what}`, () => assert.deepEqual(orderOf(batchOf(type, column, expected.length)), expected));
  }

  it('take their nulls along', () => {
    const batch = batchOf(
      'double',
      { kind: 'numbers', values: Float64Array.of(3, 9, 1), validity: Uint8Array.of(1, 0, 1) },
      3,
    );
    const [key] = sortRows(batch, ['key']).columns;
    assert.deepEqual(key?.kind === 'numbers' && [...(key.validity ?? [])], [0, 1, 1]);
  });

  it('go by the first column, then by the next', () => {
    const batch: ColumnBatch = {
      rowCount: 4,
      fields: [
        { name: 'device', type: 'string', nullable: false },
        { name: 'time', type: 'timestamp', nullable: false },
      ],
      columns: [
        { kind: 'text', values: ['b', 'a', 'b', 'a'] },
        { kind: 'numbers', values: Float64Array.of(1, 4, 0, 3) },
      ],
    };
    const sorted = sortRows(batch, ['device', 'time']);
    assert.deepEqual(sorted.columns[0]!.values, ['a', 'a', 'b', 'b']);
    assert.deepEqual([...sorted.columns[1]!.values], [3, 4, 0, 1]);
  });

  it('need columns that are there', () => {
    const batch = batchOf('string', { kind: 'text', values: ['a'] }, 1);
    assert.throws(() => sortRows(batch, ['device']), {
      code: 'DELTA_SCHEMA_MISMATCH',
      message: /"device".*key, row/,
    });
  });
});
