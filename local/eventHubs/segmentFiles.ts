// The files of one partition: segments of frames, each named after the offset it begins at. Writing and reading are
// synchronous: an append is one write to the page cache (about 20 microseconds), which keeps the order of events the order of
// arrival with no queue. That survives kill -9, but not a power cut.
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { TributaryError } from '../../shared/base/index.js';
import {
  type CheckpointFrame,
  type EventFrame,
  type FrameHead,
  type FrameRead,
  type LogFrame,
  readFrame,
} from './logFrames.js';

/** Read at once when a reader is behind what memory holds. */
const readBytes = 256 * 1024;
/** A segment is searched from the nearest of these marks. */
const bytesBetweenMarks = 64 * 1024;
const segmentName = /^\d{16}\.log$/;

interface Mark extends FrameHead {
  readonly position: number;
}

interface Segment {
  readonly path: string;
  /** Its first frame. */
  readonly checkpoint: CheckpointFrame;
  byteLength: number;
  /** Known of the segment that is written to. */
  firstEventMs: number | undefined;
  /** Built when the segment is first searched; of the last segment, always there. */
  marks: Mark[] | undefined;
}

/** A search in a log whose frames are in ascending order of what is searched for. */
export interface FrameSearch {
  /** True for frames that begin at or before the place. */
  readonly isBefore: (head: FrameHead) => boolean;
  /** True from the wanted frame on. */
  readonly isReached: (frame: EventFrame) => boolean;
}

interface Chunk {
  readonly frames: readonly LogFrame[];
  readonly end: number;
  /** Bytes behind `end` that are no frame; undefined when the chunk is all frames. */
  readonly rest: { readonly isTorn: boolean } | undefined;
}

export class SegmentFiles {
  readonly #folder: string;
  readonly #segments: Segment[] = [];
  #writable: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /**
   * Opens what the folder holds: shows `replay` every frame of the last segment, its checkpoint first, and cuts off a torn tail.
   * An empty folder stays empty: `roll` makes the first segment.
   * @returns the number of bytes cut off
   * @throws TributaryError LOCAL_STATE_MISMATCH when bytes are damaged in a way that a torn write does not explain
   */
  recover(replay: (frame: LogFrame) => void): number {
    const names = readdirSync(this.#folder)
      .filter((name) => segmentName.test(name))
      .sort();
    for (const [index, name] of names.entries()) {
      const segment = this.#openSegment(join(this.#folder, name), index === names.length - 1);
      if (segment !== undefined) this.#segments.push(segment);
    }
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : this.#recoverLast(last, replay);
  }

  get oldest(): CheckpointFrame | undefined {
    return this.#segments[0]?.checkpoint;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  /** The segment that is written to. */
  get active(): { readonly byteLength: number; readonly firstEventMs: number | undefined } {
    const { byteLength = 0, firstEventMs } = this.#segments.at(-1) ?? {};
    return { byteLength, firstEventMs };
  }

  /** Starts a new segment with this frame. */
  roll(checkpoint: CheckpointFrame): void {
    const path = join(this.#folder, `${String(checkpoint.offset).padStart(16, '0')}.log`);
    const writable = openSync(path, 'wx');
    if (this.#writable !== undefined) closeSync(this.#writable);
    this.#writable = writable;
    this.#segments.push({ path, checkpoint, byteLength: 0, firstEventMs: undefined, marks: [] });
    this.write(checkpoint);
  }

  /** One write() for the whole frame. A write that fails leaves the file as it was. */
  write(frame: LogFrame): void {
    const segment = this.#segments.at(-1);
    if (segment === undefined || this.#writable === undefined) throw new Error('The log has no segment yet.');
    const position = segment.byteLength;
    try {
      let written = 0;
      while (written < frame.bytes.length) {
        written += writeSync(
          this.#writable,
          frame.bytes,
          written,
          frame.bytes.length - written,
          position + written,
        );
      }
    } catch (error) {
      ftruncateSync(this.#writable, position);
      throw error;
    }
    segment.byteLength += frame.bytes.length;
    noteFrame(segment, frame, position);
  }

  /** A run of frames that begins with the first that `search` reaches; empty when there is none. */
  readFrom(search: FrameSearch): readonly EventFrame[] {
    const after = this.#segments.findIndex((segment) => !search.isBefore(segment.checkpoint));
    const first = Math.max(0, (after < 0 ? this.#segments.length : after) - 1);
    for (const segment of this.#segments.slice(first)) {
      const frames = this.#readSegment(segment, search);
      if (frames.length > 0) return frames;
    }
    return [];
  }

  /** Deletes segments whose last event is older; never the one that is written to. @returns the number deleted */
  deleteOlderThan(enqueuedMs: number): number {
    let deletedCount = 0;
    // The checkpoint of the next segment holds the time of the last event before it.
    while ((this.#segments[1]?.checkpoint.enqueuedMs ?? enqueuedMs) < enqueuedMs) {
      const segment = this.#segments.shift();
      if (segment !== undefined) unlinkSync(segment.path);
      deletedCount++;
    }
    return deletedCount;
  }

  close(): void {
    if (this.#writable !== undefined) closeSync(this.#writable);
    this.#writable = undefined;
  }

  #openSegment(path: string, isLast: boolean): Segment | undefined {
    const { byteLength, chunk } = withFile(path, (file) => {
      const { size } = fstatSync(file);
      return { byteLength: size, chunk: readChunk(file, { position: 0, end: size, wantedBytes: 1 }) };
    });
    const checkpoint = chunk.frames[0];
    if (checkpoint?.kind === 'checkpoint')
      return { path, checkpoint, byteLength, firstEventMs: undefined, marks: undefined };
    // A crash between creating a segment and writing its first frame: nothing was acknowledged from it.
    if (!isLast || checkpoint !== undefined || chunk.rest?.isTorn === false) throw damaged(path, 0);
    unlinkSync(path);
    return undefined;
  }

  #recoverLast(segment: Segment, replay: (frame: LogFrame) => void): number {
    this.#writable = openSync(segment.path, 'r+');
    segment.marks = [];
    let position = 0;
    while (position < segment.byteLength) {
      const chunk = readChunk(this.#writable, { position, end: segment.byteLength, wantedBytes: readBytes });
      if (chunk.rest?.isTorn === false) throw damaged(segment.path, chunk.end);
      for (const frame of chunk.frames) {
        noteFrame(segment, frame, position);
        replay(frame);
        position += frame.bytes.length;
      }
      if (chunk.rest !== undefined) break;
    }
    const truncatedBytes = segment.byteLength - position;
    if (truncatedBytes > 0) ftruncateSync(this.#writable, position);
    segment.byteLength = position;
    return truncatedBytes;
  }

  #readSegment(segment: Segment, search: FrameSearch): readonly EventFrame[] {
    return withFile(segment.path, (file) => {
      segment.marks ??= marksOf(file, segment);
      let position = segment.marks.findLast(search.isBefore)?.position ?? 0;
      while (position < segment.byteLength) {
        const chunk = readChunk(file, { position, end: segment.byteLength, wantedBytes: readBytes });
        if (chunk.rest !== undefined) throw damaged(segment.path, chunk.end);
        const events = chunk.frames.filter((frame) => frame.kind === 'events');
        const found = events.findIndex(search.isReached);
        if (found >= 0) return events.slice(found);
        position = chunk.end;
      }
      return [];
    });
  }
}

function marksOf(file: number, segment: Segment): Mark[] {
  const marked: Segment = { ...segment, marks: [] };
  let position = 0;
  while (position < segment.byteLength) {
    const chunk = readChunk(file, { position, end: segment.byteLength, wantedBytes: readBytes });
    if (chunk.rest !== undefined) throw damaged(segment.path, chunk.end);
    for (const frame of chunk.frames) {
      noteFrame(marked, frame, position);
      position += frame.bytes.length;
    }
  }
  return marked.marks ?? [];
}

function noteFrame(segment: Segment, frame: LogFrame, position: number): void {
  if (frame.kind === 'events') segment.firstEventMs ??= frame.enqueuedMs;
  const lastPosition = segment.marks?.at(-1)?.position;
  if (lastPosition !== undefined && position - lastPosition < bytesBetweenMarks) return;
  const { offset, firstSequenceNumber, enqueuedMs } = frame;
  segment.marks?.push({ offset, firstSequenceNumber, enqueuedMs, position });
}

/** Whole frames from `position` on: about `wantedBytes` of them, at least one if there is one. */
function readChunk(
  file: number,
  range: { readonly position: number; readonly end: number; readonly wantedBytes: number },
): Chunk {
  const remainingBytes = range.end - range.position;
  let bytes = readRange(file, range.position, Math.min(range.wantedBytes, remainingBytes));
  const frames: LogFrame[] = [];
  let at = 0;
  while (at < bytes.length) {
    const read = readFrame(bytes, at);
    if (read.kind === 'frame') {
      frames.push(read.frame);
      at += read.frame.bytes.length;
      continue;
    }
    const isCutByChunk = read.kind === 'incomplete' && at + read.neededBytes <= remainingBytes;
    if (isCutByChunk && frames.length > 0) break;
    const hasMore = isCutByChunk && read.neededBytes > bytes.length;
    if (hasMore) bytes = readRange(file, range.position, read.neededBytes);
    // Fewer bytes than the file had: someone has cut it.
    if (hasMore && bytes.length === read.neededBytes) continue;
    const restStart = range.position + at;
    return {
      frames,
      end: restStart,
      rest: { isTorn: isTorn(file, read, { ...range, position: restStart }) },
    };
  }
  return { frames, end: range.position + at, rest: undefined };
}

/** A write that was cut off leaves a frame that runs to the end of the file, or past it, or nothing but zeros. */
function isTorn(
  file: number,
  read: Exclude<FrameRead, { kind: 'frame' }>,
  rest: { readonly position: number; readonly end: number },
): boolean {
  const restBytes = rest.end - rest.position;
  if (read.kind === 'incomplete') return true;
  if (read.byteLength !== undefined) return read.byteLength >= restBytes;
  return readRange(file, rest.position, restBytes).every((byte) => byte === 0);
}

function readRange(file: number, position: number, byteLength: number): Buffer {
  const bytes = Buffer.allocUnsafe(byteLength);
  let filled = 0;
  while (filled < byteLength) {
    const count = readSync(file, bytes, filled, byteLength - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function withFile<T>(path: string, use: (file: number) => T): T {
  const file = openSync(path, 'r');
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

function damaged(path: string, position: number): TributaryError {
  return new TributaryError(
    'LOCAL_STATE_MISMATCH',
    `The event log ${path} is damaged at byte ${position} of ${statSync(path).size}: its checksum does not fit. ` +
      'Restore the file, or delete the data folder of the Event Hubs emulator to start with empty hubs.',
  );
}
