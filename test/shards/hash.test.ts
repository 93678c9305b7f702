import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { murmur3, shardOf } from '../../shared/shards/hash.js';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('the hash of devices', () => {
  it('is MurmurHash3, by its published vectors', () => {
    const vectors: readonly [text: string, hash: number][] = [
      ['', 0],
      ['test', 0xba6bd213],
      ['Hello, world!', 0xc0363e43],
      ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
    ];
    for (const [text, hash] of vectors) assert.equal(murmur3(bytes(text)), hash, text);
  });

  it('puts devices where it has always put them', () => {
    const devices = ['device_1', 'device_2', 'device_3', 'sensor-001', 'Gerät/7', '温度', '__proto__', ''];
    assert.deepEqual(
      devices.map((device) => shardOf(device, 16)),
      [11, 12, 3, 3, 11, 15, 2, 0],
    );
  });

  it('spreads numbered devices evenly, whatever the number of shards', () => {
    for (const shardCount of [1, 3, 16, 64, 100]) {
      const counts = new Array<number>(shardCount).fill(0);
      for (let device = 0; device < 20_000; device++) {
        const shard = shardOf(`sensor-${String(device).padStart(6, '0')}`, shardCount);
        counts[shard] = counts[shard]! + 1;
      }
      const mean = 20_000 / shardCount;
      const deviation = Math.sqrt(counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / shardCount);
      assert.ok(deviation < 2 * Math.sqrt(mean), `${shardCount} shards: ${deviation} around ${mean}`);
    }
  });
});
