// A table with every type that we write and the values that are easy to get wrong, in the spelling of canonicalRows.ts.
import type { StructType } from '../../shared/delta/index.js';
import type { ColumnBatch, ColumnType, ColumnValues, DataType } from '../../shared/parquet/index.js';
import { field } from '../support/deltaFixtures.js';
import type { EngineRow } from './engines.js';

export const sampleSchema: StructType = {
  type: 'struct',
  fields: [
    field('id', 'integer', false),
    field('text', 'string'),
    field('bytes', 'binary'),
    field('flag', 'boolean'),
    field('tiny', 'byte'),
    field('small', 'short'),
    field('long', 'long'),
    field('single', 'float'),
    field('number', 'double'),
    field('day', 'date'),
    field('moment', 'timestamp'),
  ],
};

type Cells = readonly [
  text: string | null,
  bytes: string | null,
  flag: boolean | null,
  tiny: number | null,
  small: number | null,
  long: string | null,
  single: number | string | null,
  number: number | string | null,
  day: string | null,
  moment: string | null,
];

/** Longer than the 32 characters that statistics keep of a text. */
const longText = '\u{1F600}'.repeat(31);

// biome-ignore format: a table is easier to read
const cells: readonly Cells[] = [
  ['plain', '00ff10', true, 1, 2, '3', 0.5, 1.25, '2024-02-29', '2024-02-29T12:30:45.123456Z'],
  [null, null, null, null, null, null, null, null, null, null],
  ['', '', false, 0, 0, '0', 0, 0, '1970-01-01', '1970-01-01T00:00:00.000000Z'],
  ['\u{1F600}\u{10FFFF}', 'f09f9880', true, 127, 32767, '9223372036854775807', 'Infinity', 'Infinity', '9999-12-31', '9999-12-31T23:59:59.999999Z'],
  ['\uFFFD\uE000', '80', false, -128, -32768, '-9223372036854775808', '-Infinity', '-Infinity', '1969-12-31', '1969-12-31T23:59:59.999999Z'],
  ['quote " back\\ line\n tab\t nul\u0000', '00', null, -1, -1, '9007199254740993', 'NaN', 'NaN', '1900-01-01', '1900-01-01T00:00:00.000001Z'],
  ['M\u00FCnchen \u65E5\u672C', '0102', true, 5, -5, '-9007199254740993', '-0.0', '-0.0', '2000-01-01', '2000-01-01T00:00:00.000999Z'],
  [`${longText}a tail`, null, null, null, null, '1', Math.fround(0.1), 0.1, '1582-10-04', '1582-10-04T23:59:59.000001Z'],
  [`${longText}\u{10FFFF}\u{10FFFF}`, null, null, 7, 7, '-1', Math.fround(3.4028234663852886e38), Number.MAX_VALUE, '0002-01-01', '0002-01-01T00:00:00.000000Z'],
  ['x'.repeat(5000), 'ab'.repeat(3000), true, 9, 9, '9007199254740992', 2 ** -149, Number.MIN_VALUE, '2024-12-31', '2024-12-31T23:59:59.999999Z'],
];

export const sampleRows: readonly EngineRow[] = cells.map((row, index) =>
  Object.fromEntries([index + 1, ...row].map((value, column) => [sampleSchema.fields[column]!.name, value])),
);

/** The rows, spelled in that way, as a batch to append. A column that a row lacks is null. */
export function batchOf(schema: StructType, rows: readonly EngineRow[]): ColumnBatch {
  return {
    rowCount: rows.length,
    fields: schema.fields.map(({ name, type, nullable }) => ({ name, type: primitive(type), nullable })),
    columns: schema.fields.map(({ name, type }) =>
      columnOf(
        primitive(type),
        rows.map((row) => row[name] ?? null),
      ),
    ),
  };
}

function primitive(type: DataType): ColumnType {
  if (typeof type === 'string') return type;
  throw new TypeError(`Rows of ${type.kind} columns are made elsewhere.`);
}

function columnOf(type: ColumnType, cells: readonly unknown[]): ColumnValues {
  const validity = Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1));
  const numbers = cells.map((cell) => (cell === null ? 0 : cell));
  switch (type) {
    case 'string':
      return { kind: 'text', values: cells as (string | null)[] };
    case 'binary':
      return {
        kind: 'bytes',
        values: cells.map((cell) =>
          cell === null ? null : new Uint8Array(Buffer.from(cell as string, 'hex')),
        ),
      };
    case 'boolean':
      return { kind: 'numbers', values: Uint8Array.from(numbers, Number), validity };
    case 'byte':
    case 'short':
    case 'integer':
      return { kind: 'numbers', values: Int32Array.from(numbers, Number), validity };
    case 'date':
      return { kind: 'numbers', values: Int32Array.from(numbers, daysOf), validity };
    case 'float':
    case 'double':
      return { kind: 'numbers', values: Float64Array.from(numbers, Number), validity };
    case 'long':
      return {
        kind: 'numbers',
        values: BigInt64Array.from(numbers, (cell) => BigInt(cell as string)),
        validity,
      };
    case 'timestamp':
    case 'timestamp_ntz':
      return { kind: 'numbers', values: BigInt64Array.from(numbers, microsecondsOf), validity };
  }
}

function daysOf(cell: unknown): number {
  return cell === 0 ? 0 : Date.parse(`${cell}T00:00:00Z`) / 86_400_000;
}

/** `2024-02-29T12:30:45.123456`, with or without a `Z`. */
function microsecondsOf(cell: unknown): bigint {
  if (cell === 0) return 0n;
  const [seconds = '', fraction = ''] = String(cell).replace('Z', '').split('.');
  return BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction);
}
