// Pure. Fills a batch with columns of any type, entry by entry and without row objects: what nested JSON is decoded into.
import { TributaryError } from '../base/index.js';
import { GrowingValidity, withRoom } from './building/growth.js';
import {
  BytesBuilder,
  DecimalBuilder,
  NumberBuilder,
  TextBuilder,
  VoidBuilder,
} from './building/scalarBuilders.js';
import type { DataBatch, DataField, DataType, DataValues } from './columns.js';

/**
 * What fills one column, or one part of it; `kind` is that of its `DataValues`.
 *
 * | kind | an entry |
 * |-|-|
 * | text, bytes | `append(value)` |
 * | numbers | `append(number)` or `appendBigInt(bigint)` |
 * | decimals | `append(unscaled)` |
 * | struct | at most one entry to each of `children`, then `end()`; children without one are null |
 * | list | any number of entries to `element`, then `end()` |
 * | map | as many to `keys` as to `values`, then `end()` |
 * | void | `appendNull()` only |
 *
 * All of them have `appendNull()`, which takes back the parts of an entry that was not ended, `count` (entries so far)
 * and `truncate(count)`, which forgets the entries from there on.
 */
export type ValuesBuilder =
  | TextBuilder
  | BytesBuilder
  | NumberBuilder
  | DecimalBuilder
  | StructBuilder
  | ListBuilder
  | MapBuilder
  | VoidBuilder;

export class StructBuilder {
  readonly kind = 'struct';
  count = 0;
  readonly #validity = new GrowingValidity();

  /** `children[i]` takes the values of `fields[i]`. */
  constructor(
    readonly fields: readonly DataField[],
    readonly children: readonly ValuesBuilder[],
  ) {}

  end(): void {
    const next = this.count + 1;
    this.children.forEach((child, index) => {
      if (child.count < next) child.appendNull();
      if (child.count !== next) throw miscounted(this.fields[index]!.name, child.count, next);
    });
    this.#validity.markPresent(this.count++);
  }

  appendNull(): void {
    this.discard();
    for (const child of this.children) child.appendNull();
    this.#validity.markNull(this.count++);
  }

  /** Takes back what was appended to the children since the last entry. */
  discard(): void {
    for (const child of this.children) child.truncate(this.count);
  }

  truncate(count: number): void {
    this.count = Math.min(count, this.count);
    this.discard();
    if (count === 0) this.#validity.clear();
  }

  finish(): DataValues {
    const children = this.children.map((child) => child.finish());
    return { kind: 'struct', children, ...this.#validity.values() };
  }
}

export class ListBuilder {
  readonly kind = 'list';
  count = 0;
  readonly #validity = new GrowingValidity();
  #offsets = new Int32Array(16);

  constructor(readonly element: ValuesBuilder) {}

  end(): void {
    this.#validity.markPresent(this.count);
    this.#close();
  }

  appendNull(): void {
    this.discard();
    this.#validity.markNull(this.count);
    this.#close();
  }

  /** Takes back what was appended to `element` since the last entry. */
  discard(): void {
    this.element.truncate(this.#offsets[this.count]!);
  }

  truncate(count: number): void {
    this.count = Math.min(count, this.count);
    this.discard();
    if (count === 0) this.#validity.clear();
  }

  finish(): DataValues {
    const { element } = this;
    return { kind: 'list', offsets: this.#offsets, element: element.finish(), ...this.#validity.values() };
  }

  #close(): void {
    this.#offsets = withRoom(this.#offsets, this.count + 1);
    this.#offsets[++this.count] = this.element.count;
  }
}

export class MapBuilder {
  readonly kind = 'map';
  count = 0;
  readonly #validity = new GrowingValidity();
  #offsets = new Int32Array(16);

  constructor(
    readonly name: string,
    readonly keys: ValuesBuilder,
    readonly values: ValuesBuilder,
  ) {}

  end(): void {
    if (this.keys.count !== this.values.count)
      throw miscounted(`${this.name}.value`, this.values.count, this.keys.count);
    this.#validity.markPresent(this.count);
    this.#close();
  }

  appendNull(): void {
    this.discard();
    this.#validity.markNull(this.count);
    this.#close();
  }

  /** Takes back what was appended to `keys` and `values` since the last entry. */
  discard(): void {
    this.keys.truncate(this.#offsets[this.count]!);
    this.values.truncate(this.#offsets[this.count]!);
  }

  truncate(count: number): void {
    this.count = Math.min(count, this.count);
    this.discard();
    if (count === 0) this.#validity.clear();
  }

  finish(): DataValues {
    return {
      kind: 'map',
      offsets: this.#offsets,
      keys: this.keys.finish(),
      values: this.values.finish(),
      ...this.#validity.values(),
    };
  }

  #close(): void {
    this.#offsets = withRoom(this.#offsets, this.count + 1);
    this.#offsets[++this.count] = this.keys.count;
  }
}

/** An empty builder for a column of this type. */
function builderOf(name: string, type: DataType): ValuesBuilder {
  if (type === 'string') return new TextBuilder();
  if (type === 'binary') return new BytesBuilder();
  if (typeof type === 'string') return new NumberBuilder(name, type);
  const partOf = (field: DataField) => builderOf(`${name}.${field.name}`, field.type);
  switch (type.kind) {
    case 'decimal':
      return new DecimalBuilder(name, type);
    case 'struct':
      return new StructBuilder(type.fields, type.fields.map(partOf));
    case 'list':
      return new ListBuilder(partOf(type.element));
    case 'map':
      return new MapBuilder(name, partOf(type.key), partOf(type.value));
    case 'void':
      return new VoidBuilder();
  }
}

/**
 * Append-only and reusable. Append at most one entry to each column, then end the row; columns without one are null:
 *
 *     const [device, readings] = builder.columns;
 *     if (device?.kind === 'text') device.append('d-1');
 *     if (readings?.kind === 'list') {
 *       for (const reading of values) appendReading(readings.element, reading);
 *       readings.end();
 *     }
 *     builder.endRow();
 *
 * Nulls in fields that may not be null are found by the encoder, not here. `finish` hands out the builder's own arrays,
 * without copying: that batch is valid until the next append or `reset`, which empties the builder and keeps its memory.
 */
export class DataBatchBuilder {
  rowCount = 0;
  /** `columns[i]` takes the values of `fields[i]`. */
  readonly columns: readonly ValuesBuilder[];

  constructor(readonly fields: readonly DataField[]) {
    this.columns = fields.map(({ name, type }) => builderOf(name, type));
  }

  /** @throws TributaryError PARQUET_INVALID when a column got more than one entry; the row can then be discarded */
  endRow(): void {
    const next = this.rowCount + 1;
    for (let index = 0; index < this.columns.length; index++) {
      const column = this.columns[index]!;
      if (column.count < next) column.appendNull();
      if (column.count !== next) throw miscounted(this.fields[index]!.name, column.count, next);
    }
    this.rowCount = next;
  }

  /** Takes back what was appended since the last `endRow`, unfinished entries included. */
  discardRow(): void {
    this.truncate(this.rowCount);
  }

  /** Forgets the rows from `rowCount` on. */
  truncate(rowCount: number): void {
    this.rowCount = Math.min(rowCount, this.rowCount);
    for (const column of this.columns) column.truncate(this.rowCount);
  }

  finish(): DataBatch {
    return {
      rowCount: this.rowCount,
      fields: this.fields,
      columns: this.columns.map((column) => column.finish()),
    };
  }

  reset(): void {
    this.truncate(0);
  }
}

function miscounted(name: string, found: number, expected: number): TributaryError {
  return new TributaryError(
    'PARQUET_INVALID',
    `Column "${name}" has ${found} entries where ${expected} are expected: one entry, then the end of its row, struct or map.`,
  );
}
