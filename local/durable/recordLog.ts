// A log of records, each on disk before it counts. Records that wait together share one write and one sync. When the log has
// outgrown what it describes, a snapshot takes its place.
import { TributaryError } from '../../shared/base/index.js';
import type { LogDisk } from './logDisk.js';
import { encodeFrame, readFrames } from './logFrames.js';

/** Smaller logs are not worth a snapshot. */
const defaultCompactAboveBytes = 16 * 1024 * 1024;
const snapshotFrameBytes = 1024 * 1024;

export interface RecordLogOptions<R> {
  readonly disk: LogDisk;
  /** Called for each record that was kept, in order, while the log is opened. */
  readonly replay: (record: R) => void;
  /** Records that lead to the state all records so far have led to, whether they are on disk by then or not. */
  readonly snapshot: () => Iterable<R>;
  /** The log is compacted when it is larger than this, and than twice its last snapshot. Default 16 MiB. */
  readonly compactAboveBytes?: number;
}

interface Waiting {
  /** JSON text, made at once: what it was made of may change. */
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class RecordLog<R> {
  #waiting: Waiting[] = [];
  #isFlushing = false;
  /** Ends when the newest record is on disk. */
  #last: Promise<void> = Promise.resolve();
  #failure: TributaryError | undefined;
  #generation: number;
  #byteLength: number;
  #snapshotBytes = 0;

  private constructor(
    private readonly options: RecordLogOptions<R>,
    opened: { readonly generation: number; readonly byteLength: number },
  ) {
    this.#generation = opened.generation;
    this.#byteLength = opened.byteLength;
  }

  /** @throws TributaryError LOCAL_STATE_MISMATCH when the log is damaged in a way that a crash does not explain */
  static async open<R>(options: RecordLogOptions<R>): Promise<RecordLog<R>> {
    const { disk, replay } = options;
    const names = await disk.list();
    const generations = names.flatMap(generationOf).sort((a, b) => b - a);
    const generation = generations[0] ?? 1;
    // What a crash in the middle of a compaction left behind.
    for (const name of names.filter((found) => found.endsWith('.tmp'))) await disk.remove(name);
    for (const older of generations.slice(1)) await disk.remove(fileName(older));
    if (generations.length === 0) return new RecordLog(options, { generation, byteLength: 0 });

    const name = fileName(generation);
    const { payloads, validBytes, rest } = readFrames(await disk.read(name));
    if (rest === 'damaged') throw damaged(name, validBytes);
    for (const payload of payloads) for (const record of JSON.parse(payload) as R[]) replay(record);
    if (rest === 'torn') await disk.truncate(name, validBytes);
    return new RecordLog(options, { generation, byteLength: validBytes });
  }

  /** Resolves when the record is on disk. @throws TributaryError LOCAL_SERVICE_ENDED when it cannot be written */
  append(record: R): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const text = JSON.stringify(record);
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
    });
    this.#last = written;
    if (!this.#isFlushing) void this.#flush();
    return written;
  }

  /** Resolves when all that was appended so far is on disk. */
  settled(): Promise<void> {
    return this.#last;
  }

  async close(): Promise<void> {
    // Whoever appended it has heard of a failure.
    await Promise.allSettled([this.#last]);
    await this.options.disk.close();
  }

  /** Never rejects. */
  async #flush(): Promise<void> {
    this.#isFlushing = true;
    // Records of the same turn of the event loop go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(group);
        for (const { resolve } of group) resolve();
      } catch (error) {
        this.#fail(error, group);
      }
    }
    this.#isFlushing = false;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const { compactAboveBytes = defaultCompactAboveBytes } = this.options;
    if (this.#byteLength > Math.max(compactAboveBytes, 2 * this.#snapshotBytes)) return this.#compact();
    const frame = encodeFrame(`[${group.map(({ text }) => text).join(',')}]`);
    const name = fileName(this.#generation);
    await this.options.disk.append(name, frame);
    await this.options.disk.sync(name);
    this.#byteLength += frame.length;
  }

  /** The snapshot holds the waiting records too. It counts from the rename on. */
  async #compact(): Promise<void> {
    const { disk, snapshot } = this.options;
    const frames = snapshotFrames(snapshot());
    const [name, nextName] = [fileName(this.#generation), fileName(this.#generation + 1)];
    const temporaryName = `${nextName}.tmp`;
    for (const frame of frames) await disk.append(temporaryName, frame);
    await disk.sync(temporaryName);
    await disk.rename(temporaryName, nextName);
    this.#generation += 1;
    this.#byteLength = frames.reduce((sum, { length }) => sum + length, 0);
    this.#snapshotBytes = this.#byteLength;
    await disk.remove(name);
  }

  /** Memory is ahead of the disk by then, so nothing may follow. */
  #fail(cause: unknown, group: readonly Waiting[]): void {
    const failure = new TributaryError(
      'LOCAL_SERVICE_ENDED',
      'The log of the Durable backend could not be written; nothing is accepted until the host is started again. Is the disk full?',
      { cause },
    );
    this.#failure = failure;
    this.#last = Promise.reject(failure);
    // Only `settled` asks for it, and perhaps nobody does.
    this.#last.catch(() => {});
    for (const { reject } of [...group, ...this.#waiting.splice(0)]) reject(failure);
  }
}

/** Encoded at once, so that the state cannot change in between. */
function snapshotFrames<R>(records: Iterable<R>): Buffer[] {
  const frames: Buffer[] = [];
  let texts: string[] = [];
  let characterCount = 0;
  for (const record of records) {
    const text = JSON.stringify(record);
    texts.push(text);
    characterCount += text.length;
    if (characterCount < snapshotFrameBytes) continue;
    frames.push(encodeFrame(`[${texts.join(',')}]`));
    texts = [];
    characterCount = 0;
  }
  if (texts.length > 0) frames.push(encodeFrame(`[${texts.join(',')}]`));
  return frames;
}

function fileName(generation: number): string {
  return `hub-${String(generation).padStart(8, '0')}.log`;
}

function generationOf(name: string): number[] {
  const match = /^hub-(\d{8})\.log$/.exec(name);
  return match === null ? [] : [Number(match[1])];
}

function damaged(name: string, position: number): TributaryError {
  return new TributaryError(
    'LOCAL_STATE_MISMATCH',
    `The log ${name} of the Durable backend is damaged at byte ${position}: its checksum does not fit. ` +
      'Restore the file, or delete its folder to start with no orchestrations and entities.',
  );
}
