// LZ4 blocks, bare (LZ4_RAW) and in Hadoop's frames (LZ4): also those of one token, and never more than a page has.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import { decompressLz4, decompressLz4Raw } from '../../shared/parquet/reading/lz4.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const block = (...parts: (number | string)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))));

/** Two sizes in front of a block, most significant byte first. */
function framed(body: number, stored: Uint8Array): Uint8Array {
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(body, 0);
  sizes.writeUInt32BE(stored.length, 4);
  return Buffer.concat([sizes, stored]);
}

const samples: readonly [name: string, stored: Uint8Array, body: string][] = [
  ['nothing', block(0x00), ''],
  ['one literal', block(0x10, 'a'), 'a'],
  ['literals with a long length', block(0xf0, 3, 'abcdefghijklmnopqr'), 'abcdefghijklmnopqr'],
  ['a match', block(0x40, 'abcd', 4, 0, 0x10, 'e'), 'abcdabcde'],
  ['a match that overlaps itself', block(0x15, 'x', 1, 0, 0x10, 'y'), 'xxxxxxxxxxy'],
  ['a match with a long length', block(0x1f, 'x', 1, 0, 1, 0x10, 'y'), `${'x'.repeat(21)}y`],
  ['an empty sequence behind a match', block(0x40, 'abcd', 4, 0, 0x00), 'abcdabcd'],
];

describe('a block of LZ4', () => {
  for (const [name, stored, body] of samples) {
    it(`of ${name} comes out whole`, () => {
      assert.equal(text(decompressLz4Raw(stored, body.length)), body);
      assert.equal(text(decompressLz4(stored, body.length)), body, 'bare, as the codec LZ4');
      assert.equal(text(decompressLz4(framed(body.length, stored), body.length)), body, 'in a frame');
    });
  }

  it('in several frames comes out whole', () => {
    const stored = Buffer.concat([framed(9, samples[3]![1]), framed(11, samples[4]![1])]);
    assert.equal(text(decompressLz4(stored, 20)), 'abcdabcdexxxxxxxxxxy');
  });

  const damages: readonly [name: string, stored: Uint8Array, bodyBytes: number][] = [
    ['no bytes for a page that has some', block(), 4],
    ['fewer bytes than the page has', block(0x10, 'a'), 2],
    ['literals that are missing', block(0x40, 'ab'), 4],
    ['a match without its distance', block(0x10, 'a', 1), 9],
    ['a match of what was before the page', block(0x10, 'a', 2, 0, 0x00), 5],
    ['a match beyond the page', block(0x1f, 'a', 1, 0, 255, 255, 0, 0x00), 20],
    ['a size that no block of its length could have', block(0x10, 'a'), 2 ** 30],
  ];
  for (const [name, stored, bodyBytes] of damages) {
    it(`is refused with ${name}`, () => {
      for (const decompress of [decompressLz4, decompressLz4Raw])
        assert.throws(() => decompress(stored, bodyBytes), { code: 'PARQUET_INVALID' });
    });
  }

  it('of noise is refused, or gives the bytes asked for', () => {
    const random = seededRandom(5);
    for (let round = 0; round < 5_000; round++) {
      const stored = Uint8Array.from({ length: Math.floor(random.next() * 40) }, () =>
        Math.floor(random.next() * 256),
      );
      const bodyBytes = Math.floor(random.next() * 60);
      for (const decompress of [decompressLz4, decompressLz4Raw]) {
        try {
          assert.equal(decompress(stored, bodyBytes).length, bodyBytes);
        } catch (error) {
          assert.ok(error instanceof TributaryError, String(error));
        }
      }
    }
  });
});
