// Pure. Z85, the Base85 of ZeroMQ (https://rfc.zeromq.org/spec/32): five characters stand for four bytes.

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

const digitOf = new Map([...alphabet].map((character, digit) => [character, digit]));

/** Undefined for text of another alphabet, or of a length that is no multiple of five. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined;
  const bytes = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < text.length / 5; block++) {
    let value = 0;
    for (const character of text.slice(block * 5, block * 5 + 5)) {
      const digit = digitOf.get(character);
      if (digit === undefined) return undefined;
      value = value * 85 + digit;
    }
    if (value > 0xffff_ffff) return undefined;
    view.setUint32(block * 4, value);
  }
  return bytes;
}
