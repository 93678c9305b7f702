// Pure. Types as people write them in schema hints: `double`, `decimal(10,2)`, `array<struct<a:int,b:string>>`.
import type { ColumnType, DataType } from '../../parquet/index.js';

/** Spark's names for the types, in lower case. */
const typeNames: Readonly<Record<string, ColumnType>> = {
  string: 'string',
  binary: 'binary',
  boolean: 'boolean',
  byte: 'byte',
  tinyint: 'byte',
  short: 'short',
  smallint: 'short',
  int: 'integer',
  integer: 'integer',
  long: 'long',
  bigint: 'long',
  float: 'float',
  real: 'float',
  double: 'double',
  date: 'date',
  timestamp: 'timestamp',
  timestamp_ntz: 'timestamp_ntz',
};

const deepest = 32;

export type HintType =
  | { readonly kind: 'type'; readonly type: DataType }
  /** What is wrong, as the end of a sentence. */
  | { readonly kind: 'invalid'; readonly problem: string };

export function parseHintType(text: string): HintType {
  const reader = new TypeReader(text);
  try {
    return { kind: 'type', type: reader.readAll() };
  } catch (error) {
    if (error instanceof HintProblem) return { kind: 'invalid', problem: error.message };
    throw error;
  }
}

class HintProblem extends Error {}

/** Recursive descent over `name`, `name(p,s)` and `name<...>`. */
class TypeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readAll(): DataType {
    const type = this.#read(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#problem('an end');
    return type;
  }

  #read(depth: number): DataType {
    if (depth > deepest) throw new HintProblem(`nests deeper than ${deepest} levels`);
    const name = this.#word().toLowerCase();
    const primitive = Object.hasOwn(typeNames, name) ? typeNames[name] : undefined;
    if (primitive !== undefined) return primitive;
    switch (name) {
      case 'decimal':
      case 'numeric':
        return this.#decimal();
      case 'array':
        return this.#list(depth);
      case 'map':
        return this.#map(depth);
      case 'struct':
        return this.#struct(depth);
      default:
        throw new HintProblem(
          `has the unknown type "${name}"; there are ${Object.keys(typeNames).join(', ')}, decimal(p,s), array<>, map<,> and struct<:>`,
        );
    }
  }

  #decimal(): DataType {
    if (!this.#takes('(')) return { kind: 'decimal', precision: 10, scale: 0 };
    const precision = this.#number();
    const scale = this.#takes(',') ? this.#number() : 0;
    this.#expect(')');
    if (precision < 1 || precision > 38 || scale > precision) {
      throw new HintProblem(
        `has decimal(${precision},${scale}); a decimal has 1 to 38 digits, and no more after the point`,
      );
    }
    return { kind: 'decimal', precision, scale };
  }

  #list(depth: number): DataType {
    this.#expect('<');
    const type = this.#read(depth + 1);
    this.#expect('>');
    return { kind: 'list', element: { name: 'element', type, nullable: true } };
  }

  #map(depth: number): DataType {
    this.#expect('<');
    const key = this.#read(depth + 1);
    this.#expect(',');
    const value = this.#read(depth + 1);
    this.#expect('>');
    if (key !== 'string') throw new HintProblem('has a map whose keys are no strings');
    return {
      kind: 'map',
      key: { name: 'key', type: key, nullable: false },
      value: { name: 'value', type: value, nullable: true },
    };
  }

  #struct(depth: number): DataType {
    this.#expect('<');
    const fields = [];
    do {
      const name = this.#word();
      this.#expect(':');
      fields.push({ name, type: this.#read(depth + 1), nullable: true });
    } while (this.#takes(','));
    this.#expect('>');
    return { kind: 'struct', fields };
  }

  #word(): string {
    this.#skipSpace();
    const match = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(this.#text.slice(this.#at, this.#at + 256));
    if (match === null) throw this.#problem('a name');
    this.#at += match[0].length;
    return match[0];
  }

  #number(): number {
    this.#skipSpace();
    const match = /^\d{1,3}/.exec(this.#text.slice(this.#at, this.#at + 3));
    if (match === null) throw this.#problem('a number');
    this.#at += match[0].length;
    return Number(match[0]);
  }

  #takes(sign: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#takes(sign)) throw this.#problem(`"${sign}"`);
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  #problem(expected: string): HintProblem {
    const found = this.#at < this.#text.length ? `"${this.#text.slice(this.#at, this.#at + 10)}"` : 'the end';
    return new HintProblem(`has ${found} at position ${this.#at} where ${expected} should be`);
  }
}
