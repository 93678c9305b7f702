// Pure. Single AMQP 1.0 values as bytes: where they end, what the simple ones hold (AMQP 1.0 part 1, section 1.6).

export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
}

/** A long or a timestamp: its constructor and eight bytes. */
export const longBytes = 9;

/** Bytes behind the constructor, by its upper half: fixed widths, then the width of a size prefix. */
const fixedBytes: readonly number[] = [-1, -1, -1, -1, 0, 1, 2, 4, 8, 16];

/** Position behind the value that starts at `position`, whatever its type. */
export function endOfValue(bytes: Buffer, position: number): number {
  const constructorCode = bytes[position];
  if (constructorCode === undefined) throw malformed('the end of the bytes', position);
  if (constructorCode === 0) return endOfValue(bytes, endOfValue(bytes, position + 1));
  const end = position + 1 + payloadBytes(bytes, position, constructorCode >>> 4);
  if (end > bytes.length) throw malformed('a value that is cut off', position);
  return end;
}

function payloadBytes(bytes: Buffer, position: number, category: number): number {
  if (category >= 0xa) {
    const hasWideSize = category % 2 === 1;
    if (position + (hasWideSize ? 5 : 2) > bytes.length) throw malformed('a size that is cut off', position);
    return hasWideSize ? 4 + bytes.readUInt32BE(position + 1) : 1 + (bytes[position + 1] ?? 0);
  }
  const width = fixedBytes[category] ?? -1;
  if (width < 0) throw malformed('an unknown type', position);
  return width;
}

export function binaryAt(bytes: Buffer, position: number): Buffer {
  const constructorCode = bytes[position];
  const end = endOfValue(bytes, position);
  if (constructorCode === 0xa0) return bytes.subarray(position + 2, end);
  if (constructorCode === 0xb0) return bytes.subarray(position + 5, end);
  throw malformed('data that is not binary', position);
}

/** A string or a symbol; undefined for other types. */
export function textAt(bytes: Buffer, position: number): string | undefined {
  const constructorCode = bytes[position];
  const end = endOfValue(bytes, position);
  if (constructorCode === 0xa1 || constructorCode === 0xa3) return bytes.toString('utf8', position + 2, end);
  if (constructorCode === 0xb1 || constructorCode === 0xb3) return bytes.toString('utf8', position + 5, end);
  return undefined;
}

/** Any of AMQP's integer types; Event Hubs clients choose the shortest that fits. */
export function integerAt(bytes: Buffer, position: number): number {
  switch (bytes[position]) {
    case 0x43:
    case 0x44:
      return 0;
    case 0x50:
    case 0x52:
    case 0x53:
      return bytes.readUInt8(position + 1);
    case 0x51:
    case 0x54:
    case 0x55:
      return bytes.readInt8(position + 1);
    case 0x60:
      return bytes.readUInt16BE(position + 1);
    case 0x61:
      return bytes.readInt16BE(position + 1);
    case 0x70:
      return bytes.readUInt32BE(position + 1);
    case 0x71:
      return bytes.readInt32BE(position + 1);
    case 0x80:
    case 0x81:
      return Number(bytes.readBigInt64BE(position + 1));
    default:
      throw malformed('a producer annotation that is not an integer', position);
  }
}

export function encodeSymbol(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xa3, text.length]), Buffer.from(text, 'ascii')]);
}

export function writeString(target: Buffer, at: number, text: string): number {
  const byteLength = Buffer.byteLength(text);
  if (byteLength <= 255) {
    target[at] = 0xa1;
    target[at + 1] = byteLength;
    return at + 2 + target.write(text, at + 2);
  }
  target[at] = 0xb1;
  target.writeUInt32BE(byteLength, at + 1);
  return at + 5 + target.write(text, at + 5);
}

export function writeLong(target: Buffer, at: number, constructorCode: number, value: number): number {
  target[at] = constructorCode;
  writeUint64(target, at + 1, value);
  return at + longBytes;
}

/** A safe integer from 0 as eight bytes. Far faster than going through BigInt. */
export function writeUint64(target: Buffer, at: number, value: number): void {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  target.writeUInt32BE(value >>> 0, at + 4);
}

export function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

export function malformed(what: string, position: number): MalformedMessageError {
  return new MalformedMessageError(`The message is not valid AMQP 1.0: ${what} at byte ${position}.`);
}
