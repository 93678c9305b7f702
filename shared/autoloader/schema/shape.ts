// Pure. What the values of a field have been so far: the widest type that holds them all.
import type { ColumnType, DataField, DataType, DecimalType } from '../../parquet/index.js';
import { DateValue, ExactNumber, type FileObject, type FileValue, TimestampValue } from '../formats/types.js';
import { isColumnName } from './columnNames.js';
import { isFileList, isFileObject, type Scalar } from './fileObjects.js';
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

  /** @param declared names of columns that the file itself has declared; their values say nothing more */
  observe(record: FileObject, declared?: ReadonlySet<string>): void {
    this.#observeFields(this.root, record, 1, declared);
  }

  /** Takes the types that a file (Parquet, Avro) declares for its columns. */
  declare(fields: readonly DataField[]): void {
    for (const { name, type } of fields) {
      const shape = shapeOf(type);
      if (shape === undefined || !this.#takesField(this.root, name)) continue;
      this.root.fields.set(name, joined(this.root.fields.get(name), shape));
    }
  }

  #observeFields(
    struct: StructShape,
    object: FileObject,
    depth: number,
    declared?: ReadonlySet<string>,
  ): void {
    for (const name of Object.keys(object)) {
      const value = object[name]!;
      if (value === null || declared?.has(name) === true || !this.#takesField(struct, name)) continue;
      struct.fields.set(name, this.#widened(struct.fields.get(name), value, depth));
    }
  }

  #takesField(struct: StructShape, name: string): boolean {
    if (struct.fields.has(name)) return true;
    const lowerCase = name.toLowerCase();
    if (!isColumnName(name) || struct.lowerCaseNames.has(lowerCase)) return false;
    if (this.#fieldCount >= this.limits.maxFields) return false;
    this.#fieldCount++;
    struct.lowerCaseNames.add(lowerCase);
    return true;
  }

  #widened(shape: Shape, value: FileValue, depth: number): Shape {
    if (value === null || shape === 'string') return shape;
    if (isFileList(value)) return this.#widenedList(shape, value, depth);
    if (isFileObject(value)) return this.#widenedStruct(shape, value, depth);
    const scalar = typeOfScalar(value, this.readsTexts);
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

function typeOfScalar(value: Scalar, readsTexts: boolean): ColumnType {
  if (typeof value === 'string') return readsTexts ? typeOfText(value) : 'string';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'long' : 'double';
  if (typeof value === 'boolean') return 'boolean';
  if (value instanceof ExactNumber) return typeOfExactNumber(value.text);
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

function decimalOf(integerDigits: number, scale: number): DecimalType | 'string' {
  const precision = integerDigits + scale;
  return precision > 38 ? 'string' : { kind: 'decimal', precision, scale };
}

const wholeTypes: readonly string[] = ['byte', 'short', 'integer', 'long'];
const realTypes: readonly string[] = ['float', 'double'];

/** Both are no containers and differ. */
function widerScalar(
  left: ColumnType | DecimalType,
  right: ColumnType | DecimalType,
): ColumnType | DecimalType {
  if (typeof left !== 'string' || typeof right !== 'string') return widerWithDecimal(left, right);
  if (wholeTypes.includes(left) && wholeTypes.includes(right)) {
    return wholeTypes.indexOf(left) > wholeTypes.indexOf(right) ? left : right;
  }
  const isNumber = (type: string) => wholeTypes.includes(type) || realTypes.includes(type);
  if (isNumber(left) && isNumber(right)) return 'double';
  const times = [left, right];
  if (times.includes('date') && times.includes('timestamp')) return 'timestamp';
  return 'string';
}

function widerWithDecimal(
  left: ColumnType | DecimalType,
  right: ColumnType | DecimalType,
): DecimalType | 'string' {
  const [one, other] = [asDecimal(left), asDecimal(right)];
  return one === undefined || other === undefined ? 'string' : widerDecimal(one, other);
}

/** A long has 19 digits. */
function asDecimal(type: ColumnType | DecimalType): DecimalType | undefined {
  if (typeof type !== 'string') return type;
  return wholeTypes.includes(type) ? { kind: 'decimal', precision: 19, scale: 0 } : undefined;
}

/** Of two shapes that each hold their values, one that holds both. */
function joined(left: Shape, right: Shape): Shape {
  if (left === undefined || left === right) return right;
  if (right === undefined) return left;
  if (!isContainer(left) && !isContainer(right)) return widerScalar(left, right);
  if (!isContainer(left) || !isContainer(right) || left.kind !== right.kind) return 'string';
  if (left.kind === 'list' && right.kind === 'list') {
    return { kind: 'list', element: joined(left.element, right.element) };
  }
  return left.kind === 'struct' && right.kind === 'struct' ? joinedStruct(left, right) : 'string';
}

function joinedStruct(left: StructShape, right: StructShape): StructShape {
  const struct: StructShape = {
    kind: 'struct',
    fields: new Map(left.fields),
    lowerCaseNames: new Set(left.lowerCaseNames),
  };
  for (const [name, shape] of right.fields) {
    const lowerCase = name.toLowerCase();
    if (!struct.fields.has(name) && struct.lowerCaseNames.has(lowerCase)) continue;
    struct.lowerCaseNames.add(lowerCase);
    struct.fields.set(name, joined(struct.fields.get(name), shape));
  }
  return struct;
}

/** Maps are kept as JSON text: their keys are data, not columns. */
function shapeOf(type: DataType): Shape {
  if (typeof type === 'string' || type.kind === 'decimal') return type;
  switch (type.kind) {
    case 'list':
      return { kind: 'list', element: shapeOf(type.element.type) };
    case 'struct': {
      const struct = emptyStruct();
      for (const { name, type: inner } of type.fields) {
        if (!isColumnName(name) || struct.lowerCaseNames.has(name.toLowerCase())) continue;
        struct.lowerCaseNames.add(name.toLowerCase());
        struct.fields.set(name, shapeOf(inner));
      }
      return struct;
    }
    case 'map':
      return 'string';
    case 'void':
      return undefined;
  }
}

export function widerDecimal(left: DecimalType, right: DecimalType): DecimalType | 'string' {
  const integerDigits = Math.max(left.precision - left.scale, right.precision - right.scale);
  return decimalOf(integerDigits, Math.max(left.scale, right.scale));
}

/** Another worker's fields of the same stream. */
export function mergedFields(parts: readonly (readonly DataField[])[]): StructShape {
  const shapes = parts.map((fields) => shapeOf({ kind: 'struct', fields }));
  const merged = shapes.reduce<Shape>(joined, undefined);
  return typeof merged === 'object' && merged.kind === 'struct' ? merged : emptyStruct();
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
