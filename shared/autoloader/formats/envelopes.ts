// Records in the envelope of Event Hubs Capture or of IoT Hub's routes to storage: the JSON of their body takes their
// place, and the rest of the envelope goes along in `_envelope`.
import { Buffer } from 'node:buffer';
import { openBody } from '../../events/index.js';
import { type BadDraft, type Draft, type GoodDraft, type ReadLimits, setMember } from './drafts.js';
import { isFileObject, Unreadable, valueOfText } from './jsonRecords.js';
import type { BadRecordReason, FileObject, FileValue } from './types.js';

const envelopeKey = '_envelope';
const sharedKeys = ['EnqueuedTimeUtc', 'Properties', 'SystemProperties', 'Body'] as const;
const captureKeys: readonly string[] = [...sharedKeys, 'SequenceNumber', 'Offset'];

/** Whether exactly these are the keys of an envelope: a record that merely has a `Body` is left alone. */
function isEnvelope(keys: readonly string[]): boolean {
  const isComplete = sharedKeys.every((key) => keys.includes(key));
  return isComplete && (keys.length === sharedKeys.length || isCapture(keys));
}

/** Whether columns are those of an envelope; the ones with values of several types are not declared. */
export function isOfEnvelope(columns: readonly string[]): boolean {
  return columns.includes('Body') && columns.every((column) => captureKeys.includes(column));
}

function isCapture(keys: readonly string[]): boolean {
  return keys.length === captureKeys.length && captureKeys.every((key) => keys.includes(key));
}

export function unwrap(draft: Draft, limits: ReadLimits): Iterable<Draft> {
  if (draft.kind === 'bad' || !('Body' in draft.value)) return [draft];
  const keys = Object.keys(draft.value);
  if (!isEnvelope(keys)) return [draft];
  const body = bodyOf(draft.value, limits);
  if (body instanceof UnusableBody) return [badBody(draft, body, limits)];
  const envelope = envelopeOf(draft.value, isCapture(keys));
  const elements = Array.isArray(body.value) ? (body.value as readonly FileValue[]) : [body.value];
  if (elements.length === 0) {
    return [
      badBody(draft, new UnusableBody('empty_body', 'The body is an empty array.', body.bytes), limits),
    ];
  }
  return elements.map((element) => {
    if (!isFileObject(element)) {
      const detail = 'A record must be a JSON object, but the body, or an element of it, is none.';
      return badBody(draft, new UnusableBody('not_an_object', detail, body.bytes), limits);
    }
    const value = withEnvelope(element, envelope);
    return { kind: 'record', value, offset: draft.offset, sourceBytes: draft.sourceBytes / elements.length };
  });
}

/** Names stay, whatever the envelope: null where it has no such thing. */
function envelopeOf(record: FileObject, isFromCapture: boolean): FileObject {
  const systemProperties = record.SystemProperties ?? null;
  return {
    source: isFromCapture ? 'eventHubsCapture' : 'iotHub',
    enqueued_time: record.EnqueuedTimeUtc ?? null,
    sequence_number: record.SequenceNumber ?? null,
    offset: record.Offset ?? null,
    device_id: deviceIdOf(systemProperties),
    properties: record.Properties ?? null,
    system_properties: systemProperties,
  };
}

/** The device that IoT Hub authenticated, as its routes and as its event hub name it. */
function deviceIdOf(systemProperties: FileValue): FileValue {
  if (!isFileObject(systemProperties)) return null;
  return systemProperties.connectionDeviceId ?? systemProperties['iothub-connection-device-id'] ?? null;
}

/** A body that has such a member itself keeps it, inside the envelope. */
function withEnvelope(body: FileObject, envelope: FileObject): FileObject {
  const value: Record<string, FileValue> = { ...body };
  const shadowed = Object.hasOwn(body, envelopeKey) ? { shadowed: body[envelopeKey]! } : {};
  setMember<FileValue>(value, envelopeKey, { ...envelope, ...shadowed });
  return value;
}

class UnusableBody {
  constructor(
    readonly reason: BadRecordReason,
    readonly detail: string,
    readonly bytes: Uint8Array,
  ) {}
}

function badBody(
  { offset, sourceBytes }: GoodDraft,
  { reason, detail, bytes }: UnusableBody,
  limits: ReadLimits,
): BadDraft {
  const kept = Buffer.from(bytes.subarray(0, limits.maxBadBytes));
  return { kind: 'bad', offset, sourceBytes, reason, detail, bytes: kept };
}

interface Body {
  readonly value: FileValue;
  readonly bytes: Uint8Array;
}

/**
 * Capture has bytes. IoT Hub has JSON when the device said so, else the bytes in base64; text that is JSON itself is
 * taken as such.
 */
function bodyOf({ Body: body }: FileObject, limits: ReadLimits): Body | UnusableBody {
  if (body === null || body === undefined || body === '') {
    return new UnusableBody('empty_body', 'The envelope has no body.', new Uint8Array(0));
  }
  if (body instanceof Uint8Array) return bodyOfBytes(body, limits);
  if (typeof body !== 'string') return { value: body, bytes: new Uint8Array(0) };
  const asText = Buffer.from(body);
  const plain = bodyOfBytes(asText, limits);
  if (!(plain instanceof UnusableBody) && typeof plain.value === 'object') return plain;
  if (!isBase64(body)) return plain;
  return bodyOfBytes(Buffer.from(body, 'base64'), limits);
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

function bodyOfBytes(bytes: Uint8Array, limits: ReadLimits): Body | UnusableBody {
  const opened = openBody(bytes, false, limits.maxRecordBytes);
  if (opened.kind === 'unusable') {
    return new UnusableBody(reasonOf(opened.reason), opened.detail, bytes);
  }
  const value = valueOfText(opened.text, limits);
  if (value instanceof Unreadable) return new UnusableBody(value.reason, value.detail, bytes);
  return { value, bytes };
}

function reasonOf(reason: string): BadRecordReason {
  switch (reason) {
    case 'empty_body':
    case 'invalid_gzip':
    case 'invalid_utf8':
      return reason;
    default:
      return 'record_too_large';
  }
}
