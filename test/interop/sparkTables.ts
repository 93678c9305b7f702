// The tables that Spark writes for us to read: SQL that uses a feature, and the proof that it was used.
import assert from 'node:assert/strict';
import type { Snapshot } from '../../shared/delta/index.js';

export interface SparkTable {
  readonly name: string;
  /** Spark settings while it writes. */
  readonly settings?: Readonly<Record<string, string>>;
  /** @param table as SQL names it */
  readonly statements: (table: string) => readonly string[];
  /** Whether every version is read, too. */
  readonly hasHistory?: boolean;
  /** That the table is what its name says. @param log names in `_delta_log` */
  readonly check: (newest: Snapshot, log: readonly string[]) => void;
}

const hasVectors = ({ files }: Snapshot): boolean =>
  [...files.values()].some(({ deletionVector }) => deletionVector !== undefined);
const property = ({ metadata }: Snapshot, key: string): string | undefined => metadata.configuration[key];
const properties = (...pairs: string[]): string => `tblproperties (${pairs.join(', ')})`;
const withVectors = "'delta.enableDeletionVectors' = 'true'";
const withoutVectors = "'delta.enableDeletionVectors' = 'false'";

/** Rows 0 to `count` - 1 of a plain table of id, text and amount. */
const range = (count: number, from = 0): string =>
  `select cast(id as int) as id, concat('row ', id) as text, cast(id / 4 as double) as amount from range(${from}, ${from + count}, 1, 1)`;

/** Columns of every type that Delta tables can have, but variant. */
export const everyType = `
  id int not null, text string, bytes binary, flag boolean, tiny tinyint, small smallint, long bigint, single float,
  number double, day date, moment timestamp, local timestamp_ntz, price decimal(9, 2), total decimal(18, 6),
  huge decimal(38, 10), whole decimal(20, 0), place struct<lat: double, lon: double, tags: array<string>>,
  readings array<struct<name: string, value: decimal(5, 1)>>, labels map<string, int>,
  deep map<int, array<map<string, struct<a: timestamp, b: array<array<bigint>>>>>>`;

export const everyTypeRows = `
  (1, 'plain', X'00ff', true, 1Y, 2S, 3L, 0.5f, 1.25d, date '2024-02-29', timestamp '2024-02-29 12:30:45.123456',
   timestamp_ntz '2024-02-29 12:30:45.123456', 1.25, 1.5, 12345678901234567890.0123456789, 12345678901234567890,
   named_struct('lat', 1.5d, 'lon', -0.0d, 'tags', array('a', null, '')),
   array(named_struct('name', 'x', 'value', 1.5), null, named_struct('name', null, 'value', null)),
   map('one', 1, 'none', null), map(1, array(map('k', named_struct('a', timestamp '1969-12-31 23:59:59.999999', 'b',
   array(array(1L, null), null, array()))), null))),
  (2, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
  (3, '', X'', false, -128Y, -32768S, -9223372036854775808L, float('NaN'), double('NaN'), date '0001-01-02',
   timestamp '1900-01-01 00:00:00.000001', timestamp_ntz '1969-12-31 23:59:59.999999', -9999999.99, -0.000001,
   -9999999999999999999999999999.9999999999, -99999999999999999999, named_struct('lat', null, 'lon', null, 'tags', null), array(), map(), map()),
  (4, '\u{1F600}\u{10FFFF}', X'f09f9880', true, 127Y, 32767S, 9223372036854775807L, float('-Infinity'), double('Infinity'),
   date '9999-12-31', timestamp '9999-12-31 23:59:59.999999', timestamp_ntz '2024-03-31 02:30:00', 9999999.99, 999999999999.999999,
   9999999999999999999999999999.9999999999, 99999999999999999999, named_struct('lat', 1e300d, 'lon', 5e-324d, 'tags', array()),
   array(named_struct('name', '\u{1F600}', 'value', -9999.9)), map('\u{1F600}', -1), map(-1, array(), 2, null))`;

const everyTypeTable = (table: string, clause: string): string[] => [
  `create table ${table} (${everyType}) using delta ${clause}`,
  `insert into ${table} values ${everyTypeRows}`,
];

export const sparkTables: readonly SparkTable[] = [
  {
    name: 'every type',
    statements: (table) => everyTypeTable(table, ''),
    check: ({ totalRows }) => assert.equal(totalRows, 4),
  },
  ...[
    { codec: 'zstd', ending: 'zstd' },
    { codec: 'gzip', ending: 'gz' },
    { codec: 'lz4_raw', ending: 'lz4raw' },
  ].map(
    ({ codec, ending }): SparkTable => ({
      name: `every type in ${codec} and standard timestamps`,
      settings: {
        'spark.sql.parquet.compression.codec': codec,
        'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS',
      },
      statements: (table) => everyTypeTable(table, ''),
      check: ({ files }) => assert.ok([...files.keys()].every((path) => path.endsWith(`.${ending}.parquet`))),
    }),
  ),
  {
    name: 'version 2 pages',
    settings: { 'parquet.writer.version': 'v2' },
    statements: (table) => [...everyTypeTable(table, ''), `insert into ${table} select * from ${table}`],
    check: ({ totalRows }) => assert.equal(totalRows, 8),
  },
  {
    name: 'values split into streams of bytes, with Bloom filters and checksums of pages',
    settings: {
      'parquet.enable.bytestreamsplit': 'extended',
      'parquet.enable.dictionary': 'false',
      'parquet.bloom.filter.enabled': 'true',
      'parquet.page.write-checksum.enabled': 'true',
    },
    statements: (table) => everyTypeTable(table, ''),
    check: ({ totalRows }) => assert.equal(totalRows, 4),
  },
  {
    name: 'many pages and row groups of nested columns, with deletion vectors',
    settings: {
      'parquet.block.size': '65536',
      'parquet.page.size': '1024',
      'parquet.page.row.count.limit': '100',
    },
    statements: (table) => [
      `create table ${table} using delta ${properties(withVectors)} as select id,
       if(id % 3 = 0, null, transform(sequence(0, id % 5), x -> if(x = 2, null, concat('v', x, id)))) as texts,
       map(id, named_struct('total', cast(id as decimal(20, 2)), 'lists', array(array(id), null))) as totals from range(0, 5000, 1, 1)`,
      `delete from ${table} where id % 11 = 3`,
    ],
    check: (newest) => assert.ok(hasVectors(newest)),
  },
  {
    name: 'the columns that Iceberg can read, too',
    statements: (table) =>
      everyTypeTable(
        table,
        properties("'delta.enableIcebergCompatV2' = 'true'", "'delta.columnMapping.mode' = 'name'"),
      ),
    check: (newest) => assert.equal(property(newest, 'delta.enableIcebergCompatV2'), 'true'),
  },
  {
    name: 'partitions',
    hasHistory: true,
    statements: (table) => [
      `create table ${table} (id int, text string, day date, moment timestamp, price decimal(20, 3), flag boolean, long bigint)
       using delta partitioned by (text, day, moment, price, flag, long)`,
      `insert into ${table} values
       (1, 'a/b %20 %f', date '2024-02-29', timestamp '2024-02-29 12:30:45.123456', 1.5, true, 9007199254740993),
       (2, '\u{1F600} M\u00FCnchen=:"#?', date '0099-01-01', timestamp '1969-12-31 23:59:59.999999', -99999999999999999.999, false, -1),
       (3, null, null, null, null, null, null), (4, '', date '9999-12-31', timestamp '9999-12-31 00:00:00', 0, null, 0),
       (5, '__HIVE_DEFAULT_PARTITION__', null, null, 1.500, true, 1)`,
      `delete from ${table} where text = 'a/b %20 %f'`,
      `update ${table} set long = 7 where id = 3`,
    ],
    check: ({ metadata }) => assert.equal(metadata.partitionColumns.length, 6),
  },
  {
    name: 'deletion vectors',
    hasHistory: true,
    statements: (table) => [
      `create table ${table} using delta ${properties(withVectors)} as ${range(2000)}`,
      `delete from ${table} where id % 7 = 3`,
      `update ${table} set amount = -id, text = null where id between 100 and 120`,
      `merge into ${table} t using (${range(60, 1970)}) s on t.id = s.id
       when matched and s.id % 2 = 0 then delete when matched then update set text = 'merged' when not matched then insert *
       when not matched by source and t.id < 5 then delete`,
      `delete from ${table} where id % 11 = 1`,
    ],
    check: (newest) => assert.ok(hasVectors(newest)),
  },
  {
    name: 'deletion vectors rewritten by optimize and purge',
    statements: (table) => [
      `create table ${table} using delta ${properties(withVectors)} as ${range(500)}`,
      `insert into ${table} ${range(500, 500)}`,
      `delete from ${table} where id % 3 = 0`,
      `optimize ${table} zorder by (amount)`,
      `delete from ${table} where id % 5 = 0`,
      `reorg table ${table} apply (purge)`,
    ],
    check: (newest) => assert.ok(!hasVectors(newest)),
  },
  {
    name: 'rewrites without deletion vectors',
    statements: (table) => [
      `create table ${table} using delta ${properties(withoutVectors)} as ${range(300)}`,
      `delete from ${table} where id % 7 = 3`,
      `update ${table} set amount = -id where id < 20`,
      `insert overwrite ${table} ${range(50, 30)}`,
      `delete from ${table}`,
      `insert into ${table} ${range(5)}`,
      `restore table ${table} to version as of 2`,
    ],
    check: (newest) => assert.equal(newest.protocol.minReaderVersion, 1),
  },
  ...['name', 'id'].map(
    (mode): SparkTable => ({
      name: `column mapping by ${mode} with columns renamed, dropped and added`,
      hasHistory: mode === 'name',
      statements: (table) => [
        `create table ${table} (id int, \`a b,c\` string, place struct<lat: double, lon: double>, part string, tags array<struct<x: int, y: int>>)
         using delta partitioned by (part) ${properties(`'delta.columnMapping.mode' = '${mode}'`, withVectors)}`,
        `insert into ${table} values (1, 'one', named_struct('lat', 1, 'lon', 2), 'p', array(named_struct('x', 1, 'y', 2))),
         (2, null, null, null, null)`,
        `alter table ${table} rename column \`a b,c\` to label`,
        `alter table ${table} rename column place.lat to latitude`,
        `alter table ${table} rename column part to partition`,
        `alter table ${table} drop column place.lon`,
        `alter table ${table} add columns (place.lon string, \`a b,c\` int after id, tags.element.z int)`,
        `insert into ${table} values (3, 33, 'three', named_struct('latitude', 3, 'lon', 'east'), 'q',
         array(named_struct('x', 3, 'y', 4, 'z', 5)))`,
        `delete from ${table} where id = 2`,
        `alter table ${table} drop column label`,
      ],
      check: (newest) => assert.equal(property(newest, 'delta.columnMapping.mode'), mode),
    }),
  ),
  {
    name: 'column mapping switched on later',
    statements: (table) => [
      `create table ${table} using delta as ${range(10)}`,
      `alter table ${table} set ${properties("'delta.columnMapping.mode' = 'name'")}`,
      `alter table ${table} rename column text to label`,
      `insert into ${table} values (11, 'later', 0.5)`,
    ],
    check: (newest) => assert.equal(property(newest, 'delta.columnMapping.mode'), 'name'),
  },
  {
    name: 'classic checkpoints',
    statements: (table) => [
      `create table ${table} using delta ${properties("'delta.checkpointInterval' = '2'", withVectors)} as ${range(100)}`,
      ...[1, 2, 3, 4, 5].map((part) => `insert into ${table} ${range(10, part * 100)}`),
      `delete from ${table} where id % 9 = 0`,
    ],
    check: (_newest, log) =>
      assert.ok(log.filter((name) => name.endsWith('.checkpoint.parquet')).length >= 3),
  },
  {
    name: 'checkpoints in parts',
    settings: { 'spark.databricks.delta.checkpoint.partSize': '3' },
    statements: (table) => [
      `create table ${table} using delta ${properties("'delta.checkpointInterval' = '4'")} as ${range(10)}`,
      ...[1, 2, 3, 4, 5].map((part) => `insert into ${table} ${range(10, part * 100)}`),
    ],
    check: (_newest, log) =>
      assert.ok(log.some((name) => /\.checkpoint\.0000000002\.\d{10}\.parquet$/.test(name))),
  },
  ...['json', 'parquet'].map(
    (format): SparkTable => ({
      name: `V2 checkpoints in ${format} with sidecars`,
      settings: { 'spark.databricks.delta.checkpointV2.topLevelFileFormat': format },
      statements: (table) => [
        `create table ${table} using delta
         ${properties("'delta.checkpointPolicy' = 'v2'", "'delta.checkpointInterval' = '2'", withVectors)} as ${range(100)}`,
        ...[1, 2, 3, 4].map((part) => `insert into ${table} ${range(10, part * 100)}`),
        `delete from ${table} where id % 9 = 0`,
        `optimize ${table}`,
      ],
      check: (_newest, log) => {
        assert.ok(log.some((name) => new RegExp(`\\.checkpoint\\.[0-9a-f-]{36}\\.${format}$`).test(name)));
        assert.ok(log.includes('_sidecars'));
      },
    }),
  ),
  {
    name: 'checkpoints without statistics',
    statements: (table) => [
      `create table ${table} using delta partitioned by (text) ${properties(
        "'delta.checkpointInterval' = '2'",
        "'delta.checkpoint.writeStatsAsJson' = 'false'",
      )} as ${range(5)}`,
      ...[1, 2].map((part) => `insert into ${table} ${range(3, part * 100)}`),
    ],
    check: ({ totalRows }, log) => {
      assert.ok(log.some((name) => name.endsWith('.checkpoint.parquet')));
      assert.equal(totalRows, undefined);
    },
  },
  {
    name: 'wider types',
    hasHistory: true,
    statements: (table) => [
      `create table ${table} (id int, tiny tinyint, single float, day date, price decimal(5, 2), place struct<x: smallint>)
       using delta ${properties("'delta.enableTypeWidening' = 'true'", "'delta.feature.timestampNtz' = 'supported'")}`,
      `insert into ${table} values (1, 127, 0.1f, date '2024-02-29', 123.45, named_struct('x', 7))`,
      `alter table ${table} change column tiny type int`,
      `alter table ${table} change column single type double`,
      `alter table ${table} change column day type timestamp_ntz`,
      `alter table ${table} change column price type decimal(12, 4)`,
      `alter table ${table} change column place.x type int`,
      `alter table ${table} change column id type bigint`,
      `insert into ${table} values (9007199254740993, 100000, 0.1d, timestamp_ntz '2024-02-29 01:02:03', 12345678.1234, named_struct('x', 70000))`,
    ],
    check: (newest) => assert.equal(property(newest, 'delta.enableTypeWidening'), 'true'),
  },
  {
    name: 'features that bind writers only',
    statements: (table) => [
      `create table ${table} (id int, amount double default 1.5) using delta ${properties(
        "'delta.enableInCommitTimestamps' = 'true'",
        "'delta.enableRowTracking' = 'true'",
        "'delta.enableChangeDataFeed' = 'true'",
        "'delta.feature.allowColumnDefaults' = 'supported'",
        withVectors,
      )}`,
      `insert into ${table} values (1, 1), (2, 2), (3, default)`,
      `alter table ${table} add constraint positive check (amount > 0)`,
      `update ${table} set amount = 7 where amount = 2`,
      `delete from ${table} where amount = 1`,
    ],
    check: (newest) => assert.ok(newest.protocol.writerFeatures?.includes('inCommitTimestamp')),
  },
  {
    name: 'liquid clustering',
    statements: (table) => [
      `create table ${table} (id int, text string, amount double) using delta cluster by (id, text)`,
      `insert into ${table} ${range(100)}`,
      `insert into ${table} ${range(100, 50)}`,
      `optimize ${table}`,
    ],
    check: (newest) => assert.ok(newest.protocol.writerFeatures?.includes('clustering')),
  },
];
