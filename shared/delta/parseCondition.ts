// Pure. SQL text -> a condition on the rows of a table: comparisons of columns with literals, IS NULL, IN, BETWEEN, AND, OR, NOT. Checked
// against the table's columns while it is read, so that every mistake can be shown where it is.
import { TributaryError } from '../base/index.js';
import type { DataField, DataType } from '../parquet/index.js';
import type { ScalarType } from './comparable.js';
import { type ConditionToken, readTokens } from './conditionTokens.js';
import { parseDays, parseTimestampMicros, parseUnscaled } from './parseScalar.js';
import type { ColumnCondition, Comparison, Literal, Predicate } from './predicate.js';
import type { TableSchema } from './schema.js';
import { typeTextOf } from './schemaJson.js';

/** Conditions inside each other; enough for people, and the parser's own stack is safe. */
const maxDepth = 100;

/**
 * | SQL | |
 * |-|-|
 * | `a = 1`, `!=`, `<>`, `<`, `<=`, `>`, `>=` | a column and a literal of its type, in this order |
 * | `a IS NULL`, `a IS NOT NULL` | |
 * | `a IN (1, 2)`, `a NOT IN (1)`, `a BETWEEN 1 AND 2` | |
 * | `AND`, `OR`, `NOT`, `( )` | with SQL's precedence and its logic of null |
 *
 * Texts, dates (`'2026-01-31'`) and timestamps (`'2026-01-31T12:30:00Z'`, UTC without a zone) stand in single quotes; names that are no
 * plain words stand in backticks. `a.b` is the field b of the struct a. Values are compared of every primitive type but binary, and of
 * decimals; whether they are null can be asked of every type that can be written.
 * @throws TributaryError INPUT_INVALID showing the place
 */
export function parseCondition(text: string, schema: TableSchema): Predicate {
  return new ConditionParser(text, schema).parse();
}

const comparisons: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '==': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

class ConditionParser {
  readonly #tokens: readonly ConditionToken[];
  #next = 0;
  #depth = 0;

  constructor(
    private readonly text: string,
    private readonly schema: TableSchema,
  ) {
    this.#tokens = readTokens(text, (position, problem) => this.#fail(position, problem));
  }

  parse(): Predicate {
    const condition = this.#or();
    const { kind, position } = this.#token;
    if (kind !== 'end') this.#fail(position, 'the condition should end here, or go on with AND or OR');
    return condition;
  }

  #or(): Predicate {
    const conditions = [this.#and()];
    while (this.#takeWord('OR')) conditions.push(this.#and());
    return conditions.length === 1 ? conditions[0]! : { kind: 'or', conditions };
  }

  #and(): Predicate {
    const conditions = [this.#not()];
    while (this.#takeWord('AND')) conditions.push(this.#not());
    return conditions.length === 1 ? conditions[0]! : { kind: 'and', conditions };
  }

  #not(): Predicate {
    const { position } = this.#token;
    if (++this.#depth > maxDepth) this.#fail(position, `more than ${maxDepth} levels of NOT and parentheses`);
    try {
      if (this.#takeWord('NOT')) return { kind: 'not', condition: this.#not() };
      if (!this.#takeSymbol('(')) return this.#test();
      const condition = this.#or();
      this.#expectSymbol(')');
      return condition;
    } finally {
      this.#depth--;
    }
  }

  #test(): Predicate {
    const { position } = this.#token;
    const column = this.#column();
    if (this.#takeWord('IS')) {
      const isNegated = this.#takeWord('NOT');
      if (!this.#takeWord('NULL')) this.#fail(this.#token.position, 'NULL or NOT NULL should follow IS');
      return negatedIf(isNegated, { kind: 'isNull', column: column.name });
    }
    const field = this.#comparable(column, position);
    const isNegated = this.#takeWord('NOT');
    if (this.#takeWord('IN')) return negatedIf(isNegated, this.#in(field));
    if (this.#takeWord('BETWEEN')) return negatedIf(isNegated, this.#between(field));
    const token = this.#token;
    const comparison =
      token.kind === 'symbol' && !isNegated && Object.hasOwn(comparisons, token.text)
        ? comparisons[token.text]
        : undefined;
    if (comparison === undefined)
      this.#fail(
        token.position,
        `after ${field.title} there should be =, !=, <, <=, >, >=, IS, IN or BETWEEN`,
      );
    this.#next++;
    return compare(field, comparison, this.#literal(field));
  }

  #in(field: ComparedField): Predicate {
    this.#expectSymbol('(');
    const conditions = [compare(field, '=', this.#literal(field))];
    while (this.#takeSymbol(',')) conditions.push(compare(field, '=', this.#literal(field)));
    this.#expectSymbol(')');
    return { kind: 'or', conditions };
  }

  #between(field: ComparedField): Predicate {
    const least = compare(field, '>=', this.#literal(field));
    if (!this.#takeWord('AND')) this.#fail(this.#token.position, 'AND and the greater value should follow');
    return { kind: 'and', conditions: [least, compare(field, '<=', this.#literal(field))] };
  }

  /** A column, or with dots a field inside structs. */
  #column(): NamedField {
    const { position } = this.#token;
    const wanted = this.#name('the name of a column');
    const fields = this.schema.fields.map(({ field }) => field);
    const top = this.schema.fields.find(({ field }) => isCalled(field, wanted));
    if (top === undefined)
      this.#fail(position, `there is no column "${wanted}"; the table has ${namesOf(fields)}`);
    if (top.kind === 'opaque')
      this.#fail(
        position,
        `the type of ${top.field.name} (${top.field.typeText}) has no place in a condition`,
      );
    const path = [top.field.name];
    let { type }: DataField = top.field;
    while (this.#takeSymbol('.')) {
      const { position: at } = this.#token;
      const name = this.#name(`the name of a field of ${path.join('.')}`);
      const children = typeof type === 'object' && type.kind === 'struct' ? type.fields : undefined;
      if (children === undefined) this.#fail(at, `${path.join('.')} is no struct: it has no fields`);
      const child = children.find((field) => isCalled(field, name));
      if (child === undefined)
        this.#fail(at, `${path.join('.')} has no field "${name}"; it has ${namesOf(children)}`);
      path.push(child.name);
      type = child.type;
    }
    return { name: path.length === 1 ? top.field.name : path, title: path.join('.'), type };
  }

  #name(what: string): string {
    const { kind, text, position } = this.#token;
    if (kind !== 'word' && kind !== 'name') this.#fail(position, `here should be ${what}`);
    this.#next++;
    return text;
  }

  #comparable({ name, title, type }: NamedField, position: number): ComparedField {
    const isScalar = typeof type === 'string' ? type !== 'binary' : type.kind === 'decimal';
    if (!isScalar)
      this.#fail(
        position,
        `values of ${title} (${typeTextOf(type)}) cannot be compared; only IS NULL and IS NOT NULL can be asked`,
      );
    return { name, title, type: type as ScalarType };
  }

  #literal({ title, type }: ComparedField): Literal {
    const { kind, text, position } = this.#token;
    if (kind === 'word' && text.toUpperCase() === 'NULL')
      this.#fail(position, 'nothing is equal to NULL, nor different; write IS NULL or IS NOT NULL');
    if (kind !== 'text' && kind !== 'number' && kind !== 'word')
      this.#fail(position, `here should be a value for ${title} (${typeTextOf(type)})`);
    const value = literalOf(kind, text, type);
    if (value === undefined) this.#fail(position, `${title} is of type ${typeTextOf(type)}: ${wanted(type)}`);
    this.#next++;
    return value;
  }

  get #token(): ConditionToken {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', position: this.text.length };
  }

  #takeWord(word: string): boolean {
    const { kind, text } = this.#token;
    const isThere = kind === 'word' && text.toUpperCase() === word;
    if (isThere) this.#next++;
    return isThere;
  }

  #takeSymbol(symbol: string): boolean {
    const { kind, text } = this.#token;
    const isThere = kind === 'symbol' && text === symbol;
    if (isThere) this.#next++;
    return isThere;
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) this.#fail(this.#token.position, `here should be ${symbol}`);
  }

  #fail(position: number, problem: string): never {
    throw new TributaryError(
      'INPUT_INVALID',
      `The condition cannot be read at character ${position + 1}: ${problem}.\n  ${this.text.replace(/\s/g, ' ')}\n  ${' '.repeat(position)}^`,
    );
  }
}

/** A column or a field of one, as a condition names it. */
interface NamedField {
  /** For predicates. */
  readonly name: string | readonly string[];
  /** For messages. */
  readonly title: string;
  readonly type: DataType;
}

interface ComparedField extends NamedField {
  readonly type: ScalarType;
}

function isCalled(field: { readonly name: string }, name: string): boolean {
  return field.name.toLowerCase() === name.toLowerCase();
}

function namesOf(fields: readonly { readonly name: string }[]): string {
  return fields.map(({ name }) => name).join(', ');
}

function compare(field: ComparedField, comparison: Comparison, value: Literal): ColumnCondition {
  return { kind: 'compare', column: field.name, comparison, value };
}

function negatedIf(isNegated: boolean, condition: Predicate): Predicate {
  return isNegated ? { kind: 'not', condition } : condition;
}

/** @returns undefined when the literal is none of the type: a silent conversion could match other rows than were meant */
function literalOf(kind: 'text' | 'number' | 'word', text: string, type: ScalarType): Literal | undefined {
  if (typeof type !== 'string')
    return kind === 'number' && parseUnscaled(text, type.scale) !== undefined ? text : undefined;
  switch (type) {
    case 'string':
      return kind === 'text' ? text : undefined;
    case 'boolean':
      return kind === 'word' && /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined;
    case 'float':
    case 'double': {
      const value = Number(text);
      return kind === 'number' && Number.isFinite(value) ? value : undefined;
    }
    case 'date':
      return kind === 'text' && /^\d{4}-\d\d-\d\d$/.test(text) && parseDays(text) !== undefined
        ? text
        : undefined;
    case 'timestamp':
    case 'timestamp_ntz':
      return kind === 'text' && isTimestamp(text, type) ? text : undefined;
    default:
      return kind === 'number' && /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
  }
}

/** Digits beyond microseconds would be cut off; a zone has no meaning where the column has none. */
function isTimestamp(text: string, type: 'timestamp' | 'timestamp_ntz'): boolean {
  if (/\.\d{7}/.test(text) || parseTimestampMicros(text) === undefined) return false;
  return type === 'timestamp' || /^\d{4}-\d\d-\d\d([ T][\d:.]+)?$/.test(text);
}

function wanted(type: ScalarType): string {
  if (typeof type !== 'string')
    return `a number with at most ${type.scale} ${type.scale === 1 ? 'digit' : 'digits'} after the point`;
  switch (type) {
    case 'string':
      return "a text in single quotes, such as 'meter-1'";
    case 'boolean':
      return 'TRUE or FALSE';
    case 'float':
    case 'double':
      return 'a number such as 21.5';
    case 'date':
      return "a date in single quotes, such as '2026-01-31'";
    case 'timestamp':
      return "a time in single quotes, such as '2026-01-31T12:30:00Z', with at most six digits after the second";
    case 'timestamp_ntz':
      return "a time without a zone in single quotes, such as '2026-01-31T12:30:00'";
    default:
      return 'a whole number';
  }
}
