export {
  type AlertCloudEvent,
  type AlertData,
  type CloudEventContext,
  cloudEventContentType,
  cloudEventSource,
  toCloudEvent,
} from './cloudEvents.js';
export {
  deviceKey,
  LatestState,
  type RecentAlert,
  recentAlertCount,
  recentAlerts,
  shardPartition,
} from './latestState.js';
export { alertPauseMs, mostSeals, type PublicationInput, planPublication } from './publication.js';
export {
  type PublishOutcome,
  type ResultAppender,
  ResultPublisher,
  type ResultPublisherOptions,
  resultsAppId,
} from './publisher.js';
export {
  type NumberedBatch,
  pipelineTables,
  type ResultTable,
  ResultTables,
  type ShardBatch,
} from './resultTables.js';
export { fixShardCount } from './shardCount.js';
export { type UndeliveredAlert, undeliveredSchema } from './undeliveredAlerts.js';
export { createWebhookClient, type PostToWebhook, type WebhookTarget } from './webhookClient.js';
export { WebhookDelivery, type WebhookDeliveryOptions } from './webhookDelivery.js';
export { secretProblem, signatureHeaders } from './webhookSignature.js';
export { webhookConsumerGroup, webhookTargets } from './webhookTargets.js';
