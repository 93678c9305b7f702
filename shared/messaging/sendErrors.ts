// Pure. Errors of sending, in the words of every adapter.
import { TributaryError } from '../base/index.js';
import { maxMessageIdLength, maxPartitionKeyBytes, type OutgoingEvent } from './eventSender.js';

const encoder = new TextEncoder();

/** @throws TributaryError INPUT_INVALID for a key or id that the service does not take */
export function checkEvent(hub: string, { partitionKey, messageId }: OutgoingEvent): void {
  const keyBytes = encoder.encode(partitionKey).byteLength;
  if (messageId.length === 0 || messageId.length > maxMessageIdLength) {
    const rule = `it must have 1 to ${maxMessageIdLength}`;
    throw new TributaryError(
      'INPUT_INVALID',
      `An event for event hub "${hub}" has an id of ${messageId.length} characters; ${rule}.`,
    );
  }
  if (keyBytes === 0 || keyBytes > maxPartitionKeyBytes) {
    const rule = `it must have 1 to ${maxPartitionKeyBytes}`;
    throw new TributaryError(
      'INPUT_INVALID',
      `Event ${messageId} for event hub "${hub}" has a partition key of ${keyBytes} bytes; ${rule}.`,
    );
  }
}

export function eventTooLarge(hub: string, event: OutgoingEvent, maxBytes: number): TributaryError {
  return new TributaryError(
    'INPUT_INVALID',
    `Event ${event.messageId} of ${event.body.byteLength} bytes does not fit: event hub "${hub}" takes at most ${maxBytes} bytes, envelope included.`,
  );
}

export function senderClosed(hub: string): TributaryError {
  return new TributaryError('PUBLISH_FAILED', `The sender of event hub "${hub}" has been closed.`, {
    retry: 'permanent',
  });
}
