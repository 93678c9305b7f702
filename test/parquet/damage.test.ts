// Damaged files: cut short, bits turned, lies in the footer. Each ends in a PARQUET error or, where the damage
// touches nothing that is read, in the same content; never in another error, a hang or a crash.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import {
  type ColumnBatch,
  encodeParquet,
  type ParquetCodec,
  readParquet,
} from '../../shared/parquet/index.js';
import { ofSeeds } from '../support/seeds.js';
import { allTypes, assertColumnsEqual, batchOf, field, plainColumns, randomColumn } from './values.js';

function sampleFile(codec: ParquetCodec, distinct: number): Uint8Array {
  const random = seededRandom(41);
  const columns = allTypes.map((type) =>
    randomColumn(field(type, type), random, { rowCount: 120, nullShare: 0.2, distinct }),
  );
  return encodeParquet(batchOf(columns), { codec, rowGroupRows: 70, maxPageBytes: 200 }).bytes;
}

/** The batch, or the code of the TributaryError; anything else fails the test. */
async function outcome(bytes: Uint8Array): Promise<ColumnBatch | string> {
  try {
    return await readParquet(bytes);
  } catch (error) {
    if (error instanceof TributaryError) return error.code;
    throw new Error('damage led to an error without a code', { cause: error });
  }
}

function metadataStart(bytes: Uint8Array): number {
  return bytes.length - 8 - new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true);
}

const samples: readonly [name: string, codec: ParquetCodec, distinct: number][] = [
  ['plain, uncompressed', 'none', Number.POSITIVE_INFINITY],
  ['plain, snappy', 'snappy', Number.POSITIVE_INFINITY],
  ['dictionary, uncompressed', 'none', 4],
  ['dictionary, snappy', 'snappy', 4],
];

for (const [name, codec, distinct] of samples) {
  describe(`a damaged file (${name})`, () => {
    const bytes = sampleFile(codec, distinct);

    it('that is cut short is PARQUET_INVALID', async () => {
      for (let length = 0; length < bytes.length; length += 97) {
        assert.equal(await outcome(bytes.slice(0, length)), 'PARQUET_INVALID', `cut to ${length} bytes`);
      }
    });

    it('that lacks its start is PARQUET_INVALID', async () => {
      for (let start = 97; start < bytes.length; start += 997) {
        assert.equal(
          await outcome(bytes.slice(start)),
          'PARQUET_INVALID',
          `without its first ${start} bytes`,
        );
      }
    });

    it('with a bit turned in its pages is PARQUET_INVALID or has the same content', async () => {
      const random = seededRandom(42);
      const content = plainColumns(await readParquet(bytes));
      const dataEnd = metadataStart(bytes);
      let refused = 0;
      for (let round = 0; round < ofSeeds(1000); round++) {
        const damaged = bytes.slice();
        const offset = Math.floor(random.next() * dataEnd);
        damaged[offset]! ^= 1 << Math.floor(random.next() * 8);
        const result = await outcome(damaged);
        if (typeof result === 'string') {
          assert.match(result, /^PARQUET_(INVALID|UNSUPPORTED)$/);
          refused += 1;
        } else {
          assertColumnsEqual(plainColumns(result), content, `bit turned at ${offset}`);
        }
      }
      assert.ok(refused > ofSeeds(900), `only ${refused} of ${ofSeeds(1000)} were noticed`);
    });

    it('with bits turned in its footer ends in a PARQUET error or a batch', async () => {
      const random = seededRandom(43);
      const content = plainColumns(await readParquet(bytes));
      const dataEnd = metadataStart(bytes);
      let refused = 0;
      for (let round = 0; round < ofSeeds(1000); round++) {
        const damaged = bytes.slice();
        for (let turned = 0; turned <= round % 3; turned++) {
          const offset = dataEnd + Math.floor(random.next() * (bytes.length - dataEnd));
          damaged[offset]! ^= 1 << Math.floor(random.next() * 8);
        }
        const result = await outcome(damaged);
        if (typeof result === 'string') {
          assert.match(result, /^PARQUET_(INVALID|UNSUPPORTED)$/);
          refused += 1;
        } else if (round % 3 === 0) {
          assertColumnsEqual(plainColumns(result), content, `round ${round}`);
        }
      }
      assert.ok(refused > ofSeeds(100), `only ${refused} of ${ofSeeds(1000)} were noticed`);
    });

    it('overwritten with noise ends in a PARQUET error or a batch', async () => {
      const random = seededRandom(44);
      for (let round = 0; round < ofSeeds(300); round++) {
        const damaged = bytes.slice();
        const start = Math.floor(random.next() * (damaged.length - 4));
        const length = 1 + Math.floor(random.next() * 300);
        for (let offset = start; offset < Math.min(start + length, damaged.length - 4); offset++) {
          damaged[offset] = Math.floor(random.next() * 256);
        }
        const result = await outcome(damaged);
        if (typeof result === 'string') assert.match(result, /^PARQUET_(INVALID|UNSUPPORTED)$/);
      }
    });
  });
}

describe('what is no Parquet file', () => {
  const cases: readonly [name: string, bytes: Uint8Array, message: RegExp][] = [
    ['nothing at all', new Uint8Array(0), /0 bytes are too few/],
    ['JSON', Buffer.from('{"reading": 1, "device": "a"}'), /does not end in PAR1/],
    ['only the magic', Buffer.from('PAR1PAR1PAR1'), /footer claims/],
    ['a footer larger than the file', Buffer.from('PAR1\u0000\u0000\u0000\u007fPAR1'), /footer claims/],
  ];
  for (const [name, bytes, message] of cases) {
    it(`is named as such: ${name}`, async () => {
      await assert.rejects(readParquet(new Uint8Array(bytes)), (error: unknown) => {
        assert.ok(error instanceof TributaryError);
        assert.equal(error.code, 'PARQUET_INVALID');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('is PARQUET_UNSUPPORTED when its footer is encrypted', async () => {
    const encrypted = sampleFile('none', 4);
    encrypted.set(Buffer.from('PARE'), encrypted.length - 4);
    assert.equal(await outcome(encrypted), 'PARQUET_UNSUPPORTED');
  });

  it('names the column in which a page is damaged', async () => {
    const columns = [
      { field: field('sound', 'integer'), values: [1, 2, 3] },
      { field: field('broken', 'string'), values: ['needle', 'b', 'c'] },
    ];
    const { bytes } = encodeParquet(batchOf(columns), { codec: 'none' });
    const offset = Buffer.from(bytes).indexOf('needle');
    bytes[offset]! ^= 1;
    await assert.rejects(readParquet(bytes), /Column "broken" cannot be read.*checksum/);
    assert.deepEqual(plainColumns(await readParquet(bytes, { columns: ['sound'] })), [[1, 2, 3]]);
  });
});
