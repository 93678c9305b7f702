// Pure. Which types hold all values of another (PROTOCOL.md "Type Widening"), and batches brought to the types of a table.
import type { ColumnBatch, ColumnField, ColumnType, ColumnValues } from '../parquet/index.js';

const wider: Readonly<Record<string, readonly string[]>> = {
  byte: ['short', 'integer', 'long', 'double'],
  short: ['integer', 'long', 'double'],
  integer: ['long', 'double'],
  float: ['double'],
  date: ['timestamp_ntz'],
};

/** Decimal digits that the whole numbers of a type are given by the protocol. */
const digitsOf: Readonly<Record<string, number>> = { byte: 10, short: 10, integer: 10, long: 20 };

const decimalText = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/;

function decimalOf(type: string): { readonly whole: number; readonly scale: number } | undefined {
  const digits = digitsOf[type];
  if (digits !== undefined) return { whole: digits, scale: 0 };
  const match = decimalText.exec(type);
  if (match === null) return undefined;
  const scale = Number(match[2]);
  return { whole: Number(match[1]) - scale, scale };
}

/** Whether a column may change from one primitive type, as a schema's JSON spells it, to the other. */
export function canWiden(from: string, to: string): boolean {
  if (wider[from]?.includes(to) === true) return true;
  const narrow = decimalOf(from);
  const wide = decimalText.test(to) ? decimalOf(to) : undefined;
  if (narrow === undefined || wide === undefined) return false;
  const isSame = narrow.whole === wide.whole && narrow.scale === wide.scale && decimalText.test(from);
  return !isSame && narrow.whole <= wide.whole && narrow.scale <= wide.scale;
}

/** Whether two spellings mean one type: some writers put a space into `decimal(10, 2)`. */
export function isSameType(left: string, right: string): boolean {
  return left.replaceAll(' ', '') === right.replaceAll(' ', '');
}

/**
 * The batch with each column in the type of the table's column of that name (whatever its case), where that type holds all values
 * of the batch's. Other columns stay as they are.
 */
export function widenBatch(batch: ColumnBatch, table: readonly ColumnField[]): ColumnBatch {
  const types = new Map(table.map(({ name, type }) => [name.toLowerCase(), type]));
  const targets = batch.fields.map((field) => {
    const type = types.get(field.name.toLowerCase());
    return type !== undefined && isWidened(field.type, type) ? type : undefined;
  });
  if (targets.every((type) => type === undefined)) return batch;
  return {
    rowCount: batch.rowCount,
    fields: batch.fields.map((field, index) => ({ ...field, type: targets[index] ?? field.type })),
    columns: batch.columns.map((column, index) => {
      const type = targets[index];
      return type === undefined ? column : widened(column, batch.fields[index]!.type, type);
    }),
  };
}

function isWidened(from: ColumnField['type'], to: ColumnField['type']): boolean {
  return typeof from === 'string' && typeof to === 'string' && canWiden(from, to);
}

const microsPerDay = 86_400_000_000;

function widened(column: ColumnValues, from: ColumnType, to: ColumnType): ColumnValues {
  if (column.kind !== 'numbers') return column;
  return { ...column, values: widenedNumbers(column.values, from, to) };
}

type Numbers = Extract<ColumnValues, { kind: 'numbers' }>['values'];

function widenedNumbers(values: Numbers, from: ColumnType, to: ColumnType): Numbers {
  if (to === 'short' || to === 'integer') return values;
  if (from === 'float') return Float64Array.from(values as Float64Array, Math.fround);
  const numbers = Float64Array.from<number | bigint>(values, Number);
  if (from !== 'date') return numbers;
  const micros = numbers.map((days) => days * microsPerDay);
  // Days beyond the year 2255; the product is exact, since it has thirteen factors of two.
  return micros.every(Number.isSafeInteger) ? micros : BigInt64Array.from(micros, BigInt);
}
