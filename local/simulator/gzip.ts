// gzip for the fleet, which is pure and takes it as an argument.
import { gzipSync } from 'node:zlib';

export function compressText(text: string): Uint8Array {
  return gzipSync(text);
}
