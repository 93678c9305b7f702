// Pure. Shapes of records with nested fields, as far as the log's own Parquet files (checkpoints) need them.

import type { LeafType } from '../schema.js';

export type { LeafType } from '../schema.js';

/** Every field is OPTIONAL, as Spark writes its own structures; keys of maps are REQUIRED. */
export interface RecordField {
  readonly name: string;
  readonly type: RecordType;
}

/**
 * | type | value |
 * |-|-|
 * | byte short integer date | number; a date in days since 1970 |
 * | long timestamp timestamp_ntz | number or bigint; timestamps in microseconds since 1970 |
 * | decimal | bigint, without its point |
 * | float double | number |
 * | string, boolean, binary | string, boolean, Uint8Array |
 */
export type RecordType =
  | LeafType
  | { readonly kind: 'struct'; readonly fields: readonly RecordField[] }
  /** Text to text; a value may be null. */
  | { readonly kind: 'textMap' }
  | { readonly kind: 'textList' };

/** A record or a struct in one: values by field name; undefined and null both mean that there is none. */
export type RecordValues = Readonly<Record<string, unknown>>;

export function isLeaf(type: RecordType): type is LeafType {
  return typeof type === 'string' || type.kind === 'decimal';
}
