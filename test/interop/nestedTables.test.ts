// delta-rs reads a table with structs, lists, maps and decimals that was written, compacted and deleted from here.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock, systemRandom } from '../../shared/base/index.js';
import {
  deleteRows,
  openTable,
  optimizeTable,
  parseTableColumns,
  scanTable,
  TableWriter,
  writeCheckpoint,
} from '../../shared/delta/index.js';
import type { DataField, DataType } from '../../shared/parquet/index.js';
import { createMemoryStore, type ObjectStore } from '../../shared/storage/index.js';
import { batchOfRows } from '../parquet/nestedValues.js';
import { canonicalRows } from '../support/canonicalRows.js';
import { blindAppend } from '../support/deltaFixtures.js';
import { preparePython, runPython } from './python.js';

const obstacle = preparePython();

const nullable = (name: string, type: DataType): DataField => ({ name, type, nullable: true });
const listOf = (type: DataType): DataType => ({ kind: 'list', element: nullable('element', type) });
const decimal = (precision: number, scale: number): DataType => ({ kind: 'decimal', precision, scale });
const mapOf = (value: DataType): DataType => ({
  kind: 'map',
  key: { name: 'key', type: 'string', nullable: false },
  value: nullable('value', value),
});
const structOf = (...fields: DataField[]): DataType => ({ kind: 'struct', fields });

const place = structOf(
  nullable('site', 'string'),
  nullable('at', structOf(nullable('x', 'integer'), nullable('price', decimal(38, 10)))),
);

const fields: readonly DataField[] = [
  { name: 'id', type: 'long', nullable: false },
  nullable('small', decimal(7, 2)),
  nullable('middle', decimal(18, 3)),
  nullable('large', decimal(30, 5)),
  nullable('place', place),
  nullable('tags', listOf('string')),
  nullable('matrix', listOf(listOf('integer'))),
  nullable('parts', listOf(structOf(nullable('name', 'string'), nullable('seen', listOf('timestamp'))))),
  nullable('labels', mapOf('string')),
  nullable('totals', mapOf(structOf(nullable('sum', decimal(12, 4)), nullable('days', listOf('date'))))),
  nullable('body', 'binary'),
];

/** Null, empty and filled in turn, at every depth. */
function rowOf(id: number): unknown[] {
  const amount = BigInt(id) * (id % 2 === 0 ? 1n : -1n);
  const some = <Value>(step: number, value: Value): Value | null => (id % step === 0 ? null : value);
  return [
    BigInt(id),
    some(3, amount * 1_234n),
    some(4, amount * 10n ** 14n),
    some(5, amount * 10n ** 26n),
    some(4, [some(3, `site ${id}`), some(5, [some(2, id), amount * 10n ** 34n])]),
    some(3, id % 4 === 0 ? [] : [`t${id}`, null, 'ß']),
    some(5, id % 2 === 0 ? [[], null, [id, null]] : []),
    some(4, [null, [`p${id}`, id % 3 === 0 ? [] : [1_700_000_000_000_001n + BigInt(id), null]]]),
    some(
      6,
      id % 5 === 0
        ? []
        : [
            ['a', some(2, 'x')],
            ['b', `${id}`],
          ],
    ),
    some(7, [
      ['k', null],
      ['l', [amount * 100n, [id, null, -id]]],
    ]),
    some(2, Uint8Array.of(id, 255)),
  ];
}

describe('delta-rs', { skip: obstacle ?? false }, () => {
  it('reads nested and decimal columns as they were written, compacted and deleted from', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'nested-interop-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const table = {
      store: createMemoryStore(systemClock),
      root: 'tables/nested',
      clock: systemClock,
      random: systemRandom,
    };
    const schema = { type: 'struct', fields: fields.map((field) => ({ ...field, metadata: {} })) } as const;
    const writer = new TableWriter({ ...table, schema });
    const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
    for (const [from, to] of [
      [21, 40],
      [1, 21],
    ] as const)
      await writer.append(blindAppend(batchOfRows(fields, ids(from, to).map(rowOf))));

    const compare = async (what: string) => {
      const { snapshot } = await openTable(table);
      const columns = parseTableColumns(snapshot.metadata.schemaString);
      const ours: unknown[] = [];
      for await (const batch of scanTable({ ...table, snapshot }))
        ours.push(...canonicalRows(batch, columns).map((row) => JSON.parse(row) as unknown));
      await copyToFolder(table.store, folder);
      const seen = runPython('nestedRows.py', { folder: join(folder, table.root) });
      assert.equal(seen.version, snapshot.version, what);
      assert.deepEqual(seen.schema, JSON.parse(snapshot.metadata.schemaString), what);
      assert.deepEqual(byId(seen.rows as unknown[]), byId(ours), what);
      return { rowCount: ours.length, statistics: seen.statistics as Record<string, string>[] };
    };
    assert.equal((await compare('appended')).rowCount, 39);
    assert.equal((await optimizeTable({ ...table, sortBy: ['id'] })).kind, 'optimized');
    const { statistics } = await compare('compacted');
    assert.deepEqual(
      [
        'min.large',
        'max.large',
        'min.place.at.price',
        'null_count.place.at.x',
        'null_count.tags',
        'max.id',
      ].map((name) => statistics[0]![name]),
      [
        '-39000000000000000000000.00000',
        '38000000000000000000000.00000',
        '-39000000000000000000000000.0000000000',
        '23',
        '13',
        '39',
      ],
      'statistics as delta-rs reads them',
    );
    await deleteRows({
      ...table,
      predicate: {
        description: 'id % 3 = 0',
        columns: ['id'],
        matches: ({ columns }, row) => Number(columns[0]!.values[row]) % 3 === 0,
      },
    });
    assert.equal((await compare('deleted from')).rowCount, 26);
    await writeCheckpoint(table);
    assert.equal((await compare('checkpoint')).rowCount, 26);
  });
});

function byId(rows: readonly unknown[]): unknown[] {
  return [...rows].sort(
    (left, right) => Number((left as { id: string }).id) - Number((right as { id: string }).id),
  );
}

async function copyToFolder(store: ObjectStore, folder: string): Promise<void> {
  for await (const { path } of store.list('')) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), (await store.read(path))!);
  }
}
