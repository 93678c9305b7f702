// Seeded damage to files of every format: nothing throws, and the same bytes give the same records however they arrive.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Random, seededRandom } from '../../../shared/base/index.js';
import { duckDb } from '../../parquet/duckdb.js';
import { landed, readAll } from './landed.js';
import { avroFile } from './writeAvro.js';

const db = duckDb();
const schema = {
  type: 'record',
  name: 'R',
  fields: [
    { name: 'any', type: ['null', 'long', 'string'] },
    { name: 'list', type: { type: 'array', items: 'string' } },
    { name: 'map', type: { type: 'map', values: ['int', 'double', 'null'] } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 } },
  ],
};

async function files(): Promise<readonly (readonly [path: string, bytes: Buffer])[]> {
  const objects = Array.from({ length: 30 }, (_, id) => ({ id, list: [1, 'x"\\', { big: 1e21 }] }));
  const lines = Buffer.from(objects.map((object) => JSON.stringify(object)).join('\n'));
  const csv = objects.map(({ id }) => `${id},"x""${id}",plain`).join('\r\n');
  const values = objects.map(({ id }) => ({
    any: id % 2 === 0 ? id : `text ${id}`,
    list: ['a', `b${id}`],
    map: { x: { int: id }, y: null },
    at: id,
    price: Buffer.from([id]),
  }));
  const { folder, run } = await db();
  const path = join(folder, 'damaged.parquet');
  await run(`COPY (SELECT i, [i] AS l, 'x' || i AS s FROM range(100) t(i)) TO '${path}' (FORMAT parquet)`);
  return [
    ['a.ndjson', lines],
    ['a.json', Buffer.from(JSON.stringify(objects, null, 1))],
    ['a.csv', Buffer.from(`a,b,c\n${csv}`)],
    ['a.avro', await avroFile(schema, values, { blockSize: 150 })],
    ['a.avro', await avroFile(schema, values, { codec: 'deflate', blockSize: 150 })],
    ['a.ndjson.gz', gzipSync(lines)],
    ['a.parquet', readFileSync(path)],
  ];
}

const nastyBytes = Buffer.from('",\n[]{}\\\0\x80\xff', 'latin1');

function damage(bytes: Buffer, random: Random): Buffer {
  const pick = (count: number) => Math.floor(random.next() * count);
  const damaged = Buffer.from(bytes);
  for (let count = pick(4); count >= 0; count--) {
    damaged[pick(damaged.length)] = pick(2) === 0 ? nastyBytes[pick(nastyBytes.length)]! : pick(256);
  }
  return pick(5) === 0 ? damaged.subarray(0, pick(damaged.length)) : damaged;
}

describe('a damaged file', () => {
  it('never makes a reader throw, and gives the same records however it arrives', async () => {
    const random = seededRandom(99);
    for (const [path, bytes] of await files()) {
      for (let round = 0; round < 25; round++) {
        const damaged = damage(bytes, random);
        const records = await readAll(landed(path, damaged));
        const chunkBytes = 1 + Math.floor(random.next() * 30);
        assert.deepEqual(
          await readAll(landed(path, damaged, chunkBytes)),
          records,
          `${path}, round ${round}`,
        );
      }
    }
  });
});
