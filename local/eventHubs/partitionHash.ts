// Pure. Which partition a key belongs to, as the service and the client library compute it: Bob Jenkins' lookup3
// ("hashlittle2") over the UTF-8 bytes with both seeds 0, folded to a signed 16-bit number.

export function partitionOfKey(partitionKey: string, partitionCount: number): number {
  return Math.abs(hashPartitionKey(partitionKey) % partitionCount);
}

/** @returns from -32768 to 32767 */
export function hashPartitionKey(partitionKey: string): number {
  const key = Buffer.from(partitionKey, 'utf8');
  const start = (0xdeadbeef + key.length) | 0;
  const state: State = { a: start, b: start, c: start };
  let index = 0;
  for (; key.length - index > 12; index += 12) {
    addBlock(state, key, index);
    mix(state);
  }
  if (index < key.length) {
    // Missing bytes of the last block count as zeros.
    const lastBlock = Buffer.alloc(12);
    key.copy(lastBlock, 0, index);
    addBlock(state, lastBlock, 0);
    finish(state);
  }
  return ((state.c ^ state.b) << 16) >> 16;
}

interface State {
  a: number;
  b: number;
  c: number;
}

function addBlock(state: State, bytes: Buffer, index: number): void {
  state.a = (state.a + bytes.readInt32LE(index)) | 0;
  state.b = (state.b + bytes.readInt32LE(index + 4)) | 0;
  state.c = (state.c + bytes.readInt32LE(index + 8)) | 0;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function mix(state: State): void {
  let { a, b, c } = state;
  a = ((a - c) | 0) ^ rotateLeft(c, 4);
  c = (c + b) | 0;
  b = ((b - a) | 0) ^ rotateLeft(a, 6);
  a = (a + c) | 0;
  c = ((c - b) | 0) ^ rotateLeft(b, 8);
  b = (b + a) | 0;
  a = ((a - c) | 0) ^ rotateLeft(c, 16);
  c = (c + b) | 0;
  b = ((b - a) | 0) ^ rotateLeft(a, 19);
  a = (a + c) | 0;
  c = ((c - b) | 0) ^ rotateLeft(b, 4);
  b = (b + a) | 0;
  Object.assign(state, { a, b, c });
}

function finish(state: State): void {
  let { a, b, c } = state;
  c = ((c ^ b) - rotateLeft(b, 14)) | 0;
  a = ((a ^ c) - rotateLeft(c, 11)) | 0;
  b = ((b ^ a) - rotateLeft(a, 25)) | 0;
  c = ((c ^ b) - rotateLeft(b, 16)) | 0;
  a = ((a ^ c) - rotateLeft(c, 4)) | 0;
  b = ((b ^ a) - rotateLeft(a, 14)) | 0;
  c = ((c ^ b) - rotateLeft(b, 24)) | 0;
  Object.assign(state, { a, b, c });
}
