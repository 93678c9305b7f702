// Pure. Chunks of numbers and booleans.
import type { ColumnValues } from '../columns.js';
import { Encoding } from '../format.js';
import {
  type ChunkContext,
  type ChunkPlan,
  type ColumnChunk,
  cutPages,
  encodeIndices,
  finishChunk,
  type LeafField,
  requireNullable,
  requireRows,
} from './chunkPages.js';
import { gatherWords, type RowRange, wrongArray } from './fixedWidth.js';
import { appendBooleans, appendWords } from './plain.js';

type NumberColumn = Extract<ColumnValues, { kind: 'numbers' }>;

export function encodeNumbers(
  context: ChunkContext,
  field: LeafField,
  column: NumberColumn,
  from: number,
  to: number,
): ColumnChunk {
  requireRows(field, column.values.length, to);
  const validity = nullsIn(field, column.validity, from, to);
  const plan: ChunkPlan = { field, from, to, levels: validity, levelsFrom: 0 };
  const range: RowRange = { field, validity, from, to };
  if (field.type !== 'boolean') return encodeWords(context, plan, range, column.values);
  if (column.values instanceof Uint8Array) return encodeBooleans(context, plan, range, column.values);
  throw wrongArray(field, column.values.constructor.name);
}

/** The validity of rows `from` to `to`, or undefined when none of them is null. */
export function nullsIn(
  field: LeafField,
  validity: Uint8Array | undefined,
  from: number,
  to: number,
): Uint8Array | undefined {
  if (validity === undefined) return undefined;
  requireRows(field, validity.length, to);
  const firstNull = validity.indexOf(0, from);
  if (firstNull < 0 || firstNull >= to) return undefined;
  requireNullable(field, firstNull);
  return validity;
}

/** `range.field` says how the values lie in memory, `plan.field` what they are in the file. */
export function encodeWords(
  context: ChunkContext,
  plan: ChunkPlan,
  range: RowRange,
  values: NumberColumn['values'],
): ColumnChunk {
  const { scratch } = context;
  const { words, wordsPerValue, presentCount, bounds, hasNaN } = gatherWords(range, values, scratch.numbers);
  const statistics = { nullCount: range.to - range.from - presentCount, hasNaN, bounds };
  const entries = scratch.words.build(words, wordsPerValue, presentCount, scratch.indices);
  if (entries !== undefined) {
    scratch.body.clear();
    appendWords(scratch.body, entries, 0, entries.length);
    return encodeIndices(context, plan, entries.length / wordsPerValue, statistics);
  }
  cutPages(context, plan, wordsPerValue * 32, Encoding.PLAIN, (body, firstValue, lastValue) =>
    appendWords(body, words, firstValue * wordsPerValue, lastValue * wordsPerValue),
  );
  return finishChunk(context, plan, Encoding.PLAIN, statistics);
}

function encodeBooleans(
  context: ChunkContext,
  plan: ChunkPlan,
  range: RowRange,
  values: Uint8Array,
): ColumnChunk {
  const present = presentBooleans(range, values);
  const bounds = {
    kind: 'number',
    min: present.includes(0) ? 0 : 1,
    max: present.includes(1) ? 1 : 0,
  } as const;
  cutPages(context, plan, 1, Encoding.PLAIN, (body, firstValue, lastValue) =>
    appendBooleans(body, present, firstValue, lastValue),
  );
  return finishChunk(context, plan, Encoding.PLAIN, {
    nullCount: range.to - range.from - present.length,
    hasNaN: false,
    bounds: present.length === 0 ? undefined : bounds,
  });
}

function presentBooleans({ validity, from, to }: RowRange, values: Uint8Array): Uint8Array {
  if (validity === undefined) return values.subarray(from, to);
  const present = new Uint8Array(to - from);
  let count = 0;
  for (let row = from; row < to; row++) if (validity[row] !== 0) present[count++] = values[row]!;
  return present.subarray(0, count);
}
