// What the leaves of a Parquet schema are: the column type they stand for, and the form their values have.
import type { SchemaElement } from 'hyparquet';
import type { ColumnType, DecimalType } from '../columns.js';
import { damagedPage } from './byteReader.js';
import type { WordForm } from './fixedWidthSink.js';

export type StoredForm = WordForm | 'boolean' | 'text' | 'bytes' | 'bigEndian';

export type StoredType = readonly [type: ColumnType | DecimalType, form: StoredForm];

const maxPrecision = 38;

/** Undefined when no type stands for what the file holds. */
export function storedTypeOf(element: SchemaElement): StoredType | undefined {
  if (annotationOf(element) === 'DECIMAL') return decimalType(element);
  // A decimal whose annotation is damaged would be a whole number, and another one.
  if ((element.precision ?? 0) > 0)
    throw damagedPage(`column "${element.name}" has digits but is no decimal`);
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
function int32Type(element: SchemaElement): StoredType | undefined {
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

function int64Type(element: SchemaElement): StoredType | undefined {
  const logical = element.logical_type;
  const isLocal = logical?.type === 'TIMESTAMP' && logical.isAdjustedToUTC === false;
  const timestamp = isLocal ? 'timestamp_ntz' : 'timestamp';
  const older = element.converted_type;
  if (logical?.type === 'TIMESTAMP' && older !== undefined && older !== annotationOf(element))
    throw damagedPage(`column "${element.name}" is ${annotationOf(element)} and ${older} at once`);
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

function byteArrayType(element: SchemaElement): StoredType | undefined {
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

/** Parquet's older files keep precision and scale beside the converted type. */
function decimalType(element: SchemaElement): StoredType | undefined {
  const logical = element.logical_type;
  const isLogical = logical?.type === 'DECIMAL';
  const precision = isLogical ? logical.precision : element.precision;
  const scale = (isLogical ? logical.scale : element.scale) ?? 0;
  if (precision === undefined || precision < 1 || scale < 0 || scale > precision) {
    throw damagedPage(`column "${element.name}" has no lawful precision and scale`);
  }
  const form = decimalFormOf(element.type);
  if (form === undefined || precision > maxPrecision) return undefined;
  return [{ kind: 'decimal', precision, scale }, form];
}

function decimalFormOf(physicalType: SchemaElement['type']): StoredForm | undefined {
  switch (physicalType) {
    case 'INT32':
      return 'int32';
    case 'INT64':
      return 'int64';
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return 'bigEndian';
    default:
      return undefined;
  }
}
