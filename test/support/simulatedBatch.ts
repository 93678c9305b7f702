// Batches as the trigger would hand them over, without a hub: seeded bodies, good and bad.
import { compressText, createFleet, defaultMix, type Fleet } from '../../local/simulator/index.js';
import type { EventBatch } from '../../shared/events/index.js';

export const firstEnqueuedMs = Date.UTC(2026, 0, 1);

/** One second of events a step: sequence number n is enqueued at `firstEnqueuedMs` + n milliseconds. */
export function simulatedEvents(hub: string, partition: string, count: number, seed: number): EventBatch {
  const fleet: Fleet = createFleet({
    deviceCount: 20,
    seed,
    mix: { ...defaultMix, malformed: 0.05, duplicates: 0.02 },
    fastClocks: 0.05,
    fractionBatteries: 0.1,
    compress: compressText,
  });
  const sequenceNumbers = Array.from({ length: count }, (_, index) => index);
  return {
    source: hub,
    partition,
    bodies: sequenceNumbers.map((sequenceNumber) => fleet.next(firstEnqueuedMs + sequenceNumber).body),
    sequenceNumbers,
    enqueuedMs: sequenceNumbers.map((sequenceNumber) => firstEnqueuedMs + sequenceNumber),
    systemProperties: sequenceNumbers.map(() => ({})),
    properties: sequenceNumbers.map(() => ({})),
  };
}

/** Events `from` to `to` (exclusive) of a batch. */
export function cutEvents(batch: EventBatch, from: number, to: number): EventBatch {
  return {
    source: batch.source,
    partition: batch.partition,
    bodies: batch.bodies.slice(from, to),
    sequenceNumbers: batch.sequenceNumbers.slice(from, to),
    enqueuedMs: batch.enqueuedMs.slice(from, to),
    systemProperties: batch.systemProperties.slice(from, to),
    properties: batch.properties.slice(from, to),
  };
}
