// Pure. From a JSON value to a cell: one writer per column, compiled from the field's definition.
import type { BatchBuilder } from '../parquet/index.js';
import type { Field, Pipeline } from '../pipeline/index.js';
import { decimalMultiplier, doubleOf, isJsonNumber } from './decimal.js';
import { devicePattern } from './devicePattern.js';
import { timestampReader } from './timestamp.js';

/** The reading under way, as far as a writer may need to know it. */
export interface ReadingContext {
  readonly builder: BatchBuilder;
  readonly deviceId: string;
  /** JSON text of a slot's value, as the device wrote it. Walks the body again. */
  sourceOf(slot: number): string;
  /** False when no number of the body can be so small that JSON.parse made 0 of it. */
  mayUnderflow(): boolean;
  /** Whether a text may hold half of a surrogate pair, which UTF-8 cannot say. */
  isWellFormed(text: string): boolean;
  ruleApplied(name: string): void;
}

/** Writes a value other than null into the current row. False when it does not fit; then nothing is written. */
export type FieldWriter = (reading: ReadingContext, value: unknown, slot: number) => boolean;

const smallestLong = -(2n ** 63n);
const largestLong = 2n ** 63n - 1n;

export function fieldWriter(pipeline: Pipeline, field: Field, column: number): FieldWriter {
  switch (field.type) {
    case 'string':
      return stringWriter(column, pipeline.limits.maxStringLength);
    case 'boolean':
      return booleanWriter(column);
    case 'timestamp':
      return timestampWriter(column, timestampReader(pipeline.eventTime.forms));
    default:
      return numberWriter(field, column);
  }
}

/** A text as it is; a number as it was written. Undefined for anything else, and for a text UTF-8 cannot hold. */
export function textFrom(reading: ReadingContext, value: unknown, slot: number): string | undefined {
  if (typeof value === 'number') return reading.sourceOf(slot);
  return typeof value === 'string' && reading.isWellFormed(value) ? value : undefined;
}

function stringWriter(column: number, maxLength: number): FieldWriter {
  return (reading, value, slot) => {
    const text = textFrom(reading, value, slot);
    if (text === undefined || text.length > maxLength) return false;
    reading.builder.setText(column, text);
    return true;
  };
}

function booleanWriter(column: number): FieldWriter {
  return (reading, value) => {
    const isTrue = value === true || value === 'true';
    if (!isTrue && value !== false && value !== 'false') return false;
    reading.builder.setNumber(column, isTrue ? 1 : 0);
    return true;
  };
}

function timestampWriter(column: number, read: (value: unknown) => number): FieldWriter {
  return (reading, value) => {
    const micros = read(value);
    if (Number.isNaN(micros)) return false;
    reading.builder.setNumber(column, micros);
    return true;
  };
}

function numberWriter(field: Field, column: number): FieldWriter {
  const ruleFor = ruleFinder(field);
  const fits = numberTest(field);
  const isDouble = field.type === 'double';
  const takesBig = field.type === 'long' ? bigWriter(field, column) : () => false;
  return (reading, value, slot) => {
    const sent = numberFrom(reading, value, slot);
    const rule = ruleFor(reading.deviceId);
    const number = rule === undefined ? sent : rule.convert(sent);
    if (!fits(number)) return rule === undefined && takesBig(reading, value, slot);
    // -0 has no place among whole numbers; adding 0 makes it 0.
    reading.builder.setNumber(column, isDouble ? number : number + 0);
    if (rule !== undefined && number !== sent) reading.ruleApplied(rule.name);
    return true;
  };
}

/** NaN when the value is no number, or one that a double would change. */
function numberFrom(reading: ReadingContext, value: unknown, slot: number): number {
  if (typeof value === 'string') return isJsonNumber(value) ? doubleOf(value) : Number.NaN;
  if (typeof value !== 'number') return Number.NaN;
  const isExact = value > -(2 ** 53) && value < 2 ** 53 && (value !== 0 || !reading.mayUnderflow());
  return isExact ? value : doubleOf(reading.sourceOf(slot));
}

/** The field's range, within what its type holds. */
function numberTest(field: Field): (value: number) => boolean {
  const [least, most] = field.range ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
  switch (field.type) {
    case 'integer':
      return (value) => value === (value | 0) && value >= least && value <= most;
    case 'long':
      return (value) => Number.isSafeInteger(value) && value >= least && value <= most;
    default:
      return (value) => value >= least && value <= most;
  }
}

/** Integers from 2^53 on, which JSON.parse rounds: from their digits. */
function bigWriter(field: Field, column: number): FieldWriter {
  const [least, most] = field.range ?? [smallestLong, largestLong];
  return (reading, value, slot) => {
    const text = typeof value === 'number' ? reading.sourceOf(slot) : value;
    if (typeof text !== 'string' || !/^-?[1-9]\d{15,18}$/.test(text)) return false;
    const integer = BigInt(text);
    const isLong = integer >= smallestLong && integer <= largestLong;
    if (!isLong || integer < least || integer > most) return false;
    reading.builder.setBigInteger(column, integer);
    return true;
  };
}

interface CompiledRule {
  readonly name: string;
  readonly matches: (deviceId: string) => boolean;
  readonly convert: (value: number) => number;
}

/** The first rule that names the device. Asked for every value, so it makes no closures. */
function ruleFinder(field: Field): (deviceId: string) => CompiledRule | undefined {
  const rules = field.conversions.flatMap(({ name, devices, multiplyBy }) => {
    const convert = decimalConverter(multiplyBy);
    return devices.map((pattern) => ({ name, convert, matches: devicePattern(pattern) }));
  });
  return (deviceId) => {
    for (let index = 0; index < rules.length; index++) {
      const rule = rules[index]!;
      if (rule.matches(deviceId)) return rule;
    }
    return undefined;
  };
}

function decimalConverter(multiplyBy: number): (value: number) => number {
  const multiply = decimalMultiplier(multiplyBy);
  return (value) => (Number.isFinite(value) ? multiply(value) : Number.NaN);
}
