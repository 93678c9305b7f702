// Conditions in SQL: what they are read as, which rows they hold for, and what is said about those that make no sense.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { parseCondition } from '../../shared/delta/parseCondition.js';
import type { Predicate } from '../../shared/delta/predicate.js';
import { rowConditionOf } from '../../shared/delta/rowCondition.js';
import { columnsOf, parseTableSchema } from '../../shared/delta/schema.js';
import type {
  ColumnBatch,
  ColumnType,
  ColumnValues,
  DataBatch,
  DataValues,
} from '../../shared/parquet/index.js';
import { ofSeeds } from '../support/seeds.js';

type Value = string | number | bigint | boolean | null;

const types: Readonly<Record<string, ColumnType>> = {
  id: 'string',
  n: 'integer',
  big: 'long',
  x: 'double',
  f: 'float',
  ok: 'boolean',
  day: 'date',
  at: 'timestamp',
  'local time': 'timestamp_ntz',
  raw: 'binary',
};

const part = (name: string, type: unknown) => ({ name, type, nullable: true, metadata: {} });
const spot = { type: 'struct', fields: [part('x', 'double'), part('a.b', 'integer')] };

const others: Readonly<Record<string, unknown>> = {
  price: 'decimal(5,2)',
  tags: { type: 'array', elementType: 'string', containsNull: true },
  place: { type: 'struct', fields: [part('city', 'string'), part('spot', spot)] },
  odd: 'variant',
};

const schema = parseTableSchema(
  JSON.stringify({
    type: 'struct',
    fields: [
      ...Object.entries(types).map(([name, type]) => ({ name, type, nullable: true, metadata: {} })),
      ...Object.entries(others).map(([name, type]) => ({ name, type, nullable: true, metadata: {} })),
    ],
  }),
);

function columnOf(type: ColumnType, value: Value): ColumnValues {
  if (type === 'string') return { kind: 'text', values: [value as string | null] };
  const validity = Uint8Array.of(value === null ? 0 : 1);
  if (typeof value === 'bigint') return { kind: 'numbers', values: BigInt64Array.of(value), validity };
  return { kind: 'numbers', values: Float64Array.of(Number(value ?? 0)), validity };
}

function holdsFor(text: string, row: Readonly<Record<string, Value>>): boolean {
  const { columns, matches } = rowConditionOf(parseCondition(text, schema), schema);
  const batch: ColumnBatch = {
    rowCount: 1,
    fields: columns.map((name) => ({ name, type: types[name]!, nullable: true })),
    columns: columns.map((name) => columnOf(types[name]!, row[name] ?? null)),
  };
  return matches(batch, 0);
}

const micros = (text: string): number => Date.parse(text) * 1000;

describe('a condition', () => {
  const row = {
    id: "it's",
    n: 7,
    big: 9_007_199_254_740_993n,
    x: 2.5,
    f: Math.fround(0.7),
    ok: true,
    day: 19_000, // 2022-01-08
    at: micros('2026-01-31T12:30:00Z'),
    'local time': micros('2026-01-31T12:30:00Z'),
  };
  for (const text of [
    "id = 'it''s'",
    "ID == 'it''s'",
    '`id` IS NOT NULL',
    "id != ''",
    "id > 'it'",
    'n = 7 and x = 2.5',
    'n=7',
    'n>-1',
    'n <= +7',
    'n <> 8',
    'n IN (1, 7)',
    'n not in (1, 2)',
    'n BETWEEN 7 AND 7',
    'n NOT BETWEEN 8 AND 10',
    'big = 9007199254740993',
    'big != 9007199254740992',
    'x < 2.6e0',
    'x > .5',
    'f = 0.7',
    'ok = TRUE',
    'ok > false',
    "day = '2022-01-08'",
    "day < '2022-01-09'",
    "at >= '2026-01-31T12:30:00Z'",
    "at = '2026-01-31 13:30:00+01:00'",
    "at < '2026-02-01'",
    "`local time` = '2026-01-31 12:30:00'",
    'n = 1 OR n = 2 OR n = 7',
    // AND binds closer than OR, and NOT closer than both.
    'n = 7 OR n = 1 AND n = 2',
    'NOT n = 1 AND n = 7',
    'NOT (n = 1 OR n = 2)',
    'not not n = 7',
    'n = 7\n  AND\tx = 2.5',
  ]) {
    it(`holds: ${JSON.stringify(text)}`, () => assert.equal(holdsFor(text, row), true));
    it(`does not hold when it is negated: ${JSON.stringify(text)}`, () =>
      assert.equal(holdsFor(`NOT (${text})`, row), false));
  }

  for (const text of [
    'n = 7',
    'n != 7',
    'NOT n = 7',
    'n IN (7)',
    'n NOT IN (7)',
    'n BETWEEN 1 AND 9',
    'n = 7 AND x = 1',
    'n IS NOT NULL',
    'NOT n IS NULL',
  ]) {
    it(`does not hold for null: ${text}`, () => assert.equal(holdsFor(text, { x: 1 }), false));
  }

  it('follows the logic of null: what is known decides where it can', () => {
    assert.equal(holdsFor('n IS NULL', {}), true);
    assert.equal(holdsFor('n = 1 OR x = 1', { x: 1 }), true);
    assert.equal(holdsFor('NOT (n = 1 AND x = 2)', { x: 1 }), true);
    assert.equal(holdsFor('NOT (n = 1 OR x = 2)', { x: 1 }), false);
  });

  it('takes NaN as greater than every number, as Spark does', () => {
    assert.equal(holdsFor('x > 1e308', { x: Number.NaN }), true);
    assert.equal(holdsFor('x = 5', { x: Number.NaN }), false);
    assert.equal(holdsFor('x != 5', { x: Number.NaN }), true);
    assert.equal(holdsFor('x < 5', { x: Number.NaN }), false);
  });

  it('compares texts by code points, beyond those of sixteen bits, too', () => {
    assert.equal(holdsFor("id > '\uffee'", { id: '\u{1f600}' }), true);
  });

  it('looks at the columns that it names, once each, in the spelling of the table', () => {
    const { columns } = rowConditionOf(parseCondition('N = 1 OR X = 2 AND n = 3', schema), schema);
    assert.deepEqual(columns, ['n', 'x']);
  });
});

describe('a condition on parts of columns and on decimals', () => {
  /** Rows 0 and 1 have values; row 2 has a struct of nulls, row 3 nothing. */
  const present = Uint8Array.of(1, 1, 0, 0);
  const ofSpot: DataValues = {
    kind: 'struct',
    validity: present,
    children: [
      { kind: 'numbers', values: Float64Array.of(1.5, 2.5, 0, 0), validity: present },
      { kind: 'numbers', values: Int32Array.of(1, 2, 0, 0), validity: present },
    ],
  };
  const columns: Readonly<Record<string, DataValues>> = {
    price: { kind: 'decimals', values: [150n, -99_999n, 0n, 0n], validity: present },
    raw: { kind: 'bytes', values: [Uint8Array.of(1), Uint8Array.of(), null, null] },
    tags: {
      kind: 'list',
      offsets: Int32Array.of(0, 1, 1, 1, 1),
      element: { kind: 'text', values: ['a'] },
      validity: present,
    },
    place: {
      kind: 'struct',
      validity: Uint8Array.of(1, 1, 1, 0),
      children: [{ kind: 'text', values: ['Ulm', 'Bern', null, null] }, ofSpot],
    },
  };

  for (const [text, rows] of [
    ["place.city = 'Ulm'", [0]],
    ["PLACE . City != 'Ulm'", [1]],
    ['place.spot.x > 1.5', [1]],
    ['place.`spot`.`a.b` BETWEEN 1 AND 2', [0, 1]],
    ['place.spot.x IS NULL', [2, 3]],
    ['place.spot IS NULL', [2, 3]],
    ['place IS NULL', [3]],
    ['tags IS NOT NULL', [0, 1]],
    ['raw IS NULL', [2, 3]],
    ['price = 1.5', [0]],
    ['price = 1.50', [0]],
    ['price IN (1, -999.99)', [1]],
    ['price < 1e2 AND NOT place.spot.`a.b` = 2', [0]],
  ] as const) {
    it(`holds where it should: ${text}`, () => {
      const condition = rowConditionOf(parseCondition(text, schema), schema);
      const fields = columnsOf(schema);
      const batch: DataBatch = {
        rowCount: 4,
        fields: condition.columns.map((name) => fields.find((field) => field.name === name)!),
        columns: condition.columns.map((name) => columns[name]!),
      };
      assert.deepEqual(
        [0, 1, 2, 3].filter((row) => condition.matches(batch, row)),
        rows,
      );
    });
  }
});

describe('a condition that makes no sense', () => {
  for (const [text, position, problem] of [
    ['', 1, 'here should be the name of a column'],
    ['   ', 4, 'here should be the name of a column'],
    ['devic = 1', 1, 'there is no column "devic"; the table has id, n,'],
    ['n', 2, 'after n there should be ='],
    ['n = ', 5, 'here should be a value for n (integer)'],
    ['n = 1.5', 5, 'n is of type integer: a whole number'],
    ["n = '1'", 5, 'n is of type integer: a whole number'],
    ['id = 5', 6, 'id is of type string: a text in single quotes'],
    ['id = "a"', 6, 'texts stand in single quotes'],
    ["id = 'a", 6, 'this text has no closing quote'],
    ['`id = 1', 1, 'this name has no closing backtick'],
    ['id = other', 6, 'id is of type string'],
    ['n = NULL', 5, 'write IS NULL'],
    ['n IN (1, NULL)', 10, 'write IS NULL'],
    ['n IN ()', 7, 'here should be a value'],
    ['n IN (1', 8, 'here should be )'],
    ['n IS 5', 6, 'NULL or NOT NULL should follow IS'],
    ['n NOT = 5', 7, 'after n there should be'],
    ['n BETWEEN 1, 2', 12, 'AND and the greater value'],
    ['(n = 1', 7, 'here should be )'],
    ['n = 1)', 6, 'the condition should end here'],
    ['n = 1 n = 2', 7, 'the condition should end here'],
    ['n = 1 AND', 10, 'here should be the name of a column'],
    ['AND n = 1', 1, 'there is no column "AND"'],
    ['1 = n', 1, 'here should be the name of a column'],
    ['n = 1; DROP', 6, '";" cannot be understood'],
    ['n = 1abc', 5, '"1" cannot be understood'],
    ['n = 1.2.3', 5, '"1" cannot be understood'],
    ["day = '2022-02-30'", 7, 'a date in single quotes'],
    ["day = '2022-01-08T12:00'", 7, 'a date in single quotes'],
    ["at = 'noon'", 6, 'a time in single quotes'],
    ["at = '2026-01-31T12:30:00.1234567Z'", 6, 'at most six digits'],
    ["`local time` = '2026-01-31T12:30:00Z'", 16, 'a time without a zone'],
    ['raw = 5', 1, 'values of raw (binary) cannot be compared; only IS NULL'],
    ['tags = 5', 1, 'values of tags ({"type":"array"'],
    ['place = 5', 1, 'values of place ({"type":"struct"'],
    ['odd IS NULL', 1, 'the type of odd (variant) has no place'],
    ['price = 5.001', 9, 'price is of type decimal(5,2): a number with at most 2 digits after the point'],
    ["price = '5'", 9, 'price is of type decimal(5,2)'],
    ['place.town = 5', 7, 'place has no field "town"; it has city, spot'],
    ['place. = 5', 8, 'here should be the name of a field of place'],
    ['place.city.x = 5', 12, 'place.city is no struct: it has no fields'],
    ['n.x = 5', 3, 'n is no struct'],
    ['place.city = 5', 14, 'place.city is of type string: a text'],
    [`${'('.repeat(101)}n = 1${')'.repeat(101)}`, 101, 'more than 100 levels'],
  ] as const) {
    it(`is shown where it fails: ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.throws(
        () => parseCondition(text, schema),
        (error: { readonly code: string; readonly message: string }) => {
          assert.equal(error.code, 'INPUT_INVALID');
          const [first, , caret] = error.message.split('\n');
          assert.ok(first!.includes(`at character ${position}: `), first);
          assert.ok(first!.includes(problem), first);
          assert.equal(caret, `  ${' '.repeat(position - 1)}^`);
          return true;
        },
      );
    });
  }

  it('never ends in another error, whatever the text', () => {
    const random = seededRandom(11);
    const pieces = [
      'n = 1',
      "id = 'a'",
      'x',
      'n',
      "'a'",
      '-2.5',
      '=',
      '(',
      ')',
      ',',
      'AND',
      'OR',
      'NOT',
      'IN (1)',
      'IS',
      'NULL',
    ];
    let understood = 0;
    for (let attempt = 0; attempt < ofSeeds(3000); attempt++) {
      const text = Array.from(
        { length: 1 + Math.floor(random.next() * 8) },
        () => pieces[Math.floor(random.next() * pieces.length)],
      ).join(random.next() < 0.9 ? ' ' : '');
      try {
        const predicate: Predicate = parseCondition(text, schema);
        rowConditionOf(predicate, schema);
        understood++;
      } catch (error) {
        assert.equal((error as { readonly code?: unknown }).code, 'INPUT_INVALID', text);
      }
    }
    assert.ok(understood > ofSeeds(30), `${understood} understood`);
  });
});
