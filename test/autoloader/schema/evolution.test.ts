// Each evolution mode against each kind of change (semantics of Auto Loader's schema evolution).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExactNumber, type FileObject } from '../../../shared/autoloader/formats/index.js';
import {
  evolveSchema,
  lineageFields,
  newColumns,
  parseHintType,
  RecordShape,
  RecordWriter,
} from '../../../shared/autoloader/schema/index.js';
import type { DataBatch, DataField, DataType, DataValues } from '../../../shared/parquet/index.js';
import type { SchemaEvolutionMode } from '../../../shared/pipeline/index.js';

const modes: readonly SchemaEvolutionMode[] = [
  'addNewColumns',
  'addNewColumnsWithTypeWidening',
  'rescue',
  'failOnNewColumns',
  'none',
];

const file = { path: 'in/a.json', modifiedMs: 1_700_000_000_000, ingestTimeMs: 1_700_000_100_000 };

function evolve(
  known: readonly DataField[] | undefined,
  records: readonly FileObject[],
  mode: SchemaEvolutionMode,
) {
  const shape = new RecordShape(false);
  for (const record of records) shape.observe(record);
  return evolveSchema({ known, observed: shape.root, hints: new Map(), mode, inferColumnTypes: true });
}

const first = [{ id: 'a', n: 1, x: 1.5, place: { lat: 50.5 } }];
const known = evolve(undefined, first, 'rescue').fields;

function isStruct(type: DataType): type is Extract<DataType, { readonly kind: 'struct' }> {
  return typeof type === 'object' && type.kind === 'struct';
}

/** The rows that records become in a table with these fields, as plain values. */
function rowsOf(fields: readonly DataField[], records: readonly FileObject[], mode: SchemaEvolutionMode) {
  const writer = new RecordWriter({ fields: [...fields, ...lineageFields], rename: {}, mode });
  for (const [row, record] of records.entries()) writer.append(record, file, row);
  return plainRows(writer.finish());
}

function plainRows(batch: DataBatch): Record<string, unknown>[] {
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const entries = batch.fields.map(({ name }, index) => [name, plain(batch.columns[index]!, row)]);
    return Object.fromEntries(entries) as Record<string, unknown>;
  });
}

function plain(values: DataValues, row: number): unknown {
  if ('validity' in values && values.validity?.[row] === 0) return null;
  switch (values.kind) {
    case 'text':
    case 'bytes':
      return values.values[row];
    case 'numbers':
    case 'decimals':
      return values.values[row];
    case 'struct':
      return values.children.map((child) => plain(child, row));
    case 'list': {
      const [start = 0, end = 0] = values.offsets.subarray(row, row + 2);
      return Array.from({ length: end - start }, (_, at) => plain(values.element, start + at));
    }
    default:
      return null;
  }
}

const rescuedOf = (row: Record<string, unknown> | undefined): unknown => {
  const text = row?._rescued_data;
  if (typeof text !== 'string') return text;
  const { _file_path, ...rest } = JSON.parse(text) as Record<string, unknown>;
  assert.equal(_file_path, file.path);
  return rest;
};

const typeOf = (fields: readonly DataField[], name: string) =>
  fields.find((field) => field.name === name)?.type;

describe('the first schema', () => {
  it('takes every field in every mode', () => {
    for (const mode of modes) {
      const { fields, added } = evolve(undefined, first, mode);
      assert.deepEqual(
        fields.map(({ name, type }) => [name, type]),
        [
          ['id', 'string'],
          ['n', 'long'],
          ['x', 'double'],
          ['place', { kind: 'struct', fields: [{ name: 'lat', type: 'double', nullable: true }] }],
        ],
        mode,
      );
      assert.equal(added.length, 4);
    }
  });

  it('takes the widest type of conflicting values, and text where there is none', () => {
    const { fields } = evolve(
      undefined,
      [
        { number: 1, mixed: 1, list: [1], deep: { a: 1 }, whole: new ExactNumber('9007199254740993') },
        { number: 2.5, mixed: 'x', list: [2.5, null], deep: { a: 2, b: true }, whole: 1 },
        { number: null, mixed: null, list: [], deep: { c: null }, whole: null },
      ],
      'addNewColumns',
    );
    const types = Object.fromEntries(fields.map(({ name, type }) => [name, type]));
    assert.equal(types.number, 'double');
    assert.equal(types.mixed, 'string');
    assert.equal(types.whole, 'long');
    assert.deepEqual(types.list, {
      kind: 'list',
      element: { name: 'element', type: 'double', nullable: true },
    });
    assert.deepEqual(types.deep, {
      kind: 'struct',
      fields: [
        { name: 'a', type: 'long', nullable: true },
        { name: 'b', type: 'boolean', nullable: true },
      ],
    });
  });

  it('follows hints for what records have and for what they have not had yet', () => {
    const shape = new RecordShape(false);
    shape.observe({ n: 1, place: { lat: 1 } });
    const hints = new Map<string, DataType>([
      ['n', 'string'],
      ['place.lat', 'double'],
      ['place.alt', 'long'],
      ['later', 'timestamp'],
    ]);
    const { fields } = evolveSchema({
      known: undefined,
      observed: shape.root,
      hints,
      mode: 'rescue',
      inferColumnTypes: true,
    });
    assert.equal(typeOf(fields, 'n'), 'string');
    assert.equal(typeOf(fields, 'later'), 'timestamp');
    assert.deepEqual(typeOf(fields, 'place'), {
      kind: 'struct',
      fields: [
        { name: 'lat', type: 'double', nullable: true },
        { name: 'alt', type: 'long', nullable: true },
      ],
    });
  });

  it('is text for all top-level fields without type inference, objects as JSON', () => {
    const shape = new RecordShape(false);
    const record = { n: 1, place: { lat: 50.5 }, ok: true };
    shape.observe(record);
    const { fields } = evolveSchema({
      known: undefined,
      observed: shape.root,
      hints: new Map(),
      mode: 'addNewColumns',
      inferColumnTypes: false,
    });
    const [row] = rowsOf(fields, [record], 'addNewColumns');
    assert.deepEqual([row?.n, row?.place, row?.ok], ['1', '{"lat":50.5}', 'true']);
    assert.equal(row?._rescued_data, null);
  });

  it('has no column for names that Delta refuses, that differ by case only, and beyond the limit', () => {
    const shape = new RecordShape(false, { maxDepth: 3, maxFields: 2 });
    const record = { 'a b': 1, ok: 1, OK: 2, two: { deep: { deeper: { deepest: 1 } } }, three: 3 };
    shape.observe(record);
    const { fields } = evolveSchema({
      known: undefined,
      observed: shape.root,
      hints: new Map(),
      mode: 'addNewColumns',
      inferColumnTypes: true,
    });
    assert.deepEqual(
      fields.map(({ name }) => name),
      ['ok'],
    );
    const [row] = rowsOf(fields, [record], 'addNewColumns');
    assert.deepEqual(rescuedOf(row), { 'a b': 1, OK: 2, two: record.two, three: 3 });
  });
});

describe('a new column', () => {
  const records = [{ id: 'b', fresh: 7 }];
  for (const mode of modes) {
    it(`in mode ${mode}`, () => {
      const { fields, added } = evolve(known, records, mode);
      const adds = mode.startsWith('addNewColumns');
      assert.deepEqual(added, adds ? [{ path: 'fresh', type: 'long' }] : []);
      assert.equal(typeOf(fields, 'fresh'), adds ? 'long' : undefined);
      const [row] = rowsOf(fields, records, mode);
      assert.equal(row?.fresh, adds ? 7 : undefined);
      assert.deepEqual(rescuedOf(row), adds || mode === 'none' ? null : { fresh: 7 });
    });
  }

  it('is named for failOnNewColumns, and shows in the writer', () => {
    const shape = new RecordShape(false);
    shape.observe(records[0]!);
    const options = {
      known,
      observed: shape.root,
      hints: new Map<string, DataType>(),
      inferColumnTypes: true,
    };
    assert.deepEqual(newColumns(options), [{ path: 'fresh', type: 'long' }]);
    const writer = new RecordWriter({
      fields: [...known, ...lineageFields],
      rename: {},
      mode: 'addNewColumns',
    });
    writer.append({ id: 'a' }, file, 0);
    assert.equal(writer.outgrowth.hasNewField, false);
    writer.append({ id: 'a', fresh: null }, file, 1);
    assert.equal(writer.outgrowth.hasNewField, false);
    writer.append(records[0]!, file, 2);
    assert.equal(writer.outgrowth.hasNewField, true);
  });
});

describe('keys that are data', () => {
  it('fill a table up to a limit, and are rescued beyond it', () => {
    const record = (batch: number) =>
      Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`k${batch}_${index}`, 1]));
    let fields = known;
    for (let batch = 0; batch < 12; batch++) {
      fields = evolve(fields, [{ ...record(batch), in: record(batch) }], 'addNewColumns').fields;
    }
    const count = (all: readonly DataField[]): number =>
      all.reduce((sum, { type }) => sum + 1 + (isStruct(type) ? count(type.fields) : 0), 0);
    assert.ok(count(fields) > 9_000 && count(fields) <= 10_000, `${count(fields)} fields`);
    const [row] = rowsOf(fields, [{ id: 'b', late: 1 }], 'addNewColumns');
    assert.equal(JSON.parse(String(row?._rescued_data)).late, 1);
  });
});

describe('a new nested field', () => {
  const records = [{ id: 'b', place: { lat: 1, alt: 200 } }];
  for (const mode of modes) {
    it(`in mode ${mode}`, () => {
      const { fields, added } = evolve(known, records, mode);
      const adds = mode.startsWith('addNewColumns');
      assert.deepEqual(added, adds ? [{ path: 'place.alt', type: 'long' }] : []);
      const [row] = rowsOf(fields, records, mode);
      assert.deepEqual(row?.place, adds ? [1, 200] : [1]);
      assert.deepEqual(rescuedOf(row), adds || mode === 'none' ? null : { place: { alt: 200 } });
    });
  }
});

describe('a type change from long to double', () => {
  const records = [{ n: 2.5 }, { n: 3 }];
  for (const mode of modes) {
    it(`in mode ${mode}`, () => {
      const { fields, widened } = evolve(known, records, mode);
      const widens = mode === 'addNewColumnsWithTypeWidening';
      const decimal = { kind: 'decimal', precision: 38, scale: 18 };
      assert.deepEqual(typeOf(fields, 'n'), widens ? decimal : 'long');
      assert.equal(widened.length, widens ? 1 : 0);
      const [row, next] = rowsOf(fields, records, mode);
      assert.equal(row?.n, widens ? 2_500_000_000_000_000_000n : null);
      assert.equal(next?.n, widens ? 3_000_000_000_000_000_000n : 3);
      assert.deepEqual(rescuedOf(row), widens ? null : { n: 2.5 });
      assert.equal(rescuedOf(next), null);
    });
  }

  it('becomes a double where the column is an integer', () => {
    const integer: readonly DataField[] = [{ name: 'n', type: 'integer', nullable: true }];
    const { fields } = evolve(integer, records, 'addNewColumnsWithTypeWidening');
    assert.equal(typeOf(fields, 'n'), 'double');
  });
});

describe('a type change from double to string', () => {
  const records = [{ x: 'abc' }];
  for (const mode of modes) {
    it(`in mode ${mode}`, () => {
      const { fields } = evolve(known, records, mode);
      assert.equal(typeOf(fields, 'x'), 'double');
      const [row] = rowsOf(fields, records, mode);
      assert.equal(row?.x, null);
      assert.deepEqual(rescuedOf(row), { x: 'abc' });
    });
  }
});

describe('a renamed column', () => {
  const records = [{ id: 'b', speed: 4 }];
  for (const mode of modes) {
    it(`in mode ${mode}`, () => {
      const { fields } = evolve(known, records, mode);
      const [row] = rowsOf(fields, records, mode);
      assert.equal(row?.n, null, 'the old column is null');
      if (mode.startsWith('addNewColumns')) assert.equal(row?.speed, 4);
      else assert.deepEqual(rescuedOf(row), mode === 'none' ? null : { speed: 4 });
    });
  }
});

describe('a dropped column', () => {
  for (const mode of modes) {
    it(`in mode ${mode}`, () => {
      const { fields } = evolve(known, [{ id: 'b' }], mode);
      assert.deepEqual(fields, known);
      const [row] = rowsOf(fields, [{ id: 'b' }], mode);
      assert.deepEqual([row?.id, row?.n, row?.x, row?.place], ['b', null, null, null]);
      assert.equal(row?._rescued_data, null);
    });
  }
});

describe('a change of case', () => {
  const records = [{ ID: 'b', n: 1, place: { LAT: 2 } }];
  for (const mode of modes) {
    it(`in mode ${mode}`, () => {
      const { fields, added } = evolve(known, records, mode);
      assert.deepEqual([fields, added], [known, []]);
      const [row] = rowsOf(fields, records, mode);
      assert.deepEqual([row?.id, row?.place], [null, [null]]);
      assert.deepEqual(rescuedOf(row), mode === 'none' ? null : { ID: 'b', place: { LAT: 2 } });
    });
  }
});

describe('a column of nulls', () => {
  for (const mode of modes) {
    it(`in mode ${mode}`, () => {
      const records = [{ id: 'b', empty: null, n: null }];
      const { fields, added } = evolve(known, records, mode);
      assert.deepEqual([fields, added], [known, []], 'no value has said what its type is');
      const [row] = rowsOf(fields, records, mode);
      assert.deepEqual([row?.id, row?.n], ['b', null]);
      assert.equal(row?._rescued_data, null);
    });
  }
});

describe('a hint', () => {
  const parse = (text: string) => {
    const result = parseHintType(text);
    return result.kind === 'type' ? result.type : result.problem;
  };

  it('is read with parts and spaces', () => {
    assert.equal(parse('DOUBLE'), 'double');
    assert.deepEqual(parse('decimal(10, 2)'), { kind: 'decimal', precision: 10, scale: 2 });
    assert.deepEqual(parse('array<struct<a: int, b: map<string, double>>>'), {
      kind: 'list',
      element: {
        name: 'element',
        nullable: true,
        type: {
          kind: 'struct',
          fields: [
            { name: 'a', type: 'integer', nullable: true },
            {
              name: 'b',
              nullable: true,
              type: {
                kind: 'map',
                key: { name: 'key', type: 'string', nullable: false },
                value: { name: 'value', type: 'double', nullable: true },
              },
            },
          ],
        },
      },
    });
  });

  it('is refused with what is wrong and where', () => {
    assert.match(String(parse('flout')), /unknown type "flout"/);
    assert.match(String(parse('decimal(40,2)')), /1 to 38 digits/);
    assert.match(String(parse('array<int')), /the end at position 9 where ">" should be/);
    assert.match(String(parse('int int')), /"int" at position 4 where an end should be/);
    assert.match(String(parse('map<int,int>')), /keys are no strings/);
    assert.match(String(parse('array<'.repeat(50))), /nests deeper/);
  });
});
