// One partition's log, in memory and on disk: positions, restarts, torn writes, damage, retention.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import rhea from 'rhea';
import { type EventParts, readEvent } from '../../../local/eventHubs/amqpCodec.js';
import { LogCursor } from '../../../local/eventHubs/logCursor.js';
import { PartitionLog, type PartitionLogOptions } from '../../../local/eventHubs/partitionLog.js';
import type { StartPosition } from '../../../local/eventHubs/selectorFilter.js';
import { seededRandom } from '../../../shared/base/index.js';

const hourMs = 3_600_000;

interface Stored {
  readonly body: string;
  readonly sequenceNumber: number;
  readonly offset: number;
  readonly enqueuedMs: number;
}

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function openLog(t: TestContext, options: Partial<PartitionLogOptions> = {}): PartitionLog {
  const log = new PartitionLog({ retentionMs: hourMs, ...options });
  t.after(() => log.close());
  return log;
}

function events(...bodies: readonly string[]): EventParts[] {
  return bodies.map((body) => readEvent(rhea.message.encode({ body })));
}

function append(log: PartitionLog, nowMs: number, ...bodies: readonly string[]): void {
  assert.deepEqual(log.append(events(...bodies), { nowMs, partitionKey: undefined }), { kind: 'store' });
}

/** Event `sequence` of producer 5, alone in its batch. */
function appendNumbered(log: PartitionLog, sequence: number): string {
  const message_annotations = {
    'com.microsoft:producer-id': rhea.types.wrap_long(5),
    'com.microsoft:producer-epoch': rhea.types.wrap_short(0),
    'com.microsoft:producer-sequence-number': rhea.types.wrap_int(sequence),
  };
  const event = readEvent(rhea.message.encode({ body: `n${sequence}`, message_annotations }));
  return log.append([event], { nowMs: 1, partitionKey: undefined }).kind;
}

function readAll(log: PartitionLog, position: StartPosition = { kind: 'earliest' }): Stored[] {
  const start = log.seek(position);
  assert.equal(start.kind, 'found');
  if (start.kind !== 'found') return [];
  const cursor = new LogCursor(log, start.sequenceNumber);
  const found: Stored[] = [];
  for (let bytes = cursor.next(); bytes !== undefined; bytes = cursor.next()) {
    const { body, message_annotations: annotations } = rhea.message.decode(bytes);
    found.push({
      body,
      sequenceNumber: annotations['x-opt-sequence-number'],
      offset: Number(annotations['x-opt-offset']),
      enqueuedMs: annotations['x-opt-enqueued-time'].getTime(),
    });
  }
  return found;
}

function bodies(log: PartitionLog, position?: StartPosition): string[] {
  return readAll(log, position).map((event) => event.body);
}

function lastSegment(folder: string): string {
  return join(folder, readdirSync(folder).sort().at(-1) ?? '');
}

for (const kind of ['in memory', 'on disk'] as const) {
  describe(`a partition log ${kind}`, () => {
    const options = (t: TestContext) =>
      kind === 'in memory' ? {} : { folder: tempFolder(t), memoryMaxBytes: 1 };

    it('is empty at first', (t) => {
      const log = openLog(t, options(t));
      assert.equal(log.isEmpty, true);
      assert.deepEqual(
        [log.beginSequenceNumber, log.lastSequenceNumber, log.lastOffset, log.lastEnqueuedMs],
        [0, -1, -1, 0],
      );
      assert.deepEqual(readAll(log), []);
      assert.deepEqual(readAll(log, { kind: 'enqueuedTime', enqueuedMs: 0 }), []);
    });

    it('numbers events without gaps, with offsets and times that never go back', (t) => {
      const log = openLog(t, options(t));
      append(log, 1_000, 'a', 'b');
      append(log, 900, 'c');
      append(log, 2_000, 'd');
      const all = readAll(log);
      assert.deepEqual(
        all.map((event) => event.sequenceNumber),
        [0, 1, 2, 3],
      );
      assert.deepEqual(
        all.map((event) => event.enqueuedMs),
        [1_000, 1_000, 1_000, 2_000],
      );
      const offsets = all.map((event) => event.offset);
      assert.deepEqual(
        offsets,
        [...new Set(offsets)].sort((left, right) => left - right),
      );
      assert.equal(log.lastOffset, offsets[3]);
      assert.equal(log.lastEnqueuedMs, 2_000);
    });

    it('starts at every kind of position', (t) => {
      const log = openLog(t, options(t));
      append(log, 1_000, 'a', 'b', 'c');
      append(log, 2_000, 'd');
      append(log, 2_000, 'e');
      const offset = readAll(log)[1]?.offset ?? -1;
      const from = (position: StartPosition) => bodies(log, position).join('');
      assert.equal(from({ kind: 'latest' }), '');
      assert.equal(from({ kind: 'offset', offset, isInclusive: false }), 'cde');
      assert.equal(from({ kind: 'offset', offset, isInclusive: true }), 'bcde');
      assert.equal(from({ kind: 'offset', offset: offset + 1, isInclusive: true }), 'cde');
      assert.equal(from({ kind: 'offset', offset: log.lastOffset, isInclusive: false }), '');
      assert.equal(from({ kind: 'offset', offset: log.lastOffset, isInclusive: true }), 'e');
      assert.equal(from({ kind: 'sequenceNumber', sequenceNumber: 2, isInclusive: false }), 'de');
      assert.equal(from({ kind: 'sequenceNumber', sequenceNumber: 2, isInclusive: true }), 'cde');
      assert.equal(from({ kind: 'sequenceNumber', sequenceNumber: 5, isInclusive: true }), '');
      assert.equal(from({ kind: 'enqueuedTime', enqueuedMs: 999 }), 'abcde');
      assert.equal(from({ kind: 'enqueuedTime', enqueuedMs: 1_000 }), 'de');
      assert.equal(from({ kind: 'enqueuedTime', enqueuedMs: 2_000 }), '');
    });

    it('refuses positions past its end, so that kept checkpoints of a wiped hub are noticed', (t) => {
      const log = openLog(t, options(t));
      const isPastEnd = (position: StartPosition) => log.seek(position).kind === 'pastEnd';
      assert.equal(isPastEnd({ kind: 'offset', offset: 0, isInclusive: false }), true);
      assert.equal(isPastEnd({ kind: 'sequenceNumber', sequenceNumber: 0, isInclusive: false }), true);
      assert.equal(isPastEnd({ kind: 'sequenceNumber', sequenceNumber: 0, isInclusive: true }), false);
      append(log, 1, 'a');
      assert.equal(isPastEnd({ kind: 'offset', offset: log.lastOffset, isInclusive: false }), false);
      assert.equal(isPastEnd({ kind: 'offset', offset: log.lastOffset + 1, isInclusive: true }), true);
      assert.equal(isPastEnd({ kind: 'sequenceNumber', sequenceNumber: 0, isInclusive: false }), false);
      assert.equal(isPastEnd({ kind: 'sequenceNumber', sequenceNumber: 1, isInclusive: false }), true);
    });

    it('hands events that arrive later to a reader at the end, and tells it so', (t) => {
      const log = openLog(t, options(t));
      append(log, 1, 'a');
      const cursor = new LogCursor(log, 0);
      assert.notEqual(cursor.next(), undefined);
      assert.equal(cursor.next(), undefined);
      let calls = 0;
      const listener = () => calls++;
      log.onAppend(listener);
      append(log, 2, 'b');
      assert.equal(calls, 1);
      assert.equal(rhea.message.decode(cursor.next() ?? Buffer.alloc(0)).body, 'b');
      log.offAppend(listener);
      append(log, 3, 'c');
      assert.equal(calls, 1);
    });

    it('stores a batch of an idempotent producer once', (t) => {
      const log = openLog(t, options(t));
      assert.deepEqual(
        [1, 2, 2, 1, 4, 3].map((sequence) => appendNumbered(log, sequence)),
        ['store', 'store', 'duplicate', 'duplicate', 'outOfOrder', 'store'],
      );
      assert.deepEqual(bodies(log), ['n1', 'n2', 'n3']);
    });
  });
}

describe('a partition log in memory', () => {
  it('forgets the oldest events when it is full or they expire', (t) => {
    const log = openLog(t, { memoryMaxBytes: 100_000 });
    for (let index = 0; index < 1_000; index++) append(log, index, `${index}`.padEnd(500, '.'));
    const kept = readAll(log);
    assert.ok(kept.length > 50 && kept.length < 200, `${kept.length} events are kept`);
    assert.equal(kept[0]?.sequenceNumber, log.beginSequenceNumber);
    assert.equal(kept.at(-1)?.sequenceNumber, 999);
    log.deleteExpired(hourMs + 990);
    assert.equal(log.beginSequenceNumber, 990);
    log.deleteExpired(hourMs * 3);
    assert.equal(log.isEmpty, true);
    append(log, hourMs * 3, 'next');
    assert.deepEqual(
      readAll(log).map((event) => event.sequenceNumber),
      [1_000],
    );
  });
});

describe('a partition log on disk', () => {
  it('reads what memory no longer holds, from any place, over many segments', (t) => {
    const folder = tempFolder(t);
    const random = seededRandom(7);
    const log = openLog(t, { folder, memoryMaxBytes: 200_000, segmentMaxBytes: 300_000 });
    const sent: string[] = [];
    while (sent.length < 3_000) {
      const batch = Array.from({ length: 1 + Math.floor(random.next() * 8) }, (_, index) =>
        `${sent.length + index}`.padEnd(50 + Math.floor(random.next() * 1_500), '.'),
      );
      append(log, sent.length, ...batch);
      sent.push(...batch);
    }
    assert.ok(readdirSync(folder).length > 5, 'many segments');
    const all = readAll(log);
    assert.deepEqual(
      all.map((event) => event.body),
      sent,
    );
    for (const index of [0, 1, 999, 1_500, 2_990]) {
      const event = all[index];
      assert.ok(event !== undefined);
      const rest = sent.slice(index);
      const sequenceNumber = event.sequenceNumber;
      assert.deepEqual(bodies(log, { kind: 'sequenceNumber', sequenceNumber, isInclusive: true }), rest);
      assert.deepEqual(bodies(log, { kind: 'offset', offset: event.offset, isInclusive: true }), rest);
      const later = all.findIndex((other) => other.enqueuedMs > event.enqueuedMs);
      assert.deepEqual(
        bodies(log, { kind: 'enqueuedTime', enqueuedMs: event.enqueuedMs }),
        sent.slice(later),
      );
    }
  });

  it('goes on after a restart where it stopped', (t) => {
    const folder = tempFolder(t);
    const first = openLog(t, { folder });
    append(first, 1_000, 'a', 'b');
    assert.equal(appendNumbered(first, 1), 'store');
    const before = readAll(first);
    first.close();
    const second = openLog(t, { folder });
    assert.deepEqual(readAll(second), before);
    assert.equal(second.lastOffset, before[2]?.offset);
    assert.equal(second.lastEnqueuedMs, 1_000);
    assert.equal(appendNumbered(second, 1), 'duplicate');
    assert.equal(appendNumbered(second, 2), 'store');
    const last = readAll(second)[3];
    assert.equal(last?.sequenceNumber, 3);
    assert.ok(last.offset > (before[2]?.offset ?? 0));
  });

  it('remembers idempotent producers over segments that a start does not read', (t) => {
    const folder = tempFolder(t);
    const first = openLog(t, { folder, segmentMaxBytes: 1 });
    assert.equal(appendNumbered(first, 1), 'store');
    append(first, 1, 'other');
    first.close();
    const second = openLog(t, { folder, segmentMaxBytes: 1 });
    assert.equal(appendNumbered(second, 1), 'duplicate');
    append(second, 1, 'another');
    assert.deepEqual(bodies(second), ['n1', 'other', 'another']);
  });

  it('cuts off a batch that was being written when the process died, at whatever byte', (t) => {
    const folder = tempFolder(t);
    const first = openLog(t, { folder });
    append(first, 1, 'kept');
    const keptBytes = readFileSync(lastSegment(folder)).length;
    append(first, 2, 'torn', 'torn too');
    first.close();
    const whole = readFileSync(lastSegment(folder));
    for (let length = keptBytes + 1; length < whole.length; length += 13) {
      writeFileSync(lastSegment(folder), whole.subarray(0, length));
      const log = new PartitionLog({ folder, retentionMs: hourMs });
      assert.equal(log.truncatedBytes, length - keptBytes);
      append(log, 3, 'next');
      assert.deepEqual(
        readAll(log).map((event) => [event.body, event.sequenceNumber]),
        [
          ['kept', 0],
          ['next', 1],
        ],
      );
      log.close();
    }
  });

  it('cuts off zeros and a last frame whose bytes never arrived', (t) => {
    const folder = tempFolder(t);
    const first = openLog(t, { folder });
    append(first, 1, 'kept');
    const kept = readFileSync(lastSegment(folder));
    append(first, 2, 'lost');
    first.close();
    const holed = readFileSync(lastSegment(folder)).fill(0, kept.length + 60);
    for (const content of [Buffer.concat([kept, Buffer.alloc(100)]), holed]) {
      writeFileSync(lastSegment(folder), content);
      const log = new PartitionLog({ folder, retentionMs: hourMs });
      assert.equal(log.truncatedBytes, content.length - kept.length);
      assert.deepEqual(bodies(log), ['kept']);
      log.close();
    }
  });

  it('starts after a crash between creating a segment and writing it', (t) => {
    const folder = tempFolder(t);
    const first = openLog(t, { folder });
    append(first, 1, 'a');
    first.close();
    appendFileSync(join(folder, '9000000000000000.log'), Buffer.alloc(0));
    const second = openLog(t, { folder });
    append(second, 2, 'b');
    assert.deepEqual(bodies(second), ['a', 'b']);
  });

  it('refuses damage that would lose events which were acknowledged', (t) => {
    const folder = tempFolder(t);
    const first = openLog(t, { folder });
    append(first, 1, 'damaged');
    append(first, 2, 'behind it');
    first.close();
    const bytes = readFileSync(lastSegment(folder));
    const place = bytes.indexOf('damaged');
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    writeFileSync(lastSegment(folder), bytes);
    assert.throws(() => new PartitionLog({ folder, retentionMs: hourMs }), {
      code: 'LOCAL_STATE_MISMATCH',
      message: /damaged at byte \d+ .* delete the data folder/,
    });
  });

  it('notices damage in an older segment when it is read', (t) => {
    const folder = tempFolder(t);
    const log = openLog(t, { folder, memoryMaxBytes: 1, segmentMaxBytes: 1 });
    append(log, 1, 'damaged');
    append(log, 2, 'b');
    const path = join(folder, readdirSync(folder).sort()[1] ?? '');
    truncateSync(path, readFileSync(path).length - 5);
    assert.throws(() => readAll(log), { code: 'LOCAL_STATE_MISMATCH' });
  });

  it('deletes whole segments that are past the retention, never the one it writes to', (t) => {
    const folder = tempFolder(t);
    const log = openLog(t, { folder });
    append(log, 0, 'old');
    append(log, hourMs / 2, 'middle');
    log.deleteExpired(hourMs * 9);
    assert.deepEqual(bodies(log), ['middle'], 'the quiet log had rolled before its second batch');
    append(log, hourMs * 10, 'new');
    const cursor = new LogCursor(log, 0);
    log.deleteExpired(hourMs * 10);
    assert.deepEqual(
      readAll(log).map((event) => [event.body, event.sequenceNumber]),
      [['new', 2]],
    );
    assert.equal(log.beginSequenceNumber, 2);
    assert.equal(rhea.message.decode(cursor.next() ?? Buffer.alloc(0)).body, 'new');
    log.close();
    const reopened = openLog(t, { folder });
    assert.equal(reopened.beginSequenceNumber, 2);
    assert.deepEqual(bodies(reopened, { kind: 'offset', offset: 0, isInclusive: false }), ['new']);
  });
});
