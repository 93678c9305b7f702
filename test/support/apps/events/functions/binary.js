// Logs what it is given: the bodies in base64, the metadata, the retry context. BEHAVIOUR says how it ends, GATE what its last
// attempt waits for.
import { app } from '@azure/functions';
import { passGate } from '../../gate.js';

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
    if (context.retryContext?.retryCount === context.retryContext?.maxRetryCount)
      await passGate(process.env.GATE);
    if (behaviour !== 'succeed') throw new Error('on purpose');
  },
});
