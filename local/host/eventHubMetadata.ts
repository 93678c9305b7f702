// Pure. What the Event Hub trigger hands to a function: its input and the trigger metadata, in the real host's shapes.
import { TributaryError } from '../../shared/base/index.js';
import type { TypedData } from './coreTypes.js';
import { jsonData, stringsData, withBodyProperties } from './typedData.js';

/** One received event, free of the client library's types. */
export interface HubEvent {
  /** The AMQP body's bytes, exactly as sent. */
  readonly body: Uint8Array;
  readonly sequenceNumber: number;
  readonly offset: string;
  readonly enqueuedTimeUtc: Date;
  readonly partitionKey?: string;
  /** Application properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Message annotations under their own names: the broker's `x-opt-...`, IoT Hub's, Kafka's. */
  readonly annotations: Readonly<Record<string, unknown>>;
  /** The AMQP properties section under the names .NET gives them, e.g. `content-type`. */
  readonly messageProperties: Readonly<Record<string, unknown>>;
}

export interface PartitionFacts {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
  /** What `batchCheckpointFrequency` makes of this batch. */
  readonly isCheckpointingAfterInvocation: boolean;
}

export type DataType = 'binary' | 'string' | 'none';

export interface TriggerValue {
  readonly input: TypedData;
  readonly metadata: Readonly<Record<string, TypedData>>;
}

export function manyEventsValue(
  events: readonly HubEvent[],
  dataType: DataType,
  facts: PartitionFacts,
): TriggerValue {
  return { input: manyEventsInput(events, dataType), metadata: manyEventsMetadata(events, facts) };
}

export function oneEventValue(event: HubEvent, dataType: DataType, facts: PartitionFacts): TriggerValue {
  const metadata = oneEventMetadata(event, facts);
  if (dataType === 'binary') return { input: { bytes: event.body }, metadata };
  const text = textOf(event.body);
  return { input: { string: text }, metadata: withBodyProperties(metadata, text) };
}

function manyEventsInput(events: readonly HubEvent[], dataType: DataType): TypedData {
  switch (dataType) {
    case 'binary':
      return { collectionBytes: { bytes: events.map((event) => event.body) } };
    case 'string':
      return stringsData(events.map((event) => textOf(event.body)));
    case 'none':
      return { json: `[${events.map(checkedJson).join(',')}]` };
  }
}

/** One body that is not JSON fails the whole batch before the function runs: a habit of the real host. */
function checkedJson(event: HubEvent): string {
  const text = textOf(event.body);
  try {
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new TributaryError(
      'EVENT_BATCH_INVALID',
      `Event ${event.sequenceNumber} is not JSON, so its whole batch cannot be bound: without a dataType the host makes ` +
        "an object of each body. Give the trigger dataType 'binary' or 'string' to receive bodies as they are.",
      { cause },
    );
  }
}

function manyEventsMetadata(events: readonly HubEvent[], facts: PartitionFacts): Record<string, TypedData> {
  return {
    ...partitionMetadata(facts),
    PartitionKeyArray: stringsData(events.map((event) => event.partitionKey)),
    OffsetArray: stringsData(events.map((event) => event.offset)),
    SequenceNumberArray: { collectionSint64: { sint64: events.map((event) => event.sequenceNumber) } },
    EnqueuedTimeUtcArray: jsonData(events.map((event) => event.enqueuedTimeUtc)),
    PropertiesArray: jsonData(events.map((event) => event.properties)),
    SystemPropertiesArray: jsonData(events.map(systemProperties)),
  };
}

function oneEventMetadata(event: HubEvent, facts: PartitionFacts): Record<string, TypedData> {
  return {
    ...partitionMetadata(facts),
    ...(event.partitionKey === undefined ? {} : { PartitionKey: { string: event.partitionKey } }),
    Offset: { string: event.offset },
    SequenceNumber: jsonData(event.sequenceNumber),
    EnqueuedTimeUtc: jsonData(event.enqueuedTimeUtc),
    Properties: jsonData(event.properties),
    SystemProperties: jsonData(systemProperties(event)),
  };
}

function partitionMetadata(facts: PartitionFacts): Record<string, TypedData> {
  const context = jsonData({
    FullyQualifiedNamespace: facts.fullyQualifiedNamespace,
    EventHubName: facts.eventHubName,
    ConsumerGroup: facts.consumerGroup,
    PartitionId: facts.partitionId,
    IsCheckpointingAfterInvocation: facts.isCheckpointingAfterInvocation,
  });
  return { PartitionContext: context, CheckpointContext: context };
}

function systemProperties(event: HubEvent): unknown {
  return {
    ...event.annotations,
    ...event.messageProperties,
    SequenceNumber: event.sequenceNumber,
    Offset: event.offset,
    PartitionKey: event.partitionKey ?? null,
    EnqueuedTimeUtc: event.enqueuedTimeUtc,
  };
}

const decoder = new TextDecoder();

function textOf(body: Uint8Array): string {
  return decoder.decode(body);
}
