// Pure. Which types hold all values of another (PROTOCOL.md "Type Widening"), and batches brought to the types of a table.
import type {
  ColumnBatch,
  ColumnField,
  ColumnType,
  DataBatch,
  DataField,
  DataType,
  DataValues,
  DecimalType,
} from '../parquet/index.js';
import { typeTextOf } from './schemaJson.js';

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
 * of the batch's, also inside structs, lists and maps. Other columns stay as they are.
 */
export function widenBatch(batch: ColumnBatch, table: readonly ColumnField[]): ColumnBatch;
export function widenBatch(batch: DataBatch, table: readonly DataField[]): DataBatch;
export function widenBatch(batch: DataBatch, table: readonly DataField[]): DataBatch {
  const widened = widenFields(batch.fields, batch.columns, table);
  return widened === undefined
    ? batch
    : { rowCount: batch.rowCount, fields: widened.fields, columns: widened.values };
}

interface WideFields {
  readonly fields: readonly DataField[];
  readonly values: readonly DataValues[];
}

interface WideColumn {
  readonly type: DataType;
  readonly values: DataValues;
}

/** Undefined when there is nothing to widen. */
function widenFields(
  fields: readonly DataField[],
  values: readonly DataValues[],
  table: readonly DataField[],
): WideFields | undefined {
  const types = new Map(table.map(({ name, type }) => [name.toLowerCase(), type]));
  const wide = fields.map((field, index) => {
    const type = types.get(field.name.toLowerCase());
    return type === undefined ? undefined : widen(values[index]!, field.type, type);
  });
  if (wide.every((column) => column === undefined)) return undefined;
  return {
    fields: fields.map((field, index) => ({ ...field, type: wide[index]?.type ?? field.type })),
    values: values.map((column, index) => wide[index]?.values ?? column),
  };
}

function widen(values: DataValues, from: DataType, to: DataType): WideColumn | undefined {
  if (isScalar(from) && isScalar(to)) {
    if (from === to || !canWiden(typeTextOf(from), typeTextOf(to))) return undefined;
    return { type: to, values: widenScalars(values, from, to) };
  }
  if (isScalar(from) || isScalar(to)) return undefined;
  if (from.kind === 'struct' && to.kind === 'struct' && values.kind === 'struct') {
    const wide = widenFields(from.fields, values.children, to.fields);
    return wide && { type: { ...from, fields: wide.fields }, values: { ...values, children: wide.values } };
  }
  if (from.kind === 'list' && to.kind === 'list' && values.kind === 'list') {
    const wide = widen(values.element, from.element.type, to.element.type);
    if (wide === undefined) return undefined;
    const element = { ...from.element, type: wide.type };
    return { type: { ...from, element }, values: { ...values, element: wide.values } };
  }
  if (from.kind === 'map' && to.kind === 'map' && values.kind === 'map') {
    const key = widen(values.keys, from.key.type, to.key.type);
    const value = widen(values.values, from.value.type, to.value.type);
    if (key === undefined && value === undefined) return undefined;
    return {
      type: {
        ...from,
        key: { ...from.key, type: key?.type ?? from.key.type },
        value: { ...from.value, type: value?.type ?? from.value.type },
      },
      values: { ...values, keys: key?.values ?? values.keys, values: value?.values ?? values.values },
    };
  }
  return undefined;
}

function isScalar(type: DataType): type is ColumnType | DecimalType {
  return typeof type === 'string' || type.kind === 'decimal';
}

function widenScalars(
  values: DataValues,
  from: ColumnType | DecimalType,
  to: ColumnType | DecimalType,
): DataValues {
  if (values.kind !== 'numbers' && values.kind !== 'decimals') return values;
  if (typeof to !== 'string') return widenedDecimals(values, typeof from === 'string' ? 0 : from.scale, to);
  if (values.kind !== 'numbers' || typeof from !== 'string') return values;
  return { ...values, values: widenedNumbers(values.values, from, to) };
}

function widenedDecimals(
  { values, validity }: Extract<DataValues, { kind: 'numbers' | 'decimals' }>,
  fromScale: number,
  to: DecimalType,
): DataValues {
  const nulls = validity === undefined ? {} : { validity };
  const factor = 10n ** BigInt(to.scale - fromScale);
  const unscaled = Array.from<number | bigint, bigint>(values, (value, row) =>
    validity?.[row] === 0 ? 0n : BigInt(value) * factor,
  );
  return { kind: 'decimals', values: unscaled, ...nulls };
}

const microsPerDay = 86_400_000_000;

type Numbers = Extract<DataValues, { kind: 'numbers' }>['values'];

function widenedNumbers(values: Numbers, from: ColumnType, to: ColumnType): Numbers {
  if (to === 'short' || to === 'integer') return values;
  if (from === 'float') return Float64Array.from(values as Float64Array, Math.fround);
  const numbers = Float64Array.from<number | bigint>(values, Number);
  if (from !== 'date') return numbers;
  const micros = numbers.map((days) => days * microsPerDay);
  // Days beyond the year 2255; the product is exact, since it has thirteen factors of two.
  return micros.every(Number.isSafeInteger) ? micros : BigInt64Array.from(micros, BigInt);
}
