// Pure. The port that events leave by: what an adapter must do.

export interface OutgoingEvent {
  /** Events of one key stay in order. At most 128 bytes of UTF-8. */
  readonly partitionKey: string;
  readonly body: Uint8Array;
  /** Media type of the body. */
  readonly contentType: string;
  /** By which readers tell repeated events. At most 128 characters. */
  readonly messageId: string;
}

/** The service's limit. */
export const maxPartitionKeyBytes = 128;
/** The client's limit. */
export const maxMessageIdLength = 128;

export interface EventSender {
  /**
   * Resolves when the hub has taken all of them; of one partition key in this order. When it rejects, the hub may have some,
   * of each key the first ones; to send all of them again is safe for readers that go by `messageId`. Calls with events of
   * one key must not overlap, or their order is open.
   * @throws TributaryError INPUT_INVALID for an event that no hub takes, before any is sent where that can be known;
   *   PUBLISH_FAILED otherwise, with the retry hint `operator` for a hub that does not exist or refuses the identity
   */
  send(events: readonly OutgoingEvent[]): Promise<void>;
  /** May be called twice; `send` rejects afterwards. */
  close(): Promise<void>;
}

/** Keys in the order they first appear, each with its events in order. */
export function eventsByKey(events: readonly OutgoingEvent[]): ReadonlyMap<string, readonly OutgoingEvent[]> {
  const byKey = new Map<string, OutgoingEvent[]>();
  for (const event of events) {
    const known = byKey.get(event.partitionKey);
    if (known === undefined) byKey.set(event.partitionKey, [event]);
    else known.push(event);
  }
  return byKey;
}
