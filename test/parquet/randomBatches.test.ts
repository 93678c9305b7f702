// Seeded random batches through the encoder with random options: whatever goes in comes out.
import { describe, it } from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { type Random, seededRandom } from '../../shared/base/index.js';
import { type EncodeOptions, encodeParquet, readParquet } from '../../shared/parquet/index.js';
import { ofSeeds } from '../support/seeds.js';
import {
  allTypes,
  assertColumnsEqual,
  batchOf,
  expectedColumns,
  field,
  type Plain,
  plainColumns,
  randomColumn,
  type TestColumn,
} from './values.js';

function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random.next() * choices.length)]!;
}

function randomColumns(random: Random): TestColumn[] {
  const rowCount = Math.floor(random.next() ** 3 * 1200);
  const columnCount = 1 + Math.floor(random.next() * 6);
  return Array.from({ length: columnCount }, (_, index) =>
    randomColumn(field(`column ${index}`, oneOf(random, allTypes), random.next() < 0.7), random, {
      rowCount,
      nullShare: oneOf(random, [0, 0.01, 0.5, 0.97, 1]),
      distinct: oneOf(random, [1, 2, 4, 17, 256, Number.POSITIVE_INFINITY]),
    }),
  );
}

function randomOptions(random: Random): EncodeOptions {
  return {
    codec: oneOf(random, ['none', 'snappy'] as const),
    rowGroupRows: oneOf(random, [1_000_000, 1000, 333, 50]),
    maxPageBytes: oneOf(random, [1, 37, 512, 8192, 1_048_576]),
  };
}

async function byHyparquet(bytes: Uint8Array, columns: readonly TestColumn[]): Promise<Plain[][]> {
  const rows = await parquetReadObjects({
    file: bytes.slice().buffer,
    utf8: false,
    parsers: {
      timestampFromMicroseconds: (micros) => micros,
      dateFromDays: (days) => days,
      stringFromBytes: (utf8) => Buffer.from(utf8).toString('utf8'),
    },
  });
  return columns.map(({ field: { name } }) =>
    rows.map((row) => {
      const value: unknown = row[name];
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      return (value ?? null) as Plain;
    }),
  );
}

describe('random batches', () => {
  it('come back from our reader (many seeds) and from hyparquet (every tenth)', async () => {
    for (let seed = 0; seed < ofSeeds(300); seed++) {
      const random = seededRandom(seed);
      const columns = randomColumns(random);
      const { bytes } = encodeParquet(batchOf(columns), randomOptions(random));
      const expected = expectedColumns(columns);
      assertColumnsEqual(plainColumns(await readParquet(bytes)), expected, `seed ${seed}`);
      if (seed % 10 === 0 && expected[0]!.length > 0) {
        assertColumnsEqual(await byHyparquet(bytes, columns), expected, `seed ${seed}, hyparquet`);
      }
    }
  });

  it('give the same bytes whatever was encoded before', () => {
    const encode = (seed: number) => {
      const random = seededRandom(seed);
      return Buffer.from(encodeParquet(batchOf(randomColumns(random)), randomOptions(random)).bytes).toString(
        'hex',
      );
    };
    const first = encode(5);
    for (const seed of [6, 7, 8]) encode(seed);
    const again = encode(5);
    if (first !== again) throw new Error('bytes left over from another batch changed the file');
  });
});
