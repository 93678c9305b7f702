// Test data of nested columns in one plain form: structs and lists as arrays, maps as arrays of pairs, long, timestamps
// and decimals (unscaled) as bigint, booleans as 0 and 1, binary as Uint8Array.
import type { Random } from '../../shared/base/index.js';
import {
  type DataBatch,
  DataBatchBuilder,
  type DataField,
  type DataType,
  type DataValues,
  isNullAt,
  type ValuesBuilder,
} from '../../shared/parquet/index.js';
import { allTypes, randomValue, wellFormed } from './values.js';

export function plainRows(batch: DataBatch): unknown[][] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.fields.map(({ type }, index) => plainCell(batch.columns[index]!, type, row)),
  );
}

function plainCell(values: DataValues, type: DataType, row: number): unknown {
  if (isNullAt(values, row)) return null;
  switch (values.kind) {
    case 'void':
      return null;
    case 'text':
    case 'bytes':
      return values.values[row];
    case 'numbers': {
      const value = values.values[row]!;
      return type === 'long' || type === 'timestamp' || type === 'timestamp_ntz' ? BigInt(value) : value;
    }
    case 'decimals':
      return BigInt(values.values[row]!);
    case 'struct': {
      const { fields } = type as Extract<DataType, { kind: 'struct' }>;
      return values.children.map((child, index) => plainCell(child, fields[index]!.type, row));
    }
    case 'list': {
      const { element } = type as Extract<DataType, { kind: 'list' }>;
      return entries(values.offsets, row).map((index) => plainCell(values.element, element.type, index));
    }
    case 'map': {
      const { key, value } = type as Extract<DataType, { kind: 'map' }>;
      return entries(values.offsets, row).map((index) => [
        plainCell(values.keys, key.type, index),
        plainCell(values.values, value.type, index),
      ]);
    }
  }
}

function entries(offsets: Int32Array, row: number): number[] {
  return Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, index) => offsets[row]! + index);
}

export function appendAny(builder: ValuesBuilder, value: unknown): void {
  if (value === null) builder.appendNull();
  else if (builder.kind === 'text') builder.append(String(value));
  else if (builder.kind === 'bytes') builder.append(value as Uint8Array);
  else if (builder.kind === 'numbers') {
    if (typeof value === 'bigint') builder.appendBigInt(value);
    else builder.append(Number(value));
  } else if (builder.kind === 'decimals') builder.append(value as bigint | number);
  else if (builder.kind === 'struct') {
    (value as unknown[]).forEach((part, index) => {
      appendAny(builder.children[index]!, part);
    });
    builder.end();
  } else if (builder.kind === 'list') {
    for (const item of value as unknown[]) appendAny(builder.element, item);
    builder.end();
  } else if (builder.kind === 'map') {
    for (const [key, item] of value as [unknown, unknown][]) {
      appendAny(builder.keys, key);
      appendAny(builder.values, item);
    }
    builder.end();
  }
}

export function batchOfRows(fields: readonly DataField[], rows: readonly (readonly unknown[])[]): DataBatch {
  const builder = new DataBatchBuilder(fields);
  for (const row of rows) {
    row.forEach((value, index) => {
      appendAny(builder.columns[index]!, value);
    });
    builder.endRow();
  }
  return builder.finish();
}

// ---- random values

function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random.next() * choices.length)]!;
}

export interface TypeLimits {
  /** Levels of struct, list and map at most. */
  readonly depth: number;
  /** Share of fields that may not be null. */
  readonly requiredShare: number;
  readonly keys: readonly DataType[];
}

export function randomType(random: Random, limits: TypeLimits): DataType {
  const choice = random.next();
  if (limits.depth === 0 || choice < 0.2) return randomLeaf(random);
  const inner = { ...limits, depth: limits.depth - 1 };
  const part = (name: string): DataField => ({
    name,
    type: randomType(random, inner),
    nullable: random.next() >= limits.requiredShare,
  });
  if (choice < 0.5) {
    const count = 1 + Math.floor(random.next() * 3);
    return { kind: 'struct', fields: Array.from({ length: count }, (_, index) => part(`f${index}`)) };
  }
  if (choice < 0.8) return { kind: 'list', element: part('element') };
  const key: DataField = { name: 'key', type: oneOf(random, limits.keys), nullable: false };
  return { kind: 'map', key, value: part('value') };
}

function randomLeaf(random: Random): DataType {
  if (random.next() < 0.7) return oneOf(random, allTypes);
  const precision = oneOf(random, [1, 5, 9, 10, 18, 19, 28, 38]);
  return { kind: 'decimal', precision, scale: Math.floor(random.next() * (precision + 1)) };
}

/** Null now and then where the field may be null. */
export function randomOf(field: DataField, random: Random): unknown {
  return field.nullable && random.next() < 0.2 ? null : randomPresent(field.type, random);
}

function randomPresent(type: DataType, random: Random): unknown {
  if (typeof type === 'string') return plainScalar(type, randomValue(type, random));
  const several = <T>(make: (index: number) => T): T[] =>
    Array.from({ length: Math.floor(random.next() ** 2 * 5) }, (_, index) => make(index));
  switch (type.kind) {
    case 'decimal':
      return randomDecimal(type.precision, random);
    case 'struct':
      return type.fields.map((field) => randomOf(field, random));
    case 'list':
      return several(() => randomOf(type.element, random));
    case 'map':
      // Keys differ, as DuckDB asks.
      return several((index) => [
        type.key.type === 'string' ? `k${index}` : type.key.type === 'long' ? BigInt(index) : index,
        randomOf(type.value, random),
      ]);
    case 'void':
      return null;
  }
}

function plainScalar(type: DataType, value: unknown): unknown {
  if (type === 'boolean') return Number(value);
  if (type === 'binary') return Uint8Array.from(Buffer.from(String(value), 'hex'));
  if (type === 'string') return wellFormed(String(value));
  return type === 'float' ? Math.fround(Number(value)) : value;
}

function randomDecimal(precision: number, random: Random): bigint {
  const digits = 1 + Math.floor(random.next() * precision);
  const text = Array.from({ length: digits }, () => Math.floor(random.next() * 10)).join('');
  return random.next() < 0.5 ? BigInt(text) : -BigInt(text);
}
