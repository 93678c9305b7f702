// Nested records: what hyparquet and DuckDB read back from what the record encoder wrote.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { seededRandom } from '../../shared/base/index.js';
import { encodeRecords, type RecordField, type RecordValues } from '../../shared/parquet/index.js';
import { duckDb } from './duckdb.js';

const openDuckDb = duckDb();

const fields: readonly RecordField[] = [
  { name: 'id', type: 'long' },
  {
    name: 'file',
    type: {
      kind: 'struct',
      fields: [
        { name: 'path', type: 'string' },
        { name: 'values', type: { kind: 'textMap' } },
        { name: 'names', type: { kind: 'textList' } },
        { name: 'part', type: { kind: 'struct', fields: [{ name: 'offset', type: 'integer' }] } },
        { name: 'isNew', type: 'boolean' },
      ],
    },
  },
];

const absent = { path: null, values: null, names: null, part: null, isNew: null };

const records: RecordValues[] = [
  {
    id: 1,
    file: { path: 'a', values: { p: '1', q: null }, names: ['x', 'y'], part: { offset: -3 }, isNew: true },
  },
  { id: null },
  { id: 2, file: {} },
  { id: 3n, file: { values: {}, names: [], part: {}, isNew: false } },
  { id: -(2n ** 63n), file: { path: 'M\u00fcnchen \u{1F600}', names: [null, 'z'] } },
];

const readBack: RecordValues[] = [
  {
    id: 1n,
    file: { path: 'a', values: { p: '1', q: null }, names: ['x', 'y'], part: { offset: -3 }, isNew: true },
  },
  { id: null, file: null },
  { id: 2n, file: absent },
  { id: 3n, file: { ...absent, values: {}, names: [], part: { offset: null }, isNew: false } },
  { id: -(2n ** 63n), file: { ...absent, path: 'M\u00fcnchen \u{1F600}', names: [null, 'z'] } },
];

const read = (bytes: Uint8Array) => parquetReadObjects({ file: new Uint8Array(bytes).buffer, compressors });

/** Undefined where hyparquet leaves a field out. */
const normal = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normal(item)]));
};

describe('nested records', () => {
  it('read back with nulls, empty maps and lists, and structs of nulls told apart', async () => {
    assert.deepEqual(normal(await read(encodeRecords(fields, records))), readBack);
  });

  it('mean the same to DuckDB', async () => {
    const db = await openDuckDb();
    const path = await db.file(encodeRecords(fields, records));
    const rows = await db.rows(
      `select id::varchar as id, file is null as gone, file.path as path, file.names::varchar as names,
              file."values"::varchar as "values", file.part is null as partless, file.part.offset as "offset",
              file.isNew as "isNew" from read_parquet(${path})`,
    );
    const nothing = {
      gone: false,
      path: null,
      names: null,
      values: null,
      partless: true,
      offset: null,
      isNew: null,
    };
    assert.deepEqual(rows, [
      {
        ...nothing,
        id: '1',
        path: 'a',
        names: '[x, y]',
        values: '{p=1, q=NULL}',
        partless: false,
        offset: -3,
        isNew: true,
      },
      { ...nothing, id: null, gone: true },
      { ...nothing, id: '2' },
      { ...nothing, id: '3', names: '[]', values: '{}', partless: false, isNew: false },
      { ...nothing, id: String(-(2n ** 63n)), path: 'M\u00fcnchen \u{1F600}', names: '[NULL, z]' },
    ]);
  });

  it('of any shape come back from files of many row groups', async () => {
    const random = seededRandom(5);
    const maybe = <Value>(value: Value): Value | null => (random.next() < 0.3 ? null : value);
    const text = () => maybe('x'.repeat(Math.floor(random.next() * 40)));
    const many = Array.from({ length: 2_000 }, (_, row) => ({
      id: maybe(BigInt(row)),
      file: maybe({
        path: text(),
        values: maybe(Object.fromEntries(Array.from({ length: row % 4 }, (_, key) => [`k${key}`, text()]))),
        names: maybe(Array.from({ length: row % 3 }, text)),
        part: maybe({ offset: maybe(row) }),
        isNew: maybe(row % 5 === 0),
      }),
    }));
    const bytes = encodeRecords(fields, many, { rowGroupRows: 300 });
    const metadata = parquetMetadata(new Uint8Array(bytes).buffer);
    assert.equal(metadata.row_groups.length, 7);
    assert.equal(metadata.num_rows, 2_000n);
    assert.deepEqual(normal(await read(bytes)), many);
  });

  it('close a row group when it holds enough bytes', () => {
    const many = Array.from({ length: 640 }, (_, id) => ({ id, file: { path: 'x'.repeat(100) } }));
    const bytes = encodeRecords(fields, many, { rowGroupBytes: 10_000 });
    assert.equal(parquetMetadata(new Uint8Array(bytes).buffer).row_groups.length, 5);
  });

  it('may be none at all', async () => {
    assert.deepEqual(await read(encodeRecords(fields, [])), []);
  });

  for (const [what, record, message] of [
    ['text for a number', { id: 'x' }, /field id should be of the type long, but is x/],
    ['a fraction', { id: 1.5 }, /field id .* is 1\.5/],
    ['an integer beyond 64 bits', { id: 2n ** 63n }, /field id .* 9223372036854775808/],
    [
      'an integer beyond 32 bits',
      { file: { part: { offset: 2 ** 31 } } },
      /file\.part\.offset .* 2147483648/,
    ],
    ['a number for text', { file: { path: 5 } }, /file\.path should be of the type string/],
    ['a struct for text', { file: { path: {} } }, /file\.path .* an object/],
  ] as const) {
    it(`refuse ${what}, naming the field`, () => {
      assert.throws(() => encodeRecords(fields, [record]), { code: 'PARQUET_INVALID', message });
    });
  }
});
