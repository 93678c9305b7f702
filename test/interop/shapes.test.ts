// Spark and delta-rs read tables of ours of every shape - nested, decimal, partitioned, widened, with V2 checkpoints, with deletion
// vectors - and Spark changes them, which we read in turn.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Random, seededRandom } from '../../shared/base/index.js';
import {
  cleanUpLog,
  deleteRows,
  optimizeTable,
  parseRowPredicate,
  parseTableColumns,
  type StructType,
  schemaString,
  TableWriter,
  writeCheckpoint,
} from '../../shared/delta/index.js';
import type { DataBatch, DataField, DataType } from '../../shared/parquet/index.js';
import { batchOfRows, randomOf, randomType } from '../parquet/nestedValues.js';
import { canonicalRows } from '../support/canonicalRows.js';
import { reverseCleanup } from '../support/cleanup.js';
import { blindAppend } from '../support/deltaFixtures.js';
import { Engines, rowTexts } from './engines.js';
import { createTableFolder, later, openAt, ourRowTexts, type SharedTable } from './ourTable.js';
import { prepareSpark } from './python.js';

const obstacle = prepareSpark();

const nullable = (name: string, type: DataType): DataField => ({ name, type, nullable: true });
const required = (name: string, type: DataType): DataField => ({ name, type, nullable: false });
const decimal = (precision: number, scale: number): DataType => ({ kind: 'decimal', precision, scale });
const structOf = (...fields: DataField[]): DataType => ({ kind: 'struct', fields });
const listOf = (type: DataType): DataType => ({ kind: 'list', element: nullable('element', type) });
const mapOf = (type: DataType): DataType => ({
  kind: 'map',
  key: required('key', 'string'),
  value: nullable('value', type),
});
const schemaOf = (fields: readonly DataField[]): StructType => ({
  type: 'struct',
  fields: fields.map((field) => ({ ...field, metadata: {} })),
});

/** The batch's rows in the columns of the fields. */
function textsOf(batch: DataBatch): string[] {
  return canonicalRows(batch, parseTableColumns(schemaString(schemaOf(batch.fields))));
}

const dayMs = 86_400_000;
const firstMs = Date.parse('0001-01-02T00:00:00Z');
const lastMs = Date.parse('9999-12-30T00:00:00Z');

/** Dates and times brought into the years that the engines have. */
function inRange(type: DataType, value: unknown): unknown {
  if (value === null) return null;
  if (type === 'date') return inSpan(BigInt(value as number), firstMs / dayMs, lastMs / dayMs);
  if (type === 'timestamp' || type === 'timestamp_ntz') {
    const span = (lastMs - firstMs) * 1000;
    const offset = BigInt.asUintN(64, value as bigint) % BigInt(span);
    return BigInt(firstMs) * 1000n + offset;
  }
  if (typeof type === 'string') return value;
  if (type.kind === 'struct')
    return (value as unknown[]).map((part, index) => inRange(type.fields[index]!.type, part));
  if (type.kind === 'list') return (value as unknown[]).map((part) => inRange(type.element.type, part));
  if (type.kind === 'map')
    return (value as [unknown, unknown][]).map(([key, part]) => [key, inRange(type.value.type, part)]);
  return value;
}

function inSpan(value: bigint, first: number, last: number): number {
  return first + Number(BigInt.asUintN(64, value) % BigInt(Math.trunc(last - first)));
}

function randomRows(fields: readonly DataField[], from: number, count: number, random: Random): unknown[][] {
  return Array.from({ length: count }, (_, row) =>
    fields.map((field, index) =>
      index === 0 ? BigInt(from + row) : inRange(field.type, randomOf(field, random)),
    ),
  );
}

describe('Spark and delta-rs read our tables of every shape', { skip: obstacle ?? false }, () => {
  const cleanup = reverseCleanup({ after });
  let engines: Engines;
  let tableNamed: (name: string) => SharedTable;

  before(async () => {
    tableNamed = createTableFolder(cleanup);
    engines = await Engines.start(cleanup);
  });

  /** @param isForDeltaRs false for tables that delta-rs does not read */
  async function assertSeen(
    table: SharedTable,
    expected: readonly string[],
    label: string,
    isForDeltaRs = true,
  ): Promise<void> {
    const { path } = table;
    const snapshot = await openAt(table);
    const sorted = [...expected].sort();
    assert.deepEqual(await ourRowTexts(table, snapshot), sorted, `${label}: Tributary`);
    const bySpark = await engines.ask('sparkRead', { path });
    assert.deepEqual(rowTexts(bySpark.rows), sorted, `${label}: Spark`);
    assert.equal(bySpark.count, expected.length, `${label}: count`);
    if (!isForDeltaRs) return;
    const byDeltaRs = await engines.ask('deltaRsRead', { path });
    assert.deepEqual(rowTexts(byDeltaRs.rows), sorted, `${label}: delta-rs`);
    assert.equal(byDeltaRs.version, snapshot.version);
  }

  /** Compacts, deletes the even ids, writes a checkpoint, cleans up the log: everybody sees what is left. */
  async function assertSeenAfterUpkeep(table: SharedTable, rows: readonly string[]): Promise<void> {
    assert.equal((await optimizeTable({ ...table, sortBy: ['id'] })).kind, 'optimized');
    await assertSeen(table, rows, 'compacted');
    const snapshot = await openAt(table);
    const predicate = parseRowPredicate('id < 3 or id = 8', snapshot);
    assert.equal((await deleteRows({ ...table, predicate })).kind, 'deleted');
    const left = rows.filter((row) => !/^\{"id":"(0|1|2|8)"/.test(row));
    await writeCheckpoint(table);
    await cleanUpLog({ ...table, clock: later });
    await engines.ask('sparkLog', { path: table.path, isFresh: true });
    await assertSeen(table, left, 'deleted from, from the checkpoint');
  }

  for (const seed of [1, 2, 3]) {
    it(`random columns, also nested and decimal, seed ${seed}`, async () => {
      const random = seededRandom(seed);
      const table = tableNamed(`random ${seed}`);
      const limits = { depth: 3, requiredShare: 0.2, keys: ['string', 'long', 'integer'] as const };
      const fields = [
        required('id', 'long'),
        ...Array.from({ length: 6 }, (_, index) => nullable(`c${index}`, randomType(random, limits))),
      ];
      const batches = [0, 20].map((from) => batchOfRows(fields, randomRows(fields, from, 20, random)));
      const writer = new TableWriter({ ...table, schema: schemaOf(fields) });
      for (const batch of batches) await writer.append(blindAppend(batch));
      const rows = batches.flatMap(textsOf);
      await assertSeen(table, rows, 'appended');
      await assertSeenAfterUpkeep(table, rows);
    });
  }

  /** Rows found with and without skipping are the same, and skipping leaves out files. */
  async function assertSkips(table: SharedTable, conditions: readonly string[]): Promise<void> {
    for (const where of conditions) {
      const { skipping, full } = await engines.ask('sparkSelect', {
        path: table.path,
        where,
        columns: ['id'],
      });
      assert.ok(full.rows.length > 0, `no row has ${where}`);
      assert.deepEqual(rowTexts(skipping.rows), rowTexts(full.rows), where);
      assert.ok(skipping.fileCount < full.fileCount, `${where} opens every file`);
      const byDeltaRs = await engines.ask('deltaRsQuery', {
        path: table.path,
        query: `select id from t where ${where.replace(/place\.at\.(\w+)/, "place['at']['$1']").replace(/place\.site/, "place['site']")}`,
      });
      assert.deepEqual(rowTexts(byDeltaRs), rowTexts(full.rows), `delta-rs: ${where}`);
    }
  }

  const nestedFields = [
    required('id', 'long'),
    nullable('small', decimal(7, 2)),
    nullable('middle', decimal(18, 3)),
    nullable('large', decimal(38, 10)),
    nullable(
      'place',
      structOf(
        nullable('site', 'string'),
        nullable('at', structOf(nullable('x', 'integer'), nullable('price', decimal(30, 5)))),
      ),
    ),
    nullable('tags', listOf('string')),
    nullable('labels', mapOf(structOf(nullable('days', listOf('date'))))),
  ];
  const nestedRow = (id: number): unknown[] => {
    const sign = id % 2 === 0 ? 1n : -1n;
    const amount = BigInt(id) * sign;
    return [
      BigInt(id),
      amount * 1234n,
      id === 5 ? null : amount * 10n ** 14n,
      amount * 10n ** 35n + 1n,
      id === 4 ? null : [`site ${id}`, id === 6 ? null : [id * 10, amount * 10n ** 27n + 7n]],
      id === 3 ? null : [`t${id}`, null],
      [['k', id === 2 ? null : [[id, null]]]],
    ];
  };

  it('finds the same rows by our statistics of decimals and of fields of structs as without them', async () => {
    const table = tableNamed('nested statistics');
    const writer = new TableWriter({ ...table, schema: schemaOf(nestedFields) });
    for (const first of [0, 3, 6, 9])
      await writer.append(
        blindAppend(batchOfRows(nestedFields, [first, first + 1, first + 2].map(nestedRow))),
      );
    await assertSkips(table, [
      'small = cast(-86.38 as decimal(7, 2))',
      'small > cast(120 as decimal(7, 2))',
      "middle >= cast('800000000000.000' as decimal(18, 3))",
      "large < cast('-70000000000000000000000000' as decimal(38, 10))",
      "large = cast('80000000000000000000000000.0000000001' as decimal(38, 10))",
      "place.site = 'site 7'",
      'place.at.x > 85',
      "place.at.price < cast('-70000000000000000000000' as decimal(30, 5))",
      'middle is null',
    ]);
  });

  /** Spark changes the table, whatever its shape; everybody agrees on the result. */
  async function assertTakesSparksChanges(
    table: SharedTable,
    rows: readonly string[],
    { set, insert, isForDeltaRs = true }: { set: string; insert: string; isForDeltaRs?: boolean },
  ): Promise<void> {
    const name = `delta.\`${table.path}\``;
    const ids = (texts: readonly string[]) => texts.map((text) => String(JSON.parse(text).id)).sort();
    await engines.sql(`update ${name} set ${set} where id = 4`);
    await engines.sql(
      `merge into ${name} t using (select id from range(5, 7) union all select 100) s on t.id = s.id
       when matched then update set ${set} when not matched then insert ${insert}`,
    );
    await engines.sql(`optimize ${name}`);
    await engines.sql(`delete from ${name} where id = 9`);
    const { rows: bySpark } = await engines.ask('sparkRead', { path: table.path });
    const texts = rowTexts(bySpark);
    assert.deepEqual(
      ids(texts),
      ids([...rows.filter((row) => !row.startsWith('{"id":"9"')), '{"id":"100"}']),
    );
    const untouched = rows.filter((row) => !/^\{"id":"(4|5|6|9)"/.test(row));
    assert.deepEqual(
      texts.filter((text) => untouched.includes(text)),
      [...untouched].sort(),
    );
    await assertSeen(table, texts, 'changed by Spark', isForDeltaRs);
  }

  it('nested and decimal columns stay what they are while Spark updates, merges, compacts and deletes', async () => {
    const table = tableNamed('nested changed');
    const writer = new TableWriter({ ...table, schema: schemaOf(nestedFields) });
    const batch = batchOfRows(
      nestedFields,
      Array.from({ length: 12 }, (_, id) => nestedRow(id)),
    );
    await writer.append(blindAppend(batch));
    await assertTakesSparksChanges(table, textsOf(batch), {
      set: "place.at.price = 1.5, small = -0.01, tags = array('x'), labels = null",
      insert: "(id, large, labels) values (s.id, 0.5, map('a', null))",
    });
    const more = batchOfRows(nestedFields, [nestedRow(200)]);
    const { rows } = await engines.ask('sparkRead', { path: table.path });
    await new TableWriter(table).append(blindAppend(more));
    await assertSeen(table, [...rowTexts(rows), ...textsOf(more)], 'appended to again');
  });

  const partitionFields = [
    required('id', 'long'),
    nullable('text', 'string'),
    nullable('flag', 'boolean'),
    nullable('tiny', 'byte'),
    nullable('small', 'short'),
    nullable('whole', 'integer'),
    nullable('long', 'long'),
    nullable('single', 'float'),
    nullable('number', 'double'),
    nullable('day', 'date'),
    nullable('moment', 'timestamp'),
    nullable('local', 'timestamp_ntz'),
    nullable('price', decimal(9, 2)),
    nullable('total', decimal(38, 18)),
    nullable('body', 'string'),
  ];
  const min64 = -(2n ** 63n);
  // biome-ignore format: a table is easier to read
  const partitionRows: readonly (readonly unknown[])[] = [
    [0n, 'a/b %20 %f', 1, -128, -32768, -2147483648, min64, Math.fround(0.1), 0.1, -719_161, -1n, 1_711_852_200_000_001n, 150n, -(10n ** 37n), 'x'],
    [1n, 'M\u00FCnchen=:"#?\u{1F600}', 0, 127, 32767, 2147483647, -min64 - 1n, Math.fround(1e30), 1.7976931348623157e308, 2_932_896, 1_709_209_845_123_456n, 0n, -99_999_999_9n, 10n ** 37n + 1n, 'x'],
    [2n, null, null, null, null, null, null, null, null, null, null, null, null, null, null],
    [3n, '__HIVE_DEFAULT_PARTITION__', 1, 0, 0, 0, 0n, -0, -0, 0, 0n, -1n, 0n, 0n, 'y'],
    [4n, ' edge. ', 1, 1, 1, 1, 1n, Number.NaN, Number.NaN, 1, 1n, 1n, 1n, 1n, ''],
    [20n, 'x'.repeat(300), 0, 2, 2, 2, 2n, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, -62_135_510_400_000_000n, 253_402_300_799_999_999n, -1n, -1n, null],
    [21n, 'line\nbreak\\ \u0000\u007F{[]}^\'*', 0, -1, -1, -1, -1n, 2 ** -149, 5e-324, 19_782, 253_402_300_799_999_999n, -62_135_510_400_000_000n, 10n, 10n ** 18n, 'z'],
    [5n, ':?#[]@!$&()*+,;', 1, 4, 4, 4, 4n, 1.5, 1e21, 4, 4n, 4n, 4n, 4n, 'v'],
    [6n, '', 0, 5, 5, 5, 5n, -1.5, 1e-7, 5, 5n, 5n, 5n, 5n, 'v'],
    [7n, 'NaN', 1, 3, 3, 3, 9007199254740993n, 16777216, 9007199254740992, 30, 1_000_000n, 1_500_000n, 100n, 5n * 10n ** 17n, 'w'],
  ];

  it('partitions of every type, also after compaction and deletes, and after changes by Spark', async () => {
    const table = tableNamed('partitioned \u00FC');
    const partitionColumns = partitionFields.slice(1, -1).map(({ name }) => name);
    const writer = new TableWriter({ ...table, schema: schemaOf(partitionFields), partitionColumns });
    const batch = batchOfRows(partitionFields, partitionRows);
    const again = batchOfRows(
      partitionFields,
      partitionRows.map(([id, ...rest]) => [(id as bigint) + 10n, ...rest]),
    );
    await writer.append(blindAppend(batch));
    const textsOfRows = (of: DataBatch) => textsOf(of).map((row) => row.replace('"text":""', '"text":null')); // as partition values they are the same
    const rows = [...textsOfRows(batch), ...textsOfRows(again)];
    await assertSeen(table, textsOfRows(batch), 'appended');
    await writer.append(blindAppend(again));
    for (const where of [
      "text = 'a/b %20 %f'",
      'text is null',
      'price < 0',
      'total = 0.5',
      "moment = timestamp '1969-12-31T23:59:59.999999Z'",
      "local >= timestamp_ntz '9999-01-01 00:00:00'",
      'long = 9007199254740993',
      "single = cast('NaN' as float)",
      'number = 0',
      "day < date '1900-01-01'",
    ]) {
      const { skipping, full } = await engines.ask('sparkSelect', {
        path: table.path,
        where,
        columns: ['id'],
      });
      assert.ok(full.rows.length > 0, where);
      assert.deepEqual(rowTexts(skipping.rows), rowTexts(full.rows), where);
    }
    assert.equal((await optimizeTable(table)).kind, 'optimized');
    await assertSeen(table, rows, 'compacted');
    for (const where of ["text = 'NaN'", 'flag is null', 'id = 10'])
      await deleteRows({ ...table, predicate: parseRowPredicate(where, await openAt(table)) });
    await writeCheckpoint(table);
    await cleanUpLog({ ...table, clock: later });
    await engines.ask('sparkLog', { path: table.path, isFresh: true });
    const left = rows.filter((row) => !/^\{"id":"(7|17|2|12|10)"/.test(row));
    await assertSeen(table, left, 'deleted from');
    // Spark names folders after values, which a local disk does not take when they are too long.
    await deleteRows({ ...table, predicate: parseRowPredicate('id >= 20', await openAt(table)) });
    const writable = left.filter((row) => !/^\{"id":"(20|21|30|31)"/.test(row));
    const columns = partitionColumns.filter((name) => name !== 'text').join(', ');
    await assertTakesSparksChanges(table, writable, {
      set: "text = 'set', price = -1.5, body = 'set'",
      insert: `(id, text, body, ${columns}) values (s.id, 'new', 'new', ${partitionColumns.filter((name) => name !== 'text').map(() => 'null')})`,
    });
  });

  it('columns added, and types widened, in the commit of the rows', async () => {
    const table = tableNamed('evolved');
    const before = [
      required('id', 'long'),
      nullable('count', 'integer'),
      nullable('place', structOf(nullable('x', 'short'))),
    ];
    const added = [
      ...before.slice(0, 2),
      nullable('place', structOf(nullable('x', 'short'), nullable('tags', listOf('string')))),
      nullable('price', decimal(10, 2)),
      nullable('day', 'date'),
    ];
    const first = batchOfRows(before, [
      [0n, 7, [1]],
      [4n, -7, null],
    ]);
    const second = batchOfRows(added, [
      [5n, 8, [2, ['a', null]], 150n, 0],
      [9n, null, [null, []], null, -719_161],
    ]);
    const writer = new TableWriter({ ...table, schema: schemaOf(before) });
    await writer.append(blindAppend(first));
    await writer.append({
      prepare: () => ({ batch: second, transactions: [], readAppIds: [], evolve: schemaOf(added) }),
    });
    const inAdded = [
      '{"id":"0","count":7,"place":{"x":1,"tags":null},"price":null,"day":null}',
      '{"id":"4","count":-7,"place":null,"price":null,"day":null}',
      ...textsOf(second),
    ];
    await assertSeen(table, inAdded, 'with new columns');

    const wide = [
      required('id', 'long'),
      nullable('count', 'long'),
      nullable('place', structOf(nullable('x', 'double'), nullable('tags', listOf('string')))),
      nullable('price', decimal(14, 4)),
      nullable('day', 'timestamp_ntz'),
    ];
    const third = batchOfRows(wide, [
      [6n, 2n ** 60n, [0.5, null], 12_345_678_901_234n, 1_700_000_000_000_001n],
    ]);
    await writer.append({
      prepare: () => ({
        batch: third,
        transactions: [],
        readAppIds: [],
        evolve: schemaOf(wide),
        allowTypeWidening: true,
      }),
    });
    const inWide = [
      '{"id":"0","count":"7","place":{"x":1,"tags":null},"price":null,"day":null}',
      '{"id":"4","count":"-7","place":null,"price":null,"day":null}',
      '{"id":"5","count":"8","place":{"x":2,"tags":["a",null]},"price":"1.5000","day":"1970-01-01T00:00:00.000000"}',
      '{"id":"9","count":null,"place":{"x":null,"tags":[]},"price":null,"day":"0001-01-02T00:00:00.000000"}',
      ...textsOf(third),
    ];
    await assertSeen(table, inWide, 'with wider types', false);
    for (const [version, rows] of [textsOf(first), inAdded].entries()) {
      const seen = await engines.ask('sparkRead', { path: table.path, version: version + 1 });
      assert.deepEqual(rowTexts(seen.rows), [...rows].sort(), `version ${version + 1}`);
    }
    await assertTakesSparksChanges(table, inWide, {
      set: 'place.x = 2.5, price = 0.0001',
      insert: "(id, day) values (s.id, timestamp_ntz '2024-03-31 02:30:00.000001')",
      isForDeltaRs: false,
    });
    const fourth = batchOfRows(wide, [[300n, null, null, -1n, null]]);
    await new TableWriter(table).append(blindAppend(fourth));
    assert.equal((await optimizeTable(table)).kind, 'optimized');
    await writeCheckpoint(table);
    const { rows } = await engines.ask('sparkRead', { path: table.path });
    assert.equal(rows.filter(({ id }) => id === '300').length, 1);
    await engines.ask('sparkLog', { path: table.path, isFresh: true });
    await assertSeen(table, rowTexts(rows), 'compacted', false);
  });

  for (const policy of ['v2', 'classic'] as const) {
    it(`a table with deletion vectors of Spark that we appended to, compacted and wrote ${policy} checkpoints of`, async () => {
      const table = tableNamed(`vectors ${policy}`);
      const { path } = table;
      const name = `delta.\`${path}\``;
      await engines.sql(
        `create table ${name} (id bigint not null, text string, place struct<x: int, price: decimal(20, 3)>) using delta
         tblproperties ('delta.enableDeletionVectors' = 'true', 'delta.checkpointPolicy' = '${policy}')`,
        `insert into ${name} select id, concat('row ', id), named_struct('x', cast(id as int), 'price', id / 8) from range(0, 40, 1, 2)`,
        `delete from ${name} where id % 4 = 1`,
      );
      const fields = [
        required('id', 'long'),
        nullable('text', 'string'),
        nullable('place', structOf(nullable('x', 'integer'), nullable('price', decimal(20, 3)))),
      ];
      const ours = batchOfRows(fields, [
        [100n, 'ours', [1, 2n]],
        [101n, null, null],
      ]);
      await new TableWriter(table).append({
        prepare: () => ({ batch: ours, transactions: [{ appId: 'app', version: 7 }], readAppIds: [] }),
      });
      const expected = rowTexts((await engines.ask('sparkRead', { path })).rows);
      assert.equal(expected.length, 32);

      /** From our checkpoint alone, with a cold cache. */
      const assertFromCheckpoint = async (rows: readonly string[], label: string, hasVectors: boolean) => {
        await writeCheckpoint(table);
        await cleanUpLog({ ...table, clock: later });
        const { version, files } = await openAt(table);
        assert.equal(
          [...files.values()].some(({ deletionVector }) => deletionVector !== undefined),
          hasVectors,
        );
        const log = await engines.ask('sparkLog', { path, isFresh: true });
        assert.deepEqual(
          [log.version, log.checkpointVersion, log.fileCount],
          [version, version, files.size],
          label,
        );
        assert.deepEqual(log.transactions, { app: 7 }, label);
        const commits = readdirSync(join(path, '_delta_log')).filter((file) => /^\d+\.json$/.test(file));
        assert.equal(commits.length, 1, `${label}: ${commits}`);
        await assertSeen(table, rows, label);
      };
      await assertFromCheckpoint(expected, 'checkpoint with vectors', true);
      assert.equal((await optimizeTable(table)).kind, 'optimized');
      await assertFromCheckpoint(expected, 'compacted', false);
      if (policy === 'classic') return;
      await engines.sql(`delete from ${name} where id = 100 or id = 8`);
      await engines.sql(`update ${name} set place.price = -0.5 where id = 101 or id < 4`);
      const changed = rowTexts((await engines.ask('sparkRead', { path })).rows);
      assert.equal(changed.length, 30);
      await assertFromCheckpoint(changed, 'changed by Spark', true);
    });
  }
});
