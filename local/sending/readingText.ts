// Pure. Cuts the text of a readings file into readings while it streams by: a JSON array, one or more JSON objects,
// or one JSON object a line (NDJSON). A bad line costs that line and no other.

export type FoundReading =
  | {
      readonly kind: 'reading';
      readonly value: Readonly<Record<string, unknown>>;
      /** As written in the file. */
      readonly text: string;
      readonly line: number;
    }
  | { readonly kind: 'bad'; readonly reason: string; readonly line: number };

export interface ReadingSplitter {
  /** @returns readings that are complete by now */
  push(text: string): FoundReading[];
  end(): FoundReading[];
}

/** Longest single reading; a missing quote or bracket must not make the whole file one reading in memory. */
const maximumReadingLength = 16_000_000;
const whiteSpace = /^[\s\ufeff]*$/;

/**
 * Decides by the beginning: `[` is an array; a first line that is a whole object, or is followed by a line that begins
 * like one, is NDJSON; anything else that begins with `{` is an object written over several lines.
 */
export function createReadingSplitter(): ReadingSplitter {
  let chosen: ReadingSplitter | undefined;
  let held = '';
  const choose = (isEnd: boolean): FoundReading[] => {
    const form = formOf(held, isEnd);
    if (form === undefined) return [];
    chosen = form === 'lines' ? new LineSplitter() : new StructureSplitter();
    const text = held.replace(/^\ufeff/, '');
    held = '';
    return chosen.push(text);
  };
  return {
    push(text) {
      if (chosen !== undefined) return chosen.push(text);
      held += text;
      return choose(false);
    },
    end() {
      const first = chosen === undefined ? choose(true) : [];
      return [...first, ...(chosen?.end() ?? [])];
    },
  };
}

/** Undefined while more text is needed to tell. */
function formOf(text: string, isEnd: boolean): 'lines' | 'structure' | undefined {
  const start = text.search(/[^\s\ufeff]/);
  if (start === -1) return undefined;
  if (text[start] === '[') return 'structure';
  if (text[start] !== '{') return 'lines';
  const lines = text
    .slice(start)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
  // The last line may go on in the next chunk.
  const completeLines = isEnd || /\n\s*$/.test(text) ? lines.length : lines.length - 1;
  if (completeLines >= 1 && isJson(lines[0] ?? '')) return 'lines';
  if (lines.length >= 2) return /^\s*[{[]/.test(lines[1] ?? '') ? 'lines' : 'structure';
  if (text.length > maximumReadingLength) return 'structure';
  return isEnd ? 'lines' : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // that is the question asked here
  }
}

class LineSplitter implements ReadingSplitter {
  #rest = '';
  #line = 0;

  push(text: string): FoundReading[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const found = lines.flatMap((line) => this.#take(line));
    if (this.#rest.length <= maximumReadingLength) return found;
    this.#rest = '';
    return [...found, { kind: 'bad', line: this.#line + 1, reason: tooLong }];
  }

  end(): FoundReading[] {
    return this.#take(this.#rest);
  }

  #take(line: string): FoundReading[] {
    this.#line += 1;
    return whiteSpace.test(line) ? [] : readingsOf(line.trim(), this.#line);
  }
}

const tooLong = `is longer than ${maximumReadingLength / 1_000_000} million characters`;

/** Follows strings and brackets only; what lies between is left to JSON.parse. */
class StructureSplitter implements ReadingSplitter {
  /** Text from the beginning of an unfinished value. */
  #held = '';
  #line = 1;
  #value: { readonly line: number; depth: number } | undefined;
  #inArray = false;
  #inString = false;
  #escaped = false;
  #isLost = false;

  push(added: string): FoundReading[] {
    if (this.#isLost) return [];
    const found: FoundReading[] = [];
    const text = this.#held + added;
    let start = 0;
    for (let index = this.#held.length; index < text.length; index++) {
      const character = text[index]!;
      const value = this.#value;
      if (value === undefined) {
        if (this.#begins(character)) start = index;
      } else {
        const end = this.#endOf(value, character, index);
        if (end !== undefined) {
          found.push(...readingsOf(text.slice(start, end), value.line));
          this.#value = undefined;
          if (end === index) this.#begins(character);
        }
      }
      if (character === '\n') this.#line += 1;
    }
    this.#held = this.#value === undefined ? '' : text.slice(start);
    return this.#held.length > maximumReadingLength ? [...found, this.#giveUp(tooLong)] : found;
  }

  end(): FoundReading[] {
    if (this.#isLost) return [];
    const isWord = this.#value?.depth === 0 && !this.#inString;
    if (this.#value !== undefined && !isWord) return [this.#giveUp('is not finished at the end of the file')];
    const found = this.#value === undefined ? [] : readingsOf(this.#held.trim(), this.#value.line);
    if (!this.#inArray) return found;
    return [...found, { kind: 'bad', line: this.#line, reason: 'the array has no closing bracket' }];
  }

  /** Between values. @returns true when `character` is the first of a value */
  #begins(character: string): boolean {
    if (character === ',' || whiteSpace.test(character)) return false;
    if (character === '[' && !this.#inArray) {
      this.#inArray = true;
      return false;
    }
    if (character === ']') {
      this.#inArray = false;
      return false;
    }
    this.#value = { line: this.#line, depth: character === '{' || character === '[' ? 1 : 0 };
    this.#inString = character === '"';
    return true;
  }

  /** Inside a value. @returns where it ends (exclusive), if it does */
  #endOf(value: { depth: number }, character: string, index: number): number | undefined {
    if (this.#inString) this.#stepInString(character);
    else if (character === '"') this.#inString = true;
    else if (character === '{' || (character === '[' && value.depth > 0)) value.depth += 1;
    else if (value.depth > 0 && (character === '}' || character === ']')) {
      value.depth -= 1;
      if (value.depth === 0) return index + 1;
    }
    // A number or bare word, where a reading should be, goes up to the next separator, so that it can be named.
    else if (value.depth === 0 && /[,\]\n]/.test(character)) return index;
    return undefined;
  }

  #stepInString(character: string): void {
    if (this.#escaped) this.#escaped = false;
    else if (character === '\\') this.#escaped = true;
    else if (character === '"') this.#inString = false;
  }

  #giveUp(reason: string): FoundReading {
    this.#isLost = true;
    this.#held = '';
    return {
      kind: 'bad',
      line: this.#value?.line ?? this.#line,
      reason: `the reading that begins here ${reason}`,
    };
  }
}

/** One reading, or those of an array; `line` is where the text begins. */
function readingsOf(text: string, line: number): FoundReading[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    return [{ kind: 'bad', line, reason: `is not JSON: ${reason}` }];
  }
  if (!Array.isArray(value)) return [readingOf(value, text, line)];
  return value.map((element: unknown) => readingOf(element, JSON.stringify(element), line));
}

function readingOf(value: unknown, text: string, line: number): FoundReading {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { kind: 'reading', value: value as Record<string, unknown>, text, line };
  const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  return { kind: 'bad', line, reason: `is ${what}, not a JSON object` };
}
