// Events that go nowhere but into an array, for tests.
import { type EventSender, eventsByKey, type OutgoingEvent } from './eventSender.js';
import { checkEvent, eventTooLarge, senderClosed } from './sendErrors.js';

export interface MemorySender extends EventSender {
  /** In the order they were taken. */
  readonly sent: readonly OutgoingEvent[];
  /** The next sends reject with these, before they take anything. */
  failNext(...errors: readonly Error[]): void;
}

/** @param maxEventBytes of a body. Default 1 MiB */
export function createMemorySender(hub = 'memory', maxEventBytes = 1_048_576): MemorySender {
  const sent: OutgoingEvent[] = [];
  const failures: Error[] = [];
  let isClosed = false;
  return {
    sent,
    failNext(...errors) {
      failures.push(...errors);
    },
    async send(events) {
      if (isClosed) throw senderClosed(hub);
      for (const event of events) checkEvent(hub, event);
      const tooLarge = events.find(({ body }) => body.byteLength > maxEventBytes);
      if (tooLarge !== undefined) throw eventTooLarge(hub, tooLarge, maxEventBytes);
      const failure = events.length === 0 ? undefined : failures.shift();
      if (failure !== undefined) throw failure;
      for (const ofKey of eventsByKey(events).values()) sent.push(...ofKey);
    },
    async close() {
      isClosed = true;
    },
  };
}
