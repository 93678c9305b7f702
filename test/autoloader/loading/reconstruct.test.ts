// Random records in random files of random formats: table, rescued values and quarantine together give back every value.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { loadFiles } from '../../../shared/autoloader/index.js';
import { type Random, seededRandom } from '../../../shared/base/index.js';
import { BatchBuilder, encodeParquet } from '../../../shared/parquet/index.js';
import type { SchemaEvolutionMode } from '../../../shared/pipeline/index.js';
import { FileWorld, identityOf, streamOf, type TableRow } from '../../support/fileStreams.js';
import { ofSeeds } from '../../support/seeds.js';
import { avroFile } from '../formats/writeAvro.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const modes: readonly SchemaEvolutionMode[] = ['addNewColumns', 'addNewColumnsWithTypeWidening', 'rescue'];
const names = ['a', 'b', 'c', 'A', 'with space', 'local_ts', 'ts', '_file_row', 'deep'];

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random.next() * items.length)]!;
}

function randomValue(random: Random, depth = 0): Json {
  const kind = Math.floor(random.next() * (depth < 2 ? 9 : 7));
  switch (kind) {
    case 0:
      return null;
    case 1:
      return random.next() < 0.5;
    case 2:
      return Math.floor(random.next() * 1000);
    case 3:
      return random.next() * 100;
    case 4:
      return pick(random, ['text', '', '12', '2025-10-05T18:40:10Z', 'smile \u{1f600}', '{"x":1}', 'true']);
    case 5:
      return 'x'.repeat(Math.floor(random.next() * 50));
    case 6:
      return -Math.floor(random.next() * 2 ** 40);
    case 7:
      return Array.from({ length: Math.floor(random.next() * 3) }, () => randomValue(random, depth + 1));
    default:
      return randomRecord(random, depth + 1);
  }
}

function randomRecord(random: Random, depth = 0): { [key: string]: Json } {
  const record: { [key: string]: Json } = {};
  for (const name of names) if (random.next() < 0.4) record[name] = randomValue(random, depth);
  return record;
}

/** What a reader gets back: nulls say as much as absence, and so do empty objects and lists of nulls without a type. */
function withoutNulls(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.map((element) => withoutNulls(element) ?? null);
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const kept = withoutNulls(inner);
    return kept === undefined ? [] : [[key, kept] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Rescued members over the row's own. */
function merged(row: unknown, rescued: unknown): unknown {
  if (!isObject(row) || !isObject(rescued)) return rescued ?? row;
  const all: Record<string, unknown> = { ...row };
  for (const [key, value] of Object.entries(rescued)) all[key] = merged(row[key], value);
  return all;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const lineage = ['_file_path', '_file_modified', '_file_row', '_ingest_time', '_rescued_data'];

function reconstructed(row: TableRow): unknown {
  const own = Object.fromEntries(Object.entries(row).filter(([name]) => !lineage.includes(name)));
  const { local_ts: ts, ...rest } = own;
  const record = { ...rest, ts };
  const { _file_path: path, ...rescued } = (
    typeof row._rescued_data === 'string' ? JSON.parse(row._rescued_data) : { _file_path: row._file_path }
  ) as Record<string, unknown>;
  assert.equal(path, row._file_path);
  return withoutNulls(merged(record, rescued)) ?? {};
}

/** A column of text holds numbers, objects and so on as JSON: equal when one says what the other is. */
function isSame(found: unknown, sent: unknown): boolean {
  if (typeof found === 'bigint') return isSame(Number(found), sent);
  if (isObject(found) && isObject(sent)) {
    const keys = new Set([...Object.keys(found), ...Object.keys(sent)]);
    return [...keys].every((key) => isSame(found[key], sent[key]));
  }
  if (Array.isArray(found) && Array.isArray(sent)) {
    return found.length === sent.length && sent.every((element, index) => isSame(found[index], element));
  }
  if (Object.is(found, sent)) return true;
  // Text that says a number, a truth value or a time goes into a column of that type.
  if (typeof sent === 'string' && sent !== '' && !isObject(found)) {
    return [sent, Number(sent), Date.parse(sent) * 1_000].some(
      (said) => String(found) === said || Number(found) === said,
    );
  }
  if (typeof found === 'string' && typeof sent !== 'string')
    return isSame(withoutNulls(JSON.parse(found)), sent);
  return (found ?? null) === null && (sent ?? null) === null;
}

interface SentFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** By row; undefined for one that cannot be read. */
  readonly records: readonly (Record<string, Json> | undefined)[];
}

const texts = [
  'plain',
  '12',
  '-0.5',
  'true',
  '2025-10-05T18:40:10Z',
  'a "b", c',
  'two\r\nlines',
  ' x ',
  '\u00fc',
  '',
];

/** Names that differ by case only would be given others. */
const csvNames = ['a', 'b', 'c', 'with space', 'ts', 'deep'];

function randomCsv(random: Random, index: number): SentFile {
  const header = csvNames.filter((_, at) => at < 2 || random.next() < 0.5);
  const count = Math.floor(random.next() * 6);
  const records = Array.from({ length: count }, () =>
    Object.fromEntries(header.map((name) => [name, random.next() < 0.2 ? null : pick(random, texts)])),
  );
  const field = (value: string | null) =>
    value === null
      ? ''
      : value === '' || random.next() < 0.3 || /[",\r\n]/.test(value)
        ? quoted(value)
        : value;
  const lines = [
    header.join(','),
    ...records.map((record) => header.map((name) => field(record[name] ?? null)).join(',')),
  ];
  const content = `${random.next() < 0.3 ? '\ufeff' : ''}${lines.join(random.next() < 0.5 ? '\n' : '\r\n')}`;
  return { path: `${index}.csv`, content, records };
}

function quoted(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}

const typedNames = ['a', 'b', 'c', 'ts', 'deep'];
const typeNames = ['boolean', 'long', 'double', 'string'] as const;
type TypeName = (typeof typeNames)[number];

function typedValue(random: Random, type: TypeName): null | boolean | number | string {
  if (random.next() < 0.2) return null;
  if (type === 'boolean') return random.next() < 0.5;
  if (type === 'long') return Math.floor((random.next() - 0.5) * 2 ** 50);
  return type === 'double' ? (random.next() - 0.5) * 1e6 : pick(random, texts);
}

/** Avro or Parquet: every column has one type throughout the file. */
async function randomTyped(random: Random, index: number): Promise<SentFile> {
  const columns = typedNames
    .filter((_, at) => at === 0 || random.next() < 0.6)
    .map((name) => ({ name, type: pick(random, typeNames) }));
  const count = Math.floor(random.next() * 6);
  const records = Array.from({ length: count }, () =>
    Object.fromEntries(columns.map(({ name, type }) => [name, typedValue(random, type)])),
  );
  const isAvro = random.next() < 0.5;
  const content = isAvro ? await avroOf(columns, records) : parquetOf(columns, records);
  return { path: `${index}.${isAvro ? 'avro' : 'parquet'}`, content, records };
}

type TypedColumns = readonly { readonly name: string; readonly type: TypeName }[];
type TypedRecord = Readonly<Record<string, null | boolean | number | string>>;

function avroOf(columns: TypedColumns, records: readonly TypedRecord[]): Promise<Uint8Array> {
  const fields = columns.map(({ name, type }) => ({ name, type: ['null', type] }));
  return avroFile({ type: 'record', name: 'Record', fields }, records);
}

function parquetOf(columns: TypedColumns, records: readonly TypedRecord[]): Uint8Array {
  const fields = columns.map((column) => ({ ...column, nullable: true }));
  const builder = new BatchBuilder(fields, records.length);
  for (const record of records) {
    columns.forEach(({ name, type }, position) => {
      const value = record[name] ?? null;
      if (value === null) return;
      if (type === 'string') builder.setText(position, String(value));
      else builder.setNumber(position, Number(value));
    });
    builder.endRow();
  }
  return encodeParquet(builder.finish()).bytes;
}

async function randomFile(random: Random, index: number): Promise<SentFile> {
  const kind = random.next();
  if (kind < 0.25) return randomCsv(random, index);
  if (kind < 0.5) return randomTyped(random, index);
  const count = Math.floor(random.next() * 6);
  const records = Array.from({ length: count }, () => randomRecord(random));
  if (random.next() < 0.3) return { path: `${index}.json`, content: JSON.stringify(records), records };
  const lines: string[] = [];
  const rows: (Record<string, Json> | undefined)[] = [];
  for (const record of records) {
    if (random.next() < 0.1) {
      lines.push('{"broken": ');
      rows.push(undefined);
    }
    lines.push(JSON.stringify(record));
    rows.push(record);
  }
  const text = lines.join('\n');
  const isPacked = random.next() < 0.3;
  return {
    path: `${index}.ndjson${isPacked ? '.gz' : ''}`,
    content: isPacked ? gzipSync(text) : text,
    records: rows,
  };
}

describe('whatever lands', () => {
  it('can be put together again from the table, the rescued values and quarantine', async () => {
    let recordCount = 0;
    for (let seed = 0; seed < ofSeeds(40); seed++) {
      const random = seededRandom(seed);
      const stream = streamOf({
        schemaEvolutionMode: pick(random, modes),
        maxFilesPerBatch: 1 + Math.floor(random.next() * 5),
        rename: { local_ts: 'ts' },
        ...(random.next() < 0.5 ? { schemaHints: { a: 'double', 'deep.b': 'long' } } : {}),
      });
      const world = new FileWorld(stream, { group: { maxFiles: 2 }, stage: { maxRows: 4 } });
      const files: SentFile[] = [];
      for (let index = 0; index < 12; index++) files.push(await randomFile(random, index));
      for (const { path, content } of files) {
        world.put(path, content);
        if (random.next() < 0.3) {
          const { discovery, loader } = world.open();
          await discovery.list();
          await loadFiles(loader);
        }
      }
      const { discovery, loader } = world.open();
      await discovery.list();
      await loadFiles(loader);
      const rows = new Map((await world.rows()).map((row) => [identityOf(row), row]));
      const bad = files.some(({ records }) => records.includes(undefined))
        ? await world.rows('quarantine')
        : [];
      const badIds = bad.map(identityOf);
      for (const { path, records } of files) {
        for (const [index, record] of records.entries()) {
          recordCount++;
          const id = identityOf({ _file_path: path, _file_row: index });
          if (record === undefined) {
            assert.ok(badIds.includes(id), `seed ${seed}: ${id} is not in quarantine`);
            continue;
          }
          const found = reconstructed(rows.get(id)!);
          const sent = withoutNulls(record) ?? {};
          if (!isSame(found, sent)) assert.fail(`seed ${seed}, ${id}:\n${inspect(found)}\n${inspect(sent)}`);
          rows.delete(id);
        }
      }
      assert.deepEqual([...rows.keys()], [], `seed ${seed}`);
    }
    assert.ok(recordCount > ofSeeds(500), `only ${recordCount} records`);
  });
});
