// Ids that follow from what they identify.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stableId } from '../../shared/alerts/index.js';
import { murmur128 } from '../../shared/alerts/stableId.js';
import { ofSeeds } from '../support/seeds.js';

function hex(text: string): string {
  const words = murmur128(new TextEncoder().encode(text));
  return [...words].map((word) => word.toString(16).padStart(8, '0')).join('');
}

describe('the hash of ids', () => {
  it('is MurmurHash3 x86 128 as others compute it', () => {
    // From mmh3 5, hash_bytes(text, 0, x64arch=False), as four little endian words.
    const digests: Readonly<Record<string, string>> = {
      '': '00000000000000000000000000000000',
      abcd: '96b6ccaa45afc62e45afc62e45afc62e',
      '0123456789abcdef': 'fb7d440936aed30a48ad1d9b572b3bfd',
      'The quick brown fox jumps over the lazy dog': '2f1583c3ecee2c675d7bf66ce5e91d2c',
      'I will not buy this record, it is scratched.': 'a0a9683b25ac5e40d9af2895890dddf5',
    };
    for (const [text, digest] of Object.entries(digests)) assert.equal(hex(text), digest);
  });

  it('never changes', () => {
    assert.equal(stableId(['device_1', 'temperature', 7]), stableId(['device_1', 'temperature', 7]));
    assert.equal(stableId(['Gerät', 'temperature', 7]), 'fe94c2b2fa68e038c84982fd7ee7b8af');
  });

  it('tells where one part ends and the next begins', () => {
    assert.notEqual(stableId(['a', 'b:c']), stableId(['a:b', 'c']));
    assert.notEqual(stableId(['a', '']), stableId(['', 'a']));
    assert.notEqual(stableId(['12', '3']), stableId(['1', '23']));
  });

  const count = ofSeeds(200_000);

  it(`does not repeat itself among ${count} ids that differ in a digit or two`, () => {
    const ids = new Set<string>();
    for (let number = 0; number < count; number++) ids.add(stableId(['device', number % 100, number]));
    assert.equal(ids.size, count);
  });
});
