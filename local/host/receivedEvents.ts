// What the Event Hubs client received -> HubEvent, from the raw AMQP message so that nothing is converted on the way.
import type { ReceivedEventData } from '@azure/event-hubs';
import type { HubEvent } from './eventHubMetadata.js';

/** The client must be told `skipParsingBodyAsJson`. */
export function hubEvent(event: ReceivedEventData): HubEvent {
  const raw = event.getRawAmqpMessage();
  return {
    body: bodyBytes(event.body),
    sequenceNumber: event.sequenceNumber,
    offset: event.offset,
    enqueuedTimeUtc: event.enqueuedTimeUtc,
    ...(event.partitionKey == null ? {} : { partitionKey: event.partitionKey }),
    properties: raw.applicationProperties ?? {},
    annotations: raw.messageAnnotations ?? {},
    messageProperties: messageProperties(raw.properties ?? {}),
  };
}

/** Data sections are bytes; AMQP value and sequence bodies, which no HTTP or Kafka producer makes, become JSON text. */
function bodyBytes(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (Array.isArray(body) && body.length > 0 && body.every((part) => part instanceof Uint8Array)) {
    return Buffer.concat(body);
  }
  if (body === null || body === undefined) return new Uint8Array(0);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** `contentType` -> `content-type`: the AMQP specification's names, which .NET and so the real host use. */
function messageProperties(properties: object): Record<string, unknown> {
  const present = Object.entries(properties).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(
    present.map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      name.endsWith('Time') && typeof value === 'number' ? new Date(value) : value,
    ]),
  );
}
