// What a wider schema adds to a table's schema, whatever the tree of types.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MergeOptions, mergeSchema, type SchemaField } from '../../shared/delta/mergeSchema.js';

function column(name: string, type: unknown, metadata: object = {}, nullable = true): SchemaField {
  return { name, type, nullable, metadata };
}

const struct = (...fields: SchemaField[]) => ({ type: 'struct', fields });
const list = (elementType: unknown, containsNull = true) => ({ type: 'array', elementType, containsNull });
const map = (keyType: unknown, valueType: unknown) => ({
  type: 'map',
  keyType,
  valueType,
  valueContainsNull: true,
});

function merge(current: SchemaField[], wanted: SchemaField[], options: Partial<MergeOptions> = {}) {
  return mergeSchema(current, wanted, {
    table: 't',
    allowTypeWidening: false,
    partitionColumns: [],
    ...options,
  });
}

const pathsOf = (merged: ReturnType<typeof merge>) => merged.addedColumns.map(({ path }) => path.join('.'));

describe('merging a schema', () => {
  it('gives back the same fields when nothing is new', () => {
    const current = [
      column('Id', 'long', { comment: 'x' }, false),
      column('place', struct(column('Height', 'double'))),
      column('tags', map('string', list('integer'))),
    ];
    const wanted = [
      column('TAGS', map('string', list('integer'))),
      column('PLACE', struct(column('height', 'double'))),
      column('id', 'long'),
    ];
    const merged = merge(current, wanted);
    assert.equal(merged.fields, current);
    assert.deepEqual([merged.addedColumns, merged.typeChanges], [[], []]);
  });

  it('adds columns at the end, nullable, and keeps all that is written about the others', () => {
    const current = [{ ...column('id', 'long', { comment: 'x', 'delta.identity.start': 1 }, false), odd: 1 }];
    const merged = merge(current, [column('b', 'string', { comment: 'new' }, false), column('ID', 'long')]);
    assert.deepEqual(merged.fields, [current[0], column('b', 'string', { comment: 'new' })]);
    assert.equal(merged.fields[0], current[0]);
    assert.deepEqual(pathsOf(merged), ['b']);
  });

  it('adds fields at the end of their struct, through lists and maps', () => {
    const merged = merge(
      [
        column('place', struct(column('height', 'double'))),
        column('visits', list(struct(column('at', 'timestamp')))),
        column('byName', map('string', struct(column('x', 'long')))),
      ],
      [
        column('byName', map('string', struct(column('y', 'long')))),
        column('visits', list(struct(column('by', 'string'), column('AT', 'timestamp')))),
        column('Place', struct(column('Depth', 'double', {}, false))),
      ],
    );
    assert.deepEqual(merged.fields, [
      column('place', struct(column('height', 'double'), column('Depth', 'double'))),
      column('visits', list(struct(column('at', 'timestamp'), column('by', 'string')))),
      column('byName', map('string', struct(column('x', 'long'), column('y', 'long')))),
    ]);
    assert.deepEqual(pathsOf(merged), ['byName.value.y', 'visits.element.by', 'place.Depth']);
  });

  it('makes new nested columns nullable in every part', () => {
    const wanted = column('a', list(struct(column('b', list('long', false), {}, false)), false), {}, false);
    assert.deepEqual(merge([], [wanted]).fields, [column('a', list(struct(column('b', list('long')))))]);
  });

  it('takes two wanted columns that differ in case for one', () => {
    assert.deepEqual(merge([], [column('a', 'long'), column('A', 'long')]).fields, [column('a', 'long')]);
    assert.throws(() => merge([], [column('a', 'long'), column('A', 'string')]), {
      code: 'DELTA_SCHEMA_MISMATCH',
    });
  });

  it('takes two spellings of a decimal for one type', () => {
    const current = [column('a', 'decimal(10,2)')];
    assert.equal(merge(current, [column('a', 'decimal(10, 2)')]).fields, current);
  });

  it('keeps a type that holds all values of the wanted one', () => {
    const current = [column('a', 'long'), column('b', 'double'), column('c', 'timestamp_ntz')];
    const wanted = [column('a', 'byte'), column('b', 'float'), column('c', 'date')];
    assert.equal(merge(current, wanted).fields, current);
  });

  const different: readonly [unknown, unknown, RegExp][] = [
    ['double', 'string', /"a" of table t is "double", but string is wanted/],
    ['integer', 'long', /"a" of table t is "integer", but long is wanted/],
    ['long', struct(column('x', 'long')), /"a" of table t is "long", but \{"type":"struct"/],
    [list('long'), map('long', 'long'), /"a" of table t is \{"type":"array".*but \{"type":"map"/],
    [struct(column('X', 'long')), struct(column('x', 'string')), /"a\.X" of table t is "long"/],
    [list(list('date')), list(list('string')), /"a\.element\.element" of table t is "date"/],
  ];
  for (const [current, wanted, message] of different) {
    it(`refuses ${JSON.stringify(wanted)} where ${JSON.stringify(current)} is`, () => {
      assert.throws(() => merge([column('a', current)], [column('a', wanted)]), {
        code: 'DELTA_SCHEMA_MISMATCH',
        message,
      });
    });
  }

  for (const name of ['', 'a b', 'a=b', 'x\n']) {
    it(`refuses a new column ${JSON.stringify(name)}, also inside a struct`, () => {
      for (const wanted of [column(name, 'long'), column('s', struct(column(name, 'long')))])
        assert.throws(() => merge([], [wanted]), { code: 'DELTA_SCHEMA_MISMATCH', message: /name/ });
    });
  }

  it('refuses a new struct with two fields of one name', () => {
    const twice = struct(column('x', 'long'), column('X', 'long'));
    assert.throws(() => merge([], [column('s', twice)]), { code: 'DELTA_SCHEMA_MISMATCH' });
  });
});

describe('merging a wider type', () => {
  const allowed: readonly [string, string][] = [
    ['byte', 'short'],
    ['short', 'integer'],
    ['byte', 'long'],
    ['integer', 'long'],
    ['integer', 'double'],
    ['float', 'double'],
    ['date', 'timestamp_ntz'],
    ['integer', 'decimal(12,2)'],
    ['long', 'decimal(20,0)'],
    ['decimal(10,2)', 'decimal(12, 4)'],
  ];
  for (const [from, to] of allowed) {
    it(`changes ${from} to ${to} and records it`, () => {
      const { fields, typeChanges } = merge([column('a', from)], [column('a', to)], {
        allowTypeWidening: true,
      });
      const recorded = { 'delta.typeChanges': [{ fromType: from, toType: to }] };
      assert.deepEqual(fields, [column('a', to, recorded)]);
      assert.deepEqual(typeChanges, [{ path: 'a', fromType: from, toType: to }]);
    });
  }

  const refused: readonly [string, string][] = [
    ['long', 'double'],
    ['long', 'decimal(19,0)'],
    ['integer', 'decimal(10,1)'],
    ['decimal(10,2)', 'decimal(11,4)'],
    ['decimal(10,0)', 'long'],
    ['integer', 'float'],
    ['date', 'timestamp'],
    ['timestamp_ntz', 'timestamp'],
    ['integer', 'string'],
    ['boolean', 'integer'],
  ];
  for (const [from, to] of refused) {
    it(`does not change ${from} to ${to}`, () => {
      assert.throws(() => merge([column('a', from)], [column('a', to)], { allowTypeWidening: true }), {
        code: 'DELTA_SCHEMA_MISMATCH',
      });
    });
  }

  it('records a change at the next field above it, with the path from there, after earlier ones', () => {
    const earlier = [{ fromType: 'byte', toType: 'short', fieldPath: 'element' }];
    const current = [
      column('a', list('short'), { comment: 'c', 'delta.typeChanges': earlier }),
      column('b', map('integer', list(struct(column('x', 'float'))))),
    ];
    const wanted = [
      column('a', list('integer')),
      column('b', map('long', list(struct(column('x', 'double'))))),
    ];
    assert.deepEqual(merge(current, wanted, { allowTypeWidening: true }).fields, [
      column('a', list('integer'), {
        comment: 'c',
        'delta.typeChanges': [...earlier, { fromType: 'short', toType: 'integer', fieldPath: 'element' }],
      }),
      column(
        'b',
        map(
          'long',
          list(
            struct(column('x', 'double', { 'delta.typeChanges': [{ fromType: 'float', toType: 'double' }] })),
          ),
        ),
        { 'delta.typeChanges': [{ fromType: 'integer', toType: 'long', fieldPath: 'key' }] },
      ),
    ]);
  });

  it('does not change a partition column', () => {
    const options = { allowTypeWidening: true, partitionColumns: ['A'] };
    assert.throws(() => merge([column('a', 'integer')], [column('a', 'long')], options), {
      code: 'DELTA_SCHEMA_MISMATCH',
    });
  });
});
