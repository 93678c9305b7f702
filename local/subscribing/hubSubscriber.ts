// Reads the new events of a hub, as those who wait for alerts do.
import { EventHubConsumerClient, latestEventPosition } from '@azure/event-hubs';

export interface SubscriberOptions {
  readonly connectionString: string;
  readonly hub: string;
}

/** @returns ends it */
export function subscribeToHub(
  { connectionString, hub }: SubscriberOptions,
  onEvent: (body: unknown) => void,
): () => Promise<void> {
  const client = new EventHubConsumerClient('$Default', connectionString, hub);
  const subscription = client.subscribe(
    {
      processEvents: async (events) => {
        for (const { body } of events) onEvent(body);
      },
      // The client connects again by itself.
      processError: async () => {},
    },
    { startPosition: latestEventPosition, maxWaitTimeInSeconds: 1 },
  );
  return async () => {
    await subscription.close();
    await client.close();
  };
}
