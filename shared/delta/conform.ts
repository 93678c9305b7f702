// Pure. A data file's column as the table's column: parts found by name or id, missing ones null, narrower types widened.
import { TributaryError } from '../base/index.js';
import {
  type ColumnType,
  type DataType,
  type DataValues,
  type DecimalType,
  findUnsupported,
  nullValues,
  type ParquetColumn,
} from '../parquet/index.js';
import { columnId, type MappingMode, physicalName } from './columnMapping.js';
import { dataTypeOf, type TableColumn, type TableType } from './tableTypes.js';

export interface ColumnPlan {
  /** What to read of the file's column. */
  readonly column: ParquetColumn;
  readonly convert: (values: DataValues, count: number) => DataValues;
}

interface Context {
  readonly mode: MappingMode;
  /** For messages: table, file, and the path to the column. */
  readonly where: string;
}

const identity = (values: DataValues): DataValues => values;

/**
 * The file's column that holds the table's column; undefined when the file lacks it.
 * @throws TributaryError DELTA_SCHEMA_MISMATCH when it is there with a type that does not fit
 */
export function planColumn(
  column: TableColumn,
  candidates: readonly ParquetColumn[],
  context: Context,
): ColumnPlan | undefined {
  const found = findColumn(column, candidates, context.mode);
  if (found === undefined || holdsNulls(column.type, found)) return undefined;
  return planType(column.type, found, { ...context, where: `${context.where}, column "${column.name}"` });
}

/** A `void` column has no values whatever the file holds, and Parquet's UNKNOWN annotates columns of nothing but nulls. */
function holdsNulls(type: TableType, file: ParquetColumn): boolean {
  return (
    (typeof type === 'object' && type.kind === 'void') || (file.kind === 'unsupported' && file.isAllNull)
  );
}

function findColumn(
  column: TableColumn,
  candidates: readonly ParquetColumn[],
  mode: MappingMode,
): ParquetColumn | undefined {
  const id = columnId(column);
  if (mode === 'id' && id !== undefined) return candidates.find((candidate) => candidate.id === id);
  const name = physicalName(column, mode);
  const isSameName = (candidate: ParquetColumn) => candidate.name.toLowerCase() === name.toLowerCase();
  return candidates.find((candidate) => candidate.name === name) ?? candidates.find(isSameName);
}

function planType(type: TableType, file: ParquetColumn, context: Context): ColumnPlan {
  if (typeof type === 'string' || type.kind === 'decimal') return planScalar(type, file, context);
  switch (type.kind) {
    case 'struct':
      if (file.kind === 'struct') return planStruct(type.fields, file, context);
      break;
    case 'list':
      if (file.kind === 'list') {
        const element = planType(type.element.type, file.element, context);
        return { column: { ...file, element: element.column }, convert: convertList(element) };
      }
      break;
    case 'map':
      if (file.kind === 'map') {
        const key = planType(type.key.type, file.key, context);
        const value = planType(type.value.type, file.value, context);
        return { column: { ...file, key: key.column, value: value.column }, convert: convertMap(key, value) };
      }
      break;
    case 'void':
      return { column: file, convert: () => ({ kind: 'void' }) };
  }
  throw mismatch(type, file, context);
}

function planStruct(
  fields: readonly TableColumn[],
  file: Extract<ParquetColumn, { kind: 'struct' }>,
  context: Context,
): ColumnPlan {
  const plans = fields.map((field) => planColumn(field, file.children, context));
  const wanted = plans.flatMap((plan) => (plan === undefined ? [] : [plan.column]));
  // Whether the struct is null is written in its children only: at least one has to be read.
  const children = wanted.length > 0 ? wanted : firstReadable(file.children);
  const types = fields.map((field) => dataTypeOf(field.type));
  const convert = (values: DataValues, count: number): DataValues => {
    if (values.kind !== 'struct') return values;
    let read = 0;
    const converted = plans.map((plan, index) =>
      plan === undefined ? nullValues(types[index]!, count) : plan.convert(values.children[read++]!, count),
    );
    return { ...values, children: converted };
  };
  return { column: { ...file, children }, convert };
}

function firstReadable(children: readonly ParquetColumn[]): readonly ParquetColumn[] {
  const found = children.find((child) => findUnsupported(child) === undefined) ?? children[0];
  return found === undefined ? [] : [found];
}

function convertList(element: ColumnPlan): ColumnPlan['convert'] {
  return (values, count) => {
    if (values.kind !== 'list') return values;
    return { ...values, element: element.convert(values.element, values.offsets[count]!) };
  };
}

function convertMap(key: ColumnPlan, value: ColumnPlan): ColumnPlan['convert'] {
  return (values, count) => {
    if (values.kind !== 'map') return values;
    const entryCount = values.offsets[count]!;
    return {
      ...values,
      keys: key.convert(values.keys, entryCount),
      values: value.convert(values.values, entryCount),
    };
  };
}

function planScalar(type: ColumnType | DecimalType, file: ParquetColumn, context: Context): ColumnPlan {
  const convert = file.kind === 'leaf' ? conversion(file.type, type) : undefined;
  if (convert === undefined) throw mismatch(type, file, context);
  return { column: file, convert };
}

const integerTypes: ReadonlySet<DataType> = new Set<DataType>(['byte', 'short', 'integer']);

/** Undefined when values of the file's type are none of the table's (PROTOCOL.md "Type Widening" lists what may differ). */
function conversion(
  file: ColumnType | DecimalType,
  table: ColumnType | DecimalType,
): ColumnPlan['convert'] | undefined {
  if (typeof table !== 'string') return decimalConversion(file, table);
  if (typeof file !== 'string') return undefined;
  if (file === table) return identity;
  const isInteger = integerTypes.has(file);
  if (isInteger && integerTypes.has(table)) return identity; // some writers leave out the annotation
  if (isInteger && (table === 'long' || table === 'double')) return toFloat64;
  if (file === 'float' && table === 'double') return identity;
  if (isTimestamp(file) && isTimestamp(table)) return identity;
  if (file === 'date' && table === 'timestamp_ntz') return daysToMicros;
  if (file === 'binary' && table === 'string') return bytesToText;
  if (file === 'string' && table === 'binary') return textToBytes;
  return undefined;
}

function isTimestamp(type: ColumnType): boolean {
  return type === 'timestamp' || type === 'timestamp_ntz';
}

const toFloat64 = (values: DataValues): DataValues =>
  values.kind === 'numbers'
    ? { ...values, values: Float64Array.from<number | bigint>(values.values, Number) }
    : values;

const microsPerDay = 86_400_000_000;

const daysToMicros = (values: DataValues): DataValues =>
  values.kind === 'numbers'
    ? {
        ...values,
        values: Float64Array.from<number | bigint>(values.values, (days) => Number(days) * microsPerDay),
      }
    : values;

const bytesToText = (values: DataValues): DataValues => {
  if (values.kind !== 'bytes') return values;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    kind: 'text',
    values: values.values.map((value) => (value === null ? null : decoder.decode(value))),
  };
};

const textToBytes = (values: DataValues): DataValues => {
  if (values.kind !== 'text') return values;
  const encoder = new TextEncoder();
  return {
    kind: 'bytes',
    values: values.values.map((value) => (value === null ? null : encoder.encode(value))),
  };
};

/** Integers and narrower decimals; never one that could lose digits. */
function decimalConversion(
  file: ColumnType | DecimalType,
  table: DecimalType,
): ColumnPlan['convert'] | undefined {
  if (typeof file !== 'string') {
    if (file.scale > table.scale || file.precision - file.scale > table.precision - table.scale)
      return undefined;
    return file.scale === table.scale ? identity : scaled(table.scale - file.scale);
  }
  return integerTypes.has(file) || file === 'long' ? scaled(table.scale) : undefined;
}

function scaled(digits: number): ColumnPlan['convert'] {
  const factor = 10n ** BigInt(digits);
  return (values) => {
    if (values.kind !== 'numbers' && values.kind !== 'decimals') return values;
    const unscaled = Array.from<number | bigint, bigint>(values.values, (value) => BigInt(value) * factor);
    const { validity } = values;
    return { kind: 'decimals', values: unscaled, ...(validity && { validity }) };
  };
}

function mismatch(type: TableType, file: ParquetColumn, { where }: Context): TributaryError {
  const found = file.kind === 'leaf' ? describe(file.type) : file.kind;
  const reason = file.kind === 'unsupported' ? ` (${file.reason})` : '';
  return new TributaryError(
    'DELTA_SCHEMA_MISMATCH',
    `${where}: the type is ${describe(type)} in the table, but ${found}${reason} in the data file.`,
  );
}

function describe(type: TableType): string {
  if (typeof type === 'string') return type;
  if (type.kind === 'decimal') return `decimal(${type.precision},${type.scale})`;
  return type.kind === 'unknown' ? type.typeText : type.kind;
}

/** Whether any column carries a `field_id`, without which columns cannot be found by id. */
export function hasIds(columns: readonly ParquetColumn[]): boolean {
  return columns.some((column) => column.id !== undefined);
}
