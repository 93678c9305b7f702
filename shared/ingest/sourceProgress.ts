// Pure. How far a partition has been ingested, as the table's transaction versions tell it, and in which incarnation
// of the hub an event belongs.
//
// Two transaction ids per partition (PROTOCOL.md "Transaction Identifiers"):
//   ingest/<source>/<partition>            last committed sequence number
//   ingest/<source>/<partition>/enqueued   greatest committed enqueue time, milliseconds
// A hub that was deleted and made again counts its events from 0 again. Such events look old by sequence number but
// carry a broker time later than anything committed, which no redelivered event can. They start a new incarnation:
// the source becomes `<hub>#1`, `<hub>#2`, ... in the ids and in the rows' `_source`, so that
// (source, partition, sequence number, index) names one reading for ever.
import type { TransactionVersions } from '../delta/index.js';
import type { EventBatch } from '../events/index.js';

export interface PartitionKey {
  readonly hub: string;
  readonly partition: string;
}

export interface SourceProgress {
  /** 0 for the hub as first seen, then counted up each time it is made again. */
  readonly incarnation: number;
  /** -1 before the first commit. */
  readonly lastSequenceNumber: number;
  /** -Infinity before the first commit. */
  readonly lastEnqueuedMs: number;
}

export function sourceName(hub: string, incarnation: number): string {
  return incarnation === 0 ? hub : `${hub}#${incarnation}`;
}

export function sequenceAppId(key: PartitionKey, incarnation: number): string {
  return `ingest/${sourceName(key.hub, incarnation)}/${key.partition}`;
}

export function enqueuedAppId(key: PartitionKey, incarnation: number): string {
  return `${sequenceAppId(key, incarnation)}/enqueued`;
}

/** Progress in one incarnation, over all of `tables`: what any of them has committed counts. */
export function progressIn(
  tables: readonly TransactionVersions[],
  key: PartitionKey,
  incarnation: number,
): SourceProgress {
  let lastSequenceNumber = -1;
  let lastEnqueuedMs = Number.NEGATIVE_INFINITY;
  for (const committed of tables) {
    lastSequenceNumber = Math.max(lastSequenceNumber, committed.get(sequenceAppId(key, incarnation)) ?? -1);
    lastEnqueuedMs = Math.max(
      lastEnqueuedMs,
      committed.get(enqueuedAppId(key, incarnation)) ?? Number.NEGATIVE_INFINITY,
    );
  }
  return { incarnation, lastSequenceNumber, lastEnqueuedMs };
}

/** Progress in the newest incarnation that any of `tables` knows. */
export function currentProgress(tables: readonly TransactionVersions[], key: PartitionKey): SourceProgress {
  let incarnation = 0;
  while (tables.some((committed) => committed.has(sequenceAppId(key, incarnation + 1)))) incarnation++;
  return progressIn(tables, key, incarnation);
}

/**
 * Index of the first event that must come from a hub made again: committed by its sequence number, yet enqueued
 * after everything committed. `bodies.length` when there is none.
 */
export function firstEventOfNextIncarnation(batch: EventBatch, progress: SourceProgress): number {
  const { sequenceNumbers, enqueuedMs } = batch;
  for (let index = 0; index < sequenceNumbers.length; index++) {
    const sequenceNumber = sequenceNumbers[index]!;
    if (sequenceNumber > progress.lastSequenceNumber) break;
    if (enqueuedMs[index]! > progress.lastEnqueuedMs) return index;
  }
  return sequenceNumbers.length;
}
