import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeFrame } from '../../../local/durable/logFrames.js';
import { RecordLog } from '../../../local/durable/recordLog.js';
import { seededRandom } from '../../../shared/base/index.js';
import { MemoryDisk } from './memoryDisk.js';

const fileName = 'hub-00000001.log';

interface OpenLog {
  readonly log: RecordLog<number>;
  /** The sum and the number of all records: what a snapshot keeps. */
  readonly state: { sum: number; count: number };
}

/** Records are numbers; a snapshot of n records with sum s is the two records -n and s. */
async function open(disk: MemoryDisk, compactAboveBytes = 1_000_000): Promise<OpenLog> {
  const state = { sum: 0, count: 0 };
  let skipped = 0;
  const log = await RecordLog.open<number>({
    disk,
    compactAboveBytes,
    replay(record) {
      if (record <= 0) skipped = -record;
      else if (skipped > 0) {
        state.sum = record;
        state.count = skipped;
        skipped = 0;
      } else {
        state.sum += record;
        state.count++;
      }
    },
    snapshot: () => [-state.count, state.sum],
  });
  return { log, state };
}

function append({ log, state }: OpenLog, record: number): Promise<void> {
  const written = log.append(record);
  state.sum += record;
  state.count++;
  return written;
}

describe('the record log', () => {
  it('gives back what was appended', async () => {
    const disk = new MemoryDisk();
    const first = await open(disk);
    for (const record of [5, 6, 7]) await append(first, record);
    await first.log.close();
    assert.deepEqual((await open(disk)).state, { sum: 18, count: 3 });
  });

  it('writes records that wait together with one sync', async () => {
    const disk = new MemoryDisk();
    const opened = await open(disk);
    await Promise.all(Array.from({ length: 100 }, (_, index) => append(opened, index + 1)));
    assert.equal(disk.syncCount, 1);
    await opened.log.settled();
    assert.deepEqual((await open(disk)).state, { sum: 5050, count: 100 });
  });

  it('cuts a torn tail off at every byte it may end at', async () => {
    const frames = ['[1]', '[2,3]', '[4]'].map(encodeFrame);
    const whole = Buffer.concat(frames);
    const expectedAt = (length: number) => {
      if (length < frames[0]!.length) return 0;
      return length < frames[0]!.length + frames[1]!.length ? 1 : length < whole.length ? 6 : 10;
    };
    for (let length = 0; length <= whole.length; length++) {
      const disk = new MemoryDisk(new Map([[fileName, whole.subarray(0, length)]]));
      const opened = await open(disk);
      assert.equal(opened.state.sum, expectedAt(length), `${length} bytes`);
      // What is appended behind the cut is found again.
      await append(opened, 100);
      assert.equal((await open(disk)).state.sum, expectedAt(length) + 100, `${length} bytes, then one more`);
    }
  });

  it('takes zeros at the end for a torn write', async () => {
    const bytes = Buffer.concat([encodeFrame('[9]'), Buffer.alloc(700)]);
    assert.equal((await open(new MemoryDisk(new Map([[fileName, bytes]])))).state.sum, 9);
  });

  it('refuses a log that is damaged in its middle', async () => {
    const bytes = Buffer.concat(['[1]', '[2]', '[3]'].map(encodeFrame));
    bytes[encodeFrame('[1]').length + 9]! ^= 1;
    await assert.rejects(open(new MemoryDisk(new Map([[fileName, bytes]]))), {
      code: 'LOCAL_STATE_MISMATCH',
      message: /damaged at byte 11/,
    });
  });

  it('does not take a damaged length in its middle for a torn write, which would cut all that follows off', async () => {
    const bytes = Buffer.concat(['[1]', '[2]', '[3]'].map(encodeFrame));
    for (const byte of [0, 1, 2, 3]) {
      const damaged = Buffer.from(bytes);
      damaged[encodeFrame('[1]').length + byte]! ^= 0x40;
      await assert.rejects(open(new MemoryDisk(new Map([[fileName, damaged]]))), {
        code: 'LOCAL_STATE_MISMATCH',
      });
    }
  });

  it('is replaced by a snapshot when it has outgrown it', async () => {
    const disk = new MemoryDisk();
    const opened = await open(disk, 200);
    for (let record = 1; record <= 500; record++) await append(opened, record);
    assert.equal((await disk.list()).length, 1);
    const [name = ''] = await disk.list();
    assert.ok(name > fileName);
    assert.ok((await disk.read(name)).length < 500);
    assert.deepEqual((await open(disk)).state, { sum: 125_250, count: 500 });
  });

  it('accepts nothing after a write has failed', async () => {
    const disk = new MemoryDisk();
    const opened = await open(disk);
    disk.crashAfter(0);
    await assert.rejects(append(opened, 1), { code: 'LOCAL_SERVICE_ENDED' });
    await assert.rejects(append(opened, 2), { code: 'LOCAL_SERVICE_ENDED' });
    await assert.rejects(opened.log.settled(), { code: 'LOCAL_SERVICE_ENDED' });
  });

  it('keeps what was acknowledged through a crash at every operation, compactions included', async () => {
    const random = seededRandom(11);
    for (let crashAt = 0; ; crashAt++) {
      const disk = new MemoryDisk();
      disk.crashAfter(crashAt);
      const opened = await open(disk, 120);
      let acknowledged = 0;
      let appended = 0;
      for (let record = 1; record <= 60 && !disk.hasCrashed; record++) {
        appended++;
        await append(opened, record).then(
          () => {
            acknowledged++;
          },
          () => {},
        );
      }
      const found = await open(disk.survivor(random), 120);
      const { count, sum } = found.state;
      assert.ok(count >= acknowledged && count <= appended, `crash at ${crashAt}: ${count} of ${appended}`);
      assert.equal(sum, (count * (count + 1)) / 2, `crash at ${crashAt}`);
      if (!disk.hasCrashed) {
        assert.ok(crashAt > 120);
        return;
      }
    }
  });
});
