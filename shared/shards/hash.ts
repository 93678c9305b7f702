// Pure. Which shard a device belongs to. Never changes: a device that moved would leave its open windows behind.

const encoder = new TextEncoder();

/** MurmurHash3 (x86, 32 bits, seed 0) of the id's UTF-8 bytes, modulo the number of shards. */
export function shardOf(deviceId: string, shardCount: number): number {
  return murmur3(encoder.encode(deviceId)) % shardCount;
}

export function murmur3(bytes: Uint8Array): number {
  const blockEnd = bytes.length & ~3;
  let hash = 0;
  for (let offset = 0; offset < blockEnd; offset += 4) {
    hash ^= scrambled(wordAt(bytes, offset, 4));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  if (blockEnd < bytes.length) hash ^= scrambled(wordAt(bytes, blockEnd, bytes.length - blockEnd));
  return avalanche(hash ^ bytes.length);
}

/** Little endian. */
function wordAt(bytes: Uint8Array, offset: number, count: number): number {
  let word = 0;
  for (let index = count - 1; index >= 0; index--) word = (word << 8) | bytes[offset + index]!;
  return word;
}

function scrambled(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function avalanche(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
