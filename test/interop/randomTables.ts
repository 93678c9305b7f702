// Random Delta tables for Spark to write: a schema, properties, and a history of statements, all drawn from one seed.
import type { Random } from '../../shared/base/index.js';
import {
  parseTableColumns,
  type Snapshot,
  type TableColumn,
  type TableType,
} from '../../shared/delta/index.js';

/** Something for Spark to do; it may refuse, since not everything goes together. */
export interface Step {
  readonly name: string;
  readonly statement: string;
  /** Spark settings meanwhile. */
  readonly settings: Readonly<Record<string, string>>;
}

type SqlType =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'array'; readonly element: SqlType }
  | { readonly kind: 'map'; readonly key: SqlType; readonly value: SqlType }
  | { readonly kind: 'struct'; readonly fields: readonly SqlColumn[] };

interface SqlColumn {
  readonly name: string;
  readonly type: SqlType;
}

const plain = (name: string): SqlType => ({ kind: 'plain', name });
const identifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

const plainNames = [
  'string',
  'binary',
  'boolean',
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'date',
  'timestamp',
  'timestamp_ntz',
];

const oddNames = [
  'gr\u00F6\u00DFe',
  'a.b',
  'per%20cent',
  "quo'te",
  '\u65E5\u672C',
  'dash-ed',
  'UPPER',
  'tick`ed',
  '\u{1F600}',
  'sl/ash',
];
/** Only with column mapping. */
const mappedNames = ['a b', 'c,d', 'e=f', '{g}', 'h;i', '(j)', 'ta\tb', ' edge '];

const texts = [
  'plain',
  '',
  'a/b %20 %41=',
  'M\u00FCnchen \u65E5\u672C',
  '\u{1F600}\u{10FFFF}',
  '\uFFFD',
  'it\'s \\ "quoted"',
  'line\nbreak\ttab',
  'nul \u0000',
  'x'.repeat(40),
  `${'\u{1F600}'.repeat(33)}tail`,
  'NaN',
  '__HIVE_DEFAULT_PARTITION__',
  'trailing ',
  ':?#[]@!$&()*+,;',
];

const droppedFeatures = ['deletionVectors', 'typeWidening', 'v2Checkpoint', 'columnMapping'];

const scalars: Readonly<Record<string, readonly string[]>> = {
  binary: ["X''", "X'00ff'", "X'f09f9880'", "X'616263'"],
  boolean: ['true', 'false'],
  tinyint: ['0', '-128', '127', '5'],
  smallint: ['0', '-32768', '32767', '300'],
  int: ['0', '-2147483648', '2147483647', '70000'],
  bigint: ['0', "'-9223372036854775808'", '9223372036854775807', '9007199254740993', '-1'],
  float: [
    "'NaN'",
    "'Infinity'",
    "'-Infinity'",
    '-0.0d',
    '0.0d',
    '1.5d',
    '0.1d',
    '3.4028234663852886e38d',
    '1e-45d',
  ],
  double: [
    "'NaN'",
    "'Infinity'",
    "'-Infinity'",
    '-0.0d',
    '0.0d',
    '1.25d',
    '0.1d',
    '1.7976931348623157e308d',
    '5e-324d',
    '1e21d',
  ],
  date: ["'1970-01-01'", "'0001-01-02'", "'9999-12-31'", "'1582-10-04'", "'2024-02-29'", "'1969-12-31'"],
  timestamp: [
    "'1970-01-01 00:00:00Z'",
    "'1969-12-31 23:59:59.999999Z'",
    "'2024-02-29 12:30:45.123456Z'",
    "'2024-02-29 12:30:45.123Z'",
    "'1900-01-01 00:00:00.000001Z'",
    "'2250-12-31 23:59:59.999Z'",
  ],
  timestamp_ntz: [
    "'1970-01-01 00:00:00'",
    "'2024-03-31 02:30:00.000001'",
    "'1969-12-31 23:59:59.999'",
    "'1900-01-01 00:00:00.5'",
  ],
};

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function typeText(type: SqlType): string {
  switch (type.kind) {
    case 'plain':
      return type.name;
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`;
    case 'array':
      return `array<${typeText(type.element)}>`;
    case 'map':
      return `map<${typeText(type.key)}, ${typeText(type.value)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${identifier(field.name)}: ${typeText(field.type)}`)}>`;
  }
}

/** Types that a column can be changed to. */
function widerTypes(type: SqlType): readonly SqlType[] {
  if (type.kind === 'decimal') {
    const { precision, scale } = type;
    return precision > 33 ? [] : [{ kind: 'decimal', precision: precision + 5, scale: scale + 2 }];
  }
  if (type.kind !== 'plain') return [];
  const wider: Readonly<Record<string, readonly string[]>> = {
    tinyint: ['smallint', 'int', 'bigint', 'double', 'decimal(10, 0)'],
    smallint: ['int', 'bigint', 'double'],
    int: ['bigint', 'double', 'decimal(12, 2)'],
    bigint: ['decimal(20, 0)'],
    float: ['double'],
    date: ['timestamp_ntz'],
  };
  return (wider[type.name] ?? []).map((name) => {
    const decimal = /\((\d+), (\d+)\)/.exec(name);
    return decimal === null
      ? plain(name)
      : { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) };
  });
}

const sqlNames: Readonly<Record<string, string>> = {
  byte: 'tinyint',
  short: 'smallint',
  integer: 'int',
  long: 'bigint',
};

function sqlColumn({ name, type }: TableColumn): SqlColumn {
  return { name, type: sqlType(type) };
}

function sqlType(type: TableType): SqlType {
  if (typeof type === 'string') return plain(sqlNames[type] ?? type);
  switch (type.kind) {
    case 'decimal':
      return type;
    case 'struct':
      return { kind: 'struct', fields: type.fields.map(sqlColumn) };
    case 'list':
      return { kind: 'array', element: sqlType(type.element.type) };
    case 'map':
      return { kind: 'map', key: sqlType(type.key.type), value: sqlType(type.value.type) };
    case 'void':
    case 'unknown':
      throw new Error(`no table here has a ${type.kind} column`);
  }
}

/** One table's history. Row ids are unique unless rows are copied, so that conditions on them find single rows. */
export class RandomTable {
  readonly #random: Random;
  readonly #name: string;
  #columns: readonly SqlColumn[] = [];
  #version = 0;
  #isMapped = false;
  #nextId = 0;
  #nameCount = 0;
  #transactions = 0;

  /** @param name as SQL names the table */
  constructor(random: Random, name: string) {
    this.#random = random;
    this.#name = name;
  }

  /** The table as it is now; its columns are those that statements use. */
  follow({ version, metadata }: Snapshot): void {
    this.#version = version;
    this.#columns = parseTableColumns(metadata.schemaString)
      .filter(({ name }) => !name.startsWith('own_'))
      .map(sqlColumn);
    this.#isMapped = (metadata.configuration['delta.columnMapping.mode'] ?? 'none') !== 'none';
  }

  create(verb: 'create' | 'create or replace'): Step {
    this.#isMapped = this.#chance(0.4);
    const columns = [
      { name: 'id', type: plain(this.#oneOf(['int', 'bigint'])) },
      ...Array.from({ length: 2 + this.#below(5) }, () => this.#newColumn(2)),
    ];
    const candidates = columns
      .slice(1)
      .filter(({ type }) => type.kind === 'decimal' || (type.kind === 'plain' && type.name !== 'binary'));
    const partitions = candidates.slice(0, 1 + this.#below(2)).map(({ name }) => identifier(name));
    const layouts = ['', partitions.length === 0 ? '' : `partitioned by (${partitions})`, 'cluster by (id)'];
    const definitions = columns.map(({ name, type }) => `${identifier(name)} ${typeText(type)}`);
    const features = this.#chance(0.3) ? ["'delta.feature.allowColumnDefaults' = 'supported'"] : [];
    if (features.length > 0) definitions.push('own_default int default 7');
    return this.#step(
      verb,
      `${verb} table ${this.#name} (${definitions}) using delta ${this.#oneOf(layouts)}
       tblproperties (${[this.#properties(), ...features]})`,
    );
  }

  next(): Step {
    const many = (count: number, make: () => Step) => Array.from({ length: count }, () => make);
    const name = this.#name;
    const steps: readonly (() => Step)[] = [
      ...many(5, () => this.#insert('insert into')),
      () => this.#insert('insert overwrite'),
      ...many(4, () => this.#step('delete', `delete from ${name} where ${this.#condition()}`)),
      ...many(3, () => this.#update()),
      ...many(3, () => this.#merge()),
      () => this.#step('optimize', `optimize ${name}`),
      () => this.#step('zorder', `optimize ${name} zorder by (id)`),
      () => this.#step('purge', `reorg table ${name} apply (purge)`),
      () => this.#step('restore', `restore table ${name} to version as of ${this.#below(this.#version + 1)}`),
      ...many(2, () => this.#addColumn()),
      ...(this.#isMapped ? [() => this.#renameColumn(), () => this.#dropColumn()] : []),
      ...many(2, () => this.#widenColumn()),
      () => this.#step('properties', `alter table ${name} set tblproperties (${this.#laterProperty()})`),
      () => this.#step('drop feature', `alter table ${name} drop feature ${this.#oneOf(droppedFeatures)}`),
      () => (this.#chance(0.3) ? this.create('create or replace') : this.#insert('insert into')),
    ];
    return this.#oneOf(steps)();
  }

  // ---- statements

  #step(name: string, statement: string): Step {
    return { name, statement, settings: this.#settings() };
  }

  #insert(verb: string): Step {
    const columns = this.#columns.filter((_, index) => index === 0 || this.#chance(0.9));
    const rows = Array.from({ length: 1 + this.#below(6) }, () => this.#row(columns));
    const names = columns.map(({ name }) => identifier(name)).join(', ');
    const copies = this.#chance(0.2) ? ` cross join (select * from range(${1 + this.#below(20)}))` : '';
    const source = `select ${columns.map((_, index) => `c${index}`)} from (values ${rows}) v(${columns.map((_, index) => `c${index}`)})${copies}`;
    return this.#step(verb, `${verb} ${this.#name} (${names}) ${source}`);
  }

  #row(columns: readonly SqlColumn[]): string {
    const id = this.#nextId++;
    return `(${columns.map(({ name, type }) => (name === 'id' ? `cast(${id} as ${typeText(type)})` : this.#cell(type)))})`;
  }

  #update(): Step {
    const { name, type } = this.#oneOf(this.#columns.slice(1));
    return this.#step(
      'update',
      `update ${this.#name} set ${identifier(name)} = ${this.#cell(type)} where ${this.#condition()}`,
    );
  }

  #merge(): Step {
    const { name, type } = this.#oneOf(this.#columns.slice(1));
    const column = identifier(name);
    const first = Math.max(0, this.#nextId - 8);
    this.#nextId += 3;
    const source = `select id from range(${first}, ${this.#nextId})`;
    const clauses = [
      ...(this.#chance(0.5) ? ['when matched and s.id % 3 = 0 then delete'] : []),
      `when matched then update set ${column} = ${this.#cell(type)}`,
      ...(this.#chance(0.7)
        ? [`when not matched then insert (id, ${column}) values (s.id, ${this.#cell(type)})`]
        : []),
      ...(this.#chance(0.3) ? ['when not matched by source and t.id % 5 = 1 then delete'] : []),
    ];
    return this.#step(
      'merge',
      `merge into ${this.#name} t using (${source}) s on t.id = s.id ${clauses.join(' ')}`,
    );
  }

  #addColumn(): Step {
    const struct = this.#columns.find(({ type }) => type.kind === 'struct');
    const column = this.#newColumn(1);
    const parent = struct !== undefined && this.#chance(0.4) ? `${identifier(struct.name)}.` : '';
    const place = this.#chance(0.3) && parent === '' ? 'after id' : '';
    return this.#step(
      'add column',
      `alter table ${this.#name} add columns (${parent}${identifier(column.name)} ${typeText(column.type)} ${place})`,
    );
  }

  #renameColumn(): Step {
    const { name } = this.#oneOf(this.#columns.slice(1));
    return this.#step(
      'rename column',
      `alter table ${this.#name} rename column ${identifier(name)} to ${identifier(this.#newName())}`,
    );
  }

  #dropColumn(): Step {
    const { name } = this.#oneOf(this.#columns.slice(1));
    return this.#step('drop column', `alter table ${this.#name} drop column ${identifier(name)}`);
  }

  #widenColumn(): Step {
    const changes = this.#columns.flatMap(({ name, type }) =>
      widerTypes(type).map((wider) => `alter column ${identifier(name)} type ${typeText(wider)}`),
    );
    return this.#step('widen column', `alter table ${this.#name} ${this.#oneOf(changes)}`);
  }

  #condition(): string {
    const count = 2 + this.#below(6);
    const { name } = this.#oneOf(this.#columns);
    return this.#oneOf([
      `id % ${count} = ${this.#below(count)}`,
      `id < ${this.#below(this.#nextId + 1)}`,
      `id >= ${this.#below(this.#nextId + 1)}`,
      `id = ${this.#below(this.#nextId + 1)}`,
      `${identifier(name)} is null`,
      `${identifier(name)} is not null and id % 2 = 0`,
    ]);
  }

  // ---- properties and settings

  #properties(): string {
    const properties: Record<string, string> = {
      'delta.enableDeletionVectors': String(this.#chance(0.6)),
      'delta.checkpointInterval': String(2 + this.#below(4)),
    };
    const maybe = (share: number, key: string, ...values: string[]): void => {
      if (this.#chance(share)) properties[key] = this.#oneOf(values);
    };
    if (this.#isMapped) properties['delta.columnMapping.mode'] = this.#oneOf(['name', 'id']);
    maybe(0.4, 'delta.checkpointPolicy', 'v2');
    maybe(0.6, 'delta.enableTypeWidening', 'true');
    maybe(0.2, 'delta.feature.timestampNtz', 'supported');
    maybe(0.2, 'delta.enableInCommitTimestamps', 'true');
    maybe(0.2, 'delta.enableRowTracking', 'true');
    maybe(0.2, 'delta.enableChangeDataFeed', 'true');
    maybe(0.3, 'delta.dataSkippingNumIndexedCols', '0', '1', '3', '-1');
    maybe(0.2, 'delta.checkpoint.writeStatsAsStruct', 'true', 'false');
    maybe(0.2, 'delta.checkpoint.writeStatsAsJson', 'false');
    maybe(0.1, 'delta.randomizeFilePrefixes', 'true');
    maybe(0.1, 'delta.dataSkippingStringPrefixLength', '4');
    return Object.entries(properties)
      .map(([key, value]) => `'${key}' = '${value}'`)
      .join(', ');
  }

  #laterProperty(): string {
    return this.#oneOf([
      "'delta.checkpointPolicy' = 'v2'",
      "'delta.checkpointPolicy' = 'classic'",
      "'delta.enableDeletionVectors' = 'true'",
      "'delta.enableDeletionVectors' = 'false'",
      "'delta.columnMapping.mode' = 'name'",
      "'delta.enableInCommitTimestamps' = 'true'",
      "'delta.dataSkippingNumIndexedCols' = '0'",
      "'delta.checkpoint.writeStatsAsJson' = 'false', 'delta.checkpoint.writeStatsAsStruct' = 'true'",
      "'delta.enableTypeWidening' = 'true'",
      "'delta.checkpointInterval' = '1'",
    ]);
  }

  #settings(): Readonly<Record<string, string>> {
    const settings: Record<string, string> = {
      'spark.sql.parquet.compression.codec': this.#oneOf([
        'snappy',
        'zstd',
        'gzip',
        'lz4_raw',
        'uncompressed',
      ]),
      'spark.sql.parquet.outputTimestampType': this.#oneOf(['INT96', 'TIMESTAMP_MICROS', 'TIMESTAMP_MILLIS']),
      'spark.sql.parquet.writeLegacyFormat': String(this.#chance(0.2)),
      'spark.databricks.delta.checkpointV2.topLevelFileFormat': this.#oneOf(['json', 'parquet']),
      'parquet.writer.version': this.#oneOf(['v1', 'v2']),
      'parquet.enable.dictionary': String(this.#chance(0.7)),
    };
    if (this.#chance(0.3)) settings['spark.databricks.delta.checkpoint.partSize'] = '3';
    if (this.#chance(0.3)) settings['spark.sql.files.maxRecordsPerFile'] = '3';
    if (this.#chance(0.2)) settings['parquet.page.row.count.limit'] = '3';
    if (this.#chance(0.2)) settings['parquet.block.size'] = '1024';
    if (this.#chance(0.3)) {
      settings['spark.databricks.delta.write.txnAppId'] = this.#oneOf(['app 1', '\u00E4pp/2']);
      settings['spark.databricks.delta.write.txnVersion'] = String(++this.#transactions);
    }
    return settings;
  }

  // ---- columns and values

  #newName(): string {
    const odd = this.#isMapped ? [...oddNames, ...mappedNames] : oddNames;
    const number = this.#nameCount++;
    return this.#chance(0.5) ? `c${number}` : `${this.#oneOf(odd)}${number}`;
  }

  #newColumn(depth: number): SqlColumn {
    return { name: this.#newName(), type: this.#type(depth) };
  }

  #type(depth: number): SqlType {
    if (depth === 0 || this.#chance(0.6)) {
      if (this.#chance(0.75)) return plain(this.#oneOf(plainNames));
      const precision = this.#oneOf([1, 5, 9, 10, 18, 19, 30, 38]);
      return { kind: 'decimal', precision, scale: this.#below(precision + 1) };
    }
    const inner = depth - 1;
    switch (this.#below(3)) {
      case 0:
        return { kind: 'array', element: this.#type(inner) };
      case 1:
        return { kind: 'map', key: plain(this.#oneOf(['string', 'int', 'date'])), value: this.#type(inner) };
      default:
        return {
          kind: 'struct',
          fields: Array.from({ length: 1 + this.#below(3) }, () => this.#newColumn(inner)),
        };
    }
  }

  /** A value of exactly this type, or null. */
  #cell(type: SqlType): string {
    return `cast(${this.#literal(type)} as ${typeText(type)})`;
  }

  #literal(type: SqlType): string {
    if (this.#chance(0.2)) return 'null';
    switch (type.kind) {
      case 'plain':
        return type.name === 'string' ? quoted(this.#oneOf(texts)) : this.#scalar(type.name);
      case 'decimal':
        return this.#decimal(type.precision, type.scale);
      case 'array':
        return `array(${Array.from({ length: this.#below(4) }, () => this.#cell(type.element))})`;
      case 'map': {
        const keys = type.key.kind === 'plain' ? this.#keys(type.key.name) : [];
        return `map(${keys.map((key) => `${key}, ${this.#cell(type.value)}`)})`;
      }
      case 'struct':
        return `named_struct(${type.fields.map((field, index) => `'f${index}', ${this.#cell(field.type)}`)})`;
    }
  }

  #keys(name: string): string[] {
    const all =
      name === 'string'
        ? ["'one'", "''", "'k \u00FC'"]
        : name === 'int'
          ? ['1', '-1', '2147483647']
          : ["date '1970-01-01'", "date '9999-12-31'", "date '1582-10-04'"];
    return all.slice(this.#below(4));
  }

  #scalar(name: string): string {
    return `cast(${this.#oneOf(scalars[name]!)} as ${name})`;
  }

  #decimal(precision: number, scale: number): string {
    const digits = Array.from({ length: 1 + this.#below(precision) }, () => this.#below(10)).join('');
    const filled = digits.padStart(scale + 1, '0');
    const sign = this.#chance(0.5) ? '-' : '';
    const fraction = scale === 0 ? '' : `.${filled.slice(-scale)}`;
    return `'${sign}${filled.slice(0, filled.length - scale)}${fraction}'`;
  }

  // ---- chance

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }

  #oneOf<Value>(values: readonly Value[]): Value {
    return values[this.#below(values.length)]!;
  }
}
