// A plain recursive JSON reader for tests that keeps what JSON.parse drops: digits of numbers, bounds of values.
// Reads valid JSON only; shares no code with shared/events.

export type JsonNode = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonNode> }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: boolean | null }
);

export function readJson(text: string): JsonNode {
  return new Reader(text).value();
}

/** Compact text with sorted keys; numbers and bad surrogates as they were. */
export function writeJson(node: JsonNode): string {
  switch (node.kind) {
    case 'object':
      return `{${[...node.members]
        .map(([key, member]) => `${JSON.stringify(key)}:${writeJson(member)}`)
        .sort()
        .join(',')}}`;
    case 'array':
      return `[${node.items.map(writeJson).join(',')}]`;
    case 'number':
      return node.text;
    default:
      return JSON.stringify(node.value);
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): JsonNode {
    this.#space();
    const start = this.#at;
    const first = this.#text[start];
    if (first === '{') return this.#object(start);
    if (first === '[') return this.#array(start);
    if (first === '"') return { kind: 'string', value: this.#string(), start, end: this.#at };
    const scalar = /[^\s,\]}]*/y;
    scalar.lastIndex = start;
    const text = scalar.exec(this.#text)?.[0] ?? '';
    this.#at += text.length;
    if (/^[tfn]/.test(text)) {
      return { kind: 'literal', value: JSON.parse(text) as boolean | null, start, end: this.#at };
    }
    return { kind: 'number', text, start, end: this.#at };
  }

  #object(start: number): JsonNode {
    const members = new Map<string, JsonNode>();
    this.#at++;
    while (this.#next() !== '}') {
      if (this.#next() === ',') this.#at++;
      this.#space();
      const key = this.#string();
      this.#next();
      this.#at++; // the colon
      members.set(key, this.value());
    }
    this.#at++;
    return { kind: 'object', members, start, end: this.#at };
  }

  #array(start: number): JsonNode {
    const items: JsonNode[] = [];
    this.#at++;
    while (this.#next() !== ']') {
      if (this.#next() === ',') this.#at++;
      items.push(this.value());
    }
    this.#at++;
    return { kind: 'array', items, start, end: this.#at };
  }

  #string(): string {
    const start = this.#at++;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #next(): string | undefined {
    this.#space();
    return this.#text[this.#at];
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
}
