// Readings files from disk or standard input, decompressed where they are gzip, as a stream that never holds a whole file.
import { createReadStream, statSync } from 'node:fs';
import { PassThrough, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TributaryError } from '../../shared/base/index.js';
import { createReadingSplitter, type FoundReading } from './readingText.js';

/** `-` stands for standard input. */
export const standardInput = '-';

/** For messages. */
export function displayName(file: string): string {
  return file === standardInput ? 'standard input' : file;
}

/** @throws TributaryError INPUT_INVALID that names the first file that cannot be read */
export function checkFiles(files: readonly string[]): void {
  for (const file of files) {
    if (file === standardInput) continue;
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) throw new TributaryError('INPUT_INVALID', `There is no file ${file}.`);
    if (stats.isDirectory())
      throw new TributaryError('INPUT_INVALID', `${file} is a folder. Name its files, e.g. ${file}/*.json`);
  }
}

/** @throws TributaryError INPUT_INVALID when the file cannot be read or decompressed */
export async function* readReadings(file: string): AsyncGenerator<FoundReading[]> {
  const splitter = createReadingSplitter();
  const decoder = new TextDecoder('utf-8');
  for await (const chunk of readBytes(file)) {
    const found = splitter.push(decoder.decode(chunk, { stream: true }));
    if (found.length > 0) yield found;
  }
  yield [...splitter.push(decoder.decode()), ...splitter.end()];
}

/** The whole file, decompressed. @throws TributaryError INPUT_INVALID, also when it is larger than `maximumBytes` */
export async function readWhole(file: string, maximumBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of readBytes(file)) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maximumBytes) {
      throw new TributaryError(
        'INPUT_INVALID',
        `${displayName(file)} is larger than one event may be (${maximumBytes} bytes). Leave out --whole-file.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* readBytes(file: string): AsyncGenerator<Uint8Array> {
  const source: Readable = file === standardInput ? process.stdin : createReadStream(file);
  try {
    for await (const chunk of await decompressed(source)) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof TributaryError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TributaryError('INPUT_INVALID', `${displayName(file)} cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

/** By the first two bytes, not by the name: `.gz` files get renamed. */
async function decompressed(source: Readable): Promise<Readable> {
  const chunks = source[Symbol.asyncIterator]();
  let beginning = Buffer.alloc(0);
  while (beginning.length < 2) {
    const { done, value } = (await chunks.next()) as IteratorResult<Uint8Array>;
    if (done === true) break;
    beginning = Buffer.concat([beginning, value]);
  }
  const whole = Readable.from(prepend(beginning, chunks), { objectMode: false });
  if (beginning[0] !== 0x1f || beginning[1] !== 0x8b) return whole;
  // `pipeline` hands an error of either stream to whoever reads the last one.
  return pipeline(whole, createGunzip(), new PassThrough(), () => {});
}

async function* prepend(
  beginning: Uint8Array,
  rest: AsyncIterator<unknown>,
): AsyncGenerator<unknown, void, undefined> {
  if (beginning.length > 0) yield beginning;
  yield* { [Symbol.asyncIterator]: () => rest };
}
