// Files are left out only where statistics or partition values prove that no row of theirs meets the condition.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom } from '../../shared/base/index.js';
import {
  type AddAction,
  type Comparison,
  type Literal,
  type Predicate,
  pruneFiles,
  type Snapshot,
} from '../../shared/delta/index.js';
import { ofSeeds } from '../support/seeds.js';

const fields = [
  { name: 'n', type: 'long' },
  { name: 's', type: 'string' },
  { name: 'd', type: 'double' },
  { name: 'f', type: 'float' },
  { name: 'b', type: 'boolean' },
  { name: 'day', type: 'date' },
  { name: 't', type: 'timestamp' },
  { name: 'amount', type: 'decimal(38,2)' },
  { name: 'nested', type: { type: 'struct', fields: [{ name: 'x', type: 'integer' }] } },
  {
    name: 'widened',
    type: 'double',
    metadata: { 'delta.typeChanges': [{ fromType: 'float', toType: 'double' }] },
  },
  { name: 'part', type: 'string' },
  { name: 'partDay', type: 'date' },
];

function snapshotOf(files: readonly Partial<AddAction>[], configuration = {}): Snapshot {
  const isMapped = Object.keys(configuration).length > 0;
  return {
    version: 0,
    protocol: { minReaderVersion: isMapped ? 2 : 1, minWriterVersion: 2 },
    metadata: {
      id: 'id',
      format: { provider: 'parquet', options: {} },
      schemaString: JSON.stringify({
        type: 'struct',
        fields: fields.map((field) => ({
          nullable: true,
          metadata: { 'delta.columnMapping.physicalName': `col-${field.name}` },
          ...field,
        })),
      }),
      partitionColumns: ['part', 'partDay'],
      configuration,
    },
    files: new Map(
      files.map((file, index) => [
        `f${index}`,
        { path: `f${index}`, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true, ...file },
      ]),
    ),
    transactions: new Map(),
    totalBytes: 0,
    totalRows: undefined,
  };
}

const compare = (column: string | readonly string[], comparison: Comparison, value: Literal): Predicate => ({
  kind: 'compare',
  column,
  comparison,
  value,
});
const not = (condition: Predicate): Predicate => ({ kind: 'not', condition });
const isNull = (column: string | readonly string[]): Predicate => ({ kind: 'isNull', column });

function isKept(file: Partial<AddAction>, predicate: Predicate, configuration = {}): boolean {
  return pruneFiles(snapshotOf([file], configuration), predicate).length === 1;
}

function statsOf(column: string, min: string, max: string, nullCount = 0): Partial<AddAction> {
  const stats = `{"numRecords":10,"minValues":{"${column}":${min}},"maxValues":{"${column}":${max}},"nullCount":{"${column}":${nullCount}}}`;
  return { stats };
}

describe('a file is left out', () => {
  const cases: readonly [what: string, file: Partial<AddAction>, predicate: Predicate][] = [
    ['when all values are less', statsOf('n', '1', '5'), compare('n', '>', 5)],
    ['when all values are greater', statsOf('n', '5', '9'), compare('N', '<', 5)],
    ['when the value is beyond both bounds', statsOf('n', '5', '9'), compare('n', '=', 10)],
    ['when all values are the one excluded', statsOf('n', '5', '5'), compare('n', '!=', 5)],
    ['by a negation', statsOf('n', '5', '9'), not(compare('n', '<=', 9))],
    [
      'by digits that a double does not have',
      statsOf('n', '1', '9007199254740992'),
      compare('n', '>', 9007199254740992n),
    ],
    [
      'by a decimal with many digits',
      statsOf('amount', '1', '12345678901234567890.12'),
      compare('amount', '>', '12345678901234567890.12'),
    ],
    [
      'by a rounded decimal that is too far away for the rounding to matter',
      statsOf('amount', '1', '1.2345678901234567e19'),
      compare('amount', '>', '12345678901234600000.00'),
    ],
    ['by text in the order of code points', statsOf('s', '"a"', '"\ue000"'), compare('s', '>', '\u{10000}')],
    ['by a date', statsOf('day', '"2024-01-01"', '"2024-01-31"'), compare('day', '>=', '2024-02-01')],
    [
      'by a time that even a cut off maximum cannot hide',
      statsOf('t', '"2024-01-01T00:00:00.000Z"', '"2024-01-01T01:00:00.000Z"'),
      compare('t', '>', '2024-01-01T01:00:00.000999Z'),
    ],
    [
      'by a time in another zone',
      statsOf('t', '"2024-01-01T00:00:00.000-07:52:58"', '"2024-01-01T01:00:00.000-07:52:58"'),
      compare('t', '<', '2024-01-01T07:52:58Z'),
    ],
    ['when every value is null', statsOf('n', 'null', 'null', 10), compare('n', '!=', 1)],
    ['when no value is null', statsOf('n', '1', '2', 0), isNull('n')],
    ['when no value is there', statsOf('n', '1', '2', 10), not(isNull('n'))],
    ['when it has no rows', { stats: '{"numRecords":0}' }, compare('n', '=', 1)],
    ['by its partition', { partitionValues: { part: 'a' } }, compare('part', '=', 'b')],
    ['by a null partition', { partitionValues: { part: null } }, compare('part', '=', 'b')],
    [
      'by a null partition under a negation',
      { partitionValues: { part: '' } },
      not(compare('part', '=', 'b')),
    ],
    [
      'by its partition as a date',
      { partitionValues: { partDay: '2024-01-01' } },
      compare('partDay', '<', '2024-01-01'),
    ],
    ['by a partition that is not null', { partitionValues: { part: 'x' } }, isNull('part')],
    [
      'by one of two conditions',
      statsOf('n', '1', '5'),
      { kind: 'and', conditions: [compare('n', '>', 3), compare('n', '>', 7)] },
    ],
    [
      'by both of two conditions',
      statsOf('n', '1', '5'),
      { kind: 'or', conditions: [compare('n', '<', 0), compare('n', '>', 7)] },
    ],
    [
      'by a field of a struct',
      { stats: '{"numRecords":1,"maxValues":{"nested":{"x":4}}}' },
      compare(['nested', 'x'], '>', 4),
    ],
  ];
  for (const [what, file, predicate] of cases) {
    it(what, () => assert.equal(isKept(file, predicate), false));
  }

  it('by physical names where columns are mapped', () => {
    const mapped = { 'delta.columnMapping.mode': 'name' };
    assert.equal(isKept(statsOf('col-n', '1', '5'), compare('n', '>', 5), mapped), false);
    assert.equal(isKept(statsOf('n', '1', '5'), compare('n', '>', 5), mapped), true);
    assert.equal(isKept({ partitionValues: { 'col-part': 'a' } }, compare('part', '=', 'b'), mapped), false);
  });
});

describe('a file is kept', () => {
  const cases: readonly [what: string, file: Partial<AddAction>, predicate: Predicate][] = [
    ['by bounds of a boolean, which prove nothing', statsOf('b', 'false', 'false'), compare('b', '=', true)],
    [
      'when its bounds are those of a float that got wider',
      statsOf('widened', '-0.1', '0.1'),
      compare('widened', '<=', Math.fround(-0.1)),
    ],
    [
      'when a maximum of a decimal may have been rounded down by a double',
      statsOf('amount', '1', '1.2345678901234567e19'),
      compare('amount', '=', '12345678901234567890.12'),
    ],
    [
      'when a minimum of a decimal may have been rounded up by a double',
      statsOf('amount', '12345678901234568000.0', '2e19'),
      compare('amount', '=', '12345678901234567890.12'),
    ],
    ['without statistics', {}, compare('n', '=', 1)],
    ['with statistics that are no JSON', { stats: '{' }, compare('n', '=', 1)],
    ['with nothing but a number of rows', { stats: '{"numRecords":3}' }, compare('n', '=', 1)],
    [
      'when a maximum may have been cut off',
      statsOf('t', '"2024-01-01T00:00:00.000Z"', '"2024-01-01T01:00:00.000Z"'),
      compare('t', '>', '2024-01-01T01:00:00.000998Z'),
    ],
    [
      'when a time has no zone',
      statsOf('t', '"2024-01-01T00:00:00.000"', '"2024-01-01T01:00:00.000"'),
      compare('t', '>', '2025-01-01'),
    ],
    ['when a bound is of another type', statsOf('n', '"x"', '"y"'), compare('n', '=', 1)],
    ['when the literal is of another type', statsOf('n', '1', '2'), compare('n', '=', 'x')],
    ['when the literal lies between whole numbers', statsOf('n', '1', '2'), compare('n', '>', 2.5)],
    ['when a double may be NaN, which counts as greater', statsOf('d', '1.5', '2.5'), compare('d', '>', 3)],
    ['when the column is a float', statsOf('f', '0.7', '0.7'), compare('f', '<', 0.7)],
    ['when some rows are null', statsOf('n', '1', '2', 4), isNull('n')],
    [
      'when a struct that is null may not count',
      { stats: '{"numRecords":1,"nullCount":{"nested":{"x":0}}}' },
      isNull(['nested', 'x']),
    ],
    ['by a type without bounds', statsOf('b', 'true', 'true'), compare('nested', '=', 1)],
    [
      'when a partition cannot be parsed',
      { partitionValues: { partDay: 'someday' } },
      compare('partDay', '=', '2024-01-01'),
    ],
  ];
  for (const [what, file, predicate] of cases) {
    it(what, () => assert.equal(isKept(file, predicate), true));
  }
});

it('a condition on a column that is not there is an error', () => {
  assert.throws(() => isKept({}, compare('nope', '=', 1)), {
    code: 'DELTA_SCHEMA_MISMATCH',
    message: /"nope"/,
  });
  assert.throws(() => isKept({}, compare(['n', 'x'], '=', 1)), /"n\.x"/);
});

/** Rows of a file by their column `n`; null among them. */
type Row = number | null;

function evaluate(predicate: Predicate, row: Row): boolean | null {
  switch (predicate.kind) {
    case 'isNull':
      return row === null;
    case 'not': {
      const value = evaluate(predicate.condition, row);
      return value === null ? null : !value;
    }
    case 'compare': {
      if (row === null) return null;
      const value = predicate.value as number;
      const outcomes = {
        '=': row === value,
        '!=': row !== value,
        '<': row < value,
        '<=': row <= value,
        '>': row > value,
        '>=': row >= value,
      };
      return outcomes[predicate.comparison];
    }
    default: {
      const values = predicate.conditions.map((condition) => evaluate(condition, row));
      const decisive = predicate.kind === 'or';
      if (values.includes(decisive)) return decisive;
      return values.includes(null) ? null : !decisive;
    }
  }
}

function randomPredicate(random: Random, depth: number): Predicate {
  const pick = random.next();
  if (depth > 0 && pick < 0.2) return not(randomPredicate(random, depth - 1));
  if (depth > 0 && pick < 0.6) {
    const conditions = [randomPredicate(random, depth - 1), randomPredicate(random, depth - 1)];
    return { kind: pick < 0.4 ? 'and' : 'or', conditions };
  }
  if (pick > 0.9) return isNull('n');
  const comparisons: readonly Comparison[] = ['=', '!=', '<', '<=', '>', '>='];
  const comparison = comparisons[Math.floor(random.next() * comparisons.length)]!;
  return compare('n', comparison, Math.floor(random.next() * 8));
}

it('no random condition leaves out a file with a row that meets it', () => {
  const random = seededRandom(17);
  let leftOut = 0;
  for (let attempt = 0; attempt < ofSeeds(5000); attempt++) {
    const rows: Row[] = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () =>
      random.next() < 0.2 ? null : Math.floor(random.next() * 8),
    );
    const present = rows.filter((row) => row !== null);
    const stats = JSON.stringify({
      numRecords: rows.length,
      minValues: present.length > 0 ? { n: Math.min(...present) } : {},
      maxValues: present.length > 0 ? { n: Math.max(...present) } : {},
      nullCount: { n: rows.length - present.length },
    });
    const predicate = randomPredicate(random, 3);
    if (isKept({ stats }, predicate)) continue;
    leftOut++;
    assert.ok(
      !rows.some((row) => evaluate(predicate, row) === true),
      `${stats} ${JSON.stringify(predicate)}`,
    );
  }
  assert.ok(leftOut > ofSeeds(500), `only ${leftOut}`);
});
