// Pure. Do the checkpoints belong to this event hub? Reading on with those of another one would skip events silently.
import { TributaryError } from '../../shared/base/index.js';

export interface HubFacts {
  readonly eventHubName: string;
  readonly createdMs: number;
  /** Partition id -> sequence number of its last event; -1 when it is empty. */
  readonly lastSequenceNumbers: ReadonlyMap<string, number>;
}

export interface StoredCheckpoint {
  readonly consumerGroup: string;
  readonly partitionId: string;
  readonly sequenceNumber: number;
  /** When the checkpoint was written; storage keeps whole seconds. */
  readonly modifiedMs: number;
}

const howToFix =
  'If the hub was wiped on purpose, start the host once with --reset-checkpoints: it deletes the checkpoints of the ' +
  "app's event hubs, so that the new hub is read from its start. Otherwise bring the hub's old data back.";

/** @returns an error LOCAL_STATE_MISMATCH, or undefined when everything fits */
export function findHubMismatch(
  hub: HubFacts,
  checkpoints: readonly StoredCheckpoint[],
): TributaryError | undefined {
  for (const checkpoint of checkpoints) {
    const last = hub.lastSequenceNumbers.get(checkpoint.partitionId);
    if (last === undefined) continue;
    const where = `Event hub "${hub.eventHubName}", partition ${checkpoint.partitionId}, consumer group "${checkpoint.consumerGroup}"`;
    const position = `its checkpoint is at sequence number ${checkpoint.sequenceNumber}, and the partition's last event is ${last}`;
    if (checkpoint.sequenceNumber > last) {
      return mismatch(
        `${where}: ${position}: the checkpoint is beyond the end, so new events would be skipped`,
      );
    }
    // A hub made within the second of the checkpoint is taken for older: storage's time has no finer grain.
    if (wholeSecond(hub.createdMs) > wholeSecond(checkpoint.modifiedMs)) {
      return mismatch(
        `${where}: ${position}, but the hub was created at ${isoTime(hub.createdMs)}, after the checkpoint was written ` +
          `(${isoTime(checkpoint.modifiedMs)}), so the events before it would be skipped`,
      );
    }
  }
  return undefined;
}

/** The hub a running listener reads from was replaced. */
export function findReplacement(
  eventHubName: string,
  knownMs: number,
  createdMs: number,
): TributaryError | undefined {
  if (createdMs === knownMs) return undefined;
  return mismatch(
    `Event hub "${eventHubName}" was created anew at ${isoTime(createdMs)} while this host was reading the one of ${isoTime(knownMs)}`,
  );
}

function mismatch(what: string): TributaryError {
  return new TributaryError('LOCAL_STATE_MISMATCH', `${what}. ${howToFix}`);
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
