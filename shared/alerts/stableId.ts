// Pure. Ids that follow from what they identify: the same parts give the same id in every process, for ever.

const encoder = new TextEncoder();

/**
 * 32 hexadecimal digits: MurmurHash3 (x86, 128 bits, seed 0) of the parts, each with its length before it, as UTF-8.
 * Among a billion ids the odds that any two are alike are about 1 in 10^21 (n^2 / 2^129). No shield against somebody who
 * wants two alike: such a device hides one of its own alerts, no other device's, since the device id is one of the parts.
 */
export function stableId(parts: readonly (string | number)[]): string {
  const text = parts.map((part) => `${String(part).length}:${part}`).join('');
  return [...murmur128(encoder.encode(text))].map((word) => word.toString(16).padStart(8, '0')).join('');
}

/** A number of 52 bits in place of a name, in states. Among 100 names two collide with odds of about 1 in 10^12. */
export function nameKey(name: string): number {
  const [high = 0, low = 0] = murmur128(encoder.encode(name));
  return high * 2 ** 20 + (low >>> 12);
}

const c1 = 0x239b961b;
const c2 = 0xab0e9789;
const c3 = 0x38b34ae5;
const c4 = 0xa1e38b93;

/** The four words of the hash, as the reference implementation's digest prints them. */
export function murmur128(bytes: Uint8Array): Uint32Array {
  const { length } = bytes;
  const blocksEnd = length - (length % 16);
  let [h1, h2, h3, h4] = [0, 0, 0, 0];
  for (let at = 0; at < blocksEnd; at += 16) {
    h1 ^= scrambled(wordAt(bytes, at), c1, 15, c2);
    h1 = (Math.imul((rotated(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= scrambled(wordAt(bytes, at + 4), c2, 16, c3);
    h2 = (Math.imul((rotated(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= scrambled(wordAt(bytes, at + 8), c3, 17, c4);
    h3 = (Math.imul((rotated(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= scrambled(wordAt(bytes, at + 12), c4, 18, c1);
    h4 = (Math.imul((rotated(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  // Bytes beyond the end count as 0, and a word of 0 changes nothing.
  h1 ^= scrambled(wordAt(bytes, blocksEnd), c1, 15, c2) ^ length;
  h2 ^= scrambled(wordAt(bytes, blocksEnd + 4), c2, 16, c3) ^ length;
  h3 ^= scrambled(wordAt(bytes, blocksEnd + 8), c3, 17, c4) ^ length;
  h4 ^= scrambled(wordAt(bytes, blocksEnd + 12), c4, 18, c1) ^ length;
  const mixed = joined(h1, h2, h3, h4).map(avalanche);
  return joined(mixed[0]!, mixed[1]!, mixed[2]!, mixed[3]!);
}

function joined(h1: number, h2: number, h3: number, h4: number): Uint32Array {
  const sum = h1 + h2 + h3 + h4;
  return Uint32Array.of(sum, sum + h2, sum + h3, sum + h4);
}

/** Little endian. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function scrambled(word: number, before: number, bits: number, after: number): number {
  return Math.imul(rotated(Math.imul(word, before), bits), after);
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function avalanche(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
