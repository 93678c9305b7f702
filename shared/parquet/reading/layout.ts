// The footer, parsed by hyparquet, as what a columnar reader needs: flat columns, their types, and where their chunks lie.
import type { FileMetaData, RowGroup, SchemaElement } from 'hyparquet';
// Not through hyparquet's index: that loads its filters, geometry and variants too, 20 ms of a cold start.
import { parquetMetadata } from 'hyparquet/src/metadata.js';
import { TributaryError } from '../../base/index.js';
import type { ColumnField, ColumnType } from '../columns.js';
import { damagedPage } from './byteReader.js';
import type { WordForm } from './fixedWidthSink.js';

export type StoredForm = WordForm | 'boolean' | 'text' | 'bytes';

/** A top-level column: readable, or why it is not. */
export type ColumnLayout =
  | {
      readonly kind: 'flat';
      readonly field: ColumnField;
      readonly form: StoredForm;
      /** Bytes of each value of a FIXED_LEN_BYTE_ARRAY. */
      readonly fixedLength: number | undefined;
      readonly leafIndex: number;
    }
  | { readonly kind: 'unsupported'; readonly name: string; readonly reason: string };

export interface ChunkLayout {
  readonly start: number;
  readonly end: number;
  readonly codec: string;
}

export interface RowGroupLayout {
  readonly rowCount: number;
  readonly group: RowGroup;
}

export interface FileLayout {
  readonly rowCount: number;
  readonly columns: readonly ColumnLayout[];
  readonly rowGroups: readonly RowGroupLayout[];
}

/** A batch is held in memory as a whole; more rows would exhaust it, most likely on a damaged file's word. */
const maxRowCount = 2 ** 27;

/** @param footer the metadata, its length and the closing magic */
export function parseLayout(footer: Uint8Array): FileLayout {
  let metadata: FileMetaData;
  try {
    metadata = parquetMetadata(footer, { geoparquet: false });
  } catch (cause) {
    throw new TributaryError('PARQUET_INVALID', 'The Parquet file is damaged: its footer cannot be parsed.', {
      cause,
    });
  }
  const rowGroups = metadata.row_groups.map((group) => ({ rowCount: rowCountOf(group.num_rows), group }));
  const rowCount = rowGroups.reduce((sum, group) => sum + group.rowCount, 0);
  if (rowCount !== rowCountOf(metadata.num_rows)) {
    throw damagedPage(`row groups hold ${rowCount} rows, but the footer says ${metadata.num_rows}`);
  }
  return { rowCount, columns: columnsOf(metadata.schema), rowGroups };
}

function rowCountOf(value: unknown): number {
  const count = Number(value);
  if (typeof value !== 'bigint' || count < 0) throw damagedPage(`${value} is no count of rows`);
  if (count <= maxRowCount) return count;
  throw new TributaryError('PARQUET_UNSUPPORTED', `${count} rows are too many to be read as one batch.`);
}

/** Children of the root. A nested column takes as many leaves as its subtree has. */
function columnsOf(schema: readonly SchemaElement[]): ColumnLayout[] {
  const columns: ColumnLayout[] = [];
  const rootChildren = schema[0]?.num_children ?? 0;
  let position = 1;
  let leafIndex = 0;
  for (let child = 0; child < rootChildren; child++) {
    const element = elementAt(schema, position);
    const end = subtreeEnd(schema, position);
    const isNested = (element.num_children ?? 0) > 0 || element.repetition_type === 'REPEATED';
    columns.push(
      isNested
        ? { kind: 'unsupported', name: nameOf(element), reason: 'it is nested' }
        : flatColumn(element, leafIndex),
    );
    leafIndex += schema.slice(position, end).filter((inner) => (inner.num_children ?? 0) === 0).length;
    position = end;
  }
  return columns;
}

function elementAt(schema: readonly SchemaElement[], position: number): SchemaElement {
  const element = schema[position];
  if (element === undefined) throw damagedPage('the schema announces more columns than it has');
  return element;
}

function subtreeEnd(schema: readonly SchemaElement[], start: number): number {
  let open = 1;
  let position = start;
  while (open > 0) {
    open += (elementAt(schema, position).num_children ?? 0) - 1;
    position += 1;
  }
  return position;
}

function nameOf(element: SchemaElement): string {
  if (typeof element.name !== 'string') throw damagedPage('a column has no name');
  return element.name;
}

function flatColumn(element: SchemaElement, leafIndex: number): ColumnLayout {
  const name = nameOf(element);
  const stored = storedTypeOf(element);
  if (stored === undefined) {
    const annotation = element.logical_type?.type ?? element.converted_type;
    const reason = `${element.type}${annotation === undefined ? '' : ` as ${annotation}`} has no column type`;
    return { kind: 'unsupported', name, reason };
  }
  const [type, form] = stored;
  const field = { name, type, nullable: element.repetition_type !== 'REQUIRED' };
  const fixedLength = element.type === 'FIXED_LEN_BYTE_ARRAY' ? element.type_length : undefined;
  if (element.type === 'FIXED_LEN_BYTE_ARRAY' && !(fixedLength !== undefined && fixedLength >= 0)) {
    throw damagedPage(`column "${name}" has no length`);
  }
  return { kind: 'flat', field, form, fixedLength, leafIndex };
}

function storedTypeOf(element: SchemaElement): readonly [ColumnType, StoredForm] | undefined {
  switch (element.type) {
    case 'BOOLEAN':
      return ['boolean', 'boolean'];
    case 'INT32':
      return int32Type(element);
    case 'INT64':
      return int64Type(element);
    case 'INT96':
      return ['timestamp', 'int96'];
    case 'FLOAT':
      return ['float', 'float'];
    case 'DOUBLE':
      return ['double', 'double'];
    case 'BYTE_ARRAY':
      return byteArrayType(element);
    case 'FIXED_LEN_BYTE_ARRAY':
      return annotationOf(element) === undefined ? ['binary', 'bytes'] : undefined;
    default:
      return undefined;
  }
}

/** The logical type, else the older converted type, in the latter's spelling. */
function annotationOf(element: SchemaElement): string | undefined {
  const logical = element.logical_type;
  if (logical?.type === 'INTEGER') return `${logical.isSigned ? 'INT' : 'UINT'}_${logical.bitWidth}`;
  if (logical?.type === 'TIMESTAMP') return `TIMESTAMP_${logical.unit}`;
  if (logical?.type === 'STRING') return 'UTF8';
  return logical?.type ?? element.converted_type;
}

/** Unsigned integers take the next wider type, as in Spark. */
function int32Type(element: SchemaElement): readonly [ColumnType, StoredForm] | undefined {
  switch (annotationOf(element)) {
    case undefined:
    case 'INT_32':
      return ['integer', 'int32'];
    case 'INT_8':
      return ['byte', 'int32'];
    case 'INT_16':
    case 'UINT_8':
      return ['short', 'int32'];
    case 'UINT_16':
      return ['integer', 'int32'];
    case 'UINT_32':
      return ['long', 'uint32'];
    case 'DATE':
      return ['date', 'int32'];
    default:
      return undefined;
  }
}

function int64Type(element: SchemaElement): readonly [ColumnType, StoredForm] | undefined {
  const logical = element.logical_type;
  const isLocal = logical?.type === 'TIMESTAMP' && logical.isAdjustedToUTC === false;
  const timestamp = isLocal ? 'timestamp_ntz' : 'timestamp';
  switch (annotationOf(element)) {
    case undefined:
    case 'INT_64':
      return ['long', 'int64'];
    case 'TIMESTAMP_MICROS':
      return [timestamp, 'int64'];
    case 'TIMESTAMP_MILLIS':
      return [timestamp, 'timestampMillis'];
    case 'TIMESTAMP_NANOS':
      return [timestamp, 'timestampNanos'];
    default:
      return undefined;
  }
}

function byteArrayType(element: SchemaElement): readonly [ColumnType, StoredForm] | undefined {
  switch (annotationOf(element)) {
    case 'UTF8':
    case 'ENUM':
    case 'JSON':
      return ['string', 'text'];
    case undefined:
    case 'BSON':
      return ['binary', 'bytes'];
    default:
      return undefined;
  }
}

/** Where a column's chunk lies. @param dataEnd offset of the footer, which no chunk reaches */
export function chunkLayout(
  rowGroup: RowGroupLayout,
  column: Extract<ColumnLayout, { kind: 'flat' }>,
  dataEnd: number,
): ChunkLayout {
  const chunk = rowGroup.group.columns[column.leafIndex];
  const metadata = chunk?.meta_data;
  const name = column.field.name;
  if (chunk !== undefined && (chunk.file_path || metadata === undefined)) {
    throw new TributaryError('PARQUET_UNSUPPORTED', `Column "${name}" is encrypted or in another file.`);
  }
  if (metadata === undefined || metadata.path_in_schema.join('.') !== name) {
    throw damagedPage(`a row group lacks column "${name}"`);
  }
  if (Number(metadata.num_values) !== rowGroup.rowCount) {
    throw damagedPage(`column "${name}" has ${metadata.num_values} values for ${rowGroup.rowCount} rows`);
  }
  // Some writers put 0 for no dictionary, some leave the dictionary's offset out though there is one.
  const offsets = [metadata.dictionary_page_offset, metadata.data_page_offset]
    .map(Number)
    .filter((offset) => offset > 0);
  const start = Math.min(...offsets);
  const end = start + Number(metadata.total_compressed_size);
  if (!(start >= 4 && end >= start && end <= dataEnd))
    throw damagedPage(`column "${name}" lies outside the file`);
  return { start, end, codec: metadata.codec };
}
