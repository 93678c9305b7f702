// Pure. Dictionaries: the distinct values of a column, and each value's index among them. The whole column decides
// whether one pays, not a sample: device ids look distinct for thousands of rows and then repeat.
import { indexBitWidth } from './rle.js';

/** Distinct values beyond this make a dictionary that readers cannot keep in cache. */
const maxEntries = 2 ** 16;
/** After so many values a nearly distinct column is given up: sequence numbers, ids of single events. */
const probeValues = 8192;
const probeMaxDistinctShare = 0.9;
/** The dictionary must save at least a tenth before compression, or readers pay for nothing. */
const worthwhileShare = 0.9;
/** As in parquet-mr: a larger dictionary page costs readers more than it saves. */
const maxDictionaryBytes = 2 ** 20;

const hashMultiplierLow = 0x9e3779b1;
const hashMultiplierHigh = 0x85ebca6b;

function isHopeless(valueCount: number, entryCount: number): boolean {
  return valueCount >= probeValues && entryCount > valueCount * probeMaxDistinctShare;
}

function pays(valueCount: number, entryCount: number, entryBytes: number, plainBytes: number): boolean {
  const indexBytes = (valueCount * indexBitWidth(entryCount)) / 8;
  return entryBytes + indexBytes < plainBytes * worthwhileShare;
}

/** Dictionaries over 32-bit words. One object serves many columns and keeps its tables. */
export class WordDictionary {
  #slots = new Int32Array(0);
  #entries = new Int32Array(0);

  /**
   * Fills `indices` with the index of each value and returns the distinct values in order of appearance,
   * or undefined when PLAIN is better. Values are equal when their bits are: -0 is not 0, and a NaN equals itself.
   */
  build(
    words: Int32Array,
    wordsPerValue: 1 | 2,
    valueCount: number,
    indices: Int32Array,
  ): Int32Array | undefined {
    if (valueCount === 0) return undefined;
    const entryLimit = Math.min(maxEntries, Math.floor(maxDictionaryBytes / (wordsPerValue * 4)), valueCount);
    this.#prepare(entryLimit, wordsPerValue);
    const entryCount =
      wordsPerValue === 1
        ? this.#buildSingle(words, valueCount, indices, entryLimit)
        : this.#buildDouble(words, valueCount, indices, entryLimit);
    const valueBytes = wordsPerValue * 4;
    if (entryCount === undefined) return undefined;
    if (!pays(valueCount, entryCount, entryCount * valueBytes, valueCount * valueBytes)) return undefined;
    return this.#entries.subarray(0, entryCount * wordsPerValue);
  }

  #prepare(entryLimit: number, wordsPerValue: number): void {
    const slotCount = 2 ** (33 - Math.clz32(entryLimit)); // at least twice the entries, so that probes stay short
    if (this.#slots.length === slotCount) this.#slots.fill(0);
    else this.#slots = new Int32Array(slotCount);
    const entryWords = entryLimit * wordsPerValue;
    if (this.#entries.length < entryWords) this.#entries = new Int32Array(entryWords);
  }

  #buildSingle(
    words: Int32Array,
    valueCount: number,
    indices: Int32Array,
    entryLimit: number,
  ): number | undefined {
    const slots = this.#slots;
    const entries = this.#entries;
    const mask = slots.length - 1;
    let entryCount = 0;
    let lastIndex = -1;
    for (let position = 0; position < valueCount; position++) {
      const word = words[position]!;
      if (lastIndex < 0 || entries[lastIndex] !== word) {
        let slot = mixed(word, 0) & mask;
        while (slots[slot] !== 0 && entries[slots[slot]! - 1] !== word) slot = (slot + 1) & mask;
        if (slots[slot] === 0) {
          if (entryCount === entryLimit || isHopeless(position, entryCount)) return undefined;
          entries[entryCount++] = word;
          slots[slot] = entryCount;
        }
        lastIndex = slots[slot]! - 1;
      }
      indices[position] = lastIndex;
    }
    return entryCount;
  }

  #buildDouble(
    words: Int32Array,
    valueCount: number,
    indices: Int32Array,
    entryLimit: number,
  ): number | undefined {
    const slots = this.#slots;
    const entries = this.#entries;
    const mask = slots.length - 1;
    let entryCount = 0;
    let lastIndex = -1;
    for (let position = 0; position < valueCount; position++) {
      const low = words[position * 2]!;
      const high = words[position * 2 + 1]!;
      if (lastIndex < 0 || entries[lastIndex * 2] !== low || entries[lastIndex * 2 + 1] !== high) {
        let slot = mixed(low, high) & mask;
        for (;;) {
          const index = slots[slot]! - 1;
          if (index < 0 || (entries[index * 2] === low && entries[index * 2 + 1] === high)) break;
          slot = (slot + 1) & mask;
        }
        if (slots[slot] === 0) {
          if (entryCount === entryLimit || isHopeless(position, entryCount)) return undefined;
          entries[entryCount * 2] = low;
          entries[entryCount * 2 + 1] = high;
          slots[slot] = ++entryCount;
        }
        lastIndex = slots[slot]! - 1;
      }
      indices[position] = lastIndex;
    }
    return entryCount;
  }
}

function mixed(low: number, high: number): number {
  const hash = Math.imul(low, hashMultiplierLow) ^ Math.imul(high, hashMultiplierHigh);
  return hash ^ (hash >>> 15);
}

/** Like `WordDictionary`, for text. Skips nulls; `indices` is dense. */
export function buildTextDictionary(
  values: readonly (string | null)[],
  from: number,
  to: number,
  indices: Int32Array,
): string[] | undefined {
  const indexOf = new Map<string, number>();
  const entries: string[] = [];
  let entryChars = 0;
  let plainChars = 0;
  let count = 0;
  let last: string | null = null;
  let lastIndex = 0;
  for (let row = from; row < to; row++) {
    const text = values[row];
    if (text === null || text === undefined) continue;
    if (text !== last) {
      const known = indexOf.get(text);
      last = text;
      if (known === undefined) {
        entryChars += text.length + 4;
        if (entries.length === maxEntries || entryChars > maxDictionaryBytes) return undefined;
        if (isHopeless(count, entries.length)) return undefined;
        lastIndex = entries.length;
        indexOf.set(text, lastIndex);
        entries.push(text);
      } else {
        lastIndex = known;
      }
    }
    plainChars += text.length + 4;
    indices[count++] = lastIndex;
  }
  return count > 0 && pays(count, entries.length, entryChars, plainChars) ? entries : undefined;
}
