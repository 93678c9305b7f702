// Pure. The values of a Parquet column, one row at a time.
import { type DataType, type DataValues, isNullAt } from '../../parquet/index.js';
import { setMember } from './drafts.js';
import { DateValue, ExactNumber, type FileValue, TimestampValue } from './types.js';

type RowReader = (row: number) => FileValue;

export function columnReader(type: DataType, values: DataValues): RowReader {
  const read = presentReader(type, values);
  return (row) => (isNullAt(values, row) ? null : read(row));
}

function presentReader(type: DataType, values: DataValues): RowReader {
  switch (values.kind) {
    case 'text':
    case 'bytes':
      return (row) => values.values[row]!;
    case 'numbers':
      return numberReader(type, values.values);
    case 'decimals': {
      const scale = isKind(type, 'decimal') ? type.scale : 0;
      return (row) => new ExactNumber(decimalText(BigInt(values.values[row]!), scale));
    }
    case 'struct':
      return structReader(type, values);
    case 'list':
      return listReader(type, values);
    case 'map':
      return mapReader(type, values);
    case 'void':
      return () => null;
  }
}

function isKind<Kind extends Exclude<DataType, string>['kind']>(
  type: DataType,
  kind: Kind,
): type is Extract<DataType, { readonly kind: Kind }> {
  return typeof type !== 'string' && type.kind === kind;
}

function numberReader(type: DataType, values: Extract<DataValues, { kind: 'numbers' }>['values']): RowReader {
  switch (type) {
    case 'boolean':
      return (row) => values[row] === 1;
    case 'date':
      return (row) => new DateValue(Number(values[row]!));
    case 'timestamp':
    case 'timestamp_ntz':
      return (row) => new TimestampValue(safeInteger(values[row]!), type === 'timestamp');
    case 'long':
      return (row) => longValue(values[row]!);
    default:
      return (row) => Number(values[row]!);
  }
}

function safeInteger(value: number | bigint): number | bigint {
  const short = Number(value);
  return Number.isSafeInteger(short) ? short : value;
}

/** A number where it is one exactly. */
export function longValue(value: number | bigint): number | ExactNumber {
  const short = Number(value);
  return Number.isSafeInteger(short) ? short : new ExactNumber(String(value));
}

/** The unscaled integer with its point: (-5, 2) is -0.05. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  const point = digits.length - scale;
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

function structReader(type: DataType, values: Extract<DataValues, { kind: 'struct' }>): RowReader {
  const fields = isKind(type, 'struct') ? type.fields : [];
  const readers = fields.map((field, index) => columnReader(field.type, values.children[index]!));
  return (row) => {
    const object: Record<string, FileValue> = {};
    fields.forEach((field, index) => {
      setMember(object, field.name, readers[index]!(row));
    });
    return object;
  };
}

function listReader(type: DataType, values: Extract<DataValues, { kind: 'list' }>): RowReader {
  if (!isKind(type, 'list')) throw new Error('a list of values for a column of another type');
  const read = columnReader(type.element.type, values.element);
  return (row) => {
    const items: FileValue[] = [];
    const end = values.offsets[row + 1]!;
    for (let at = values.offsets[row]!; at < end; at++) items.push(read(at));
    return items;
  };
}

function mapReader(type: DataType, values: Extract<DataValues, { kind: 'map' }>): RowReader {
  if (!isKind(type, 'map')) throw new Error('entries of a map for a column of another type');
  const readKey = columnReader(type.key.type, values.keys);
  const readValue = columnReader(type.value.type, values.values);
  return (row) => {
    const object: Record<string, FileValue> = {};
    const end = values.offsets[row + 1]!;
    for (let at = values.offsets[row]!; at < end; at++) {
      setMember(object, keyText(readKey(at)), readValue(at));
    }
    return object;
  };
}

/** Keys that are no text: numbers as written, dates as days, timestamps as microseconds, bytes in hex, others as JSON. */
function keyText(key: FileValue): string {
  if (typeof key === 'string') return key;
  if (key instanceof ExactNumber) return key.text;
  if (key instanceof DateValue) return String(key.daysSince1970);
  if (key instanceof TimestampValue) return String(key.micros);
  if (key instanceof Uint8Array)
    return Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return typeof key === 'object' ? JSON.stringify(key) : String(key);
}
