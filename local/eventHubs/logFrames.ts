// The records of a partition log: length, CRC32, payload. One frame holds one batch, so a batch is stored whole or not at all.
//
//   0  u32 length of the payload        24  u64 offset: the frame's place in the partition's whole log
//   4  u32 CRC32 of the payload         32  u64 enqueued time, ms
//   8  u8  kind: 1 events, 2 checkpoint 40  u64 events: producer id + 1, 0 for none; checkpoint: last event's offset + 1
//  10  u16 events: producer epoch       48  u32 events: the producer's last sequence
//  12  u32 number of entries            52  entries
//  16  u64 first sequence number
//
// An entry of an event frame is a u32 length and the event as consumers get it; of a checkpoint, a producer's u64 id, u32
// epoch and u32 last sequence. Each segment file begins with a checkpoint, so a start reads only the last file whole.
import { crc32 } from 'node:zlib';
import { type EventParts, storedEventMaxBytes, writeStoredEvent } from './amqpCodec.js';
import { readUint64, writeUint64 } from './amqpValues.js';
import type { ProducerBatch, ProducerState } from './producerStates.js';

const prefixBytes = 8;
const headBytes = 52;
const producerEntryBytes = 16;
const eventsKind = 1;
const checkpointKind = 2;
/** Far beyond any batch the service takes: a longer length is damage. */
const frameMaxBytes = 64 * 1024 * 1024;

/** Where a frame begins, in each of the orders a reader may look for. */
export interface FrameHead {
  readonly offset: number;
  readonly firstSequenceNumber: number;
  /** In a checkpoint: of the last event before it. */
  readonly enqueuedMs: number;
}

/** A batch of events. Their offsets are the places of their entries in the log. */
export interface EventFrame extends FrameHead {
  readonly kind: 'events';
  readonly bytes: Buffer;
  /** Start of each entry in `bytes`. */
  readonly entryStarts: readonly number[];
  /** Its producer after this batch; undefined when that is not idempotent. */
  readonly producer: ProducerState | undefined;
}

/** State of the partition where a segment begins. */
export interface CheckpointFrame extends FrameHead {
  readonly kind: 'checkpoint';
  readonly bytes: Buffer;
  readonly lastEventOffset: number;
  readonly producers: readonly ProducerState[];
}

export type LogFrame = EventFrame | CheckpointFrame;

export type FrameRead =
  | { readonly kind: 'frame'; readonly frame: LogFrame }
  /** The bytes end inside the frame, which needs this many. */
  | { readonly kind: 'incomplete'; readonly neededBytes: number }
  /** `byteLength` is undefined when not even the length can be believed. */
  | { readonly kind: 'damaged'; readonly byteLength: number | undefined };

export interface EventFrameFields extends FrameHead {
  readonly partitionKey: string | undefined;
  readonly producer: ProducerBatch | undefined;
}

export function encodeEventFrame(events: readonly EventParts[], fields: EventFrameFields): EventFrame {
  let capacity = headBytes;
  for (const event of events) capacity += 4 + storedEventMaxBytes(event, fields.partitionKey);
  const target = Buffer.allocUnsafe(capacity);
  const entryStarts: number[] = [];
  let end = headBytes;
  for (const [index, event] of events.entries()) {
    const start = end;
    entryStarts.push(start);
    end = writeStoredEvent(target, start + 4, event, {
      sequenceNumber: fields.firstSequenceNumber + index,
      offset: fields.offset + start,
      enqueuedMs: fields.enqueuedMs,
      partitionKey: fields.partitionKey,
    });
    target.writeUInt32BE(end - start - 4, start);
  }
  const { producer } = fields;
  const bytes = target.subarray(0, end);
  writeHead(bytes, fields, {
    kind: eventsKind,
    entryCount: events.length,
    epoch: producer?.epoch ?? 0,
    extra: producer === undefined ? 0 : producer.id + 1,
    lastSequence: producer?.lastSequence ?? 0,
  });
  return {
    ...headOf(fields),
    kind: 'events',
    bytes,
    entryStarts,
    producer: producer && { id: producer.id, epoch: producer.epoch, lastSequence: producer.lastSequence },
  };
}

export function encodeCheckpointFrame(
  fields: FrameHead & { readonly lastEventOffset: number; readonly producers: readonly ProducerState[] },
): CheckpointFrame {
  const bytes = Buffer.alloc(headBytes + fields.producers.length * producerEntryBytes);
  for (const [index, producer] of fields.producers.entries()) {
    const start = headBytes + index * producerEntryBytes;
    writeUint64(bytes, start, producer.id);
    bytes.writeUInt32BE(producer.epoch, start + 8);
    bytes.writeUInt32BE(producer.lastSequence >>> 0, start + 12);
  }
  writeHead(bytes, fields, {
    kind: checkpointKind,
    entryCount: fields.producers.length,
    epoch: 0,
    extra: fields.lastEventOffset + 1,
    lastSequence: 0,
  });
  return {
    ...headOf(fields),
    kind: 'checkpoint',
    bytes,
    lastEventOffset: fields.lastEventOffset,
    producers: fields.producers,
  };
}

export function readFrame(bytes: Buffer, at: number): FrameRead {
  if (bytes.length - at < prefixBytes) return { kind: 'incomplete', neededBytes: prefixBytes };
  const byteLength = prefixBytes + bytes.readUInt32BE(at);
  if (byteLength < headBytes || byteLength > frameMaxBytes) return { kind: 'damaged', byteLength: undefined };
  if (bytes.length - at < byteLength) return { kind: 'incomplete', neededBytes: byteLength };
  const frameBytes = bytes.subarray(at, at + byteLength);
  const isIntact = crc32(frameBytes.subarray(prefixBytes)) === frameBytes.readUInt32BE(4);
  return isIntact ? { kind: 'frame', frame: decodeFrame(frameBytes) } : { kind: 'damaged', byteLength };
}

/** The events as consumers get them; `index` counts from 0 in the frame. */
export function eventAt(frame: EventFrame, index: number): Buffer {
  const start = frame.entryStarts[index] ?? 0;
  return frame.bytes.subarray(start + 4, start + 4 + frame.bytes.readUInt32BE(start));
}

export function offsetAt(frame: EventFrame, index: number): number {
  return frame.offset + (frame.entryStarts[index] ?? 0);
}

export function lastSequenceNumberOf(frame: EventFrame): number {
  return frame.firstSequenceNumber + frame.entryStarts.length - 1;
}

export function lastOffsetOf(frame: EventFrame): number {
  return offsetAt(frame, frame.entryStarts.length - 1);
}

function headOf(fields: FrameHead): FrameHead {
  const { offset, firstSequenceNumber, enqueuedMs } = fields;
  return { offset, firstSequenceNumber, enqueuedMs };
}

function writeHead(
  bytes: Buffer,
  head: FrameHead,
  fields: {
    readonly kind: number;
    readonly entryCount: number;
    readonly epoch: number;
    readonly extra: number;
    readonly lastSequence: number;
  },
): void {
  bytes[8] = fields.kind;
  bytes[9] = 0;
  bytes.writeUInt16BE(fields.epoch, 10);
  bytes.writeUInt32BE(fields.entryCount, 12);
  writeUint64(bytes, 16, head.firstSequenceNumber);
  writeUint64(bytes, 24, head.offset);
  writeUint64(bytes, 32, head.enqueuedMs);
  writeUint64(bytes, 40, fields.extra);
  bytes.writeUInt32BE(fields.lastSequence >>> 0, 48);
  bytes.writeUInt32BE(bytes.length - prefixBytes, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(prefixBytes)), 4);
}

function decodeFrame(bytes: Buffer): LogFrame {
  const head: FrameHead = {
    firstSequenceNumber: readUint64(bytes, 16),
    offset: readUint64(bytes, 24),
    enqueuedMs: readUint64(bytes, 32),
  };
  const entryCount = bytes.readUInt32BE(12);
  const extra = readUint64(bytes, 40);
  if (bytes[8] === checkpointKind) {
    const producers = producersOf(bytes, entryCount);
    return { ...head, kind: 'checkpoint', bytes, lastEventOffset: extra - 1, producers };
  }
  const producer =
    extra === 0
      ? undefined
      : { id: extra - 1, epoch: bytes.readUInt16BE(10), lastSequence: bytes.readInt32BE(48) };
  return { ...head, kind: 'events', bytes, entryStarts: entryStartsOf(bytes, entryCount), producer };
}

function entryStartsOf(bytes: Buffer, entryCount: number): number[] {
  const starts: number[] = [];
  let start = headBytes;
  for (let entry = 0; entry < entryCount; entry++) {
    starts.push(start);
    start += 4 + bytes.readUInt32BE(start);
  }
  return starts;
}

function producersOf(bytes: Buffer, entryCount: number): ProducerState[] {
  return Array.from({ length: entryCount }, (_, entry) => {
    const start = headBytes + entry * producerEntryBytes;
    return {
      id: readUint64(bytes, start),
      epoch: bytes.readUInt32BE(start + 8),
      lastSequence: bytes.readInt32BE(start + 12),
    };
  });
}
