// Pure. Collects everything that is wrong with a definition, so that a user fixes it in one go.
import { TributaryError } from '../base/index.js';

export type PlainObject = Readonly<Record<string, unknown>>;

export class Problems {
  readonly #lines: string[] = [];

  /** @param path of the offending key, e.g. `fields.temperature.range` */
  add(path: string, problem: string): void {
    const line = `${path}: ${problem}`;
    this.#lines.push(line.replace(/[\n\r\t]/g, (space) => JSON.stringify(space).slice(1, -1)));
  }

  /** @throws TributaryError CONFIG_INVALID that lists every problem */
  throwIfAny(): void {
    const { length } = this.#lines;
    if (length === 0) return;
    const heading = length === 1 ? 'is 1 problem' : `are ${length} problems`;
    throw new TributaryError(
      'CONFIG_INVALID',
      `There ${heading} in the pipeline's definition:\n${this.#lines.map((line) => `- ${line}`).join('\n')}`,
    );
  }
}

/** What a value is, in a message. Never the value itself where that may be a secret. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return value.length > 80 ? 'a long text' : JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `a ${typeof value}`;
}

export function quotedList(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(', ');
}

/** ` Did you mean "range"?`, or nothing when no candidate is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let distance = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (same ? 0 : 1),
      );
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && swapped) distance = Math.min(distance, beforePrevious[column - 2]! + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length]!;
}
