// Pure. The words, names, literals and signs of a condition in SQL.

export interface ConditionToken {
  /** `name`: in backticks, never a keyword. `text`: in single quotes. */
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'symbol' | 'end';
  /** Without quotes. */
  readonly text: string;
  /** Index of its first character. */
  readonly position: number;
}

const spaces = /\s*/y;
const forms: readonly (readonly [ConditionToken['kind'], RegExp])[] = [
  ['number', /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_.])/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['text', /'(?:[^']|'')*'/uy],
  ['name', /`(?:[^`]|``)+`/uy],
  ['symbol', /<=|>=|<>|!=|==|[=<>(),.]/uy],
];

const mistakes: Readonly<Record<string, string>> = {
  "'": 'this text has no closing quote',
  '`': 'this name has no closing backtick',
  '"': 'texts stand in single quotes, names in backticks',
};

/** @param fail throws, with the index of what cannot be read */
export function readTokens(
  text: string,
  fail: (position: number, problem: string) => never,
): ConditionToken[] {
  const tokens: ConditionToken[] = [];
  for (let position = skipSpaces(text, 0); position < text.length; ) {
    const token = tokenAt(text, position);
    if (token === undefined) {
      const character = String.fromCodePoint(text.codePointAt(position) ?? 0);
      return fail(position, mistakes[character] ?? `"${character}" cannot be understood here`);
    }
    tokens.push({ kind: token.kind, text: unquoted(token.source), position });
    position = skipSpaces(text, position + token.source.length);
  }
  return tokens;
}

function skipSpaces(text: string, position: number): number {
  spaces.lastIndex = position;
  return position + (spaces.exec(text)?.[0].length ?? 0);
}

function tokenAt(
  text: string,
  position: number,
): { kind: ConditionToken['kind']; source: string } | undefined {
  for (const [kind, form] of forms) {
    form.lastIndex = position;
    const source = form.exec(text)?.[0];
    if (source !== undefined) return { kind, source };
  }
  return undefined;
}

/** A quote inside quotes is doubled. */
function unquoted(source: string): string {
  const quote = source[0];
  if (quote !== "'" && quote !== '`') return source;
  return source.slice(1, -1).replaceAll(quote + quote, quote);
}
