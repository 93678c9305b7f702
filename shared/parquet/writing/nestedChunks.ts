// Pure. Columns of structs, lists and maps as chunks of their leaves: level by level, each leaf's entries with their
// definition and repetition levels (Dremel encoding).
// https://github.com/apache/parquet-format/blob/master/README.md#nested-encoding
import { TributaryError } from '../../base/index.js';
import type { DataField, DataValues, DecimalValues } from '../columns.js';
import { sliceValues } from '../dataBatches.js';
import type { ChunkContext, ColumnChunk } from './chunkPages.js';
import { encodeColumnChunk } from './columnChunk.js';
import { wrongArray } from './fixedWidth.js';

/** What the ancestors of a node say of it: an entry of a leaf for each of these. */
interface Entries {
  readonly definitions: Int32Array;
  readonly repetitions: Int32Array;
  /** Position in the node's values; -1 where an ancestor is null or empty. */
  readonly positions: Int32Array;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

/** A column, or a part of one. */
interface Node {
  readonly field: DataField;
  readonly values: DataValues;
  /** Entries that `values` must have. */
  readonly count: number;
  /** Names as in the file. */
  readonly path: readonly string[];
}

type Emit = (node: Node, entries: Entries) => void;

/** Chunks of rows `from` to `to`, in the order of the schema's leaves. Throws as `encodeColumnChunk`. */
export function encodeNestedChunks(
  context: ChunkContext,
  field: DataField,
  values: DataValues,
  from: number,
  to: number,
): ColumnChunk[] {
  const chunks: ColumnChunk[] = [];
  const count = to - from;
  const entries: Entries = {
    definitions: new Int32Array(count),
    repetitions: new Int32Array(count),
    positions: consecutive(count),
    maxDefinition: 0,
    maxRepetition: 0,
  };
  // Cut to the row group: what is done for all values is not done again for every group.
  const rows = from === 0 ? values : sliceValues(values, from, to);
  shred({ field, values: rows, count, path: [field.name] }, entries, (leaf, levels) => {
    chunks.push(encodeLeaf(context, leaf, levels));
  });
  return chunks;
}

function consecutive(count: number): Int32Array {
  const numbers = new Int32Array(count);
  for (let index = 0; index < count; index++) numbers[index] = index;
  return numbers;
}

function shred(node: Node, above: Entries, emit: Emit): void {
  const { field, values, count, path } = node;
  const { type } = field;
  const entries = withPresence(node, above);
  if (typeof type === 'string' || type.kind === 'decimal') {
    emit(node, entries);
  } else if (type.kind === 'struct' && values.kind === 'struct') {
    type.fields.forEach((child, index) => {
      const part = values.children[index];
      if (part === undefined) throw wrongArray(child, 'nothing');
      shred({ field: child, values: part, count, path: [...path, child.name] }, entries, emit);
    });
  } else if (type.kind === 'list' && values.kind === 'list') {
    const { offsets, element } = values;
    const inner = elementsOf(entries, offsets);
    const elementCount = offsets[count] ?? 0;
    shred(
      { field: type.element, values: element, count: elementCount, path: [...path, 'list', 'element'] },
      inner,
      emit,
    );
  } else if (type.kind === 'map' && values.kind === 'map') {
    const inner = elementsOf(entries, values.offsets);
    const entryCount = values.offsets[count] ?? 0;
    const part = (name: 'key' | 'value') => ({ count: entryCount, path: [...path, 'key_value', name] });
    shred({ ...part('key'), field: { ...type.key, nullable: false }, values: values.keys }, inner, emit);
    shred({ ...part('value'), field: type.value, values: values.values }, inner, emit);
  } else if (type.kind !== 'void') {
    // void has no leaf; the schema refuses it
    throw wrongArray({ name: path.join('.'), type }, values.kind);
  }
}

/** One level deeper where the node may be null; entries in which it is null end here. */
function withPresence(node: Node, above: Entries): Entries {
  const { field, values } = node;
  if (lengthOf(values) < node.count) {
    throw new TributaryError(
      'PARQUET_INVALID',
      `Column "${node.path.join('.')}" has ${lengthOf(values)} values, but ${node.count} are needed.`,
    );
  }
  if (!field.nullable) {
    requirePresent(node, above.positions);
    return above;
  }
  const definitions = above.definitions.slice();
  const positions = above.positions.slice();
  const nulls = nullsOf(values);
  for (let entry = 0; entry < positions.length; entry++) {
    const position = positions[entry]!;
    if (position < 0) continue;
    if (nulls !== undefined && nulls[position] === 1) positions[entry] = -1;
    else definitions[entry]! += 1;
  }
  return { ...above, definitions, positions, maxDefinition: above.maxDefinition + 1 };
}

function requirePresent({ values, path }: Node, positions: Int32Array): void {
  const nulls = nullsOf(values);
  if (nulls === undefined) return;
  for (const position of positions) {
    if (position < 0 || nulls[position] !== 1) continue;
    throw new TributaryError(
      'PARQUET_INVALID',
      `Column "${path.join('.')}" is required, but its entry ${position} is null: declare it nullable or supply a value.`,
    );
  }
}

/** 1 for each entry that is null; undefined when none is. */
function nullsOf(values: DataValues): Uint8Array | undefined {
  if (values.kind === 'void') return undefined;
  if (values.kind === 'text' || values.kind === 'bytes') return nullsAmong(values.values);
  const { validity } = values;
  if (validity === undefined || !validity.includes(0)) return undefined;
  const nulls = new Uint8Array(validity.length);
  for (let entry = 0; entry < nulls.length; entry++) nulls[entry] = validity[entry] === 0 ? 1 : 0;
  return nulls;
}

/** `undefined` counts as null, as in columns that are not nested. */
function nullsAmong(values: readonly unknown[]): Uint8Array | undefined {
  const nulls = new Uint8Array(values.length);
  let hasNulls = false;
  for (let entry = 0; entry < nulls.length; entry++) {
    if ((values[entry] ?? null) !== null) continue;
    nulls[entry] = 1;
    hasNulls = true;
  }
  return hasNulls ? nulls : undefined;
}

function lengthOf(values: DataValues): number {
  switch (values.kind) {
    case 'text':
    case 'bytes':
      return values.values.length;
    case 'numbers':
    case 'decimals':
      return Math.min(values.values.length, validityLength(values));
    case 'list':
    case 'map':
      return Math.min(values.offsets.length - 1, validityLength(values));
    case 'struct':
      return validityLength(values); // the children are looked at one by one
    case 'void':
      return Number.POSITIVE_INFINITY;
  }
}

function validityLength(values: { readonly validity?: Uint8Array }): number {
  return values.validity?.length ?? Number.POSITIVE_INFINITY;
}

/** An entry for each element; lists that are null or empty keep the one they have. */
function elementsOf(lists: Entries, offsets: Int32Array): Entries {
  const count = elementEntryCount(lists.positions, offsets);
  const definitions = new Int32Array(count);
  const repetitions = new Int32Array(count);
  const positions = new Int32Array(count);
  const maxRepetition = lists.maxRepetition + 1;
  let at = 0;
  for (let entry = 0; entry < lists.positions.length; entry++) {
    const list = lists.positions[entry]!;
    const first = list < 0 ? 0 : offsets[list]!;
    const end = list < 0 ? 0 : offsets[list + 1]!;
    repetitions[at] = lists.repetitions[entry]!;
    if (first === end) {
      definitions[at] = lists.definitions[entry]!;
      positions[at++] = -1;
      continue;
    }
    for (let element = first; element < end; element++) {
      if (element > first) repetitions[at] = maxRepetition;
      definitions[at] = lists.definitions[entry]! + 1;
      positions[at++] = element;
    }
  }
  return { definitions, repetitions, positions, maxDefinition: lists.maxDefinition + 1, maxRepetition };
}

function elementEntryCount(positions: Int32Array, offsets: Int32Array): number {
  let count = 0;
  for (const list of positions) count += list < 0 ? 1 : Math.max(1, offsets[list + 1]! - offsets[list]!);
  return count;
}

function encodeLeaf(context: ChunkContext, { field, values, path }: Node, entries: Entries): ColumnChunk {
  const { type } = field;
  if (typeof type !== 'string' && type.kind !== 'decimal') throw new Error('only leaves have chunks');
  const leaf = { name: path.join('.'), type, nullable: entries.maxDefinition > 0 };
  const { length } = entries.positions;
  return encodeColumnChunk(
    { ...context, place: { ...entries, path } },
    leaf,
    spread(values, entries),
    0,
    length,
  );
}

/** A value for each entry: null where there is none. */
function spread(values: DataValues, { positions }: Entries): DataValues {
  switch (values.kind) {
    case 'text':
      return { kind: 'text', values: spreadItems(values.values, positions, null) };
    case 'bytes':
      return { kind: 'bytes', values: spreadItems(values.values, positions, null) };
    case 'numbers':
      return { kind: 'numbers', values: spreadNumbers(values.values, positions), ...presenceOf(positions) };
    case 'decimals':
      return { kind: 'decimals', values: spreadDecimals(values.values, positions), ...presenceOf(positions) };
    default:
      return values;
  }
}

function presenceOf(positions: Int32Array): { readonly validity?: Uint8Array } {
  if (!positions.includes(-1)) return {};
  const validity = new Uint8Array(positions.length);
  for (let entry = 0; entry < validity.length; entry++) validity[entry] = positions[entry]! < 0 ? 0 : 1;
  return { validity };
}

type NumberArray = Float64Array | Int32Array | Uint8Array | BigInt64Array;

function spreadNumbers<Numbers extends NumberArray>(values: Numbers, positions: Int32Array): Numbers {
  // A constructor of a union of arrays is none for the compiler.
  const result = new (values.constructor as new (length: number) => Numbers)(positions.length);
  for (let entry = 0; entry < positions.length; entry++) {
    const position = positions[entry]!;
    if (position >= 0) result[entry] = values[position]!;
  }
  return result;
}

function spreadItems<Item>(values: readonly Item[], positions: Int32Array, absent: Item): Item[] {
  const result: Item[] = [];
  for (const position of positions) result.push(position < 0 ? absent : values[position]!);
  return result;
}

function spreadDecimals(values: DecimalValues['values'], positions: Int32Array): DecimalValues['values'] {
  if (values instanceof Int32Array || values instanceof Float64Array || values instanceof BigInt64Array)
    return spreadNumbers(values, positions);
  return spreadItems(values, positions, 0n);
}
