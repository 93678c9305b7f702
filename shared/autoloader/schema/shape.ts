// Pure. What the values of a field have been so far: the widest type that holds them all.
import type { ColumnType, DataField, DataType, DecimalType } from '../../parquet/index.js';
import {
  DateValue,
  ExactDecimal,
  ExactNumber,
  type FileObject,
  type FileValue,
  isFileObject,
  TimestampValue,
} from '../formats/types.js';
import { isColumnName } from './columnNames.js';
import { typeOfText } from './textTypes.js';

/** `undefined`: nothing but null so far. Text in which a value is kept as JSON when no type holds all: `string`. */
export type Shape = ColumnType | DecimalType | ListShape | StructShape | undefined;

export interface ListShape {
  readonly kind: 'list';
  element: Shape;
}

export interface StructShape {
  readonly kind: 'struct';
  readonly fields: Map<string, Shape>;
  /** Names in lower case: a name that differs by case only is no column of its own. */
  readonly lowerCaseNames: Set<string>;
}

export interface ShapeLimits {
  /** Values nested deeper than this are kept as JSON text. */
  readonly maxDepth: number;
  /** Fields beyond this get no column; dynamic keys would otherwise fill the schema. */
  readonly maxFields: number;
}

export const shapeLimits: ShapeLimits = { maxDepth: 16, maxFields: 1_000 };

/** What records looked like, field by field. */
export class RecordShape {
  readonly root: StructShape = emptyStruct();
  #fieldCount = 0;

  constructor(
    /** Whether texts may stand for numbers, truth values and times, as in CSV. */
    readonly readsTexts: boolean,
    readonly limits: ShapeLimits = shapeLimits,
  ) {}

  observe(record: FileObject): void {
    this.#observeFields(this.root, record, 1);
  }

  #observeFields(struct: StructShape, object: FileObject, depth: number): void {
    for (const name of Object.keys(object)) {
      const value = object[name]!;
      const known = struct.fields.get(name);
      if (known === undefined && !this.#takesField(struct, name, value)) continue;
      struct.fields.set(name, this.#widened(known, value, depth));
    }
  }

  #takesField(struct: StructShape, name: string, value: FileValue): boolean {
    if (struct.fields.has(name)) return true;
    const lowerCase = name.toLowerCase();
    if (value === null || !isColumnName(name) || struct.lowerCaseNames.has(lowerCase)) return false;
    if (this.#fieldCount >= this.limits.maxFields) return false;
    this.#fieldCount++;
    struct.lowerCaseNames.add(lowerCase);
    return true;
  }

  #widened(shape: Shape, value: FileValue, depth: number): Shape {
    if (value === null || shape === 'string') return shape;
    if (Array.isArray(value)) return this.#widenedList(shape, value, depth);
    if (isFileObject(value)) return this.#widenedStruct(shape, value, depth);
    const scalar = typeOfScalar(value as Scalar, this.readsTexts);
    if (shape === undefined || shape === scalar) return scalar;
    return isContainer(shape) ? 'string' : widerScalar(shape, scalar);
  }

  #widenedList(shape: Shape, values: readonly FileValue[], depth: number): Shape {
    if (depth >= this.limits.maxDepth) return 'string';
    const list: Shape = shape === undefined ? { kind: 'list', element: undefined } : shape;
    if (!isContainer(list) || list.kind !== 'list') return 'string';
    for (const value of values) list.element = this.#widened(list.element, value, depth + 1);
    return list;
  }

  #widenedStruct(shape: Shape, object: FileObject, depth: number): Shape {
    if (depth >= this.limits.maxDepth) return 'string';
    const struct = shape === undefined ? emptyStruct() : shape;
    if (!isContainer(struct) || struct.kind !== 'struct') return 'string';
    this.#observeFields(struct, object, depth + 1);
    return struct;
  }
}

function emptyStruct(): StructShape {
  return { kind: 'struct', fields: new Map(), lowerCaseNames: new Set() };
}

function isContainer(shape: Shape): shape is ListShape | StructShape {
  return typeof shape === 'object' && shape.kind !== 'decimal';
}

type Scalar = Exclude<FileValue, null | readonly FileValue[] | FileObject>;

function typeOfScalar(value: Scalar, readsTexts: boolean): ColumnType | DecimalType {
  if (typeof value === 'string') return readsTexts ? typeOfText(value) : 'string';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'long' : 'double';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? 'long' : 'string';
  if (value instanceof ExactNumber) return typeOfExactNumber(value.text);
  if (value instanceof ExactDecimal) return decimalHolding(value);
  if (value instanceof TimestampValue) return 'timestamp';
  return value instanceof DateValue ? 'date' : 'binary';
}

/** Whole numbers beyond the longs and numbers beyond the doubles are kept as text, which loses nothing. */
function typeOfExactNumber(text: string): ColumnType {
  if (/^-?\d+$/.test(text)) return text.length < 21 && isLong(BigInt(text)) ? 'long' : 'string';
  return Number.isFinite(Number(text)) ? 'double' : 'string';
}

function isLong(integer: bigint): boolean {
  return BigInt.asIntN(64, integer) === integer;
}

function decimalHolding({ unscaled, scale }: ExactDecimal): DecimalType | 'string' {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().length;
  return decimalOf(Math.max(digits - scale, 1), scale);
}

function decimalOf(integerDigits: number, scale: number): DecimalType | 'string' {
  const precision = integerDigits + scale;
  return precision > 38 ? 'string' : { kind: 'decimal', precision, scale };
}

/** Both are no containers and differ. */
function widerScalar(left: ColumnType | DecimalType, right: ColumnType | DecimalType): Shape {
  const names: readonly string[] = [left, right].map((type) => (typeof type === 'string' ? type : 'decimal'));
  const are = (one: string, other: string) => names.includes(one) && names.includes(other);
  if (are('long', 'double')) return 'double';
  if (are('date', 'timestamp')) return 'timestamp';
  if (typeof left !== 'string' && typeof right !== 'string') return widerDecimal(left, right);
  const decimal = typeof left === 'string' ? right : left;
  if (are('long', 'decimal') && typeof decimal !== 'string') {
    return widerDecimal(decimal, { kind: 'decimal', precision: 19, scale: 0 });
  }
  return 'string';
}

export function widerDecimal(left: DecimalType, right: DecimalType): DecimalType | 'string' {
  const integerDigits = Math.max(left.precision - left.scale, right.precision - right.scale);
  return decimalOf(integerDigits, Math.max(left.scale, right.scale));
}

/** Undefined where no value has shown what the type is: only nulls, empty lists, empty objects. */
export function dataTypeOf(shape: Shape): DataType | undefined {
  if (shape === undefined || !isContainer(shape)) return shape;
  if (shape.kind === 'list') {
    const element = dataTypeOf(shape.element);
    if (element === undefined) return undefined;
    return { kind: 'list', element: { name: 'element', type: element, nullable: true } };
  }
  const fields = dataFieldsOf(shape);
  return fields.length === 0 ? undefined : { kind: 'struct', fields };
}

export function dataFieldsOf(struct: StructShape): readonly DataField[] {
  return [...struct.fields].flatMap(([name, shape]) => {
    const type = dataTypeOf(shape);
    return type === undefined ? [] : [{ name, type, nullable: true }];
  });
}
