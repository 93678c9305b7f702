// Parquet files written by DuckDB: every type, row group by row group, by ranges or decompressed.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  DateValue,
  ExactNumber,
  readRecords,
  TimestampValue,
} from '../../../shared/autoloader/formats/index.js';
import { duckDb } from '../../parquet/duckdb.js';
import { landed, onlyBad, readAll, readShort } from './landed.js';

const db = duckDb();
let fileCount = 0;

async function parquetOf(sql: string, options = ''): Promise<Buffer> {
  const { folder, run } = await db();
  const path = join(folder, `written-${fileCount++}.parquet`);
  await run(`COPY (${sql}) TO '${path}' (FORMAT parquet${options})`);
  return readFileSync(path);
}

const everyType = `SELECT true AS flag, 7::TINYINT AS tiny, 9007199254740993::BIGINT AS big, 5::BIGINT AS small,
  1.5::FLOAT AS single, 'NaN'::DOUBLE AS odd, 'é' AS text, '\\x01\\xFF'::BLOB AS bytes, DATE '2024-02-29' AS day,
  -12.30::DECIMAL(9,2) AS price, 0.05::DECIMAL(38,3) AS wide, TIMESTAMPTZ '2024-02-29 12:00:00.000001+00' AS at,
  TIMESTAMP '1969-12-31 23:59:59.999999' AS local, NULL::INTEGER AS nothing,
  {'a': 1, 'b': {'c': [1, NULL]}} AS nested, [{'x': 1}, NULL] AS list, MAP {'k': 1.5::DOUBLE, '__proto__': NULL} AS tags,
  MAP {3: 'three'} AS by_number`;

describe('Parquet', () => {
  it('keeps the values of every type, and declares its columns', async () => {
    const chunks = [];
    for await (const chunk of readRecords(landed('a.parquet', await parquetOf(everyType))))
      chunks.push(chunk);
    const record = chunks[0]?.records[0];
    assert.ok(record?.kind === 'record' && chunks.length === 1);
    const tags = JSON.parse('{"k":1.5,"__proto__":null}');
    assert.deepEqual(record.value, {
      flag: true,
      tiny: 7,
      big: new ExactNumber('9007199254740993'),
      small: 5,
      single: 1.5,
      odd: Number.NaN,
      text: 'é',
      bytes: new Uint8Array([1, 255]),
      day: new DateValue(19_782),
      price: new ExactNumber('-12.30'),
      wide: new ExactNumber('0.050'),
      at: new TimestampValue(Date.UTC(2024, 1, 29, 12) * 1000 + 1, true),
      local: new TimestampValue(-1, false),
      nothing: null,
      nested: { a: 1, b: { c: [1, null] } },
      list: [{ x: 1 }, null],
      tags,
      by_number: { 3: 'three' },
    });
    const declared = Object.fromEntries(chunks[0]?.fields?.map(({ name, type }) => [name, type]) ?? []);
    assert.deepEqual(
      [
        declared.tiny,
        declared.small,
        declared.odd,
        declared.day,
        declared.at,
        declared.local,
        declared.nothing,
      ],
      ['byte', 'long', 'double', 'date', 'timestamp', 'timestamp_ntz', 'integer'],
    );
    assert.deepEqual(declared.price, { kind: 'decimal', precision: 9, scale: 2 });
  });

  it('is read row group by row group, in order, by ranges', async () => {
    const bytes = await parquetOf(
      "SELECT i AS row, 'text ' || i AS text, [i, i + 1] AS list FROM range(10000) t(i)",
      ', ROW_GROUP_SIZE 2048',
    );
    const ranges: number[] = [];
    const file = {
      ...landed('a.parquet', bytes),
      read: async ({ start, end }: { start: number; end: number }) => {
        ranges.push(start);
        return bytes.subarray(start, end);
      },
    };
    let row = 0;
    for await (const { records } of readRecords(file)) {
      assert.ok(records.length <= 1000);
      for (const record of records) {
        const expected = { row, text: `text ${row}`, list: [row, row + 1] };
        assert.deepEqual(record, { kind: 'record', row, value: expected });
        row++;
      }
    }
    assert.equal(row, 10_000);
    assert.ok(ranges.length > 0);
  });

  it('without its extension is recognised, and read from gzip, too', async () => {
    const bytes = await parquetOf("SELECT 1 AS a, 'x' AS b");
    for (const [path, content] of [
      ['part-0', bytes],
      ['a.parquet.gz', gzipSync(bytes)],
      ['part-0', gzipSync(bytes)],
    ] as const) {
      assert.deepEqual(await readShort(landed(path, content, 50)), [{ a: 1, b: 'x' }]);
    }
  });

  it('in an envelope is unwrapped', async () => {
    const bytes = await parquetOf(
      `SELECT 1::BIGINT AS "SequenceNumber", '7' AS "Offset", 'now' AS "EnqueuedTimeUtc", MAP {'a': 'b'} AS "SystemProperties",
       MAP {'c': 'd'} AS "Properties", '{"x":1}'::BLOB AS "Body"`,
    );
    const [value] = await readShort(landed('a.parquet', bytes));
    assert.equal((value as { x: number }).x, 1);
  });

  it('cut, damaged, or with a type that nothing stands for is one bad record', async () => {
    const bytes = await parquetOf('SELECT i, i * 1.5::DOUBLE AS d FROM range(5000) t(i)');
    assert.equal((await onlyBad(landed('a.parquet', bytes.subarray(0, -10)))).reason, 'invalid_parquet');
    assert.equal((await onlyBad(landed('a.parquet', 'not parquet'))).reason, 'invalid_parquet');
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, 4, 400);
    const bad = await onlyBad(landed('a.parquet', damaged));
    assert.deepEqual([bad.row, bad.reason], [-1, 'invalid_parquet']);
    const time = await onlyBad(landed('a.parquet', await parquetOf("SELECT TIME '12:00:00' AS t")));
    assert.equal(time.reason, 'unsupported');
    assert.match(time.detail, /"t"/);
  });

  it('with any part overwritten never throws', async () => {
    const bytes = await parquetOf("SELECT i, [i] AS l, 'text' || i AS s FROM range(50) t(i)");
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 0xff;
      await readAll(landed('a.parquet', changed));
    }
  });
});
