// A landed file to chunks of numbered records: what it is compressed with, which format it has, and who reads that.
import { Buffer } from 'node:buffer';
import type { DataField, ParquetSource } from '../../parquet/index.js';
import {
  asUtf8,
  type Content,
  compressionOf,
  decompress,
  encodingOf,
  peek,
  UnreadableContent,
} from './content.js';
import { readCsv } from './csvRecords.js';
import {
  type DeclaredDrafts,
  type Draft,
  type DraftSource,
  type ReadLimits,
  withDefaults,
} from './drafts.js';
import { isOfEnvelope, unwrap } from './envelopes.js';
import { extensionOf, formatOf, sniffedBytes } from './formatOf.js';
import { readJson, readNdjson } from './jsonRecords.js';
import { readParquetRecords } from './parquetRecords.js';
import type { FileFormat, FileRecord, LandedBytes, ReadRecordsOptions, RecordChunk } from './types.js';

/**
 * Every record of a file, in order, in memory bounded by the options, whatever the file's size; Parquet by its row groups,
 * Avro by its blocks. Never throws for what a file holds: a record that cannot be read is a bad one, and where no more
 * can be read, the last one is bad with row -1. An empty file has no records.
 *
 * @throws what `file` throws
 */
export async function* readRecords(
  file: LandedBytes,
  options: ReadRecordsOptions = {},
): AsyncIterable<RecordChunk> {
  const limits = withDefaults(options);
  const counter = new StoredBytes(file);
  const chunks = new ChunkBuilder(limits, counter);
  try {
    for await (const { fields, drafts } of openDrafts(file, counter, limits)) {
      chunks.declare(fields);
      for (const draft of drafts) {
        for (const record of limits.unwrapEnvelopes ? unwrap(draft, limits) : [draft]) {
          if (chunks.isFull) yield chunks.take();
          chunks.add(record);
        }
      }
    }
  } catch (error) {
    if (!(error instanceof UnreadableContent)) throw error;
    if (chunks.isFull) yield chunks.take();
    chunks.addRest(file.path, error);
  }
  if (chunks.hasRecords) yield chunks.take();
}

/** The stream of a file, counted. */
class StoredBytes {
  readonly #file: LandedBytes;
  bytesRead = 0;

  constructor(file: LandedBytes) {
    this.#file = file;
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#file.stream()) {
      this.bytesRead += bytes.length;
      yield bytes;
    }
  }
}

/** Numbers records, and cuts them into chunks. */
class ChunkBuilder {
  readonly #limits: ReadLimits;
  readonly #counter: StoredBytes;
  #records: FileRecord[] = [];
  #sourceBytes = 0;
  #row = 0;
  /** Where the last record began: the rest of the file is behind it. */
  #offset = 0;
  #fields: readonly DataField[] | undefined;

  constructor(limits: ReadLimits, counter: StoredBytes) {
    this.#limits = limits;
    this.#counter = counter;
  }

  get hasRecords(): boolean {
    return this.#records.length > 0;
  }

  get isFull(): boolean {
    return (
      this.#records.length >= this.#limits.maxChunkRecords || this.#sourceBytes >= this.#limits.maxChunkBytes
    );
  }

  /** Columns of an envelope say nothing about the records in it. */
  declare(fields: readonly DataField[] | undefined): void {
    if (this.#fields !== undefined || fields === undefined) return;
    const isInEnvelope = this.#limits.unwrapEnvelopes && isOfEnvelope(fields.map(({ name }) => name));
    if (!isInEnvelope) this.#fields = fields;
  }

  add(draft: Draft): void {
    this.#offset = draft.offset;
    this.#sourceBytes += draft.sourceBytes;
    if (draft.kind === 'record') {
      this.#records.push({ kind: 'record', row: this.#row++, value: draft.value });
      return;
    }
    const { offset, reason, detail, bytes } = draft;
    const row = draft.isRest ? -1 : this.#row++;
    this.#records.push({ kind: 'bad', row, offset, reason, detail, bytes });
  }

  addRest(path: string, { reason, message }: UnreadableContent): void {
    const where =
      this.#row === 0 ? `${path} cannot be read.` : `${path} cannot be read beyond row ${this.#row - 1}.`;
    const bytes = new Uint8Array(0);
    this.#records.push({
      kind: 'bad',
      row: -1,
      offset: this.#offset,
      reason,
      detail: `${where} ${message}`,
      bytes,
    });
  }

  take(): RecordChunk {
    const records = this.#records;
    const sourceBytes = this.#sourceBytes;
    this.#records = [];
    this.#sourceBytes = 0;
    const { bytesRead } = this.#counter;
    return { records, bytesRead, sourceBytes, ...(this.#fields !== undefined && { fields: this.#fields }) };
  }
}

/** Parquet in a compressed file has to be in memory as a whole. */
const maxBufferedBytes = 256 * 2 ** 20;

async function* openDrafts(file: LandedBytes, counter: StoredBytes, limits: ReadLimits): DeclaredDrafts {
  const stored = await peek(counter.stream(), 4);
  const compression = compressionOf(stored.head);
  const content = await peek(decompress(stored.bytes, compression, limits), sniffedBytes);
  try {
    if (content.head.length === 0) return;
    const format = limits.format === 'auto' ? detectFormat(file.path, content.head) : limits.format;
    if (format !== 'parquet') {
      yield* readStream(format, content, file.path, limits);
      return;
    }
    const source = compression === 'none' ? rangesOf(file) : await bufferOf(content);
    await close(content);
    for await (const piece of readParquetRecords(source, file.size)) {
      counter.bytesRead = file.size;
      yield piece;
    }
  } finally {
    await close(content);
  }
}

/** Ends the streams that nobody reads on; nothing happens to one that was read to its end. */
async function close(content: Content): Promise<void> {
  for await (const _ of content.bytes) break;
}

function detectFormat(path: string, head: Buffer): FileFormat {
  const encoding = encodingOf(head);
  const start = head.subarray(0, sniffedBytes);
  const text =
    encoding === 'utf-8'
      ? start.toString('latin1').replace(/^\xef\xbb\xbf/, '')
      : new TextDecoder(encoding).decode(start);
  const format = formatOf(path, text);
  if (format !== undefined) return format;
  throw new UnreadableContent(
    'unknown_format',
    'Neither its name nor its content tell which format it has. Set the format of the file stream.',
  );
}

async function* readStream(
  format: Exclude<FileFormat, 'parquet'>,
  content: Content,
  path: string,
  limits: ReadLimits,
): DeclaredDrafts {
  switch (format) {
    case 'avro': {
      // avsc is loaded only where there are Avro files: it is a good part of a cold start.
      const { readAvro } = await import('./avroRecords.js');
      yield* readAvro(content.bytes, limits);
      return;
    }
    case 'ndjson':
      yield* undeclared(readNdjson(asUtf8(content), limits));
      return;
    case 'json':
      yield* undeclared(readJson(asUtf8(content), limits));
      return;
    case 'csv':
      yield* undeclared(readCsv(asUtf8(content), withDelimiterOf(path, limits)));
  }
}

async function* undeclared(source: DraftSource): DeclaredDrafts {
  for await (const drafts of source) yield { fields: undefined, drafts };
}

/** `.tsv` says what its delimiter is; another one than the comma was asked for. */
function withDelimiterOf(path: string, limits: ReadLimits): ReadLimits {
  if (extensionOf(path) !== 'tsv' || limits.csv.delimiter !== ',') return limits;
  return { ...limits, csv: { ...limits.csv, delimiter: '\t' } };
}

function rangesOf(file: LandedBytes): ParquetSource {
  return {
    byteLength: file.size,
    async slice(start: number, end: number) {
      const bytes = await file.read({ start, end });
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
}

async function bufferOf(content: Content): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of content.bytes) {
    parts.push(part);
    length += part.length;
    if (length > maxBufferedBytes) {
      throw new UnreadableContent(
        'unsupported',
        `Parquet within a compressed file is read only up to ${maxBufferedBytes} bytes. Parquet compresses by itself: land it as it is.`,
      );
    }
  }
  return Buffer.concat(parts);
}
