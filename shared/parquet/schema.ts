// Pure. How column types look inside a file: physical type, logical type, and the older converted type.
import type { ColumnField, ColumnType } from './columns.js';
import { ConvertedType, PhysicalType, Repetition } from './format.js';
import { type CompactWriter, ListOf } from './thrift.js';

/** The physical type of each column type (Delta PROTOCOL.md, "Parquet types"). */
export const physicalTypeOf = {
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

/** Writes FileMetaData.schema: the root, then one leaf per field. */
export function writeSchema(writer: CompactWriter, fieldId: number, fields: readonly ColumnField[]): void {
  writer.beginList(fieldId, ListOf.STRUCT, fields.length + 1);
  writer.beginStruct();
  writer.text(4, 'schema');
  writer.i32(5, fields.length);
  writer.endStruct();
  for (const field of fields) writeLeaf(writer, field);
}

function writeLeaf(writer: CompactWriter, field: ColumnField): void {
  writer.beginStruct();
  writer.i32(1, physicalTypeOf[field.type]);
  writer.i32(3, field.nullable ? Repetition.OPTIONAL : Repetition.REQUIRED);
  writer.text(4, field.name);
  const convertedType = convertedTypeOf[field.type];
  if (convertedType !== undefined) writer.i32(6, convertedType);
  writeLogicalType(writer, field.type);
  writer.endStruct();
}

/** SchemaElement.logicalType, a union: the id of its only field names the type. */
function writeLogicalType(writer: CompactWriter, type: ColumnType): void {
  if (type === 'string') writeUnion(writer, () => writer.emptyStructField(1));
  else if (type === 'date') writeUnion(writer, () => writer.emptyStructField(6));
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

function writeIntegerType(writer: CompactWriter, bitWidth: number): void {
  writer.beginStructField(10);
  writer.byte(1, bitWidth);
  writer.boolean(2, true);
  writer.endStruct();
}

function writeTimestampType(writer: CompactWriter, isAdjustedToUtc: boolean): void {
  writer.beginStructField(8);
  writer.boolean(1, isAdjustedToUtc);
  writer.beginStructField(2);
  writer.emptyStructField(2); // MICROS
  writer.endStruct();
  writer.endStruct();
}
