// One partition: an append-only log of events with recent ones in memory and, given a folder, all of them on disk.
import type { EventParts } from './amqpCodec.js';
import {
  type EventFrame,
  encodeCheckpointFrame,
  encodeEventFrame,
  type LogFrame,
  lastOffsetOf,
  lastSequenceNumberOf,
  offsetAt,
} from './logFrames.js';
import { type ProducerBatch, ProducerStates, type ProducerVerdict } from './producerStates.js';
import { type FrameSearch, SegmentFiles } from './segmentFiles.js';
import type { StartPosition } from './selectorFilter.js';

export interface PartitionLogOptions {
  /** Absent: events live in memory only, and the oldest go when `memoryMaxBytes` is reached. */
  readonly folder?: string;
  readonly retentionMs: number;
  readonly memoryMaxBytes?: number;
  /** A segment file that has grown to this size is followed by a new one. */
  readonly segmentMaxBytes?: number;
}

export interface AppendOptions {
  readonly nowMs: number;
  /** The key of the whole batch, for events that do not carry it themselves. */
  readonly partitionKey: string | undefined;
}

export type SeekResult =
  | { readonly kind: 'found'; readonly sequenceNumber: number }
  /** The position lies past the end of the log. */
  | { readonly kind: 'pastEnd' };

const memoryMaxBytesWithFolder = 4 * 1024 * 1024;
const memoryMaxBytesAlone = 64 * 1024 * 1024;
/** Frames handed to a reader at once from memory. */
const framesAtOnce = 16;
const defaultSegmentMaxBytes = 16 * 1024 * 1024;
/** A quiet partition starts new segments too, or its old events would never be deleted. */
const segmentsPerRetention = 8;

export class PartitionLog {
  readonly producers = new ProducerStates();
  readonly #files: SegmentFiles | undefined;
  readonly #options: Required<Omit<PartitionLogOptions, 'folder'>>;
  readonly #appendListeners = new Set<() => void>();
  /** The newest frames, all that memory holds. */
  readonly #recent: EventFrame[] = [];
  #recentBytes = 0;
  #endOffset = 0;
  #nextSequenceNumber = 0;
  #lastOffset = -1;
  #lastEnqueuedMs = 0;
  /** What a write that was cut off had left at the end of the log when it was opened. */
  readonly truncatedBytes: number;

  /** @throws TributaryError LOCAL_STATE_MISMATCH when the log on disk is damaged */
  constructor(options: PartitionLogOptions) {
    const { folder, retentionMs } = options;
    this.#options = {
      retentionMs,
      memoryMaxBytes:
        options.memoryMaxBytes ?? (folder === undefined ? memoryMaxBytesAlone : memoryMaxBytesWithFolder),
      segmentMaxBytes: options.segmentMaxBytes ?? defaultSegmentMaxBytes,
    };
    this.#files = folder === undefined ? undefined : new SegmentFiles(folder);
    this.truncatedBytes = this.#files?.recover((frame) => this.#replay(frame)) ?? 0;
    if (this.#files?.isEmpty) this.#roll();
  }

  /** Sequence number of the oldest event that is kept; of the next event when there is none. */
  get beginSequenceNumber(): number {
    if (this.#files !== undefined) return this.#files.oldest?.firstSequenceNumber ?? 0;
    return this.#recent[0]?.firstSequenceNumber ?? this.#nextSequenceNumber;
  }

  /** -1 while there never was an event. */
  get lastSequenceNumber(): number {
    return this.#nextSequenceNumber - 1;
  }

  /** -1 while there never was an event. */
  get lastOffset(): number {
    return this.#lastOffset;
  }

  /** 0 while there never was an event. */
  get lastEnqueuedMs(): number {
    return this.#lastEnqueuedMs;
  }

  get isEmpty(): boolean {
    return this.beginSequenceNumber > this.lastSequenceNumber;
  }

  /**
   * Stores the batch, unless its producer's marks say otherwise. When this returns, the events survive the process.
   * @throws Error from the file system; the log is then as it was
   */
  append(events: readonly EventParts[], options: AppendOptions): ProducerVerdict {
    const producer = producerOf(events);
    const verdict: ProducerVerdict =
      producer === undefined ? { kind: 'store' } : this.producers.judge(producer);
    if (verdict.kind !== 'store' || events.length === 0) return verdict;
    const enqueuedMs = Math.max(options.nowMs, this.#lastEnqueuedMs);
    if (this.#isRollDue(enqueuedMs)) this.#roll();
    const frame = encodeEventFrame(events, {
      offset: this.#endOffset,
      firstSequenceNumber: this.#nextSequenceNumber,
      enqueuedMs,
      partitionKey: options.partitionKey,
      producer,
    });
    this.#files?.write(frame);
    this.#advance(frame);
    this.#remember(frame);
    for (const notify of this.#appendListeners) notify();
    return verdict;
  }

  /** @returns the sequence number of the first event a reader at this position gets */
  seek(position: StartPosition): SeekResult {
    switch (position.kind) {
      case 'earliest':
        return { kind: 'found', sequenceNumber: this.beginSequenceNumber };
      case 'latest':
        return { kind: 'found', sequenceNumber: this.#nextSequenceNumber };
      case 'offset':
        return this.#seekOffset(position.offset, position.isInclusive);
      case 'sequenceNumber': {
        const first = position.sequenceNumber + (position.isInclusive ? 0 : 1);
        if (first > this.#nextSequenceNumber) return { kind: 'pastEnd' };
        return { kind: 'found', sequenceNumber: Math.max(first, this.beginSequenceNumber) };
      }
      case 'enqueuedTime':
        return { kind: 'found', sequenceNumber: this.#seekTime(position.enqueuedMs) };
    }
  }

  /**
   * Some frames, the first of which holds `sequenceNumber`, or the oldest event that is kept if that is newer.
   * Empty at the end of the log.
   */
  framesFrom(sequenceNumber: number): readonly EventFrame[] {
    if (sequenceNumber >= this.#nextSequenceNumber) return [];
    return this.#search({
      isBefore: (head) => head.firstSequenceNumber <= sequenceNumber,
      isReached: (frame) => lastSequenceNumberOf(frame) >= sequenceNumber,
    });
  }

  onAppend(listener: () => void): void {
    this.#appendListeners.add(listener);
  }

  offAppend(listener: () => void): void {
    this.#appendListeners.delete(listener);
  }

  /** Deletes what is older than the retention: whole segments, or whole batches where there are no files. */
  deleteExpired(nowMs: number): void {
    const oldestKeptMs = nowMs - this.#options.retentionMs;
    this.#files?.deleteOlderThan(oldestKeptMs);
    const begin = this.#files?.oldest?.firstSequenceNumber ?? 0;
    const isGone = (frame: EventFrame) =>
      this.#files === undefined ? frame.enqueuedMs < oldestKeptMs : frame.firstSequenceNumber < begin;
    const kept = this.#recent.findIndex((frame) => !isGone(frame));
    this.#forget(kept < 0 ? this.#recent.length : kept);
  }

  close(): void {
    this.#appendListeners.clear();
    this.#files?.close();
  }

  #seekOffset(offset: number, isInclusive: boolean): SeekResult {
    if (offset > this.#lastOffset) return { kind: 'pastEnd' };
    const isWanted = (candidate: number) => (isInclusive ? candidate >= offset : candidate > offset);
    const [frame] = this.#search({
      isBefore: (head) => head.offset <= offset,
      isReached: (candidate) => isWanted(lastOffsetOf(candidate)),
    });
    if (frame === undefined) return { kind: 'found', sequenceNumber: this.#nextSequenceNumber };
    const index = frame.entryStarts.findIndex((_, entry) => isWanted(offsetAt(frame, entry)));
    return { kind: 'found', sequenceNumber: frame.firstSequenceNumber + index };
  }

  #seekTime(enqueuedMs: number): number {
    const [frame] = this.#search({
      isBefore: (head) => head.enqueuedMs <= enqueuedMs,
      isReached: (candidate) => candidate.enqueuedMs > enqueuedMs,
    });
    return frame?.firstSequenceNumber ?? this.#nextSequenceNumber;
  }

  /** In memory if the wanted frame must be there, else on disk. */
  #search(search: FrameSearch): readonly EventFrame[] {
    const [oldest] = this.#recent;
    const isInMemory = this.#files === undefined || (oldest !== undefined && search.isBefore(oldest));
    if (!isInMemory) return this.#files?.readFrom(search) ?? [];
    const found = firstIndex(this.#recent, search.isReached);
    return this.#recent.slice(found, found + framesAtOnce);
  }

  #isRollDue(nowMs: number): boolean {
    if (this.#files === undefined) return false;
    const { byteLength, firstEventMs = nowMs } = this.#files.active;
    if (byteLength >= this.#options.segmentMaxBytes) return true;
    return nowMs - firstEventMs > this.#options.retentionMs / segmentsPerRetention;
  }

  #roll(): void {
    const checkpoint = encodeCheckpointFrame({
      offset: this.#endOffset,
      firstSequenceNumber: this.#nextSequenceNumber,
      enqueuedMs: this.#lastEnqueuedMs,
      lastEventOffset: this.#lastOffset,
      producers: this.producers.all(),
    });
    this.#files?.roll(checkpoint);
    this.#endOffset += checkpoint.bytes.length;
  }

  #replay(frame: LogFrame): void {
    if (frame.kind === 'events') {
      this.#advance(frame);
      return;
    }
    for (const producer of frame.producers) this.producers.set(producer);
    this.#nextSequenceNumber = frame.firstSequenceNumber;
    this.#lastOffset = frame.lastEventOffset;
    this.#lastEnqueuedMs = frame.enqueuedMs;
    this.#endOffset = frame.offset + frame.bytes.length;
  }

  #advance(frame: EventFrame): void {
    if (frame.producer !== undefined) this.producers.set(frame.producer);
    this.#nextSequenceNumber = lastSequenceNumberOf(frame) + 1;
    this.#lastOffset = lastOffsetOf(frame);
    this.#lastEnqueuedMs = frame.enqueuedMs;
    this.#endOffset = frame.offset + frame.bytes.length;
  }

  #remember(frame: EventFrame): void {
    this.#recent.push(frame);
    this.#recentBytes += frame.bytes.length;
    if (this.#recentBytes <= this.#options.memoryMaxBytes) return;
    // A quarter at once, so that moving the rest down does not make each append cost more as memory fills.
    let forgetBytes = this.#recentBytes - this.#options.memoryMaxBytes * 0.75;
    let count = 0;
    while (forgetBytes > 0 && count < this.#recent.length - 1) {
      forgetBytes -= this.#recent[count]?.bytes.length ?? 0;
      count++;
    }
    this.#forget(count);
  }

  #forget(frameCount: number): void {
    for (const frame of this.#recent.splice(0, frameCount)) this.#recentBytes -= frame.bytes.length;
  }
}

/** Index of the first frame for which `isReached` holds, in frames where it holds for all that follow. */
function firstIndex(frames: readonly EventFrame[], isReached: (frame: EventFrame) => boolean): number {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const frame = frames[middle];
    if (frame !== undefined && isReached(frame)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The marks of a batch; all its events come from one producer and run on by one. */
function producerOf(events: readonly EventParts[]): ProducerBatch | undefined {
  const mark = events[0]?.producer;
  if (mark === undefined) return undefined;
  return {
    id: mark.id,
    epoch: mark.epoch,
    firstSequence: mark.sequence,
    lastSequence: mark.sequence + events.length - 1,
  };
}
