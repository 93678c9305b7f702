// Avro object container files (Avro specification, "Object Container Files") to records, a block at a time.
// A damaged block costs its own records: the next one is found by the file's sync marker.
import { Buffer } from 'node:buffer';
import { type BlockDecompressor, blockDecompressor } from './avroCodecs.js';
import { type AvroReader, avroReader, type Decoding, typeFor } from './avroTypes.js';
import { ByteQueue } from './byteQueue.js';
import { UnreadableContent } from './content.js';
import type { BadDraft, DeclaredDrafts, Draft, ReadLimits } from './drafts.js';
import { ExactNumber, type FileObject } from './types.js';

const maxHeaderBytes = 4 * 2 ** 20;
/** Of a block, as stored and as content. */
const maxBlockBytes = 256 * 2 ** 20;
const syncBytes = 16;
/** Two longs. */
const maxBlockHeadBytes = 20;
/** Values without any bytes, such as nulls, that one record or block may have. */
const maxEmptyValues = 100_000;

const headDecoding: Decoding = { valuesLeft: 0, hasInvalidText: false };
const headerType = typeFor(
  {
    type: 'record',
    name: 'Header',
    fields: [
      { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
      { name: 'meta', type: { type: 'map', values: 'bytes' } },
      { name: 'sync', type: { type: 'fixed', name: 'Sync', size: syncBytes } },
    ],
  },
  headDecoding,
);
const blockHeadType = typeFor(
  {
    type: 'record',
    name: 'BlockHead',
    fields: [
      { name: 'count', type: 'long' },
      { name: 'byteCount', type: 'long' },
    ],
  },
  headDecoding,
);

interface Container {
  readonly reader: AvroReader;
  readonly decompress: BlockDecompressor;
  readonly sync: Buffer;
  readonly limits: ReadLimits;
}

export async function* readAvro(content: AsyncIterable<Buffer>, limits: ReadLimits): DeclaredDrafts {
  const queue = new ByteQueue(content);
  try {
    const container = await readHeader(queue, limits);
    const { fields } = container.reader;
    for (;;) {
      const drafts = await nextBlock(queue, container);
      if (drafts === undefined) return;
      yield { fields, drafts };
    }
  } finally {
    await queue.close();
  }
}

async function readHeader(queue: ByteQueue, limits: ReadLimits): Promise<Container> {
  for (let wanted = 4096; ; wanted *= 4) {
    const isThere = await queue.fill(wanted);
    const header = decodeHeader(queue.bytes);
    if (header !== undefined) {
      queue.take(header.length);
      const codec = header.meta['avro.codec']?.toString('utf8') ?? 'null';
      return {
        reader: avroReader(header.meta['avro.schema']?.toString('utf8') ?? '', limits.maxDepth),
        decompress: blockDecompressor(codec),
        sync: header.sync,
        limits,
      };
    }
    if (!isThere) throw new UnreadableContent('truncated', 'The file ends within its Avro header.');
    if (wanted > maxHeaderBytes) {
      throw new UnreadableContent('unsupported', `The Avro header is longer than ${maxHeaderBytes} bytes.`);
    }
  }
}

interface Header {
  readonly meta: Readonly<Record<string, Buffer>>;
  readonly sync: Buffer;
  readonly length: number;
}

/** Undefined when it is longer than `bytes`. */
function decodeHeader(bytes: Buffer): Header | undefined {
  if (bytes.toString('latin1', 0, 4) !== 'Obj\x01') {
    throw new UnreadableContent('invalid_avro', 'The file does not begin as an Avro object container file.');
  }
  headDecoding.valuesLeft = bytes.length;
  try {
    const { value, offset } = headerType.decode(bytes);
    return offset < 0 ? undefined : { ...(value as Omit<Header, 'length'>), length: offset };
  } catch (error) {
    throw new UnreadableContent('invalid_avro', `The Avro header is damaged: ${(error as Error).message}.`);
  }
}

/** The records of the next block; undefined at the end of the file. */
async function nextBlock(queue: ByteQueue, container: Container): Promise<Iterable<Draft> | undefined> {
  await queue.fill(maxBlockHeadBytes);
  if (queue.bytes.length === 0) return undefined;
  const { offset } = queue;
  const head = decodeBlockHead(queue.bytes);
  if (head === undefined) return [await passOver(queue, container, 'Its length cannot be right.')];
  const { count, byteCount, length } = head;
  if (!(await queue.fill(length + byteCount + syncBytes))) {
    return [await passOver(queue, container, 'The file ends within it.', 'truncated')];
  }
  const end = length + byteCount;
  if (!queue.bytes.subarray(end, end + syncBytes).equals(container.sync)) {
    return [await passOver(queue, container, 'The sync marker is not behind it.')];
  }
  const stored = queue.take(end + syncBytes).subarray(length, end);
  return recordsOfBlock({ stored, count, offset }, container);
}

interface BlockHead {
  readonly count: number;
  readonly byteCount: number;
  readonly length: number;
}

function decodeBlockHead(bytes: Buffer): BlockHead | undefined {
  const { value, offset } = blockHeadType.decode(bytes);
  if (offset < 0) return undefined;
  const { count, byteCount } = value as Record<'count' | 'byteCount', number | ExactNumber>;
  if (count instanceof ExactNumber || byteCount instanceof ExactNumber) return undefined;
  if (count < 0 || byteCount < 0 || byteCount > maxBlockBytes) return undefined;
  return { count, byteCount, length: offset };
}

/** To behind the next sync marker, or to the end of the file. */
async function passOver(
  queue: ByteQueue,
  { sync, limits }: Container,
  why: string,
  reason: 'invalid_avro' | 'truncated' = 'invalid_avro',
): Promise<BadDraft> {
  const { offset } = queue;
  await queue.fill(limits.maxBadBytes);
  const bytes = Buffer.from(queue.bytes.subarray(0, limits.maxBadBytes));
  const detail = `The Avro block at byte ${offset} cannot be read. ${why}`;
  for (;;) {
    const at = queue.bytes.indexOf(sync);
    if (at >= 0) {
      queue.take(at + syncBytes);
      const kept = bytes.subarray(0, queue.offset - offset);
      return { kind: 'bad', offset, sourceBytes: kept.length, reason, detail, bytes: kept };
    }
    queue.take(Math.max(0, queue.bytes.length - syncBytes + 1));
    if (!(await queue.fill(queue.bytes.length + 1))) {
      queue.take(queue.bytes.length);
      return { kind: 'bad', offset, sourceBytes: bytes.length, reason, detail, bytes, isRest: true };
    }
  }
}

interface Block {
  readonly stored: Buffer;
  readonly count: number;
  readonly offset: number;
}

function* recordsOfBlock(block: Block, { reader, decompress, limits }: Container): Generator<Draft> {
  let content: Buffer;
  try {
    content = decompress(block.stored, Math.min(maxBlockBytes, limits.maxDecompressedBytes));
  } catch (error) {
    yield badBlock(block, block.stored, limits, `It cannot be decompressed: ${(error as Error).message}.`);
    return;
  }
  const sourceBytes = content.length / Math.max(1, block.count);
  let at = 0;
  for (let index = 0; index < block.count; index++) {
    const decoded = decodeRecord(reader, content, at, index);
    if (typeof decoded === 'string') {
      const which = `Of its ${block.count} records those from the ${index + 1}. on are lost: ${decoded}.`;
      yield badBlock(block, content.subarray(at), limits, which);
      return;
    }
    const start = at;
    at = decoded.offset;
    yield reader.decoding.hasInvalidText
      ? invalidText(block, content.subarray(start, at), limits)
      : { kind: 'record', value: decoded.value, offset: block.offset, sourceBytes };
  }
  if (at < content.length) {
    const detail = `${content.length - at} bytes are left over after its ${block.count} records.`;
    yield badBlock(block, content.subarray(at), limits, detail);
  }
}

/** What is wrong, when it cannot be decoded. */
function decodeRecord(
  { type, decoding }: AvroReader,
  content: Buffer,
  at: number,
  index: number,
): { readonly value: FileObject; readonly offset: number } | string {
  decoding.valuesLeft = content.length - at + maxEmptyValues;
  decoding.hasInvalidText = false;
  try {
    const { value, offset } = type.decode(content, at) as { value: FileObject; offset: number };
    if (offset < 0 || offset < at) return 'the block is too short';
    if (offset === at && index >= maxEmptyValues) return 'there are too many records without any bytes';
    return { value, offset };
  } catch (error) {
    return (error as Error).message;
  }
}

function invalidText({ offset }: Block, record: Buffer, limits: ReadLimits): BadDraft {
  const bytes = Buffer.from(record.subarray(0, limits.maxBadBytes));
  const detail = `A string of a record in the Avro block at byte ${offset} is not UTF-8 text.`;
  return { kind: 'bad', offset, sourceBytes: record.length, reason: 'invalid_utf8', detail, bytes };
}

function badBlock({ offset }: Block, from: Buffer, limits: ReadLimits, why: string): BadDraft {
  const bytes = Buffer.from(from.subarray(0, limits.maxBadBytes));
  const detail = `The Avro block at byte ${offset} cannot be read. ${why}`;
  return { kind: 'bad', offset, sourceBytes: from.length, reason: 'invalid_avro', detail, bytes };
}
