// Pure. How column types look inside a file: physical type, logical type, and the older converted type.
import { TributaryError } from '../base/index.js';
import type { ColumnType, DataField, DataType, DecimalType } from './columns.js';
import { ConvertedType, PhysicalType, Repetition } from './format.js';
import { type CompactWriter, ListOf } from './thrift.js';

/** The types whose values lie in a column chunk of their own. */
export type LeafType = ColumnType | DecimalType;

/** The physical type of each primitive type (Delta PROTOCOL.md, "Parquet types"). */
const physicalTypes = {
  string: PhysicalType.BYTE_ARRAY,
  binary: PhysicalType.BYTE_ARRAY,
  boolean: PhysicalType.BOOLEAN,
  byte: PhysicalType.INT32,
  short: PhysicalType.INT32,
  integer: PhysicalType.INT32,
  long: PhysicalType.INT64,
  float: PhysicalType.FLOAT,
  double: PhysicalType.DOUBLE,
  date: PhysicalType.INT32,
  timestamp: PhysicalType.INT64,
  timestamp_ntz: PhysicalType.INT64,
} as const satisfies Record<ColumnType, number>;

/** Local timestamps have no converted type: the old TIMESTAMP_MICROS means UTC. */
const convertedTypeOf: Readonly<Partial<Record<ColumnType, number>>> = {
  string: ConvertedType.UTF8,
  byte: ConvertedType.INT_8,
  short: ConvertedType.INT_16,
  date: ConvertedType.DATE,
  timestamp: ConvertedType.TIMESTAMP_MICROS,
};

/** Members of the union LogicalType. */
const LogicalType = { STRING: 1, MAP: 2, LIST: 3, DECIMAL: 5, DATE: 6, TIMESTAMP: 8, INTEGER: 10 } as const;

/** Digits that the integer types hold; more need bytes. */
const maxDigits = { int32: 9, int64: 18 } as const;

export function physicalTypeOf(type: LeafType): number {
  if (typeof type === 'string') return physicalTypes[type];
  if (type.precision <= maxDigits.int32) return PhysicalType.INT32;
  return type.precision <= maxDigits.int64 ? PhysicalType.INT64 : PhysicalType.FIXED_LEN_BYTE_ARRAY;
}

/** Bytes of a decimal as FIXED_LEN_BYTE_ARRAY: the fewest that hold all its digits and a sign, as Spark has it. */
export function decimalBytes({ precision }: DecimalType): number {
  return Math.ceil(((10n ** BigInt(precision)).toString(2).length + 1) / 8);
}

/**
 * Writes FileMetaData.schema: the root, then each field in depth-first order. Lists have three levels
 * (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#nested-types).
 * @throws TributaryError PARQUET_UNSUPPORTED for void, and for structs without fields
 */
export function writeSchema(writer: CompactWriter, fieldId: number, fields: readonly DataField[]): void {
  writer.beginList(fieldId, ListOf.STRUCT, elementCountOf(fields) + 1);
  writer.beginStruct();
  writer.text(4, 'schema');
  writer.i32(5, fields.length);
  writer.endStruct();
  for (const field of fields) writeField(writer, field);
}

function elementCountOf(fields: readonly DataField[]): number {
  return fields.reduce((sum, { type }) => sum + 1 + innerElementCount(type), 0);
}

function innerElementCount(type: DataType): number {
  if (typeof type === 'string') return 0;
  if (type.kind === 'struct') return elementCountOf(type.fields);
  if (type.kind === 'list') return 1 + elementCountOf([type.element]);
  return type.kind === 'map' ? 1 + elementCountOf([type.key, type.value]) : 0;
}

function writeField(writer: CompactWriter, field: DataField): void {
  const { type } = field;
  if (typeof type === 'string') {
    writeLeaf(writer, field, type);
    return;
  }
  switch (type.kind) {
    case 'decimal':
      writeLeaf(writer, field, type);
      break;
    case 'struct':
      if (type.fields.length === 0) throw unsupported(field, 'a struct without fields');
      writeGroup(writer, field, { childCount: type.fields.length });
      for (const child of type.fields) writeField(writer, child);
      break;
    case 'list':
      writeGroup(writer, field, { childCount: 1, converted: ConvertedType.LIST, logical: LogicalType.LIST });
      writeRepeatedGroup(writer, 'list', 1);
      writeField(writer, { ...type.element, name: 'element' });
      break;
    case 'map':
      writeGroup(writer, field, { childCount: 1, converted: ConvertedType.MAP, logical: LogicalType.MAP });
      writeRepeatedGroup(writer, 'key_value', 2);
      writeField(writer, { ...type.key, name: 'key', nullable: false });
      writeField(writer, { ...type.value, name: 'value' });
      break;
    case 'void':
      throw unsupported(field, 'of the type void');
  }
}

function unsupported(field: DataField, what: string): TributaryError {
  return new TributaryError(
    'PARQUET_UNSUPPORTED',
    `Column "${field.name}" is ${what}; Parquet has no form for it.`,
  );
}

function repetitionOf(field: DataField): number {
  return field.nullable ? Repetition.OPTIONAL : Repetition.REQUIRED;
}

export function writeLeaf(writer: CompactWriter, field: DataField, type: LeafType): void {
  const physicalType = physicalTypeOf(type);
  const isDecimal = typeof type !== 'string';
  writer.beginStruct();
  writer.i32(1, physicalType);
  if (isDecimal && physicalType === PhysicalType.FIXED_LEN_BYTE_ARRAY) writer.i32(2, decimalBytes(type));
  writer.i32(3, repetitionOf(field));
  writer.text(4, field.name);
  const convertedType = isDecimal ? ConvertedType.DECIMAL : convertedTypeOf[type];
  if (convertedType !== undefined) writer.i32(6, convertedType);
  if (isDecimal) {
    writer.i32(7, type.scale);
    writer.i32(8, type.precision);
  }
  if (field.id !== undefined) writer.i32(9, field.id);
  writeLogicalType(writer, type);
  writer.endStruct();
}

interface GroupForm {
  readonly childCount: number;
  readonly converted?: number;
  readonly logical?: number;
}

function writeGroup(writer: CompactWriter, field: DataField, form: GroupForm): void {
  const { logical } = form;
  writer.beginStruct();
  writer.i32(3, repetitionOf(field));
  writer.text(4, field.name);
  writer.i32(5, form.childCount);
  if (form.converted !== undefined) writer.i32(6, form.converted);
  if (field.id !== undefined) writer.i32(9, field.id);
  if (logical !== undefined) writeUnion(writer, () => writer.emptyStructField(logical));
  writer.endStruct();
}

function writeRepeatedGroup(writer: CompactWriter, name: string, childCount: number): void {
  writer.beginStruct();
  writer.i32(3, Repetition.REPEATED);
  writer.text(4, name);
  writer.i32(5, childCount);
  writer.endStruct();
}

/** SchemaElement.logicalType, a union: the id of its only field names the type. */
function writeLogicalType(writer: CompactWriter, type: LeafType): void {
  if (typeof type !== 'string') writeUnion(writer, () => writeDecimalType(writer, type));
  else if (type === 'string') writeUnion(writer, () => writer.emptyStructField(LogicalType.STRING));
  else if (type === 'date') writeUnion(writer, () => writer.emptyStructField(LogicalType.DATE));
  else if (type === 'byte') writeUnion(writer, () => writeIntegerType(writer, 8));
  else if (type === 'short') writeUnion(writer, () => writeIntegerType(writer, 16));
  else if (type === 'timestamp') writeUnion(writer, () => writeTimestampType(writer, true));
  else if (type === 'timestamp_ntz') writeUnion(writer, () => writeTimestampType(writer, false));
}

function writeUnion(writer: CompactWriter, writeMember: () => void): void {
  writer.beginStructField(10);
  writeMember();
  writer.endStruct();
}

function writeDecimalType(writer: CompactWriter, type: DecimalType): void {
  writer.beginStructField(LogicalType.DECIMAL);
  writer.i32(1, type.scale);
  writer.i32(2, type.precision);
  writer.endStruct();
}

function writeIntegerType(writer: CompactWriter, bitWidth: number): void {
  writer.beginStructField(LogicalType.INTEGER);
  writer.byte(1, bitWidth);
  writer.boolean(2, true);
  writer.endStruct();
}

function writeTimestampType(writer: CompactWriter, isAdjustedToUtc: boolean): void {
  writer.beginStructField(LogicalType.TIMESTAMP);
  writer.boolean(1, isAdjustedToUtc);
  writer.beginStructField(2);
  writer.emptyStructField(2); // MICROS
  writer.endStruct();
  writer.endStruct();
}
