// Test data for Parquet: batches of plain values, and one plain form in which every reader's answer is compared.
import assert from 'node:assert/strict';
import type { Random } from '../../shared/base/index.js';
import type { ColumnBatch, ColumnField, ColumnType, ColumnValues } from '../../shared/parquet/index.js';

/** 64-bit integers and timestamps (microseconds) as bigint, other numbers and dates (days) as number, binary as hex. */
export type Plain = string | number | bigint | boolean | null;

export const allTypes: readonly ColumnType[] = [
  'string',
  'binary',
  'boolean',
  'byte',
  'short',
  'integer',
  'long',
  'float',
  'double',
  'date',
  'timestamp',
  'timestamp_ntz',
];

export interface TestColumn {
  readonly field: ColumnField;
  readonly values: readonly Plain[];
}

export function field(name: string, type: ColumnType, nullable = true): ColumnField {
  return { name, type, nullable };
}

export function batchOf(columns: readonly TestColumn[]): ColumnBatch {
  return {
    rowCount: columns[0]?.values.length ?? 0,
    fields: columns.map((column) => column.field),
    columns: columns.map(columnOf),
  };
}

function columnOf({ field: { type }, values }: TestColumn): ColumnValues {
  if (type === 'string') return { kind: 'text', values: values as (string | null)[] };
  if (type === 'binary') {
    return {
      kind: 'bytes',
      values: values.map((hex) => (hex === null ? null : Buffer.from(String(hex), 'hex'))),
    };
  }
  const present = values.map((value) => (value === null ? 0 : 1));
  const numbers = numbersOf(type, values);
  if (!present.includes(0)) return { kind: 'numbers', values: numbers };
  return { kind: 'numbers', values: numbers, validity: Uint8Array.from(present) };
}

function numbersOf(
  type: ColumnType,
  values: readonly Plain[],
): Float64Array | Int32Array | Uint8Array | BigInt64Array {
  if (type === 'boolean') return Uint8Array.from(values, Number);
  if (type === 'float' || type === 'double') return Float64Array.from(values, (value) => Number(value ?? 0));
  if (type !== 'long' && type !== 'timestamp' && type !== 'timestamp_ntz')
    return Int32Array.from(values, Number);
  const integers = values.map((value) => BigInt(value ?? 0));
  const safe = integers.every((value) => Number.isSafeInteger(Number(value)));
  return safe ? Float64Array.from(integers, Number) : BigInt64Array.from(integers);
}

export function plainColumns(batch: ColumnBatch): Plain[][] {
  return batch.fields.map((_, index) => {
    const column = batch.columns[index]!;
    const type = batch.fields[index]!.type;
    return Array.from({ length: batch.rowCount }, (_row, row) => plainCell(column, type, row));
  });
}

function plainCell(column: ColumnValues, type: ColumnType, row: number): Plain {
  if (column.kind === 'text') return column.values[row] ?? null;
  if (column.kind === 'bytes') {
    const bytes = column.values[row];
    return bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('hex');
  }
  if (column.validity?.[row] === 0) return null;
  const value = column.values[row]!;
  if (type === 'boolean') return value === 1;
  return isWide(type) ? BigInt(value) : Number(value);
}

export function isWide(type: ColumnType): boolean {
  return type === 'long' || type === 'timestamp' || type === 'timestamp_ntz';
}

/** What must come back: booleans as such, floats rounded, surrogates without their other half replaced. */
export function expectedColumns(columns: readonly TestColumn[]): Plain[][] {
  return columns.map(({ field: { type }, values }) => values.map((value) => expectedCell(type, value)));
}

function expectedCell(type: ColumnType, value: Plain): Plain {
  if (value === null) return null;
  if (type === 'boolean') return Boolean(value);
  if (type === 'float') return Math.fround(Number(value));
  if (type === 'string') return wellFormed(String(value));
  return isWide(type) ? BigInt(value) : value;
}

/** What String.prototype.toWellFormed does, which the library types in use do not know. */
export function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

/** Like deepEqual, but -0 is not 0, NaN is NaN, and the message names column and row. */
export function assertColumnsEqual(
  actual: readonly (readonly Plain[])[],
  expected: readonly (readonly Plain[])[],
  label: string,
): void {
  assert.equal(actual.length, expected.length, `${label}: number of columns`);
  expected.forEach((values, column) => {
    assert.equal(actual[column]!.length, values.length, `${label}: rows of column ${column}`);
    const row = values.findIndex((value, index) => !Object.is(value, actual[column]![index]));
    if (row >= 0) {
      assert.fail(
        `${label}: column ${column} row ${row} is ${String(actual[column]![row])}, not ${String(values[row])}`,
      );
    }
  });
}

// ---- random values

const characters = [
  'a',
  'Z',
  '0',
  ' ',
  '"',
  '\u0000',
  '\u007f',
  'é',
  'ß',
  '߿',
  'ࠀ',
  '漢',
  '\ue000',
  '\uffff',
  '😀',
  '𝄞',
  '\u{10ffff}',
  '\ud800',
  '\udfff',
];

export function randomText(random: Random, maxLength: number): string {
  const length = Math.floor(random.next() * (maxLength + 1));
  const onlyAscii = random.next() < 0.5;
  let text = '';
  for (let index = 0; index < length; index++) {
    text += onlyAscii
      ? String.fromCharCode(32 + Math.floor(random.next() * 95))
      : characters[Math.floor(random.next() * characters.length)];
  }
  return text;
}

function randomBits(random: Random, bits: number): bigint {
  const high = BigInt(Math.floor(random.next() * 2 ** 32));
  const low = BigInt(Math.floor(random.next() * 2 ** 32));
  const magnitude = BigInt(1 + Math.floor(random.next() * bits)); // small and large numbers alike
  return BigInt.asIntN(Number(magnitude), (high << 32n) | low);
}

const strangeDoubles = [
  0,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  5e-324,
  1.7976931348623157e308,
];

function randomDouble(random: Random): number {
  if (random.next() < 0.1) return strangeDoubles[Math.floor(random.next() * strangeDoubles.length)]!;
  return (random.next() - 0.5) * 10 ** Math.floor(random.next() * 20 - 10);
}

export function randomValue(type: ColumnType, random: Random): Plain {
  switch (type) {
    case 'string':
      return randomText(random, random.next() < 0.02 ? 600 : 24);
    case 'binary':
      return Buffer.from(randomText(random, 20)).toString('hex');
    case 'boolean':
      return random.next() < 0.5;
    case 'byte':
      return Number(randomBits(random, 8));
    case 'short':
      return Number(randomBits(random, 16));
    case 'integer':
    case 'date':
      return Number(randomBits(random, 32));
    case 'float':
    case 'double':
      return randomDouble(random);
    default:
      return randomBits(random, type === 'long' ? 64 : 53);
  }
}

/** Values of which about `nullShare` are null, drawn from `distinct` values (Infinity: each one new). */
export function randomColumn(
  columnField: ColumnField,
  random: Random,
  shape: { readonly rowCount: number; readonly nullShare: number; readonly distinct: number },
): TestColumn {
  const pool = Number.isFinite(shape.distinct)
    ? Array.from({ length: shape.distinct }, () => randomValue(columnField.type, random))
    : undefined;
  const values = Array.from({ length: shape.rowCount }, () => {
    if (columnField.nullable && random.next() < shape.nullShare) return null;
    return pool === undefined
      ? randomValue(columnField.type, random)
      : pool[Math.floor(random.next() * pool.length)]!;
  });
  return { field: columnField, values };
}
