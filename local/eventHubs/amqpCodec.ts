// Pure. The few AMQP 1.0 encodings the emulator reads and writes itself (AMQP 1.0 part 1 section 1.6, part 3 section 3.2).
// Events stay bytes from producer to consumer: decoding and encoding a whole message loses types (a double 3.0 comes
// back as an int, a uuid as binary), so only the annotations of the broker are spliced in.

import {
  binaryAt,
  encodeSymbol,
  endOfValue,
  integerAt,
  longBytes,
  malformed,
  textAt,
  writeLong,
  writeString,
} from './amqpValues.js';

/** Message format of a batch: the payload is an envelope whose data sections each hold one encoded event. */
export const batchMessageFormat = 0x80013700;

/** What an idempotent producer writes on each event. */
export interface ProducerMark {
  readonly id: number;
  readonly epoch: number;
  readonly sequence: number;
}

/** An event as sent, cut where the broker's annotations go in. */
export interface EventParts {
  readonly bytes: Buffer;
  /** The header section is `[0, headerEnd)`; empty when there is none. */
  readonly headerEnd: number;
  /** Everything behind the message annotations is `[restStart, bytes.length)`. */
  readonly restStart: number;
  /** Encoded key-value pairs of the producer that consumers get to see. */
  readonly annotations: readonly Buffer[];
  readonly partitionKey: string | undefined;
  readonly producer: ProducerMark | undefined;
}

export interface BatchEnvelope {
  readonly partitionKey: string | undefined;
  readonly events: readonly EventParts[];
}

/** What the broker adds to an event. */
export interface BrokerMarks {
  readonly sequenceNumber: number;
  readonly offset: number;
  readonly enqueuedMs: number;
  /** The key of the envelope, for events that do not carry it themselves. */
  readonly partitionKey: string | undefined;
}

/** State of the partition at the time of a delivery, for readers that asked for it. */
export interface RuntimeMetrics {
  readonly lastSequenceNumber: number;
  readonly lastOffset: number;
  readonly lastEnqueuedMs: number;
  readonly retrievedMs: number;
}

const headerSection = 0x70;
const deliveryAnnotationsSection = 0x71;
const messageAnnotationsSection = 0x72;
const dataSection = 0x75;
const footerSection = 0x78;

const partitionKeyName = 'x-opt-partition-key';
/** Set by the broker alone; a received event that is sent again carries stale ones. */
const brokerAnnotationNames = new Set(['x-opt-sequence-number', 'x-opt-offset', 'x-opt-enqueued-time']);
const producerIdName = 'com.microsoft:producer-id';
const producerEpochName = 'com.microsoft:producer-epoch';
const producerSequenceName = 'com.microsoft:producer-sequence-number';
const producerAnnotationNames = new Set([producerIdName, producerEpochName, producerSequenceName]);

const sequenceNumberKey = encodeSymbol('x-opt-sequence-number');
const offsetKey = encodeSymbol('x-opt-offset');
const enqueuedTimeKey = encodeSymbol('x-opt-enqueued-time');
const partitionKeyKey = encodeSymbol(partitionKeyName);

/** Descriptor, map constructor, size and count of an annotations section. */
const mapSectionBytes = 12;
/** An offset has at most 16 digits (2^53). */
const offsetTextBytes = 2 + 16;
const brokerAnnotationsMaxBytes =
  mapSectionBytes +
  sequenceNumberKey.length +
  longBytes +
  offsetKey.length +
  offsetTextBytes +
  enqueuedTimeKey.length +
  longBytes;

/** @throws MalformedMessageError */
export function readBatch(payload: Buffer): BatchEnvelope {
  let partitionKey: string | undefined;
  const events: EventParts[] = [];
  for (let position = 0; position < payload.length; ) {
    const section = readSection(payload, position);
    if (section.code === messageAnnotationsSection) {
      partitionKey = readAnnotations(payload, section.valueStart).partitionKey;
    } else if (section.code === dataSection) {
      events.push(readEvent(binaryAt(payload, section.valueStart)));
    }
    position = section.end;
  }
  return { partitionKey, events };
}

/** @throws MalformedMessageError also for damage behind the annotations, which would break every consumer */
export function readEvent(bytes: Buffer): EventParts {
  let headerEnd = 0;
  let restStart = 0;
  let found: Annotations = noAnnotations;
  for (let position = 0; position < bytes.length; ) {
    const section = readSection(bytes, position);
    if (section.code <= messageAnnotationsSection) {
      if (restStart !== position) throw malformed('a section out of order', position);
      // Delivery annotations, between the two, are for the next hop alone (AMQP 3.2.2), so they end here.
      if (section.code === headerSection) headerEnd = section.end;
      if (section.code === messageAnnotationsSection) found = readAnnotations(bytes, section.valueStart);
      restStart = section.end;
    }
    position = section.end;
  }
  return {
    bytes,
    headerEnd,
    restStart,
    annotations: found.kept,
    partitionKey: found.partitionKey,
    producer: found.producer,
  };
}

/** Upper bound of what `writeStoredEvent` writes. */
export function storedEventMaxBytes(event: EventParts, partitionKey: string | undefined): number {
  // A UTF-16 code unit takes at most 3 bytes in UTF-8; the 5 are the longest string constructor.
  const keyBytes = partitionKey === undefined ? 0 : partitionKeyKey.length + 5 + partitionKey.length * 3;
  return event.bytes.length + brokerAnnotationsMaxBytes + keyBytes;
}

/** Writes the event as consumers get it: header, annotations with the broker's, the rest. @returns the end position */
export function writeStoredEvent(target: Buffer, at: number, event: EventParts, marks: BrokerMarks): number {
  const mapStart = at + event.bytes.copy(target, at, 0, event.headerEnd);
  let end = mapStart + mapSectionBytes;
  let pairCount = event.annotations.length + 3;
  for (const pair of event.annotations) end += pair.copy(target, end);
  if (marks.partitionKey !== undefined && event.partitionKey === undefined) {
    end += partitionKeyKey.copy(target, end);
    end = writeString(target, end, marks.partitionKey);
    pairCount++;
  }
  end += sequenceNumberKey.copy(target, end);
  end = writeLong(target, end, 0x81, marks.sequenceNumber);
  end += offsetKey.copy(target, end);
  end = writeString(target, end, String(marks.offset));
  end += enqueuedTimeKey.copy(target, end);
  end = writeLong(target, end, 0x83, marks.enqueuedMs);
  writeMapSection(target, mapStart, { code: messageAnnotationsSection, end, pairCount });
  return end + event.bytes.copy(target, end, event.restStart);
}

/** A copy of a stored event with delivery annotations between the header and the message annotations. */
export function withRuntimeMetrics(event: Buffer, metrics: RuntimeMetrics): Buffer {
  const head = readSection(event, 0);
  const headerEnd = head.code === headerSection ? head.end : 0;
  return Buffer.concat([
    event.subarray(0, headerEnd),
    encodeRuntimeMetrics(metrics),
    event.subarray(headerEnd),
  ]);
}

const lastSequenceNumberKey = encodeSymbol('last_enqueued_sequence_number');
const lastOffsetKey = encodeSymbol('last_enqueued_offset');
const lastEnqueuedTimeKey = encodeSymbol('last_enqueued_time_utc');
const retrievalTimeKey = encodeSymbol('runtime_info_retrieval_time_utc');
const runtimeMetricsMaxBytes =
  mapSectionBytes +
  lastSequenceNumberKey.length +
  lastOffsetKey.length +
  lastEnqueuedTimeKey.length +
  retrievalTimeKey.length +
  3 * longBytes +
  offsetTextBytes;

function encodeRuntimeMetrics(metrics: RuntimeMetrics): Buffer {
  const target = Buffer.allocUnsafe(runtimeMetricsMaxBytes);
  let end = mapSectionBytes;
  end += lastSequenceNumberKey.copy(target, end);
  end = writeLong(target, end, 0x81, metrics.lastSequenceNumber);
  end += lastOffsetKey.copy(target, end);
  end = writeString(target, end, String(metrics.lastOffset));
  end += lastEnqueuedTimeKey.copy(target, end);
  end = writeLong(target, end, 0x83, metrics.lastEnqueuedMs);
  end += retrievalTimeKey.copy(target, end);
  end = writeLong(target, end, 0x83, metrics.retrievedMs);
  writeMapSection(target, 0, { code: deliveryAnnotationsSection, end, pairCount: 4 });
  return target.subarray(0, end);
}

interface Annotations {
  readonly kept: readonly Buffer[];
  readonly partitionKey: string | undefined;
  readonly producer: ProducerMark | undefined;
}

const noAnnotations: Annotations = { kept: [], partitionKey: undefined, producer: undefined };

function readAnnotations(bytes: Buffer, mapStart: number): Annotations {
  const { start, end } = mapEntries(bytes, mapStart);
  if (start === end) return noAnnotations;
  const kept: Buffer[] = [];
  let partitionKey: string | undefined;
  const producer = new Map<string, number>();
  for (let position = start; position < end; ) {
    const valueStart = endOfValue(bytes, position);
    const pairEnd = endOfValue(bytes, valueStart);
    const name = textAt(bytes, position) ?? '';
    if (producerAnnotationNames.has(name)) producer.set(name, integerAt(bytes, valueStart));
    else if (!brokerAnnotationNames.has(name)) kept.push(bytes.subarray(position, pairEnd));
    if (name === partitionKeyName) partitionKey = textAt(bytes, valueStart);
    position = pairEnd;
  }
  return { kept, partitionKey, producer: producerMark(producer) };
}

function producerMark(found: ReadonlyMap<string, number>): ProducerMark | undefined {
  const id = found.get(producerIdName);
  const epoch = found.get(producerEpochName);
  const sequence = found.get(producerSequenceName);
  if (id === undefined || epoch === undefined || sequence === undefined) return undefined;
  return { id, epoch, sequence };
}

function mapEntries(bytes: Buffer, position: number): { start: number; end: number } {
  const constructorCode = bytes[position];
  const end = endOfValue(bytes, position);
  if (constructorCode === 0xc1) return { start: position + 3, end };
  if (constructorCode === 0xd1) return { start: position + 9, end };
  throw malformed('annotations that are not a map', position);
}

interface Section {
  readonly code: number;
  readonly valueStart: number;
  readonly end: number;
}

function readSection(bytes: Buffer, position: number): Section {
  const valueStart = bytes[position] === 0 ? endOfValue(bytes, position + 1) : -1;
  const descriptor = bytes[position + 1];
  const isUlong = descriptor === 0x53 || descriptor === 0x80;
  const code = isUlong && valueStart > 0 ? (bytes[valueStart - 1] ?? 0) : 0;
  if (code < headerSection || code > footerSection) throw malformed('no section', position);
  return { code, valueStart, end: endOfValue(bytes, valueStart) };
}

function writeMapSection(
  target: Buffer,
  at: number,
  section: { readonly code: number; readonly end: number; readonly pairCount: number },
): void {
  target[at] = 0;
  target[at + 1] = 0x53;
  target[at + 2] = section.code;
  target[at + 3] = 0xd1;
  target.writeUInt32BE(section.end - at - 8, at + 4);
  target.writeUInt32BE(section.pairCount * 2, at + 8);
}
