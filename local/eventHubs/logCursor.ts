// One reader's place in a partition.
import { type EventFrame, eventAt } from './logFrames.js';
import type { PartitionLog } from './partitionLog.js';

export class LogCursor {
  readonly #log: PartitionLog;
  #nextSequenceNumber: number;
  #frames: readonly EventFrame[] = [];
  #frameIndex = 0;

  constructor(log: PartitionLog, firstSequenceNumber: number) {
    this.#log = log;
    this.#nextSequenceNumber = firstSequenceNumber;
  }

  /** The next event as consumers get it; undefined at the end of the log. */
  next(): Buffer | undefined {
    const frame = this.#frame();
    if (frame === undefined) return undefined;
    // Events that the retention has deleted meanwhile are skipped, as the service does.
    const index = Math.max(0, this.#nextSequenceNumber - frame.firstSequenceNumber);
    this.#nextSequenceNumber = frame.firstSequenceNumber + index + 1;
    return eventAt(frame, index);
  }

  #frame(): EventFrame | undefined {
    const current = this.#frames[this.#frameIndex];
    if (current !== undefined && this.#isInOrBefore(current)) return current;
    if (current !== undefined) this.#frameIndex++;
    const next = this.#frames[this.#frameIndex];
    if (next !== undefined) return next;
    this.#frames = this.#log.framesFrom(this.#nextSequenceNumber);
    this.#frameIndex = 0;
    return this.#frames[0];
  }

  #isInOrBefore(frame: EventFrame): boolean {
    return this.#nextSequenceNumber < frame.firstSequenceNumber + frame.entryStarts.length;
  }
}
