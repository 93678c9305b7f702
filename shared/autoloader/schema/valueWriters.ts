// Pure. From a value of a file to an entry of a column of any type, and what of it did not fit.
import type { DataField, DataType, ValuesBuilder } from '../../parquet/index.js';
import type { FileObject, FileValue } from '../formats/types.js';
import { isColumnName } from './columnNames.js';
import { isFileList, isFileObject } from './fileObjects.js';
import { type ScalarWriter, scalarWriter } from './scalarWriters.js';

/** What a record showed that the schema could be made to hold. */
export interface Outgrowth {
  /** A field that could be a column of its own. */
  hasNewField: boolean;
  /** A value that its column could not hold. */
  hasMisfit: boolean;
}

export interface WriterContext {
  readonly outgrowth: Outgrowth;
  /** False: fields without a column are left out, and not rescued. */
  readonly keepsUnknown: boolean;
}

/**
 * Appends one entry, null for what does not fit.
 * @returns what was left out: the value itself, or for an object the members that did not fit; undefined for nothing
 */
export interface ValueWriter {
  write(value: FileValue): FileValue | undefined;
}

export function valueWriter(type: DataType, builder: ValuesBuilder, context: WriterContext): ValueWriter {
  if (typeof type === 'string' || type.kind === 'decimal')
    return new PlainWriter(scalarWriter(type, builder), builder, context);
  if (type.kind === 'struct' && builder.kind === 'struct')
    return new StructValueWriter(type.fields, builder, context);
  if (type.kind === 'list' && builder.kind === 'list')
    return new ListValueWriter(type.element, builder, context);
  if (type.kind === 'map' && builder.kind === 'map') return new MapValueWriter(type.value, builder, context);
  return new PlainWriter(() => false, builder, context);
}

class PlainWriter implements ValueWriter {
  readonly #append: ScalarWriter;
  readonly #builder: ValuesBuilder;
  readonly #context: WriterContext;

  constructor(append: ScalarWriter, builder: ValuesBuilder, context: WriterContext) {
    this.#append = append;
    this.#builder = builder;
    this.#context = context;
  }

  write(value: FileValue): FileValue | undefined {
    if (value !== null && this.#append(value)) return undefined;
    this.#builder.appendNull();
    if (value === null) return undefined;
    this.#context.outgrowth.hasMisfit = true;
    return value;
  }
}

class StructValueWriter implements ValueWriter {
  readonly #builder: Extract<ValuesBuilder, { readonly kind: 'struct' }>;
  readonly #members: MemberWriter;

  constructor(
    fields: readonly DataField[],
    builder: Extract<ValuesBuilder, { readonly kind: 'struct' }>,
    readonly context: WriterContext,
  ) {
    this.#builder = builder;
    this.#members = new MemberWriter(fields, builder.children, context);
  }

  write(value: FileValue): FileValue | undefined {
    if (value === null || !isFileObject(value)) {
      this.#builder.appendNull();
      if (value !== null) this.context.outgrowth.hasMisfit = true;
      return value ?? undefined;
    }
    const rescued = this.#members.write(value);
    this.#builder.end();
    return rescued;
  }
}

/** Writes the members of an object into the columns of the same names. */
export class MemberWriter {
  readonly #writers = new Map<string, ValueWriter>();
  readonly #lowerCaseNames = new Set<string>();
  readonly #context: WriterContext;

  /** `builders[i]` takes `fields[i]`. The caller ends the entry, which makes nulls of what is missing. */
  constructor(fields: readonly DataField[], builders: readonly ValuesBuilder[], context: WriterContext) {
    this.#context = context;
    fields.forEach(({ name, type }, index) => {
      this.#writers.set(name, valueWriter(type, builders[index]!, context));
      this.#lowerCaseNames.add(name.toLowerCase());
    });
  }

  /** @returns the members that did not fit; undefined when all did */
  write(object: FileObject): FileObject | undefined {
    let rescued: Record<string, FileValue> | undefined;
    for (const name of Object.keys(object)) {
      const value = object[name]!;
      const writer = this.#writers.get(name);
      const left = writer === undefined ? this.#leftOver(name, value) : writer.write(value);
      if (left === undefined) continue;
      // Without a prototype `__proto__` is a key like any other.
      rescued ??= Object.create(null) as Record<string, FileValue>;
      rescued[name] = left;
    }
    return rescued;
  }

  #leftOver(name: string, value: FileValue): FileValue | undefined {
    if (value === null) return undefined;
    const isOtherCase = this.#lowerCaseNames.has(name.toLowerCase());
    if (!isOtherCase && isColumnName(name)) this.#context.outgrowth.hasNewField = true;
    return this.#context.keepsUnknown ? value : undefined;
  }
}

/** A list with an element that does not fit is rescued as a whole: its elements have no names to be rescued under. */
class ListValueWriter implements ValueWriter {
  readonly #element: ValueWriter;
  readonly #builder: Extract<ValuesBuilder, { readonly kind: 'list' }>;

  constructor(
    element: DataField,
    builder: Extract<ValuesBuilder, { readonly kind: 'list' }>,
    readonly context: WriterContext,
  ) {
    this.#builder = builder;
    this.#element = valueWriter(element.type, builder.element, context);
  }

  write(value: FileValue): FileValue | undefined {
    if (!isFileList(value)) {
      this.#builder.appendNull();
      if (value !== null) this.context.outgrowth.hasMisfit = true;
      return value ?? undefined;
    }
    for (const element of value) {
      if (this.#element.write(element) === undefined) continue;
      this.#builder.appendNull();
      return value;
    }
    this.#builder.end();
    return undefined;
  }
}

class MapValueWriter implements ValueWriter {
  readonly #value: ValueWriter;
  readonly #builder: Extract<ValuesBuilder, { readonly kind: 'map' }>;

  constructor(
    value: DataField,
    builder: Extract<ValuesBuilder, { readonly kind: 'map' }>,
    readonly context: WriterContext,
  ) {
    this.#builder = builder;
    this.#value = valueWriter(value.type, builder.values, context);
  }

  write(value: FileValue): FileValue | undefined {
    const { keys } = this.#builder;
    if (value === null || !isFileObject(value) || keys.kind !== 'text') {
      this.#builder.appendNull();
      if (value !== null) this.context.outgrowth.hasMisfit = true;
      return value ?? undefined;
    }
    for (const key of Object.keys(value)) {
      keys.append(key);
      if (this.#value.write(value[key]!) === undefined) continue;
      this.#builder.appendNull();
      return value;
    }
    this.#builder.end();
    return undefined;
  }
}
