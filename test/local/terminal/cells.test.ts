import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatCell, isNumeric, jsonRow, jsonValue } from '../../../local/terminal/cells.js';
import type {
  ColumnBatch,
  ColumnType,
  ColumnValues,
  DataField,
  DataType,
  DataValues,
} from '../../../shared/parquet/index.js';

const bytes = (...values: number[]): ColumnValues => ({ kind: 'bytes', values: [Uint8Array.from(values)] });
const text = (value: string | null): ColumnValues => ({ kind: 'text', values: [value] });
const numbers = (...values: number[]): ColumnValues => ({
  kind: 'numbers',
  values: Float64Array.from(values),
});

describe('a cell', () => {
  const cases: readonly [name: string, ColumnType, ColumnValues, string][] = [
    ['a null string', 'string', text(null), 'null'],
    ['the string null', 'string', text('null'), '"null"'],
    ['an empty string', 'string', text(''), '""'],
    ['a string with a line break', 'string', text('a\nb'), 'a\\nb'],
    ['a number', 'double', numbers(21.5), '21.5'],
    [
      'a null number',
      'double',
      { kind: 'numbers', values: Float64Array.of(7), validity: Uint8Array.of(0) },
      'null',
    ],
    [
      'a long beyond 2^53',
      'long',
      { kind: 'numbers', values: BigInt64Array.of(2n ** 62n) },
      '4611686018427387904',
    ],
    ['a timestamp', 'timestamp', numbers(1_759_744_800_123_000), '2025-10-06T10:00:00.123Z'],
    ['a timestamp without zone', 'timestamp_ntz', numbers(0), '1970-01-01T00:00:00'],
    ['a date', 'date', { kind: 'numbers', values: Int32Array.of(20_367) }, '2025-10-06'],
    ['a boolean', 'boolean', { kind: 'numbers', values: Uint8Array.of(1) }, 'true'],
    ['printable bytes', 'binary', bytes(0x68, 0x6f, 0x74, 0x0a), 'hot\\n'],
    ['other bytes', 'binary', bytes(0x1f, 0x8b, 0x08), '0x1f8b08'],
    ['no bytes', 'binary', bytes(), '""'],
  ];
  for (const [name, type, column, expected] of cases) {
    it(`shows ${name}`, () => assert.equal(formatCell(type, column, 0), expected));
  }

  it('shows structs, lists and maps as JSON on one line, and decimals with all their digits', () => {
    const field = (name: string, type: DataType): DataField => ({ name, type, nullable: true });
    const decimal: DataType = { kind: 'decimal', precision: 5, scale: 2 };
    const type: DataType = {
      kind: 'struct',
      fields: [
        field('at', 'timestamp'),
        field('prices', { kind: 'list', element: field('element', decimal) }),
        field('labels', { kind: 'map', key: field('key', 'string'), value: field('value', 'string') }),
        field('counts', { kind: 'map', key: field('key', 'integer'), value: field('value', 'boolean') }),
        field('body', 'binary'),
        field('nothing', { kind: 'void' }),
      ],
    };
    const column: DataValues = {
      kind: 'struct',
      children: [
        numbers(0),
        { kind: 'list', offsets: Int32Array.of(0, 2), element: { kind: 'decimals', values: [150n, -7n] } },
        { kind: 'map', offsets: Int32Array.of(0, 1), keys: text('a'), values: text('line\nbreak') },
        {
          kind: 'map',
          offsets: Int32Array.of(0, 1),
          keys: numbers(3),
          values: { kind: 'numbers', values: Uint8Array.of(1) },
        },
        bytes(0xff),
        { kind: 'void' },
      ],
    };
    const json =
      '{"at":"1970-01-01T00:00:00Z","prices":["1.50","-0.07"],"labels":{"a":"line\\nbreak"},"counts":[[3,true]],"body":{"base64":"/w=="},"nothing":null}';
    assert.equal(formatCell(type, column, 0), json);
    assert.deepEqual(jsonValue(type, column, 0), JSON.parse(json));
    assert.equal(formatCell(decimal, { kind: 'decimals', values: [150n] }, 0), '1.50');
    assert.equal(isNumeric(decimal), true);
    assert.equal(isNumeric(type), false);
  });

  it('says how long bytes are that it does not show in full', () => {
    const column = bytes(...new Array<number>(40).fill(0xff));
    assert.equal(formatCell('binary', column, 0), `0x${'ff'.repeat(32)}… (40 bytes)`);
  });
});

describe('a row as JSON', () => {
  it('keeps types where JSON has them and loses no digit where it has not', () => {
    const batch: ColumnBatch = {
      rowCount: 1,
      fields: [
        { name: 'device_id', type: 'string', nullable: false },
        { name: 'event_time', type: 'timestamp', nullable: false },
        { name: 'temperature', type: 'double', nullable: true },
        { name: 'count', type: 'long', nullable: true },
        { name: 'large', type: 'long', nullable: true },
        { name: 'body', type: 'binary', nullable: true },
      ],
      columns: [
        text('device_1'),
        numbers(1_759_744_800_000_001),
        { kind: 'numbers', values: Float64Array.of(0), validity: Uint8Array.of(0) },
        { kind: 'numbers', values: BigInt64Array.of(5n) },
        { kind: 'numbers', values: BigInt64Array.of(2n ** 62n) },
        bytes(0xff, 0x00),
      ],
    };
    assert.deepEqual(jsonRow(batch, 0), {
      device_id: 'device_1',
      event_time: '2025-10-06T10:00:00.000001Z',
      temperature: null,
      count: 5,
      large: '4611686018427387904',
      body: { base64: '/wA=' },
    });
  });
});
