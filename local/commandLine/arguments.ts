// Command-line arguments of every command: what may be given, checked, with messages a person can act on. No I/O.
import { parseArgs } from 'node:util';
import { formatDuration, wrapText } from '../terminal/index.js';

interface Described {
  readonly description: string;
  /** How the value is called in the help, e.g. `N`. */
  readonly placeholder?: string;
}

export type OptionDefinition =
  | (Described & { readonly kind: 'flag' })
  | (Described & { readonly kind: 'text'; readonly fallback?: string })
  /** Comma-separated, e.g. `--columns a,b`. */
  | (Described & { readonly kind: 'list' })
  | (Described & {
      readonly kind: 'number' | 'integer';
      readonly minimum: number;
      readonly maximum: number;
      readonly fallback?: number;
    })
  /** `90`, `90s`, `15m`, `2h`; the value is in milliseconds. */
  | (Described & { readonly kind: 'duration'; readonly minimumMs: number; readonly maximumMs: number });

export type OptionDefinitions = Readonly<Record<string, OptionDefinition>>;

type ValueOf<D> = D extends { kind: 'flag' }
  ? boolean
  : D extends { kind: 'list' }
    ? readonly string[] | undefined
    : D extends { kind: 'text' }
      ? D extends { fallback: string }
        ? string
        : string | undefined
      : D extends { fallback: number }
        ? number
        : number | undefined;

export type OptionValues<D extends OptionDefinitions> = { readonly [Name in keyof D]: ValueOf<D[Name]> };

export interface CommandDefinition<D extends OptionDefinitions> {
  /** As typed, e.g. `npm run send --`. */
  readonly invocation: string;
  readonly summary: string;
  readonly positionals: {
    readonly name: string;
    readonly minimum: number;
    readonly maximum: number;
    readonly description: string;
  };
  readonly options: D;
  readonly examples: readonly (readonly [command: string, what: string])[];
}

export type ParsedCommand<D extends OptionDefinitions> =
  | { readonly kind: 'run'; readonly options: OptionValues<D>; readonly positionals: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly message: string };

export const noPositionals = { name: '', minimum: 0, maximum: 0, description: '' };

class InvalidArguments extends Error {}

export function parseCommand<D extends OptionDefinitions>(
  command: CommandDefinition<D>,
  argv: readonly string[],
): ParsedCommand<D> {
  try {
    const { given, positionals } = readTokens(command.options, argv);
    if (given.has('help')) return { kind: 'help' };
    checkPositionals(command, positionals);
    const entries = Object.entries(command.options).map(([name, definition]) => [
      name,
      optionValue(name, definition, given.get(name)),
    ]);
    return { kind: 'run', options: Object.fromEntries(entries) as OptionValues<D>, positionals };
  } catch (error) {
    if (!(error instanceof InvalidArguments)) throw error;
    return {
      kind: 'invalid',
      message: `${error.message}\nSee all options: ${command.invocation} --help`,
    };
  }
}

function readTokens(definitions: OptionDefinitions, argv: readonly string[]) {
  const help: OptionDefinition = { kind: 'flag', description: '' };
  const known: OptionDefinitions = { ...definitions, help };
  const { tokens } = parseArgs({
    args: [...argv],
    // Not strict: the messages below say more than parseArgs' own.
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries(known).map(([name, { kind }]) => [
        name,
        { type: kind === 'flag' ? 'boolean' : 'string', ...(name === 'help' ? { short: 'h' } : {}) },
      ]),
    ),
  });
  const given = new Map<string, string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const definition = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (definition === undefined) throw unknownOption(token.rawName, Object.keys(known));
    given.set(token.name, tokenValue(token.rawName, definition, token.value, token.inlineValue === true));
  }
  return { given, positionals };
}

function tokenValue(
  rawName: string,
  definition: OptionDefinition,
  value: string | undefined,
  inline: boolean,
): string {
  if (definition.kind === 'flag') {
    if (value === undefined) return '';
    throw new InvalidArguments(`${rawName} is a switch and takes no value (it got "${value}").`);
  }
  if (value === undefined || (!inline && value.startsWith('--')))
    throw new InvalidArguments(`${rawName} needs a value: ${rawName} ${placeholderOf(definition)}`);
  return value;
}

function unknownOption(rawName: string, known: readonly string[]): InvalidArguments {
  const suggestion = closestName(rawName.replace(/^-+/, ''), known);
  const hint = suggestion === undefined ? '' : ` Did you mean --${suggestion}?`;
  return new InvalidArguments(`There is no option ${rawName}.${hint}`);
}

function checkPositionals(command: CommandDefinition<OptionDefinitions>, given: readonly string[]): void {
  const { name, minimum, maximum, description } = command.positionals;
  if (given.length < minimum) throw new InvalidArguments(`${name} is missing: ${description}.`);
  const extra = given[maximum];
  if (extra !== undefined) throw new InvalidArguments(`What is "${extra}"? It belongs to no option.`);
}

function optionValue(name: string, definition: OptionDefinition, text: string | undefined): unknown {
  switch (definition.kind) {
    case 'flag':
      return text !== undefined;
    case 'text':
      if (text === '') throw new InvalidArguments(`--${name} must not be empty.`);
      return text ?? definition.fallback;
    case 'list':
      return text === undefined ? undefined : listValue(name, text);
    case 'duration':
      return text === undefined ? undefined : durationValue(name, definition, text);
    default:
      return text === undefined ? definition.fallback : numberValue(name, definition, text);
  }
}

function listValue(name: string, text: string): readonly string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length === 0) throw new InvalidArguments(`--${name} must name at least one, e.g. --${name} a,b`);
  return items;
}

function numberValue(
  name: string,
  definition: { kind: 'number' | 'integer'; minimum: number; maximum: number },
  text: string,
): number {
  const { kind, minimum, maximum } = definition;
  // 1_000 and 1,000 are how people write thousands.
  const digits = text.trim().replace(/(?<=\d)[_,](?=\d{3})/g, '');
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits) ? Number(digits) : Number.NaN;
  const wrongKind = Number.isNaN(value) || (kind === 'integer' && !Number.isInteger(value));
  if (wrongKind || value < minimum || value > maximum) {
    const noun = kind === 'integer' ? 'a whole number' : 'a number';
    throw new InvalidArguments(`--${name} must be ${noun} from ${minimum} to ${maximum}, not "${text}".`);
  }
  return value;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

function durationValue(
  name: string,
  definition: { minimumMs: number; maximumMs: number },
  text: string,
): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/.exec(text.trim());
  const durationMs = match === null ? Number.NaN : Number(match[1]) * (unitMs[match[2] ?? 's'] ?? 1000);
  const { minimumMs, maximumMs } = definition;
  if (!(durationMs >= minimumMs && durationMs <= maximumMs)) {
    throw new InvalidArguments(
      `--${name} must be a time such as 30s, 5m or 2h (from ${formatDuration(minimumMs)} to ${formatDuration(maximumMs)}), not "${text}".`,
    );
  }
  return durationMs;
}

/** The known name closest to `name`, when it is close enough to be what was meant. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const distance = wanted.length > 2 && lower.startsWith(wanted) ? 1 : editDistance(wanted, lower);
    if (best === undefined || distance < best.distance) best = { name: candidate, distance };
  }
  const allowed = Math.max(1, Math.floor(name.length / 3));
  return best !== undefined && best.distance <= allowed ? best.name : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, rows[i - 1]![j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/**
 * `npm start --rate 5` hands nothing to the command: npm keeps the option for itself, as an environment variable.
 * @returns the option npm kept, as the user typed it
 */
export function optionKeptByNpm(
  definitions: OptionDefinitions,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  // npm has options of these names itself, so a variable does not mean that the user typed one for us.
  const npmOwn = new Set(['json', 'help', 'yes']);
  return Object.keys(definitions).find((name) => {
    // npm reads `--no-x` as x = false and stores that as an empty value.
    const stored = name.startsWith('no-') ? name.slice(3) : name;
    return !npmOwn.has(name) && environment[`npm_config_${stored.replaceAll('-', '_')}`] !== undefined;
  });
}

const helpWidth = 100;

export function helpText(command: CommandDefinition<OptionDefinitions>): string {
  const { invocation, summary, positionals, options, examples } = command;
  const names = Object.entries(options).map(([name, definition]) => optionTitle(name, definition));
  const rows = [
    ...(positionals.maximum === 0 ? [] : [[positionals.name, positionals.description] as const]),
    ...Object.values(options).map(
      (definition, index) => [names[index] ?? '', withDefault(definition)] as const,
    ),
    ['--help', 'this text'] as const,
  ];
  const titleWidth = Math.max(...rows.map(([title]) => title.length));
  const optionLines = rows.flatMap(([title, description]) =>
    wrapText(description, helpWidth - titleWidth - 4).map(
      (line, index) => `  ${(index === 0 ? title : '').padEnd(titleWidth)}  ${line}`,
    ),
  );
  const exampleWidth = Math.max(...examples.map(([example]) => example.length));
  return [
    ...wrapText(summary, helpWidth),
    '',
    `Usage: ${invocation} ${positionals.maximum === 0 ? '' : `${positionals.name} `}[options]`,
    '',
    ...optionLines,
    '',
    'Examples:',
    ...examples.map(([example, what]) => `  ${example.padEnd(exampleWidth)}   ${what}`),
  ].join('\n');
}

function optionTitle(name: string, definition: OptionDefinition): string {
  return definition.kind === 'flag' ? `--${name}` : `--${name} ${placeholderOf(definition)}`;
}

function placeholderOf(definition: OptionDefinition): string {
  if (definition.placeholder !== undefined) return definition.placeholder;
  switch (definition.kind) {
    case 'list':
      return 'A,B';
    case 'duration':
      return 'TIME';
    case 'text':
      return 'TEXT';
    default:
      return 'N';
  }
}

function withDefault(definition: OptionDefinition): string {
  const fallback = 'fallback' in definition ? definition.fallback : undefined;
  return fallback === undefined ? definition.description : `${definition.description} (default ${fallback})`;
}
