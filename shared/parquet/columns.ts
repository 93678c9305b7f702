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

/** A number with `scale` digits after the point, kept as an integer without the point. */
export interface DecimalType {
  readonly kind: 'decimal';
  /** Digits in all, 1 to 38. */
  readonly precision: number;
  readonly scale: number;
}

export interface StructDataType {
  readonly kind: 'struct';
  readonly fields: readonly DataField[];
}

export interface ListDataType {
  readonly kind: 'list';
  readonly element: DataField;
}

export interface MapDataType {
  readonly kind: 'map';
  readonly key: DataField;
  readonly value: DataField;
}

/** Delta's `void`: null in every row. */
export interface VoidType {
  readonly kind: 'void';
}

/** Every type that can be read; all but `void` can be written, too. */
export type DataType = ColumnType | DecimalType | StructDataType | ListDataType | MapDataType | VoidType;

export interface DataField {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
  /** `field_id` of a Parquet column. */
  readonly id?: number;
}

/**
 * Values of one column of any type. What `ColumnValues` are for the primitive types, and:
 *
 * | type | form |
 * |-|-|
 * | decimal | `decimals`: the unscaled integers |
 * | struct | `struct`: one entry per row in each child; entries under a null struct are null |
 * | list | `list`: row i has the elements `offsets[i]` to `offsets[i + 1]` (exclusive) |
 * | map | `map`: likewise, entries in file order |
 * | void | `void` |
 *
 * `validity` as in `ColumnValues`. Offsets start at 0 and never decrease; null rows have no elements.
 */
export type DataValues =
  | ColumnValues
  | DecimalValues
  | { readonly kind: 'struct'; readonly children: readonly DataValues[]; readonly validity?: Uint8Array }
  | {
      readonly kind: 'list';
      readonly offsets: Int32Array;
      readonly element: DataValues;
      readonly validity?: Uint8Array;
    }
  | {
      readonly kind: 'map';
      readonly offsets: Int32Array;
      readonly keys: DataValues;
      readonly values: DataValues;
      readonly validity?: Uint8Array;
    }
  | { readonly kind: 'void' };

export interface DecimalValues {
  readonly kind: 'decimals';
  readonly values: Int32Array | Float64Array | BigInt64Array | readonly bigint[];
  readonly validity?: Uint8Array;
}

/** A batch that may have columns of any type; every `ColumnBatch` is one. */
export interface DataBatch {
  readonly rowCount: number;
  readonly fields: readonly DataField[];
  readonly columns: readonly DataValues[];
}
