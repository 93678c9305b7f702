// Pure. What the broker says about an event: system properties, application properties, Kafka headers and key.
//
// The Functions host lower-cases the first letter of every property name, so a name is looked up as it is written in
// pipeline.ts and with a small first letter. Kafka headers and the record key are bytes, in one of the forms that the
// way through the host leaves of them; the host's own JSON writes bytes as base64 text.
import type { ParsedPath } from '../pipeline/index.js';

export type Properties = Readonly<Record<string, unknown>>;
type BrokerPath = Exclude<ParsedPath, { kind: 'body' }>;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Compiles a path; the result gives the value, bytes as text where they are UTF-8, or undefined. */
export function brokerReader(path: BrokerPath): (system: Properties, application: Properties) => unknown {
  if (path.kind === 'key') return recordKey;
  const { name } = path;
  const lowered = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  const readAs = (read: typeof propertyOf) => (properties: Properties) =>
    read(properties, name) ?? read(properties, lowered);
  switch (path.kind) {
    case 'system':
      return readAs(propertyOf);
    case 'header': {
      const readHeader = readAs(bytesPropertyOf);
      return (_, application) => readHeader(application);
    }
    case 'property': {
      const readProperty = readAs(propertyOf);
      return (_, application) => readProperty(application);
    }
  }
}

/** The partition key, or what a Kafka producer gave as the record's key. */
function recordKey(system: Properties): unknown {
  return (
    propertyOf(system, 'partitionKey') ??
    propertyOf(system, 'x-opt-partition-key') ??
    bytesPropertyOf(system, 'x-opt-kafka-key')
  );
}

/** Of an AMQP message (system) or a Kafka record (header). */
export function saysGzip(system: Properties, application: Properties): boolean {
  const encoding = propertyOf(system, 'content-encoding') ?? propertyOf(application, 'content-encoding');
  return typeof encoding === 'string' && /^\s*(x-)?gzip\s*$/i.test(encoding);
}

/** The device that IoT Hub authenticated; undefined for events from elsewhere. */
export function authenticatedDevice(system: Properties): string | undefined {
  const deviceId = propertyOf(system, 'iothub-connection-device-id');
  return typeof deviceId === 'string' ? deviceId : undefined;
}

/** The kind of an IoT Hub message that is not a device's telemetry, e.g. `twinChangeEvents`. */
export function otherMessageSource(system: Properties): string | undefined {
  const source = propertyOf(system, 'iothub-message-source');
  if (source === undefined) return undefined;
  return typeof source === 'string' && source.toLowerCase() === 'telemetry' ? undefined : String(source);
}

/** `{"application":{...},"system":{...}}`, each where there are any; null without any. Never throws. */
export function propertiesJson(system: Properties, application: Properties): string | null {
  try {
    const parts = [
      ...(Object.keys(application).length > 0 ? [`"application":${jsonOf(readable(application))}`] : []),
      ...(Object.keys(system).length > 0 ? [`"system":${jsonOf(readable(system))}`] : []),
    ];
    return parts.length === 0 ? null : `{${parts.join(',')}}`;
  } catch (error) {
    return `{"error":${JSON.stringify(String(error))}}`;
  }
}

/** JSON text of a property's value, whatever it is. */
export function jsonOf(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? String(part) : part,
  );
  return text ?? 'null';
}

function readable(properties: Properties): Properties {
  return Object.fromEntries(
    Object.keys(properties).map((name) => [name, propertyOf(properties, name) ?? null]),
  );
}

function propertyOf(properties: Properties, name: string): unknown {
  if (!Object.hasOwn(properties, name)) return undefined;
  const value = properties[name];
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  const bytes = bytesOf(value);
  return bytes === undefined ? value : (textOf(bytes) ?? value);
}

/** A property that is bytes at its origin: a string is their base64, unless it cannot be. */
function bytesPropertyOf(properties: Properties, name: string): unknown {
  const value = propertyOf(properties, name);
  const isEncoded = typeof value === 'string' && value === properties[name] && isBase64(value);
  if (!isEncoded) return value;
  return textOf(Uint8Array.from(atob(value), (character) => character.charCodeAt(0))) ?? value;
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  const list: unknown = 'type' in value && value.type === 'Buffer' && 'data' in value ? value.data : value;
  const isBytes =
    Array.isArray(list) && list.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  return isBytes ? Uint8Array.from(list as number[]) : undefined;
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined; // Not a text: the caller keeps the bytes.
  }
}
