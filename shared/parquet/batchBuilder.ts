// Pure. Fills a column batch row by row without row objects: the decoder's end of the column path.
import { TributaryError } from '../base/index.js';
import type { ColumnBatch, ColumnField, ColumnType, ColumnValues } from './columns.js';

/** Which of the builder's arrays a column lives in. Small integers, so that `setNumber` is one switch. */
const Store = { TEXT: 0, BYTES: 1, BOOLEAN: 2, INT32: 3, FLOAT64: 4 } as const;

const storeOf = {
  string: Store.TEXT,
  binary: Store.BYTES,
  boolean: Store.BOOLEAN,
  byte: Store.INT32,
  short: Store.INT32,
  integer: Store.INT32,
  date: Store.INT32,
  long: Store.FLOAT64,
  float: Store.FLOAT64,
  double: Store.FLOAT64,
  timestamp: Store.FLOAT64,
  timestamp_ntz: Store.FLOAT64,
} as const satisfies Record<ColumnType, number>;

/**
 * Append-only and reusable. Set the present cells of a row by column index, then end the row; cells not set are null:
 *
 *     builder.setText(0, deviceId);
 *     builder.setNumber(1, eventTimeMicros);
 *     builder.endRow();
 *
 * `finish` hands out the builder's own arrays, without copying: that batch is valid until `reset`, which empties the
 * builder and keeps its memory. A setter does not check that its column has a fitting type; a wrong one throws from
 * the engine or is found by the encoder. Setting a cell twice keeps the last value.
 */
export class BatchBuilder {
  readonly fields: readonly ColumnField[];
  rowCount = 0;
  #capacity: number;
  readonly #stores: Uint8Array;
  /** Indexed by column; a column has a real array in exactly one of these. */
  readonly #texts: (string | null)[][];
  readonly #bytes: (Uint8Array | null)[][];
  readonly #booleans: Uint8Array[];
  readonly #integers: Int32Array[];
  readonly #doubles: Float64Array[];
  readonly #validity: Uint8Array[];
  /** Columns that hold an integer beyond 2^53; their doubles are stale. */
  readonly #bigIntegers = new Map<number, BigInt64Array>();

  constructor(fields: readonly ColumnField[], initialRows = 1024) {
    this.fields = fields;
    this.#capacity = Math.max(1, initialRows);
    this.#stores = Uint8Array.from(fields, (field) => storeOf[field.type]);
    const rowsIf = (column: number, store: number) => (this.#stores[column] === store ? this.#capacity : 0);
    this.#texts = fields.map((_, column) => filledWithNull<string>(rowsIf(column, Store.TEXT)));
    this.#bytes = fields.map((_, column) => filledWithNull<Uint8Array>(rowsIf(column, Store.BYTES)));
    this.#booleans = fields.map((_, column) => new Uint8Array(rowsIf(column, Store.BOOLEAN)));
    this.#integers = fields.map((_, column) => new Int32Array(rowsIf(column, Store.INT32)));
    this.#doubles = fields.map((_, column) => new Float64Array(rowsIf(column, Store.FLOAT64)));
    this.#validity = fields.map(() => new Uint8Array(this.#capacity));
  }

  /** string */
  setText(column: number, value: string): void {
    this.#texts[column]![this.rowCount] = value;
  }

  /** binary; the array is kept, not copied */
  setBytes(column: number, value: Uint8Array): void {
    this.#bytes[column]![this.rowCount] = value;
  }

  /**
   * Every other type: 0 or 1 for boolean, days for date, microseconds for timestamps. Long and timestamps must be safe
   * integers; others go through `setBigInteger`.
   */
  setNumber(column: number, value: number): void {
    const row = this.rowCount;
    switch (this.#stores[column]) {
      case Store.FLOAT64:
        this.#doubles[column]![row] = value;
        if (this.#bigIntegers.size > 0) this.#setMirror(column, value);
        break;
      case Store.INT32:
        this.#integers[column]![row] = value;
        break;
      default:
        this.#booleans[column]![row] = value;
    }
    this.#validity[column]![row] = 1;
  }

  /** long, timestamp, timestamp_ntz over the full 64-bit range; turns the column into a BigInt64Array. */
  setBigInteger(column: number, value: bigint): void {
    let integers = this.#bigIntegers.get(column);
    if (integers === undefined) {
      const doubles = this.#doubles[column]!;
      integers = new BigInt64Array(this.#capacity);
      for (let row = 0; row < this.rowCount; row++) integers[row] = BigInt(doubles[row]!);
      this.#bigIntegers.set(column, integers);
    }
    integers[this.rowCount] = value;
    this.#validity[column]![this.rowCount] = 1;
  }

  /** Takes back a cell of the current row. */
  setNull(column: number): void {
    const row = this.rowCount;
    const store = this.#stores[column];
    if (store === Store.TEXT) this.#texts[column]![row] = null;
    else if (store === Store.BYTES) this.#bytes[column]![row] = null;
    else this.#validity[column]![row] = 0;
  }

  endRow(): void {
    this.rowCount += 1;
    if (this.rowCount === this.#capacity) this.#grow();
  }

  /** Takes back what was set since the last `endRow`. */
  discardRow(): void {
    for (let column = 0; column < this.fields.length; column++) this.setNull(column);
  }

  /** The rows so far, over the builder's own arrays; valid until `reset` or the next row. */
  finish(): ColumnBatch {
    return {
      rowCount: this.rowCount,
      fields: this.fields,
      columns: this.fields.map((_, column) => this.#columnValues(column)),
    };
  }

  /** Empties the builder and keeps its memory. Batches handed out before must not be used any more. */
  reset(): void {
    const usedRows = Math.min(this.rowCount + 1, this.#capacity); // the current row may be half set
    for (let column = 0; column < this.fields.length; column++) {
      if (this.#stores[column] === Store.TEXT) this.#texts[column]!.fill(null, 0, usedRows);
      else if (this.#stores[column] === Store.BYTES) this.#bytes[column]!.fill(null, 0, usedRows);
      else this.#validity[column]!.fill(0, 0, usedRows);
    }
    this.#bigIntegers.clear();
    this.rowCount = 0;
  }

  #columnValues(column: number): ColumnValues {
    const store = this.#stores[column];
    if (store === Store.TEXT) return { kind: 'text', values: this.#texts[column]! };
    if (store === Store.BYTES) return { kind: 'bytes', values: this.#bytes[column]! };
    const values = this.#numbers(column, store);
    const validity = this.#validity[column]!;
    const firstNull = validity.indexOf(0);
    if (firstNull < 0 || firstNull >= this.rowCount) return { kind: 'numbers', values };
    return { kind: 'numbers', values, validity };
  }

  #numbers(
    column: number,
    store: number | undefined,
  ): Float64Array | Int32Array | Uint8Array | BigInt64Array {
    if (store === Store.INT32) return this.#integers[column]!;
    if (store === Store.BOOLEAN) return this.#booleans[column]!;
    return this.#bigIntegers.get(column) ?? this.#doubles[column]!;
  }

  #setMirror(column: number, value: number): void {
    const integers = this.#bigIntegers.get(column);
    if (integers === undefined) return;
    if (!Number.isSafeInteger(value)) {
      const name = this.fields[column]?.name;
      throw new TributaryError('PARQUET_INVALID', `Column "${name}" takes whole numbers, not ${value}.`);
    }
    integers[this.rowCount] = BigInt(value);
  }

  #grow(): void {
    this.#capacity *= 2;
    for (let column = 0; column < this.fields.length; column++) {
      this.#validity[column] = grownBytes(this.#validity[column]!, this.#capacity);
      const store = this.#stores[column];
      if (store === Store.TEXT) growWithNull(this.#texts[column]!, this.#capacity);
      else if (store === Store.BYTES) growWithNull(this.#bytes[column]!, this.#capacity);
      else if (store === Store.BOOLEAN)
        this.#booleans[column] = grownBytes(this.#booleans[column]!, this.#capacity);
      else if (store === Store.INT32)
        this.#integers[column] = grownIntegers(this.#integers[column]!, this.#capacity);
      else this.#growDoubles(column);
    }
  }

  #growDoubles(column: number): void {
    const doubles = new Float64Array(this.#capacity);
    doubles.set(this.#doubles[column]!);
    this.#doubles[column] = doubles;
    const integers = this.#bigIntegers.get(column);
    if (integers === undefined) return;
    const grown = new BigInt64Array(this.#capacity);
    grown.set(integers);
    this.#bigIntegers.set(column, grown);
  }
}

/** Filled rather than sparse: the engine keeps a packed array, and unset cells read as null. */
function filledWithNull<T>(length: number): (T | null)[] {
  const values: (T | null)[] = [];
  growWithNull(values, length);
  return values;
}

function growWithNull<T>(values: (T | null)[], length: number): void {
  while (values.length < length) values.push(null);
}

function grownBytes(values: Uint8Array, length: number): Uint8Array {
  const grown = new Uint8Array(length);
  grown.set(values);
  return grown;
}

function grownIntegers(values: Int32Array, length: number): Int32Array {
  const grown = new Int32Array(length);
  grown.set(values);
  return grown;
}
