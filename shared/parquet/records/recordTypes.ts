// Pure. Shapes of records with nested fields, as far as the log's own Parquet files (checkpoints) need them.

/** Every field is OPTIONAL, as Spark writes its own structures; keys of maps are REQUIRED. */
export interface RecordField {
  readonly name: string;
  readonly type: RecordType;
}

export type LeafType = 'string' | 'long' | 'integer' | 'boolean';

export type RecordType =
  | LeafType
  | { readonly kind: 'struct'; readonly fields: readonly RecordField[] }
  /** Text to text; a value may be null. */
  | { readonly kind: 'textMap' }
  | { readonly kind: 'textList' };

/** A record or a struct in one: values by field name; undefined and null both mean that there is none. */
export type RecordValues = Readonly<Record<string, unknown>>;
