// Avro files for the tests, written by avsc.
import { Buffer } from 'node:buffer';
import avro from 'avsc';

export type Codecs = Record<
  string,
  (bytes: Buffer, done: (error: Error | null, encoded?: Buffer) => void) => void
>;

export interface AvroFileOptions {
  readonly codec?: string;
  readonly codecs?: Codecs;
  readonly blockSize?: number;
}

export async function avroFile(
  schema: unknown,
  values: readonly unknown[],
  options: AvroFileOptions = {},
): Promise<Buffer> {
  const encoder = new avro.streams.BlockEncoder(schema as never, options);
  const parts: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    encoder.on('data', (part: Buffer) => parts.push(part));
    encoder.on('end', resolve);
    encoder.on('error', reject);
  });
  for (const value of values) encoder.write(value);
  encoder.end();
  await ended;
  return Buffer.concat(parts);
}
