// Logs what it is given: the bodies in base64, the metadata, the retry context. BEHAVIOUR says how it ends.
import { app } from '@azure/functions';

const behaviour = process.env.BEHAVIOUR ?? 'succeed';

app.eventHub('binary', {
  connection: 'Events',
  eventHubName: '%HUB%',
  cardinality: 'many',
  dataType: 'binary',
  ...(behaviour === 'retry'
    ? { retry: { strategy: 'fixedDelay', maxRetryCount: 2, delayInterval: { seconds: 1 } } }
    : {}),
  handler: async (bodies, context) => {
    const { partitionContext, sequenceNumberArray } = context.triggerMetadata;
    context.log(
      `batch ${JSON.stringify({
        partition: partitionContext.partitionId,
        sequenceNumbers: sequenceNumberArray,
        retryContext: context.retryContext,
        ...(process.env.DETAILS === 'yes'
          ? {
              bodies: bodies.map((body) => body.toString('base64')),
              metadata: context.triggerMetadata,
            }
          : {}),
      })}`,
    );
    if (behaviour !== 'succeed') throw new Error('on purpose');
  },
});
