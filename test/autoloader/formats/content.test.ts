// Compression, encodings and the choice of a format: by content, within bounds, and never by throwing.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { TributaryError } from '../../../shared/base/index.js';
import { query } from '../../support/duckdb.js';
import { landed, onlyBad, readAll, readShort } from './landed.js';

const lines = (count: number) => Array.from({ length: count }, (_, index) => `{"row":${index}}\n`).join('');
const rows = (count: number) => Array.from({ length: count }, (_, row) => ({ row }));

/** `count` lines `{"row":...}` compressed by DuckDB. */
async function zstdLines(count: number): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'formats-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'a.zst');
  // One column with a delimiter and a quote that do not occur: the lines as they are.
  await query(
    `COPY (SELECT '{"row":' || i || '}' FROM range(${count}) t(i)) TO '${path}'
     (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '|', COMPRESSION zstd)`,
  );
  return readFileSync(path);
}

describe('gzip', () => {
  it('is known by its first bytes, whatever the name, member after member', async () => {
    const bytes = Buffer.concat([gzipSync(lines(2)), gzipSync('{"row":2}\n')]);
    for (const chunkBytes of [1, 7, 1000]) {
      assert.deepEqual(await readShort(landed('a.ndjson', bytes, chunkBytes)), rows(3));
    }
    assert.deepEqual(await readShort(landed('a.json.gz', gzipSync(JSON.stringify(rows(3))))), rows(3));
    assert.deepEqual(await readShort(landed('a.csv.gz', gzipSync('row\n1\n'))), [{ row: '1' }]);
  });

  it('cut in the middle gives what comes before, the same however it arrives', async () => {
    const random = lines(20_000)
      .replaceAll('row', 'r')
      .replace(/\d+/g, (digits) => String(Number(digits) * 7919));
    const bytes = gzipSync(random);
    const cut = bytes.subarray(0, bytes.length >> 1);
    const records = await readAll(landed('a.ndjson.gz', cut));
    const last = records.at(-1);
    assert.ok(records.length > 5000);
    assert.deepEqual(last?.kind === 'bad' && [last.row, last.reason], [-1, 'truncated']);
    assert.ok(records.slice(0, -2).every(({ kind }) => kind === 'record'));
    assert.deepEqual(await readAll(landed('a.ndjson.gz', cut, 777)), records);
  });

  it('with damage gives what comes before, the same however it arrives', async () => {
    const bytes = gzipSync(lines(50_000));
    bytes.fill(0xff, bytes.length - 2000, bytes.length - 1500);
    const records = await readAll(landed('a.ndjson', bytes));
    const last = records.at(-1);
    assert.ok(records.length > 1000);
    assert.deepEqual(last?.kind === 'bad' && [last.row, last.reason], [-1, 'invalid_gzip']);
    assert.deepEqual(await readAll(landed('a.ndjson', bytes, 501)), records);
  });

  it('with padding behind it is read to its end', async () => {
    const bytes = Buffer.concat([gzipSync(lines(3)), Buffer.alloc(100_000)]);
    assert.deepEqual(await readShort(landed('a.ndjson', bytes, 1000)), rows(3));
  });

  it('never takes a record that was cut for a whole one', async () => {
    const bytes = gzipSync('{"a":"b"}\n12', { level: 0 });
    const trailerBytes = 8;
    const cut = bytes.subarray(0, bytes.length - trailerBytes);
    assert.deepEqual(
      await readShort(landed('a.csv', gzipSync('a\n1\n23', { level: 0 }).subarray(0, -trailerBytes))),
      [{ a: '1' }, 'truncated: 23', 'rest: truncated'],
    );
    assert.deepEqual(await readShort(landed('a.ndjson', cut)), [
      { a: 'b' },
      'truncated: 12',
      'rest: truncated',
    ]);
  });

  it('that decompresses beyond the bounds is refused', async () => {
    const bytes = gzipSync(lines(1000));
    const bounded = await readAll(landed('a.ndjson', bytes), { maxDecompressedBytes: 100 });
    assert.deepEqual(
      bounded.map((record) => record.kind === 'bad' && record.reason),
      ['decompressed_too_large'],
    );
    const bomb = gzipSync(Buffer.alloc(100 * 2 ** 20));
    const bad = await readAll(landed('a.json', bomb), { maxRecordBytes: 1000 });
    assert.deepEqual(
      bad.map((record) => record.kind === 'bad' && record.reason),
      ['record_too_large', 'decompressed_too_large'],
    );
  });
});

describe('zstd', () => {
  it('is known by its first bytes, frame after frame, with frames to skip between them', async () => {
    const frame = await zstdLines(3000);
    const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const bytes = Buffer.concat([frame, skipped, frame]);
    for (const chunkBytes of [13, 100_000]) {
      assert.deepEqual(await readShort(landed('a.ndjson.zst', bytes, chunkBytes)), [
        ...rows(3000),
        ...rows(3000),
      ]);
    }
  });

  it('cut, damaged or too large ends in one bad record', async () => {
    const bytes = await zstdLines(60_000);
    const reasonOf = async (content: Buffer, maxDecompressedBytes = 2 ** 30) => {
      const last = (await readAll(landed('a.ndjson', content), { maxDecompressedBytes })).at(-1);
      return last?.kind === 'bad' && last.row === -1 && last.reason;
    };
    assert.equal(await reasonOf(bytes.subarray(0, bytes.length - 100)), 'truncated');
    assert.equal(await reasonOf(bytes, 10_000), 'decompressed_too_large');
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, 10, 60);
    assert.equal(await reasonOf(damaged), 'invalid_zstd');
    const largeWindow = Buffer.from(bytes);
    largeWindow[4] = 0;
    largeWindow[5] = 0xff;
    assert.equal(await reasonOf(largeWindow), 'unsupported');
  });
});

describe('encodings', () => {
  const text = '{"a":"é😀"}\n{"a":"b"}\n';
  const values = [{ a: 'é😀' }, { a: 'b' }];

  it('UTF-16 is decoded, with a byte order mark or without', async () => {
    const little = Buffer.from(text, 'utf16le');
    const marked = Buffer.from(`\ufeff${text}`, 'utf16le');
    for (const bytes of [little, marked, Buffer.from(little).swap16(), Buffer.from(marked).swap16()]) {
      for (const path of ['a.ndjson', 'a.json', 'a']) {
        for (const chunkBytes of [1, 3, 1000]) {
          assert.deepEqual(await readShort(landed(path, bytes, chunkBytes)), values);
        }
      }
    }
  });

  it('a broken UTF-16 text ends in a bad record', async () => {
    const bytes = Buffer.from(`\ufeff{"a":1}\n{"a":"\ud800 "}\n`, 'utf16le');
    assert.equal((await onlyBad(landed('a.ndjson', bytes))).reason, 'invalid_utf16');
  });
});

describe('formats', () => {
  it('that neither name nor content tell are asked for', async () => {
    for (const path of ['a', 'folder.csv/a.txt', 'a.gz']) {
      const bad = await onlyBad(landed(path, 'a,b\n1,2\n'));
      assert.deepEqual([bad.row, bad.reason], [-1, 'unknown_format']);
      assert.match(bad.detail, new RegExp(`^${path} cannot be read`));
    }
    assert.deepEqual(await readShort(landed('a.txt', 'a\n1\n'), { format: 'csv' }), [{ a: '1' }]);
  });

  it('of empty files are of no interest', async () => {
    for (const path of ['a.json', 'a.ndjson', 'a.csv', 'a.parquet', 'a.avro', 'a', 'a.json.gz']) {
      assert.deepEqual(await readAll(landed(path, '')), []);
      assert.deepEqual(await readAll(landed(path, gzipSync(''))), []);
    }
    assert.deepEqual(await readAll(landed('a.json', ' \n')), []);
    assert.deepEqual(await readAll(landed('a.csv', '\ufeff')), []);
  });

  it('do not hide trouble with storage', async () => {
    const trouble = new TributaryError('STORAGE_UNAVAILABLE', 'The service does not answer.');
    for (const [path, bytes] of [
      ['a.ndjson', Buffer.from(lines(10))],
      ['a.csv', Buffer.from('a\n1\n')],
      ['a.ndjson', gzipSync(lines(10))],
      ['a.ndjson', await zstdLines(10)],
      ['a.avro', Buffer.from('Obj\x01')],
    ] as const) {
      const file = {
        ...landed(path, bytes),
        async *stream() {
          yield bytes;
          throw trouble;
        },
      };
      await assert.rejects(readAll(file), trouble);
    }
    const parquet = { ...landed('a.parquet', 'PAR1PAR1PAR1'), read: () => Promise.reject(trouble) };
    await assert.rejects(readAll(parquet), trouble);
  });
});
