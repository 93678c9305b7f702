// The subscriber that docs/subscribers.md shows; test/results/subscriberDocs.test.ts compares the two.
// begin
import { EventHubConsumerClient } from '@azure/event-hubs';

/** The part of an alert's CloudEvent that this subscriber uses. */
export interface AlertEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly data: { readonly rule: string; readonly severity: string; readonly message: string };
}

const rememberedIds = 100_000;

/** Calls `onAlert` once for each alert, of one device in order, however often it is published. */
export function followAlerts(
  options: { connectionString: string; eventHub: string; consumerGroup: string },
  onAlert: (alert: AlertEvent) => Promise<void>,
) {
  const { connectionString, eventHub, consumerGroup } = options;
  const consumer = new EventHubConsumerClient(consumerGroup, connectionString, eventHub);
  const seen = new Set<string>();
  const subscription = consumer.subscribe(
    {
      async processEvents(events) {
        for (const { body } of events) {
          const alert = body as AlertEvent; // the client has parsed the JSON
          if (seen.has(alert.id)) continue;
          await onAlert(alert);
          seen.add(alert.id);
          const [oldest] = seen;
          if (seen.size > rememberedIds && oldest !== undefined) seen.delete(oldest);
        }
      },
      async processError(error) {
        console.error(`The client tries again after: ${error.message}`);
      },
    },
    { startPosition: { offset: '-1' } }, // from the oldest alert that the hub still has
  );
  return {
    async close() {
      await subscription.close();
      await consumer.close();
    },
  };
}
// end
