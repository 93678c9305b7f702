// Pure. Columns of any type joined, cut, and made of nulls.
import type { ColumnType, ColumnValues, DataBatch, DataField, DataType, DataValues } from './columns.js';

export type NumberArray = Int32Array | Float64Array | Uint8Array | BigInt64Array;

/** A part of a joined column: its first `count` entries. */
export interface Part {
  readonly values: DataValues;
  readonly count: number;
}

/** The rows of all batches in order. Every batch must have exactly these fields, in this order. */
export function concatData(batches: readonly DataBatch[], fields: readonly DataField[]): DataBatch {
  return {
    rowCount: batches.reduce((sum, batch) => sum + batch.rowCount, 0),
    fields,
    columns: fields.map(({ type }, index) =>
      concatValues(
        batches.map((batch) => ({ values: batch.columns[index]!, count: batch.rowCount })),
        type,
      ),
    ),
  };
}

function partsOf<Kind extends DataValues['kind']>(
  parts: readonly Part[],
  kind: Kind,
): { readonly values: Extract<DataValues, { kind: Kind }>; readonly count: number }[] {
  return parts.map(({ values, count }) => {
    if (values.kind !== kind) throw new Error(`a column of ${values.kind} where ${kind} was expected`);
    return { values: values as Extract<DataValues, { kind: Kind }>, count };
  });
}

/** Entries of all parts in order; all are of this type, down to the order of struct fields. */
export function concatValues(parts: readonly Part[], type: DataType): DataValues {
  const validity = concatValidity(parts);
  const nulls = validity === undefined ? {} : { validity };
  if (type === 'string') {
    return { kind: 'text', values: partsOf(parts, 'text').flatMap(headOf) };
  }
  if (type === 'binary') {
    return { kind: 'bytes', values: partsOf(parts, 'bytes').flatMap(headOf) };
  }
  if (typeof type === 'string') {
    const numbers = partsOf(parts, 'numbers').map(({ values, count }) => ({ values: values.values, count }));
    return { kind: 'numbers', values: concatNumbers(numbers, type), ...nulls };
  }
  switch (type.kind) {
    case 'decimal':
      return { kind: 'decimals', values: concatDecimals(partsOf(parts, 'decimals')), ...nulls };
    case 'struct': {
      const structs = partsOf(parts, 'struct');
      const children = type.fields.map((field, index) =>
        concatValues(
          structs.map(({ values, count }) => ({ values: values.children[index]!, count })),
          field.type,
        ),
      );
      return { kind: 'struct', children, ...nulls };
    }
    case 'list': {
      const lists = partsOf(parts, 'list');
      const element = concatValues(
        lists.map(({ values, count }) => ({ values: values.element, count: values.offsets[count] ?? 0 })),
        type.element.type,
      );
      return { kind: 'list', offsets: concatOffsets(lists), element, ...nulls };
    }
    case 'map': {
      const maps = partsOf(parts, 'map');
      const entries = (of: (map: (typeof maps)[number]['values']) => DataValues): Part[] =>
        maps.map(({ values, count }) => ({ values: of(values), count: values.offsets[count] ?? 0 }));
      return {
        kind: 'map',
        offsets: concatOffsets(maps),
        keys: concatValues(
          entries((map) => map.keys),
          type.key.type,
        ),
        values: concatValues(
          entries((map) => map.values),
          type.value.type,
        ),
        ...nulls,
      };
    }
    case 'void':
      return { kind: 'void' };
  }
}

function headOf<T>(part: {
  readonly values: { readonly values: readonly T[] };
  readonly count: number;
}): T[] {
  return part.values.values.slice(0, part.count);
}

function concatValidity(parts: readonly Part[]): Uint8Array | undefined {
  if (!parts.some(({ values }) => validityOf(values) !== undefined)) return undefined;
  const joined = new Uint8Array(parts.reduce((sum, { count }) => sum + count, 0));
  let at = 0;
  for (const { values, count } of parts) {
    const validity = validityOf(values);
    if (validity === undefined) joined.fill(1, at, at + count);
    else joined.set(validity.subarray(0, count), at);
    at += count;
  }
  return joined;
}

function validityOf(values: DataValues): Uint8Array | undefined {
  return 'validity' in values ? values.validity : undefined;
}

function concatOffsets(
  parts: readonly { readonly values: { readonly offsets: Int32Array }; readonly count: number }[],
): Int32Array {
  const joined = new Int32Array(parts.reduce((sum, { count }) => sum + count, 0) + 1);
  let at = 0;
  let base = 0;
  for (const { values, count } of parts) {
    for (let row = 1; row <= count; row++) joined[at + row] = base + values.offsets[row]!;
    at += count;
    base = joined[at]!;
  }
  return joined;
}

function concatNumbers(
  parts: readonly { readonly values: NumberArray; readonly count: number }[],
  type: DataType,
): NumberArray {
  const needsBigInt = parts.some(({ values }) => values instanceof BigInt64Array);
  const rowCount = parts.reduce((sum, { count }) => sum + count, 0);
  // Decimals may be narrow in one part and wide in another.
  const widest = parts.find(({ values }) => values instanceof Float64Array) ?? parts[0];
  if (needsBigInt) {
    const joined = new BigInt64Array(rowCount);
    let at = 0;
    for (const { values, count } of parts) {
      if (values instanceof BigInt64Array) joined.set(values.subarray(0, count), at);
      else for (let row = 0; row < count; row++) joined[at + row] = BigInt(values[row]!);
      at += count;
    }
    return joined;
  }
  const joined = widest === undefined ? emptyNumbers(type, 0) : emptyLike(widest.values, rowCount);
  let at = 0;
  for (const { values, count } of parts) {
    if (!(values instanceof BigInt64Array)) joined.set(values.subarray(0, count), at);
    at += count;
  }
  return joined;
}

type SmallNumberArray = Int32Array | Float64Array | Uint8Array;

export function emptyLike(values: NumberArray, rowCount: number): SmallNumberArray {
  if (values instanceof Int32Array) return new Int32Array(rowCount);
  return values instanceof Uint8Array ? new Uint8Array(rowCount) : new Float64Array(rowCount);
}

function emptyNumbers(type: DataType, rowCount: number): SmallNumberArray {
  if (type === 'boolean') return new Uint8Array(rowCount);
  const isNarrow = type === 'byte' || type === 'short' || type === 'integer' || type === 'date';
  return isNarrow ? new Int32Array(rowCount) : new Float64Array(rowCount);
}

type DecimalArray = Extract<DataValues, { kind: 'decimals' }>['values'];

export function isTyped(values: DecimalArray): values is Exclude<DecimalArray, readonly bigint[]> {
  return !Array.isArray(values);
}

function concatDecimals(
  parts: readonly { readonly values: { readonly values: DecimalArray }; readonly count: number }[],
): DecimalArray {
  if (!parts.some(({ values }) => Array.isArray(values.values))) {
    const numbers = parts.map(({ values, count }) => ({ values: values.values as NumberArray, count }));
    const joined = concatNumbers(numbers, 'long');
    if (!(joined instanceof Uint8Array)) return joined;
  }
  return parts.flatMap(({ values, count }) =>
    Array.from({ length: count }, (_, row) => BigInt(values.values[row]!)),
  );
}

/** Entries `from` to `to`; numbers are views. */
export function sliceValues(values: DataValues, from: number, to: number): DataValues {
  switch (values.kind) {
    case 'void':
      return values;
    case 'text':
      return { kind: 'text', values: values.values.slice(from, to) };
    case 'bytes':
      return { kind: 'bytes', values: values.values.slice(from, to) };
    case 'numbers':
      return {
        kind: 'numbers',
        values: values.values.subarray(from, to),
        ...sliceValidity(values, from, to),
      };
    case 'decimals': {
      const cut = isTyped(values.values) ? values.values.subarray(from, to) : values.values.slice(from, to);
      return { kind: 'decimals', values: cut, ...sliceValidity(values, from, to) };
    }
    case 'struct': {
      const children = values.children.map((child) => sliceValues(child, from, to));
      return { kind: 'struct', children, ...sliceValidity(values, from, to) };
    }
    case 'list': {
      const { offsets, first, end } = sliceOffsets(values.offsets, from, to);
      const element = sliceValues(values.element, first, end);
      return { kind: 'list', offsets, element, ...sliceValidity(values, from, to) };
    }
    case 'map': {
      const { offsets, first, end } = sliceOffsets(values.offsets, from, to);
      return {
        kind: 'map',
        offsets,
        keys: sliceValues(values.keys, first, end),
        values: sliceValues(values.values, first, end),
        ...sliceValidity(values, from, to),
      };
    }
  }
}

function sliceValidity(
  { validity }: { readonly validity?: Uint8Array },
  from: number,
  to: number,
): { readonly validity?: Uint8Array } {
  return validity === undefined ? {} : { validity: validity.subarray(from, to) };
}

/** Offsets start at 0 again. */
function sliceOffsets(
  offsets: Int32Array,
  from: number,
  to: number,
): { readonly offsets: Int32Array; readonly first: number; readonly end: number } {
  const first = offsets[from]!;
  const cut = offsets.slice(from, to + 1);
  for (let row = 0; row < cut.length; row++) cut[row]! -= first;
  return { offsets: cut, first, end: offsets[to]! };
}

/** A column of nulls in the form of its type. */
export function nullValues(type: ColumnType, rowCount: number): ColumnValues;
export function nullValues(type: DataType, rowCount: number): DataValues;
export function nullValues(type: DataType, rowCount: number): DataValues {
  if (type === 'string') return { kind: 'text', values: new Array<null>(rowCount).fill(null) };
  if (type === 'binary') return { kind: 'bytes', values: new Array<null>(rowCount).fill(null) };
  const validity = new Uint8Array(rowCount);
  if (typeof type === 'string') return { kind: 'numbers', values: emptyNumbers(type, rowCount), validity };
  switch (type.kind) {
    case 'decimal':
      return { kind: 'decimals', values: new Float64Array(rowCount), validity };
    case 'struct':
      return {
        kind: 'struct',
        children: type.fields.map((field) => nullValues(field.type, rowCount)),
        validity,
      };
    case 'list':
      return {
        kind: 'list',
        offsets: new Int32Array(rowCount + 1),
        element: nullValues(type.element.type, 0),
        validity,
      };
    case 'map':
      return {
        kind: 'map',
        offsets: new Int32Array(rowCount + 1),
        keys: nullValues(type.key.type, 0),
        values: nullValues(type.value.type, 0),
        validity,
      };
    case 'void':
      return { kind: 'void' };
  }
}

/** Whether the entry at `row` is null. */
export function isNullAt(values: DataValues, row: number): boolean {
  if (values.kind === 'void') return true;
  if (values.kind === 'text' || values.kind === 'bytes') return values.values[row] === null;
  return values.validity?.[row] === 0;
}
