// Pure. The data page (V1) of one leaf: repetition levels, definition levels, values.
import { ByteBuffer } from '../writing/byteBuffer.js';
import type { LeafColumn } from './leafColumn.js';

/** Body of a page that holds all of the leaf's entries. */
export function leafPage(leaf: LeafColumn): Uint8Array {
  const page = new ByteBuffer(leaf.values.length + 256);
  if (leaf.maxRepetition > 0) appendLevels(page, leaf.repetitions.view(), leaf.maxRepetition);
  appendLevels(page, leaf.definitions.view(), leaf.maxDefinition);
  if (leaf.type === 'boolean') appendBits(page, leaf.values.view());
  else page.append(leaf.values.view());
  return page.view();
}

/** Run lengths only: most fields of a row are absent, so runs are long. Levels are below 256, so a value takes one byte. */
function appendLevels(page: ByteBuffer, levels: Uint8Array, maxLevel: number): void {
  const lengthOffset = page.length;
  page.appendUint32(0);
  if (maxLevel > 255) throw new RangeError(`level ${maxLevel} does not fit into a byte`);
  for (let from = 0; from < levels.length; ) {
    let to = from + 1;
    while (to < levels.length && levels[to] === levels[from]) to += 1;
    page.appendVarint((to - from) * 2);
    page.appendByte(levels[from]!);
    from = to;
  }
  page.setUint32(lengthOffset, page.length - lengthOffset - 4);
}

function appendBits(page: ByteBuffer, values: Uint8Array): void {
  for (let from = 0; from < values.length; from += 8) {
    let bits = 0;
    for (let bit = 0; bit < 8 && from + bit < values.length; bit++) bits |= values[from + bit]! << bit;
    page.appendByte(bits);
  }
}
