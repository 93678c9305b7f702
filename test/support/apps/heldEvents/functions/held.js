// Logs the size of each batch.
import { app } from '@azure/functions';

app.eventHub('held', {
  connection: 'Events',
  eventHubName: '%HUB%',
  cardinality: 'many',
  dataType: 'binary',
  handler: (_bodies, context) => {
    const { partitionContext, sequenceNumberArray } = context.triggerMetadata;
    context.log(
      `batch ${JSON.stringify({ partition: partitionContext.partitionId, sequenceNumbers: sequenceNumberArray })}`,
    );
  },
});
