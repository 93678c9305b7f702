// Unit: nested batches built entry by entry.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataBatchBuilder, type DataField, type DataType } from '../../shared/parquet/index.js';
import { appendAny, plainRows } from './nestedValues.js';

const field = (name: string, type: DataType): DataField => ({ name, type, nullable: true });

function builtOf(type: DataType, values: readonly unknown[]): DataBatchBuilder {
  const builder = new DataBatchBuilder([field('v', type)]);
  for (const value of values) {
    appendAny(builder.columns[0]!, value);
    builder.endRow();
  }
  return builder;
}

const element = field('element', 'integer');
const list: DataType = { kind: 'list', element };
const struct: DataType = { kind: 'struct', fields: [field('a', 'string'), field('b', list)] };
const map: DataType = {
  kind: 'map',
  key: { name: 'key', type: 'string', nullable: false },
  value: field('value', struct),
};

describe('a builder of nested batches', () => {
  const cases: readonly [name: string, type: DataType, values: readonly unknown[]][] = [
    ['text', 'string', ['a', null, '']],
    ['bytes', 'binary', [null, Uint8Array.of(1)]],
    [
      'numbers beyond the first capacity',
      'integer',
      Array.from({ length: 40 }, (_, row) => (row % 3 ? row : null)),
    ],
    ['longs that come to need 64 bits', 'long', [1n, null, 2n ** 63n - 1n, -5n, null]],
    [
      'decimals that come to need 128 bits',
      { kind: 'decimal', precision: 38, scale: 2 },
      [1n, null, 10n ** 37n, -1n],
    ],
    [
      'lists: null, empty, of nulls',
      list,
      [null, [], [null], [1, 2], ...Array.from({ length: 20 }, (_, row) => [row])],
    ],
    ['structs: null, of nulls', struct, [null, [null, null], ['x', [1]], ['y', []]]],
    [
      'maps of structs',
      map,
      [
        null,
        [],
        [['k', null]],
        [
          ['k', ['x', [1, null]]],
          ['l', [null, null]],
        ],
      ],
    ],
  ];
  for (const [name, type, values] of cases) {
    it(`gives back ${name}, and again after a reset`, () => {
      const builder = builtOf(type, values);
      const expected = values.map((value) => [value]);
      assert.deepEqual(plainRows(builder.finish()), expected);
      builder.reset();
      assert.equal(builder.finish().rowCount, 0);
      for (const value of values) {
        appendAny(builder.columns[0]!, value);
        builder.endRow();
      }
      assert.deepEqual(plainRows(builder.finish()), expected);
    });
  }

  it('gives null where a column or a field of a struct got nothing', () => {
    const builder = new DataBatchBuilder([field('s', struct), field('n', 'double')]);
    const [column] = builder.columns;
    assert.ok(column?.kind === 'struct');
    appendAny(column.children[0]!, 'x');
    column.end();
    builder.endRow();
    builder.endRow();
    assert.deepEqual(plainRows(builder.finish()), [
      [['x', null], null],
      [null, null],
    ]);
  });

  it('forgets a discarded row with all its parts', () => {
    const builder = builtOf(map, [[['k', ['x', [1, 2]]]]]);
    const [column] = builder.columns;
    assert.ok(column?.kind === 'map' && column.values.kind === 'struct');
    appendAny(column.keys, 'half');
    appendAny(column.values.children[1]!, [7, 8]);
    builder.discardRow();
    appendAny(column, [['l', ['y', [3]]]]);
    builder.endRow();
    assert.deepEqual(plainRows(builder.finish()), [[[['k', ['x', [1, 2]]]]], [[['l', ['y', [3]]]]]]);
  });

  it('replaces an entry that was not ended when it becomes null', () => {
    const builder = builtOf(list, []);
    const [column] = builder.columns;
    assert.ok(column?.kind === 'list');
    appendAny(column.element, 1);
    column.appendNull();
    builder.endRow();
    assert.deepEqual(plainRows(builder.finish()), [[null]]);
    assert.equal(column.element.count, 0);
  });

  it('refuses numbers that the type cannot hold', () => {
    const refused: readonly [DataType, number | bigint][] = [
      ['byte', 128],
      ['integer', 2 ** 31],
      ['integer', 1.5],
      ['boolean', 2],
      ['long', 2 ** 53],
      ['long', 2n ** 63n],
      ['double', 2n ** 60n],
      ['long', Number.NaN],
      [{ kind: 'decimal', precision: 4, scale: 2 }, 10_000],
      [{ kind: 'decimal', precision: 20, scale: 2 }, -(10n ** 20n)],
      [{ kind: 'decimal', precision: 20, scale: 2 }, 0.5],
    ];
    for (const [type, value] of refused) {
      assert.throws(
        () => builtOf(type, [value]),
        { code: 'PARQUET_INVALID' },
        `${JSON.stringify(type)} ${value}`,
      );
    }
  });

  it('refuses rows with two entries, and maps with more keys than values', () => {
    const builder = builtOf('integer', []);
    appendAny(builder.columns[0]!, 1);
    appendAny(builder.columns[0]!, 2);
    assert.throws(() => builder.endRow(), { code: 'PARQUET_INVALID' });
    const maps = builtOf(map, []);
    const [column] = maps.columns;
    assert.ok(column?.kind === 'map');
    appendAny(column.keys, 'k');
    assert.throws(() => column.end(), { code: 'PARQUET_INVALID' });
  });
});
