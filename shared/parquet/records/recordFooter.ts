// Pure. FileMetaData of a file of nested records.
import { Encoding, Repetition } from '../format.js';
import { type LeafType, physicalTypeOf, writeLeaf } from '../schema.js';
import { type CompactWriter, ListOf } from '../thrift.js';
import { isLeaf, type RecordField, type RecordType } from './recordTypes.js';

export interface LeafChunk {
  readonly path: readonly string[];
  readonly type: LeafType;
  readonly entryCount: number;
  readonly nullCount: number;
  readonly dataPageOffset: number;
  /** Both with the page's header. */
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
}

export interface RecordRowGroup {
  readonly rowCount: number;
  readonly chunks: readonly LeafChunk[];
}

export interface RecordFooter {
  readonly rootName: string;
  readonly fields: readonly RecordField[];
  readonly rowGroups: readonly RecordRowGroup[];
  readonly codecId: number;
  readonly createdBy: string;
}

const repeated = 2;
const convertedMap = 1;
const convertedList = 3;

/** Members of the union LogicalType. */
const LogicalType = { MAP: 2, LIST: 3 } as const;

export function writeRecordFooter(writer: CompactWriter, footer: RecordFooter): void {
  writer.clear();
  writer.beginStruct();
  writer.i32(1, 1);
  writer.beginList(2, ListOf.STRUCT, 1 + countElements(footer.fields));
  writeGroup(writer, footer.rootName, undefined, footer.fields.length);
  for (const field of footer.fields) writeField(writer, field);
  writer.i64(
    3,
    sum(footer.rowGroups, ({ rowCount }) => rowCount),
  );
  writer.beginList(4, ListOf.STRUCT, footer.rowGroups.length);
  for (const group of footer.rowGroups) writeRowGroup(writer, group, footer.codecId);
  writer.text(6, footer.createdBy);
  writer.endStruct();
}

function countElements(fields: readonly RecordField[]): number {
  return sum(fields, ({ type }) => 1 + countChildren(type));
}

function countChildren(type: RecordType): number {
  if (isLeaf(type)) return 0;
  if (type.kind === 'struct') return countElements(type.fields);
  return type.kind === 'textMap' ? 3 : 2;
}

function writeField(writer: CompactWriter, { name, type }: RecordField): void {
  if (isLeaf(type)) {
    writeLeaf(writer, { name, type, nullable: true }, type);
  } else if (type.kind === 'struct') {
    writeGroup(writer, name, Repetition.OPTIONAL, type.fields.length);
    for (const field of type.fields) writeField(writer, field);
  } else if (type.kind === 'textMap') {
    writeGroup(writer, name, Repetition.OPTIONAL, 1, convertedMap, LogicalType.MAP);
    writeGroup(writer, 'key_value', repeated, 2);
    writeLeaf(writer, { name: 'key', type: 'string', nullable: false }, 'string');
    writeLeaf(writer, { name: 'value', type: 'string', nullable: true }, 'string');
  } else {
    writeGroup(writer, name, Repetition.OPTIONAL, 1, convertedList, LogicalType.LIST);
    writeGroup(writer, 'list', repeated, 1);
    writeLeaf(writer, { name: 'element', type: 'string', nullable: true }, 'string');
  }
}

function writeGroup(
  writer: CompactWriter,
  name: string,
  repetition: number | undefined,
  childCount: number,
  convertedType?: number,
  logicalType?: number,
): void {
  writer.beginStruct();
  if (repetition !== undefined) writer.i32(3, repetition);
  writer.text(4, name);
  writer.i32(5, childCount);
  if (convertedType !== undefined) writer.i32(6, convertedType);
  if (logicalType !== undefined) writeLogicalType(writer, logicalType);
  writer.endStruct();
}

function writeLogicalType(writer: CompactWriter, member: number): void {
  writer.beginStructField(10);
  writer.emptyStructField(member);
  writer.endStruct();
}

function writeRowGroup(writer: CompactWriter, group: RecordRowGroup, codecId: number): void {
  writer.beginStruct();
  writer.beginList(1, ListOf.STRUCT, group.chunks.length);
  for (const chunk of group.chunks) writeChunk(writer, chunk, codecId);
  writer.i64(
    2,
    sum(group.chunks, ({ uncompressedBytes }) => uncompressedBytes),
  );
  writer.i64(3, group.rowCount);
  writer.i64(5, group.chunks[0]?.dataPageOffset ?? 0);
  writer.i64(
    6,
    sum(group.chunks, ({ compressedBytes }) => compressedBytes),
  );
  writer.endStruct();
}

function writeChunk(writer: CompactWriter, chunk: LeafChunk, codecId: number): void {
  writer.beginStruct();
  writer.i64(2, chunk.dataPageOffset);
  writer.beginStructField(3);
  writer.i32(1, physicalTypeOf(chunk.type));
  writer.beginList(2, ListOf.I32, 2);
  writer.i32Element(Encoding.PLAIN);
  writer.i32Element(Encoding.RLE);
  writer.beginList(3, ListOf.BINARY, chunk.path.length);
  for (const name of chunk.path) writer.textElement(name);
  writer.i32(4, codecId);
  writer.i64(5, chunk.entryCount);
  writer.i64(6, chunk.uncompressedBytes);
  writer.i64(7, chunk.compressedBytes);
  writer.i64(9, chunk.dataPageOffset);
  writer.beginStructField(12);
  writer.i64(3, chunk.nullCount);
  writer.endStruct();
  writer.endStruct();
  writer.endStruct();
}

function sum<Item>(items: readonly Item[], numberOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + numberOf(item), 0);
}
