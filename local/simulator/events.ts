// Pure. What the simulator can send, and what a correct pipeline must make of it.
import type { QuarantineReason } from '../../shared/events/index.js';

/** Every event is of exactly one kind. */
export const eventKinds = [
  /** One reading, as the flat object of the seed. */
  'flat',
  /** One reading with `measurements`, `location`, `power` and `state` objects. */
  'nested',
  /** One event that carries a JSON array of several readings. */
  'array',
  /** One flat reading, gzip-compressed. */
  'gzip',
  /** A flat reading with fields that no schema knows. */
  'unknownFields',
  /** Up to a minute behind the device's newest reading. */
  'outOfOrder',
  /** Behind any sensible watermark: 20 minutes to 2 hours. */
  'late',
  /** The body of an earlier event, sent again as an event of its own. */
  'duplicate',
  /** From a device whose clock runs more than 5 minutes ahead. */
  'fastClock',
  /** A metric that is not a number: the reading is kept, the value rescued. */
  'wrongType',
  'notJson',
  'truncated',
  'emptyBody',
  'brokenGzip',
  'missingDeviceId',
  'badTimestamp',
] as const;

export type EventKind = (typeof eventKinds)[number];

/** Malformed kinds, drawn alike when an event is to be malformed. */
export const malformedKinds = [
  'wrongType',
  'notJson',
  'truncated',
  'emptyBody',
  'brokenGzip',
  'missingDeviceId',
  'badTimestamp',
] as const satisfies readonly EventKind[];

const reasons: Partial<Record<EventKind, QuarantineReason>> = {
  fastClock: 'event_time_in_future',
  notJson: 'invalid_json',
  truncated: 'invalid_json',
  emptyBody: 'empty_body',
  brokenGzip: 'invalid_gzip',
  missingDeviceId: 'missing_device_id',
  badTimestamp: 'invalid_event_time',
};

/** Rows that one event must leave in the tables. */
export interface ExpectedOutcome {
  readonly readings: number;
  readonly quarantined: number;
  /** Of `readings`, those with something in `_rescued_data`. */
  readonly rescued: number;
  /** Undefined when nothing is quarantined. */
  readonly reason: QuarantineReason | undefined;
}

/** @param readingCount readings in the body; only `array` has more than one. A duplicate's outcome is its original's. */
export function expectedOutcome(kind: Exclude<EventKind, 'duplicate'>, readingCount = 1): ExpectedOutcome {
  const reason = reasons[kind];
  if (reason !== undefined) return { readings: 0, quarantined: 1, rescued: 0, reason };
  const rescued = kind === 'unknownFields' || kind === 'wrongType' ? 1 : 0;
  return { readings: readingCount, quarantined: 0, rescued, reason: undefined };
}

export interface SimulatedEvent {
  /** The sending device, also where the body does not name it: events of one device go to one partition. */
  readonly deviceId: string;
  readonly kind: EventKind;
  readonly body: Uint8Array;
  readonly outcome: ExpectedOutcome;
}
