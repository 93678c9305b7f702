// Avro schemas of files to types of avsc that are safe to decode strangers' bytes with, and to declared columns.
// avsc trusts its input: the lengths of arrays, the depth of a schema, and that a long fits a double.
import { Buffer, isUtf8 } from 'node:buffer';
import avro, { type Type } from 'avsc';
import type { DataField, DataType } from '../../parquet/index.js';
import { decimalText, longValue } from './columnValues.js';
import { UnreadableContent } from './content.js';
import { DateValue, ExactNumber, TimestampValue } from './types.js';

type SchemaJson = Parameters<typeof avro.Type.forSchema>[0];
type SchemaOptions = NonNullable<Parameters<typeof avro.Type.forSchema>[1]>;

/** What is known of the record that is being decoded. Set anew before each. */
export interface Decoding {
  /** How many values it may still have. */
  valuesLeft: number;
  /** A string of it is not UTF-8: its value is not what was written. */
  hasInvalidText: boolean;
}

export interface AvroReader {
  readonly type: Type;
  readonly fields: readonly DataField[];
  readonly decoding: Decoding;
}

const maxSchemaNodes = 20_000;

/**
 * @param schemaText `avro.schema` of the file
 * @throws UnreadableContent when it is no schema of records
 */
export function avroReader(schemaText: string, maxDepth: number): AvroReader {
  const decoding: Decoding = { valuesLeft: 0, hasInvalidText: false };
  let type: Type;
  try {
    const schema = JSON.parse(schemaText) as SchemaJson;
    refuseHostile(schema, maxDepth);
    type = typeFor(schema, decoding);
  } catch (error) {
    if (error instanceof UnreadableContent) throw error;
    throw new UnreadableContent(
      'invalid_avro',
      `The Avro schema of the file is not valid: ${(error as Error).message}.`,
    );
  }
  const record = withoutGuard(type);
  if (!(record instanceof avro.types.RecordType)) {
    throw new UnreadableContent(
      'unsupported',
      `The Avro file holds values of type ${record.typeName}, no records.`,
    );
  }
  return { type, fields: fieldsOf(record, new Set()), decoding };
}

/** Before avsc recurses into it, and makes code of its names. */
function refuseHostile(schema: unknown, maxDepth: number): void {
  let nodes = 0;
  const visit = (node: unknown, depth: number): void => {
    nodes++;
    if (depth > 4 * maxDepth)
      throw new UnreadableContent('too_deep', 'The Avro schema is nested too deeply.');
    if (nodes > maxSchemaNodes) {
      throw new UnreadableContent('unsupported', `The Avro schema has more than ${maxSchemaNodes} parts.`);
    }
    if (typeof node !== 'object' || node === null) return;
    const { name } = node as { readonly name?: unknown };
    if (name === '__proto__') throw new UnreadableContent('unsupported', 'An Avro field is named __proto__.');
    for (const child of Object.values(node)) visit(child, depth + 1);
  };
  visit(schema, 0);
}

/** Values are counted in `decoding`, so that a length that was made up ends in an error instead of an array. */
export function typeFor(schema: SchemaJson, decoding: Decoding): Type {
  const rewriter = new SchemaRewriter(decoding);
  return avro.Type.forSchema(schema, {
    wrapUnions: false,
    omitRecordMethods: true,
    registry: { long: exactLong, string: rewriter.text },
    logicalTypes: {
      decimal: DecimalType,
      date: DateType,
      'timestamp-millis': timestampType(1000, true),
      'timestamp-micros': timestampType(1, true),
      'timestamp-nanos': timestampType(0.001, true),
      'local-timestamp-millis': timestampType(1000, false),
      'local-timestamp-micros': timestampType(1, false),
      'local-timestamp-nanos': timestampType(0.001, false),
    },
    typeHook: (node, options) => rewriter.rewrite(node, options),
  });
}

interface SchemaNode {
  readonly type?: unknown;
  readonly items?: SchemaJson;
  readonly values?: SchemaJson;
  readonly fields?: readonly { readonly name: string; readonly type: SchemaJson }[];
}

/** Puts a guard around whatever an array, map or union holds, and around records. */
class SchemaRewriter {
  /** Stands for every string. */
  readonly text: Type;
  readonly #decoding: Decoding;
  /** avsc asks again for each schema that it is given. */
  readonly #rewritten = new WeakSet<object>();

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
    this.text = new TextType(decoding);
  }

  /** Undefined leaves the node to avsc. */
  rewrite(node: SchemaJson, options: SchemaOptions): Type | undefined {
    if (typeof node !== 'object' || this.#rewritten.has(node)) return undefined;
    // A union whose branches are logical types is never ambiguous to avsc, which then gives values as they are.
    if (Array.isArray(node))
      return this.#create(
        node.map((branch) => this.#guarded(branch, options)),
        options,
      );
    const { type, items, values, fields } = node as SchemaNode;
    if (type === 'string') return this.text;
    if (type === 'array' && items !== undefined) {
      return this.#create({ type, items: this.#guarded(items, options) }, options);
    }
    if (type === 'map' && values !== undefined) {
      return this.#create({ type, values: this.#guarded(values, options) }, options);
    }
    if ((type === 'record' || type === 'error') && Array.isArray(fields)) return this.#record(node, options);
    return undefined;
  }

  /** Defaults are for readers with another schema; avsc checks them, and fails on logical types. */
  #record(node: object, options: SchemaOptions): Type {
    const { name, namespace, fields } = node as { name: string; namespace?: string } & Required<SchemaNode>;
    const plainFields = fields.map((field) => ({ name: field.name, type: field.type }));
    const schema = {
      type: 'record',
      name,
      fields: plainFields,
      ...(namespace !== undefined && { namespace }),
    };
    const record = this.#create(schema, options);
    const guarded = new GuardedType(record, this.#decoding);
    if (record.name !== undefined && options.registry) options.registry[record.name] = guarded;
    return guarded;
  }

  #create(schema: object, options: SchemaOptions): Type {
    this.#rewritten.add(schema);
    return avro.Type.forSchema(schema as SchemaJson, options);
  }

  #guarded(schema: SchemaJson, options: SchemaOptions): Type {
    return new GuardedType(avro.Type.forSchema(schema, options), this.#decoding);
  }
}

/** What reading needs of a logical type of avsc; nothing is ever written. */
abstract class ReadOnlyType extends avro.types.LogicalType {
  protected override _toValue(): never {
    throw new Error('values of this type are only read');
  }
}

/** Any type; counts its values, and makes plain objects of records. */
class GuardedType extends ReadOnlyType {
  readonly #decoding: Decoding;
  readonly #isRecord: boolean;

  constructor(type: Type, decoding: Decoding) {
    super(type as unknown as SchemaJson); // avsc takes finished types, which its typings leave out
    this.#decoding = decoding;
    this.#isRecord = type instanceof avro.types.RecordType;
  }

  protected override _fromValue(value: unknown): unknown {
    this.#decoding.valuesLeft--;
    if (this.#decoding.valuesLeft < 0) throw new Error('a record has more values than its bytes can hold');
    return this.#isRecord ? { ...(value as object) } : value;
  }
}

function withoutGuard(type: Type): Type {
  return type instanceof GuardedType ? withoutGuard(type.underlyingType) : type;
}

/** A logical type that is a column type, too. */
abstract class ColumnLogicalType extends ReadOnlyType {
  abstract readonly dataType: DataType;

  /** The specification lets readers ignore a logical type that does not fit; avsc does so when this throws. */
  protected requireBase(...typeNames: readonly string[]): void {
    if (typeNames.includes(this.underlyingType.typeName)) return;
    throw new Error(`${this.underlyingType.typeName} cannot stand for it`);
  }
}

/** A string; avsc's own would put U+FFFD in place of what is no UTF-8, and say nothing. */
class TextType extends ColumnLogicalType {
  readonly dataType = 'string';
  readonly #decoding: Decoding;

  constructor(decoding: Decoding) {
    super('bytes');
    this.#decoding = decoding;
  }

  protected override _fromValue(value: Buffer | undefined): string | undefined {
    const text = value?.toString('utf8');
    if (value !== undefined && text?.includes('\ufffd') && !isUtf8(value))
      this.#decoding.hasInvalidText = true;
    return text;
  }
}

class DateType extends ColumnLogicalType {
  readonly dataType = 'date';

  constructor(schema: SchemaJson, options?: unknown) {
    super(schema, options);
    this.requireBase('int');
  }

  protected override _fromValue(value: number): DateValue {
    return new DateValue(value);
  }
}

class DecimalType extends ColumnLogicalType {
  readonly dataType: DataType;
  readonly #scale: number;

  constructor(schema: SchemaJson, options?: unknown) {
    super(schema, options);
    this.requireBase('bytes', 'fixed');
    const { precision, scale = 0 } = schema as { readonly precision?: unknown; readonly scale?: unknown };
    if (!isCount(precision) || !isCount(scale) || precision < 1 || precision > 38 || scale > precision) {
      throw new Error('no such decimal');
    }
    this.dataType = { kind: 'decimal', precision, scale };
    this.#scale = scale;
  }

  /** Undefined when the record ends before it does; avsc finds that out at the record's end. */
  protected override _fromValue(value: Uint8Array | undefined): ExactNumber | undefined {
    if (value === undefined) return undefined;
    const hex = Buffer.from(value).toString('hex');
    const unscaled = hex === '' ? 0n : BigInt.asIntN(8 * value.length, BigInt(`0x${hex}`));
    return new ExactNumber(decimalText(unscaled, this.#scale));
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** @param microsPerUnit below one, what is finer than a microsecond is cut off towards the past */
function timestampType(microsPerUnit: number, isUtc: boolean) {
  return class TimestampType extends ColumnLogicalType {
    readonly dataType = isUtc ? 'timestamp' : 'timestamp_ntz';

    constructor(schema: SchemaJson, options?: unknown) {
      super(schema, options);
      this.requireBase('abstract:long', 'long');
    }

    protected override _fromValue(value: number | ExactNumber): TimestampValue {
      if (typeof value === 'number') {
        const micros = Math.floor(microsPerUnit < 1 ? value / 1000 : value * microsPerUnit);
        if (Number.isSafeInteger(micros)) return new TimestampValue(micros, isUtc);
      }
      const units = BigInt(value instanceof ExactNumber ? value.text : value);
      const micros = microsPerUnit < 1 ? floorDivide(units, 1000n) : units * BigInt(microsPerUnit);
      const short = Number(micros);
      return new TimestampValue(Number.isSafeInteger(short) ? short : micros, isUtc);
    }
  };
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}

/** Longs beyond 2^53 as they are; avsc would refuse them. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => {
    const high = bytes.readInt32LE(4);
    if (high >= -(2 ** 20) && high < 2 ** 20) return high * 2 ** 32 + bytes.readUInt32LE(0);
    return longValue(bytes.readBigInt64LE(0));
  },
  toBuffer: readOnly,
  fromJSON: readOnly,
  toJSON: readOnly,
  isValid: readOnly,
  compare: readOnly,
});

function readOnly(): never {
  throw new Error('longs are only read here');
}

/** The columns; those of which nothing certain can be said are left out. */
function fieldsOf(record: avro.types.RecordType, outer: ReadonlySet<Type>): DataField[] {
  const inside = new Set([...outer, record]);
  return record.fields.flatMap((field) => {
    const name = (field as unknown as { readonly name: string }).name; // not in avsc's typings
    return fieldOf(name, field.type, inside) ?? [];
  });
}

function fieldOf(name: string, guarded: Type, outer: ReadonlySet<Type>): DataField | undefined {
  const type = withoutGuard(guarded);
  if (!isUnion(type)) {
    const dataType = dataTypeOf(type, outer);
    return dataType && { name, type: dataType, nullable: type.typeName === 'null' };
  }
  const branches = type.types.map(withoutGuard);
  const present = branches.filter((branch) => branch.typeName !== 'null');
  const dataType = present.length === 1 ? dataTypeOf(present[0]!, outer) : undefined;
  return dataType && { name, type: dataType, nullable: present.length < branches.length };
}

function isUnion(type: Type): type is avro.types.UnwrappedUnionType {
  return type instanceof avro.types.UnwrappedUnionType;
}

/** Undefined for a schema within itself, and for unions of several types. */
function dataTypeOf(type: Type, outer: ReadonlySet<Type>): DataType | undefined {
  if (type instanceof ColumnLogicalType) return type.dataType;
  if (type instanceof avro.types.RecordType) {
    return outer.has(type) ? undefined : { kind: 'struct', fields: fieldsOf(type, outer) };
  }
  if (type instanceof avro.types.ArrayType) {
    const element = fieldOf('element', type.itemsType, outer);
    return element && { kind: 'list', element };
  }
  if (type instanceof avro.types.MapType) {
    const value = fieldOf('value', type.valuesType, outer);
    return value && { kind: 'map', key: { name: 'key', type: 'string', nullable: false }, value };
  }
  return primitiveTypes[type.typeName];
}

const primitiveTypes: Readonly<Record<string, DataType>> = {
  null: { kind: 'void' },
  boolean: 'boolean',
  int: 'integer',
  long: 'long',
  'abstract:long': 'long',
  float: 'float',
  double: 'double',
  bytes: 'binary',
  fixed: 'binary',
  string: 'string',
  enum: 'string',
};
