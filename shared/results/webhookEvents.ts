// Pure. The events of a batch, as webhooks get them: which device they are about, in which order.
import type { EventBatch } from '../events/index.js';

export interface WebhookEvent {
  /** Position in the batch. */
  readonly position: number;
  readonly id: string;
  readonly deviceId: string;
  /** As it came. */
  readonly body: Uint8Array;
}

export interface WebhookBatch {
  /** Each lane holds the events of one device, in order. */
  readonly lanes: readonly (readonly WebhookEvent[])[];
  /** Positions of events that are no CloudEvents. */
  readonly invalid: readonly number[];
}

/** An id that comes twice, because alerts are published at least once, is taken once. */
export function webhookBatchOf(batch: EventBatch): WebhookBatch {
  const lanes = new Map<string, WebhookEvent[]>();
  const ids = new Set<string>();
  const invalid: number[] = [];
  for (const [position, body] of batch.bodies.entries()) {
    const event = webhookEventOf(position, body);
    if (event === undefined) invalid.push(position);
    else if (!ids.has(event.id)) {
      ids.add(event.id);
      const lane = lanes.get(event.deviceId);
      if (lane === undefined) lanes.set(event.deviceId, [event]);
      else lane.push(event);
    }
  }
  return { lanes: [...lanes.values()], invalid };
}

/** Ids go into a header: printable ASCII only, as ours are. */
function webhookEventOf(position: number, body: Uint8Array): WebhookEvent | undefined {
  let event: unknown;
  try {
    event = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined; // said by `invalid`, with the body
  }
  if (typeof event !== 'object' || event === null) return undefined;
  const { specversion, id, subject } = event as Readonly<Record<string, unknown>>;
  if (specversion !== '1.0' || typeof id !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(id)) return undefined;
  return { position, id, deviceId: typeof subject === 'string' ? subject : '', body };
}
