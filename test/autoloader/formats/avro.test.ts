// Avro object container files, written by avsc: types, codecs, damage, bombs.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import avro from 'avsc';
import { snappyCompressor } from 'hysnappy';
import {
  DateValue,
  ExactNumber,
  readRecords,
  TimestampValue,
} from '../../../shared/autoloader/formats/index.js';
import { landed, landedInTwo, onlyBad, readAll, readShort } from './landed.js';
import { avroFile, type Codecs } from './writeAvro.js';

const simple = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'text', type: 'string', default: '' },
  ],
};
const readings = (count: number) => Array.from({ length: count }, (_, id) => ({ id, text: `é${id}` }));

const codecs: Codecs = {
  null: (bytes, done) => done(null, bytes),
  deflate: (bytes, done) => done(null, deflateRawSync(bytes)),
  snappy: (bytes, done) => {
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(bytes));
    done(null, Buffer.concat([snappyCompressor()(bytes), checksum]));
  },
  zstandard: (bytes, done) => done(null, storedZstd(bytes)),
};

/** A frame of one segment and one raw block (RFC 8878 section 3.1). */
function storedZstd(bytes: Buffer): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes.length, 5);
  head.writeUIntLE(bytes.length * 8 + 1, 9, 3);
  return Buffer.concat([head, bytes]);
}

describe('Avro', () => {
  it('is read block by block, with every codec, compressed as a whole or not, wherever chunks end', async () => {
    const values = readings(200);
    for (const codec of ['null', 'deflate', 'snappy', 'zstandard']) {
      const bytes = await avroFile(simple, values, { codec, codecs, blockSize: 500 });
      for (const chunkBytes of [1, 100, 100_000]) {
        assert.deepEqual(await readShort(landed('a.avro', bytes, chunkBytes)), values, codec);
      }
      assert.deepEqual(await readShort(landed('a', gzipSync(bytes))), values);
    }
  });

  it('with a codec that is not supported says so', async () => {
    const bytes = await avroFile(simple, readings(1), { codec: 'null', codecs });
    const at = bytes.indexOf('avro.codec\x08null');
    assert.ok(at > 0);
    bytes.write('lzma', at + 11);
    const bad = await onlyBad(landed('a.avro', bytes));
    assert.deepEqual([bad.row, bad.reason], [-1, 'unsupported']);
    assert.match(bad.detail, /lzma/);
  });

  it('keeps the values of every type, and declares its columns', async () => {
    const long = (value: number) => ({ long: value });
    const schema = {
      type: 'record',
      name: 'All',
      namespace: 'test',
      fields: [
        { name: 'flag', type: 'boolean' },
        { name: 'big', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'nanos', type: { type: 'long', logicalType: 'timestamp-nanos' } },
        { name: 'local', type: { type: 'long', logicalType: 'local-timestamp-millis' } },
        { name: 'day', type: { type: 'int', logicalType: 'date' } },
        { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 } },
        { name: 'odd', type: { type: 'string', logicalType: 'decimal', precision: 6 } },
        { name: 'fixed', type: { type: 'fixed', name: 'Two', size: 2 } },
        { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
        { name: 'single', type: 'float' },
        { name: 'maybe', type: ['null', 'double'], default: null },
        { name: 'any', type: ['int', 'long', 'string', 'null'] },
        { name: 'tags', type: { type: 'map', values: ['null', 'string'] } },
        {
          name: 'nested',
          type: {
            type: 'record',
            name: 'Node',
            fields: [
              { name: 'x', type: 'int' },
              { name: 'next', type: ['null', 'Node'] },
            ],
          },
        },
        { name: 'list', type: { type: 'array', items: 'Node' } },
        { name: 'nothing', type: 'null' },
      ],
    };
    const value = {
      flag: true,
      big: 2 ** 40,
      nanos: -1001,
      local: 1500,
      day: 20_000,
      price: Buffer.from([0xff, 0x85]),
      odd: 'as it is',
      fixed: Buffer.from([1, 2]),
      kind: 'B',
      single: 1.5,
      maybe: null,
      any: long(7),
      tags: { a: 'x', b: null },
      nested: { x: 1, next: { x: 2, next: null } },
      list: [{ x: 3, next: null }],
      nothing: null,
    };
    const bytes = await avroFile(schema, [value]);
    const chunks = [];
    for await (const chunk of readRecords(landed('a.avro', bytes))) chunks.push(chunk);
    assert.deepEqual(chunks[0]?.records, [
      {
        kind: 'record',
        row: 0,
        value: {
          ...value,
          big: new TimestampValue(2 ** 40, true),
          nanos: new TimestampValue(-2, true),
          local: new TimestampValue(1_500_000, false),
          day: new DateValue(20_000),
          price: new ExactNumber('-1.23'),
          any: 7,
          nested: { x: 1, next: { x: 2, next: null } },
        },
      },
    ]);
    const declared = Object.fromEntries(chunks[0]?.fields?.map(({ name, type }) => [name, type]) ?? []);
    assert.deepEqual(declared.price, { kind: 'decimal', precision: 6, scale: 2 });
    assert.deepEqual(
      [
        declared.big,
        declared.local,
        declared.day,
        declared.odd,
        declared.fixed,
        declared.kind,
        declared.maybe,
      ],
      ['timestamp', 'timestamp_ntz', 'date', 'string', 'binary', 'string', 'double'],
    );
    assert.ok(!('any' in declared), 'a union of several types is no column type');
    assert.deepEqual(declared.nested, {
      kind: 'struct',
      fields: [{ name: 'x', type: 'integer', nullable: false }],
    });
  });

  it('keeps longs beyond 2^53', async () => {
    const schema = { type: 'record', name: 'R', fields: [{ name: 'n', type: 'long' }] };
    const bytes = await avroFile(schema, [{ n: 1 }]);
    // The record's one byte becomes the ten of the smallest long.
    const at = bytes.length - 16 - 1;
    const smallest = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    const longer = Buffer.concat([bytes.subarray(0, at), smallest, bytes.subarray(at + 1)]);
    longer[at - 1] = 2 * smallest.length;
    assert.deepEqual(await readShort(landed('a.avro', longer)), [
      { n: new ExactNumber('-9223372036854775808') },
    ]);
  });
});

describe('damaged Avro', () => {
  it('costs the damaged block and goes on at the next sync marker', async () => {
    const values = readings(300);
    const bytes = await avroFile(simple, values, { blockSize: 200 });
    const sync = bytes.subarray(-16);
    const firstBlock = bytes.indexOf(sync) + 16;
    const damagedSync = Buffer.from(bytes);
    damagedSync.fill(0, bytes.indexOf(sync, firstBlock), bytes.indexOf(sync, firstBlock) + 16);
    const damagedLength = Buffer.from(bytes);
    damagedLength.fill(0xff, firstBlock, firstBlock + 12);
    for (const damaged of [damagedSync, damagedLength]) {
      const records = await readAll(landed('a.avro', damaged, 333));
      const bad = records.filter((record) => record.kind === 'bad');
      assert.deepEqual(
        bad.map(({ row, offset, reason }) => [row, offset, reason]),
        [[0, firstBlock, 'invalid_avro']],
      );
      const last = records.at(-1);
      assert.ok(records.length > 200 && last?.kind === 'record');
      assert.deepEqual(last.value, values.at(-1));
    }
  });

  it('costs the rest of a block whose records do not fit', async () => {
    const bytes = await avroFile(simple, readings(10));
    const at = bytes.indexOf('é5') - 1;
    bytes[at] = 0x7e;
    const records = await readAll(landed('a.avro', bytes));
    assert.equal(records.filter(({ kind }) => kind === 'record').length >= 5, true);
    const bad = records.at(-1);
    assert.ok(bad?.kind === 'bad' && bad.reason === 'invalid_avro');
    assert.ok(bad.bytes.length > 0);
  });

  it('costs a record whose text is not UTF-8, in a field of either spelling', async () => {
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'a', type: 'string' },
        { name: 'b', type: ['null', { type: 'string', 'avro.java.string': 'String' }] },
      ],
    };
    const bytes = await avroFile(schema, [
      { a: 'one', b: null },
      { a: 'xx', b: null },
      { a: 'two', b: 'yy' },
      { a: 'end', b: 'end' },
    ]);
    bytes[bytes.indexOf('xx')] = 0xff;
    bytes[bytes.indexOf('yy')] = 0xff;
    assert.deepEqual(await readShort(landed('a.avro', bytes)), [
      { a: 'one', b: null },
      'invalid_utf8: \x04\xffx\0',
      'invalid_utf8: \x06two\x02\x04\xffy',
      { a: 'end', b: 'end' },
    ]);
  });

  it('cut anywhere gives a part of its records and says so, and never throws', async () => {
    const values = readings(12);
    const bytes = await avroFile(simple, values, { blockSize: 30 });
    for (let length = 1; length < bytes.length; length++) {
      const records = await readAll(landedInTwo('a.avro', bytes.subarray(0, length), length >> 1));
      const good = records.flatMap((record) => (record.kind === 'record' ? [record.value] : []));
      assert.deepEqual(good, values.slice(0, good.length));
      const isAtBlockEnd = bytes.subarray(length - 16, length).equals(bytes.subarray(-16));
      assert.equal(records.length - good.length, isAtBlockEnd ? 0 : 1, `cut at ${length}`);
    }
  });

  it('with any one byte changed never throws', async () => {
    const bytes = await avroFile(simple, readings(5), { codec: 'deflate', codecs });
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 0xff;
      await readAll(landed('a.avro', changed));
    }
  });

  it('does not let lengths that were made up fill the memory', async () => {
    for (const items of ['null', 'int', { type: 'fixed', name: 'F', size: 0 }]) {
      const schema = { type: 'record', name: 'R', fields: [{ name: 'a', type: { type: 'array', items } }] };
      const bytes = await avroFile(schema, [{ a: [] }]);
      const count = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x08]); // 2^30 elements
      const at = bytes.length - 17;
      const bomb = Buffer.concat([bytes.subarray(0, at), count, bytes.subarray(at)]);
      bomb[at - 1] = 2 * (count.length + 1);
      const bad = await onlyBad(landed('a.avro', bomb));
      assert.equal(bad.reason, 'invalid_avro');
    }
  });

  it('refuses schemas that are no records, too deep, or no schema', async () => {
    const file = (schemaText: string) => {
      const header = avro.Type.forSchema({
        type: 'record',
        name: 'Header',
        fields: [
          { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
          { name: 'meta', type: { type: 'map', values: 'bytes' } },
          { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
        ],
      });
      const meta = { 'avro.schema': Buffer.from(schemaText) };
      return landed(
        'a.avro',
        header.toBuffer({ magic: Buffer.from('Obj\x01'), meta, sync: Buffer.alloc(16) }),
      );
    };
    const deep = `${'{"type":"array","items":'.repeat(5000)}"int"${'}'.repeat(5000)}`;
    const record = (name: string, type = '"int"') =>
      `{"type":"record","name":"R","fields":[{"name":"${name}","type":${type}}]}`;
    for (const [schema, reason] of [
      ['"int"', 'unsupported'],
      [record('a', deep), 'too_deep'],
      [record('__proto__'), 'unsupported'],
      [record('a b'), 'invalid_avro'],
      ['{"type":"none"}', 'invalid_avro'],
      ['null', 'invalid_avro'],
      ['{', 'invalid_avro'],
    ] as const) {
      assert.equal((await onlyBad(file(schema))).reason, reason, schema.slice(0, 50));
    }
  });
});
