// Seeded bodies for the fuzz test: readings full of odd values, and everything that can go wrong on the way.
import { gzipSync } from 'node:zlib';
import type { Random } from '../../shared/base/index.js';
import type { TestEvent } from './batches.js';

const keys = [
  'id',
  'device',
  'time',
  'meta',
  'text',
  'double',
  'values',
  'long',
  'integer',
  'flag',
  'seen',
  'needed',
  'site',
  'a.b',
  '__proto__',
  'constructor',
  'unknown',
  '',
  'toString',
  'key "quoted"\\',
  'ключ',
] as const;
const innerKeys = [
  'id',
  'at',
  'text',
  'seen',
  'double',
  'nested',
  'long',
  'integer',
  'needed',
  'other',
  '__proto__',
];

const values = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '-1',
  '42',
  '0.5',
  '0.57',
  '99.9',
  '100',
  '100.5',
  '1e2',
  '1E-2',
  '-0.0',
  '1000',
  '1001',
  '2147483647',
  '2147483648',
  '-2147483649',
  '9007199254740991',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '123456789012345678901234567890',
  '1e20',
  '1e21',
  '1e300',
  '1e400',
  '-1e400',
  '1e-400',
  '0e-400',
  '5e-324',
  '0.1234567890123456789',
  `0.${'0'.repeat(340)}1`,
  '1759745000000',
  '"OK"',
  '""',
  '"true"',
  '"false"',
  '"12"',
  '"1.5e1"',
  '" 1"',
  '"NaN"',
  '"0x1"',
  '"9007199254740993"',
  '"1e400"',
  '"2025-10-06T10:00:00Z"',
  '"2025-10-06 10:00:00.123456789+02:00"',
  '"2025-10-06T10:06:00Z"',
  '"2025-10-06T10:06:00.001Z"',
  '"2025-02-30T10:00:00Z"',
  '"1759745000000"',
  '"2016-12-31T23:59:60Z"',
  '"2025-10-05T24:00:00Z"',
  '"9999-12-31T23:59:59Z"',
  '"\\ud83d\\ude00"',
  '"\\ud800"',
  '"\\u0000"',
  '"é"',
  '"😀"',
  '"\\"}],{["',
  '"\\\\"',
  `"${'x'.repeat(40)}"`,
  `"${'x'.repeat(41)}"`,
  '"\ufffd"',
  '[]',
  '{}',
  '[1,2,{"a":[null]}]',
  '{"a":{"b":[1.0]}}',
  '[[[[[[[[1]]]]]]]]',
  '{"double":1,"other":null}',
];
const deviceValues = [
  '"d1"',
  '"frac-1"',
  '"a-frac"',
  '"third-1"',
  '7',
  '7.0',
  '""',
  '"a device with a long name"',
  '"\\u0064"',
];
const timeValues = [
  '"2025-10-06T10:00:00Z"',
  '"2025-10-06T10:04:59.5+00:00"',
  '1759745000000',
  '"2025-10-06T12:00:00,25+02"',
];
const spaces = ['', '', '', '', ' ', '\n', '\t ', '\r\n'];

export class EventMaker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  event(): TestEvent {
    const body = this.#body();
    return { body, ...this.#broker() };
  }

  #body(): string | Uint8Array {
    const kind = this.#below(100);
    if (kind < 45) return this.#reading();
    if (kind < 60) return this.#array();
    if (kind < 80) return this.#mutated(Buffer.from(this.#chance(0.8) ? this.#reading() : this.#array()));
    if (kind < 84) return gzipSync(this.#chance(0.7) ? this.#reading() : this.#array());
    if (kind < 86) return gzipSync(this.#reading()).subarray(0, this.#below(60));
    if (kind < 88) return this.#mutated(gzipSync(this.#reading()));
    if (kind < 91) return Uint8Array.from({ length: this.#below(80) }, () => this.#below(256));
    if (kind < 93)
      return `{"a":${'['.repeat(this.#below(40))}${this.#chance(0.5) ? '1' : ']'.repeat(this.#below(40))}}`;
    if (kind < 94)
      return this.#chance(0.1) ? gzipSync(Buffer.alloc(200_000, 'a')) : '[{"id":'.repeat(this.#below(9));
    if (kind < 95)
      return this.#pick([
        '',
        '\ufeff',
        ' ',
        gzipSync(''),
        '[]',
        'null',
        '"text"',
        '5',
        '\ufeff[]',
        '[[]]',
        '[null,1]',
      ]);
    if (kind < 97) return Buffer.from(this.#reading(), 'latin1');
    if (kind < 98) return `[${Array.from({ length: 49 + this.#below(4) }, () => '{}').join(',')}]`;
    if (kind < 99)
      return this.#chance(0.05) ? `{"text":"${'y'.repeat(70_000)}"}` : `\ufeff${this.#reading()}`;
    return this.#reading().replace(/[\d.]+/, 'NaN');
  }

  #reading(): string {
    const members: string[] = [];
    if (this.#chance(0.9))
      members.push(this.#member('id', this.#chance(0.9) ? this.#pick(deviceValues) : this.#value()));
    if (this.#chance(0.9))
      members.push(this.#member('time', this.#chance(0.9) ? this.#pick(timeValues) : this.#value()));
    if (this.#chance(0.85)) members.push(this.#member('needed', this.#chance(0.9) ? '50' : this.#value()));
    for (let count = this.#below(8); count > 0; count--)
      members.push(this.#member(this.#pick(keys), this.#nestedOrValue()));
    members.sort(() => this.#random.next() - 0.5);
    return `${this.#space()}{${members.join(`${this.#space()},`)}${this.#space()}}${this.#space()}`;
  }

  #array(): string {
    const items = Array.from({ length: 1 + this.#below(5) }, () =>
      this.#chance(0.9) ? this.#reading() : this.#value(),
    );
    return `${this.#space()}[${items.join(',')}]${this.#space()}`;
  }

  #nestedOrValue(): string {
    if (this.#chance(0.6)) return this.#value();
    const members = Array.from({ length: this.#below(4) }, () => {
      const value = this.#chance(0.2)
        ? `{${this.#member(this.#pick(innerKeys), this.#value())}}`
        : this.#value();
      return this.#member(this.#pick(innerKeys), value);
    });
    return `{${members.join(',')}}`;
  }

  #member(key: string, value: string): string {
    const plain = JSON.stringify(key);
    const text = this.#chance(0.03) && key !== '' ? plain.replace(/[a-z]/, escaped) : plain;
    return `${this.#space()}${text}${this.#space()}:${this.#space()}${value}`;
  }

  #value(): string {
    return this.#pick(values);
  }

  #mutated(bytes: Buffer): Uint8Array {
    const list = [...bytes];
    for (let count = 1 + this.#below(3); count > 0; count--) {
      const at = this.#below(list.length + 1);
      const kind = this.#below(4);
      if (kind === 0) list.splice(at, 1);
      else if (kind === 1) list.splice(at, 0, this.#below(256));
      else if (kind === 2) list.splice(at);
      else
        list[at % Math.max(1, list.length)] = this.#chance(0.5)
          ? this.#below(256)
          : this.#pick([...'{}[]",:\\0e-'].map((c) => c.charCodeAt(0)));
    }
    return Uint8Array.from(list);
  }

  #broker(): Partial<TestEvent> {
    if (this.#chance(0.7)) return {};
    const system: Record<string, unknown> = {};
    const properties: Record<string, unknown> = {};
    if (this.#chance(0.2)) system['iothub-connection-device-id'] = this.#pick(['d1', 'frac-1', 'd', 'hub']);
    if (this.#chance(0.2))
      system['iothub-message-source'] = this.#pick(['Telemetry', 'Telemetry', 'twinChangeEvents']);
    if (this.#chance(0.2)) system.partitionKey = this.#pick(['key', null]);
    if (this.#chance(0.2)) system['x-opt-kafka-key'] = Buffer.from('kafka');
    if (this.#chance(0.2))
      properties.site = this.#pick(['north', Buffer.from('süd'), 7, true, 'x'.repeat(41)]);
    if (this.#chance(0.02)) properties['content-encoding'] = this.#pick(['gzip', 'identity']);
    return { system, properties };
  }

  #space(): string {
    return this.#pick(spaces);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  #below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
