// Pure. Chunks of text and binary.
import { Encoding } from '../format.js';
import type { ChunkStatistics } from '../statistics.js';
import type { ByteBuffer } from './byteBuffer.js';
import {
  type ChunkContext,
  type ChunkPlan,
  type ColumnChunk,
  cutGrowingPages,
  encodeIndices,
  finishChunk,
  type LeafField,
  requireNullable,
  requireRows,
} from './chunkPages.js';
import { buildTextDictionary } from './dictionary.js';
import { appendByteArray, appendText } from './plain.js';
import { TextBounds } from './textBounds.js';

export function encodeText(
  context: ChunkContext,
  field: LeafField,
  values: readonly (string | null)[],
  from: number,
  to: number,
): ColumnChunk {
  const { scratch } = context;
  const { plan, nullCount } = planLevels(context, field, values, from, to);
  const bounds = new TextBounds();
  const append = (target: ByteBuffer, text: string) => {
    const start = target.length + 4;
    appendText(target, text);
    bounds.observe(target.bytes, start, target.length);
  };
  const statistics = (): ChunkStatistics => ({ nullCount, hasNaN: false, bounds: bounds.bounds() });
  const entries = buildTextDictionary(values, from, to, scratch.indices);
  if (entries !== undefined) {
    scratch.body.clear();
    for (const entry of entries) append(scratch.body, entry);
    return encodeIndices(context, plan, entries.length, statistics());
  }
  cutGrowingPages(context, plan, values, append, () => bounds.settle());
  return finishChunk(context, plan, Encoding.PLAIN, statistics());
}

/** Binary gets neither dictionary nor bounds: bodies of rejected events are long and distinct. */
export function encodeBinary(
  context: ChunkContext,
  field: LeafField,
  values: readonly (Uint8Array | null)[],
  from: number,
  to: number,
): ColumnChunk {
  const { plan, nullCount } = planLevels(context, field, values, from, to);
  cutGrowingPages(context, plan, values, appendByteArray, () => {});
  return finishChunk(context, plan, Encoding.PLAIN, { nullCount, hasNaN: false, bounds: undefined });
}

function planLevels(
  context: ChunkContext,
  field: LeafField,
  values: readonly (string | Uint8Array | null)[],
  from: number,
  to: number,
): { plan: ChunkPlan; nullCount: number } {
  requireRows(field, values.length, to);
  const levels = context.scratch.levels;
  let nullCount = 0;
  for (let row = from; row < to; row++) {
    const isNull = values[row] === null || values[row] === undefined;
    levels[row - from] = isNull ? 0 : 1;
    if (isNull) nullCount += 1;
  }
  if (nullCount > 0) requireNullable(field, from + levels.indexOf(0));
  return {
    plan: { field, from, to, levels: nullCount > 0 ? levels : undefined, levelsFrom: from },
    nullCount,
  };
}
