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
export { alertPauseMs, type PublicationInput, planPublication } from './publication.js';
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
