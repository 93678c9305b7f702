// Event Hub trigger: one batch of one partition -> readings and quarantine.
import { app, type EventHubFunctionOptions } from '@azure/functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';
import { eventBatchFromTrigger } from '../shared/ingest/index.js';

/**
 * `dataType: 'binary'`: with any other form the host parses the bodies as JSON, and one that is not JSON fails the
 * whole batch before this function runs. The library's types lack the option but hand it on.
 */
const options: EventHubFunctionOptions<Buffer[]> & { readonly dataType: 'binary' } = {
  connection: pipeline.source.connection,
  eventHubName: pipeline.source.eventHub,
  consumerGroup: pipeline.source.consumerGroup,
  cardinality: 'many',
  dataType: 'binary',
  // The host moves on after the last retry whether the batch was stored or not, so there is no last retry.
  retry: {
    strategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 1 },
    maximumInterval: { seconds: 60 },
  },
  handler: async (bodies, context) => {
    const batch = eventBatchFromTrigger(pipeline.source.eventHub, bodies, context.triggerMetadata);
    const { ingestor } = await getApp();
    await ingestor.ingest(batch);
  },
};

app.eventHub('ingestEvents', options);
