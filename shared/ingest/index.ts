export {
  type CommitObserver,
  type CommittedReadings,
  Ingestor,
  type IngestorOptions,
  type IngestSummary,
  type RowAppender,
} from './ingestor.js';
export { type ShardClient, ShardSignaller, type ShardSignallerOptions } from './shardSignaller.js';
export {
  currentProgress,
  enqueuedAppId,
  type PartitionKey,
  type SourceProgress,
  sequenceAppId,
  sourceName,
} from './sourceProgress.js';
export { eventBatchFromTrigger } from './triggerBatch.js';
