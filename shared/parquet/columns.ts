// Pure. Batches as columns: what travels from decode to Parquet and back. No row objects on this path.

/** Primitive types, spelled as Delta spells them in `schemaString`. */
export type ColumnType =
  | 'string'
  | 'binary'
  | 'boolean'
  | 'byte'
  | 'short'
  | 'integer'
  | 'long'
  | 'float'
  | 'double'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz';

export interface ColumnField {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

/**
 * Values of one column. Arrays may be longer than the batch's `rowCount`; only the first `rowCount` entries count.
 *
 * | type | form |
 * |-|-|
 * | string | `text`, null where absent |
 * | binary | `bytes`, null where absent |
 * | boolean | `numbers` in Uint8Array, 0 or 1 |
 * | byte short integer | `numbers` in Int32Array |
 * | date | `numbers` in Int32Array, days since 1970-01-01 |
 * | float double | `numbers` in Float64Array |
 * | long timestamp timestamp_ntz | `numbers` in Float64Array (safe integers) or BigInt64Array; timestamps in microseconds UTC |
 *
 * `validity` holds 1 where a value is present and 0 for null; without it every value is present.
 */
export type ColumnValues =
  | { readonly kind: 'text'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'bytes'; readonly values: readonly (Uint8Array | null)[] }
  | {
      readonly kind: 'numbers';
      readonly values: Float64Array | Int32Array | Uint8Array | BigInt64Array;
      readonly validity?: Uint8Array;
    };

export interface ColumnBatch {
  readonly rowCount: number;
  readonly fields: readonly ColumnField[];
  /** `columns[i]` holds the values of `fields[i]`. */
  readonly columns: readonly ColumnValues[];
}
