// Event Hub trigger on the hub of the alerts: each alert to each webhook; what is not taken goes to undelivered_alerts.
import { app, type EventHubFunctionOptions } from '@azure/functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';
import { eventBatchFromTrigger } from '../shared/ingest/index.js';
import { webhookConsumerGroup } from '../shared/results/index.js';

const { alerts } = pipeline;

/** A webhook that fails never fails the function; only the table of undelivered alerts does, which is worth waiting for. */
const options: EventHubFunctionOptions<Buffer[]> & { readonly dataType: 'binary' } = {
  connection: alerts.connection,
  eventHubName: alerts.eventHub,
  consumerGroup: webhookConsumerGroup,
  cardinality: 'many',
  dataType: 'binary',
  retry: {
    strategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 1 },
    maximumInterval: { seconds: 60 },
  },
  handler: async (bodies, context) => {
    const batch = eventBatchFromTrigger(alerts.eventHub, bodies, context.triggerMetadata);
    const { webhooks } = await getApp();
    await webhooks().deliver(batch);
  },
};

if (alerts.webhooks.length > 0) app.eventHub('deliverAlerts', options);
