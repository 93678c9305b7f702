// Pure. Reads one object of a definition key by key and reports what does not fit.
import { describeValue, didYouMean, type PlainObject, type Problems, quotedList } from './problems.js';

export interface NumberBounds {
  readonly minimum: number;
  readonly maximum: number;
  readonly whole: boolean;
}

/** The readers return `undefined` (or the default) after reporting a problem; the caller carries on to find more. */
export class Section {
  readonly path: string;
  readonly #problems: Problems;
  readonly #values: PlainObject;

  /** @param path empty for the definition itself */
  constructor(problems: Problems, path: string, value: unknown, keys: readonly string[]) {
    this.path = path;
    this.#problems = problems;
    this.#values = isPlainObject(value) ? value : {};
    if (!isPlainObject(value)) {
      const what = value === undefined ? 'missing' : `is ${describeValue(value)}`;
      problems.add(
        path === '' ? 'definition' : path,
        `${what}; it must be an object with ${quotedList(keys)}`,
      );
    }
    for (const key of Object.keys(this.#values)) {
      if (keys.includes(key)) continue;
      const hint = didYouMean(key, keys);
      const known = hint === '' ? ` Known keys: ${quotedList(keys)}.` : hint;
      this.report(key, `unknown key.${known}`);
    }
  }

  report(key: string, problem: string): void {
    this.#problems.add(this.pathOf(key), problem);
  }

  pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined;
  }

  value(key: string): unknown {
    return this.#values[key];
  }

  section(key: string, keys: readonly string[]): Section {
    return new Section(this.#problems, this.pathOf(key), this.#values[key], keys);
  }

  /** A section that may be left out. */
  optionalSection(key: string, keys: readonly string[]): Section {
    return new Section(this.#problems, this.pathOf(key), this.#values[key] ?? {}, keys);
  }

  /** One entry of the array at `key`. */
  element(key: string, index: number, value: unknown, keys: readonly string[]): Section {
    return new Section(this.#problems, `${this.pathOf(key)}[${index}]`, value, keys);
  }

  /** Any text but the empty one. */
  text(key: string, purpose: string): string | undefined {
    const value = this.#values[key];
    if (typeof value === 'string' && value !== '') return value;
    this.report(key, `${whatIs(value)}; it must be ${purpose}`);
    return undefined;
  }

  optionalText(key: string): string | undefined {
    return this.has(key) ? this.text(key, 'a text') : undefined;
  }

  flag(key: string, preset: boolean): boolean {
    const value = this.#values[key] ?? preset;
    if (typeof value === 'boolean') return value;
    this.report(key, `${whatIs(value)}; it must be true or false`);
    return preset;
  }

  number(key: string, preset: number, bounds: NumberBounds): number {
    const value = this.#values[key] ?? preset;
    const fits =
      typeof value === 'number' &&
      value >= bounds.minimum &&
      value <= bounds.maximum &&
      (!bounds.whole || Number.isInteger(value));
    if (fits) return value;
    const kind = bounds.whole ? 'a whole number' : 'a number';
    this.report(key, `${whatIs(value)}; it must be ${kind} from ${bounds.minimum} to ${bounds.maximum}`);
    return preset;
  }

  choice<Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined {
    return chosen(this.#values[key], choices, (problem) => this.report(key, problem));
  }

  /** One text or an array of at least one, none of them empty. */
  texts(key: string, purpose: string): readonly string[] {
    const value = this.#values[key];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length > 0 && list.every((entry) => typeof entry === 'string' && entry !== '')) {
      return list as readonly string[];
    }
    const bad = list.find((entry) => typeof entry !== 'string' || entry === '');
    const what =
      list.length === 0 ? 'is empty' : `${Array.isArray(value) ? 'has ' : ''}${whatIs(bad, value)}`;
    this.report(key, `${what}; it must be ${purpose}`);
    return [];
  }

  list(key: string, purpose: string): readonly unknown[] {
    const value = this.#values[key] ?? [];
    if (Array.isArray(value)) return value;
    this.report(key, `${whatIs(value)}; it must be ${purpose}`);
    return [];
  }
}

/** `value` as one of `choices`; otherwise reports what it is and what was meant. */
export function chosen<Choice extends string>(
  value: unknown,
  choices: readonly Choice[],
  report: (problem: string) => void,
): Choice | undefined {
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  const hint = typeof value === 'string' ? didYouMean(value, choices) : '';
  report(`${whatIs(value)}; it must be one of ${quotedList(choices)}.${hint}`);
  return undefined;
}

/** A prototype of its own would bring keys that `Object.keys` does not show (as `__proto__` in a literal does). */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function whatIs(value: unknown, container?: unknown): string {
  if (Array.isArray(container)) return describeValue(value);
  return value === undefined ? 'missing' : `is ${describeValue(value)}`;
}
