// Pure. Type changes that Delta takes without rewriting files (PROTOCOL.md "Type Widening").
import type { ColumnType, DataType, DecimalType } from '../../parquet/index.js';
import { widerDecimal } from './shape.js';

const wholeTypes: readonly (ColumnType | undefined)[] = ['byte', 'short', 'integer', 'long'];
/** Digits of a decimal that holds each of them. */
const digitsOf: Readonly<Record<string, number>> = { byte: 10, short: 10, integer: 10, long: 20 };

/** A fraction's digits after the point are not known beforehand; with these a long's 20 digits fit before it. */
const scaleForFractions = 18;

/** The type that the column gets so that it holds `observed`, too; undefined when it does, or when Delta has none. */
export function widenedType(current: DataType, observed: DataType | undefined): DataType | undefined {
  if (observed === undefined || current === observed) return undefined;
  if (typeof current === 'object') {
    return current.kind === 'decimal' ? widenedDecimal(current, observed) : undefined;
  }
  if (!wholeTypes.includes(current))
    return current === 'float' && observed === 'double' ? 'double' : undefined;
  if (observed === 'long') return current === 'long' ? undefined : 'long';
  if (observed === 'double') return current === 'long' ? longWithFraction() : 'double';
  if (typeof observed === 'object' && observed.kind === 'decimal') return withDecimal(current, observed);
  return undefined;
}

function longWithFraction(): DecimalType {
  return { kind: 'decimal', precision: 38, scale: scaleForFractions };
}

function widenedDecimal(current: DecimalType, observed: DataType): DataType | undefined {
  if (observed === 'long') return changed(current, { kind: 'decimal', precision: 20, scale: 0 });
  if (typeof observed !== 'object' || observed.kind !== 'decimal') return undefined;
  return changed(current, observed);
}

function changed(current: DecimalType, observed: DecimalType): DataType | undefined {
  const wider = widerDecimal(current, observed);
  if (wider === 'string') return undefined;
  return wider.precision === current.precision && wider.scale === current.scale ? undefined : wider;
}

function withDecimal(current: ColumnType, observed: DecimalType): DataType | undefined {
  const wider = widerDecimal({ kind: 'decimal', precision: digitsOf[current]!, scale: 0 }, observed);
  return wider === 'string' ? undefined : wider;
}
