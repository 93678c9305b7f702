// Pure. What the Functions host hands to an Event Hub trigger (cardinality many, binary) -> EventBatch.
import { TributaryError } from '../base/index.js';
import type { EventBatch } from '../events/index.js';

type Properties = Readonly<Record<string, unknown>>;

/**
 * Events are paired with their facts through `systemPropertiesArray`: the host never shortens it, as it does with
 * `partitionKeyArray`, where events without a key are left out. Keys arrive with their first letter in lower case.
 * @throws TributaryError EVENT_BATCH_INVALID when the metadata does not fit the bodies
 */
export function eventBatchFromTrigger(
  hub: string,
  bodies: readonly Uint8Array[],
  metadata: Properties | undefined,
): EventBatch {
  const partition = (metadata?.partitionContext as Properties | undefined)?.partitionId;
  if (typeof partition !== 'string') throw invalid(hub, 'partitionContext.partitionId is not a string');
  const systemProperties = objectArray(hub, metadata, 'systemPropertiesArray', bodies.length);
  const properties = objectArray(hub, metadata, 'propertiesArray', bodies.length);
  return {
    source: hub,
    partition,
    bodies,
    sequenceNumbers: systemProperties.map((event, index) => sequenceNumberOf(hub, event, index)),
    enqueuedMs: systemProperties.map((event, index) => enqueuedMsOf(hub, event, index)),
    systemProperties,
    properties,
  };
}

function objectArray(
  hub: string,
  metadata: Properties | undefined,
  name: string,
  length: number,
): Properties[] {
  const array = metadata?.[name];
  if (!Array.isArray(array) || array.length !== length) {
    throw invalid(hub, `${name} must have ${length} elements, one per event`);
  }
  return array.map((element: unknown) =>
    typeof element === 'object' && element !== null ? (element as Properties) : {},
  );
}

function sequenceNumberOf(hub: string, event: Properties, index: number): number {
  const sequenceNumber = Number(event.sequenceNumber);
  if (Number.isSafeInteger(sequenceNumber)) return sequenceNumber;
  throw invalid(hub, `systemPropertiesArray[${index}].sequenceNumber is not an integer`);
}

function enqueuedMsOf(hub: string, event: Properties, index: number): number {
  const enqueuedMs = Date.parse(String(event.enqueuedTimeUtc));
  if (!Number.isNaN(enqueuedMs)) return enqueuedMs;
  throw invalid(hub, `systemPropertiesArray[${index}].enqueuedTimeUtc is not a time`);
}

/** Nothing in the events themselves can cause this, so they are kept until somebody has looked. */
function invalid(hub: string, what: string): TributaryError {
  return new TributaryError(
    'EVENT_BATCH_INVALID',
    `The host's metadata for a batch of event hub "${hub}" cannot be used: ${what}. ` +
      "Check that the trigger has cardinality 'many' and dataType 'binary'.",
    { retry: 'operator' },
  );
}
