// What the state of a shard may grow to, with definitions and devices chosen to make it grow.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WindowDefinition } from '../../shared/pipeline/index.js';
import { decodeFailedRow, planShards, type ShardPlan } from '../../shared/shards/index.js';
import {
  described,
  minuteMs,
  shardPipeline,
  signalOf,
  startMs,
  type TestReading,
  TestShard,
} from '../support/shardHarness.js';

const maxShardBytes = 65_536;
/** As many as may overlap. */
const overlapping = 288;
const sizeMs = overlapping * minuteMs;
const sliding = { kind: 'sliding', sizeMs, slideMs: minuteMs } as const;

function planOf(definition: WindowDefinition, maxBytes: number, idleTimeoutMs = 10 * minuteMs): ShardPlan {
  const windows = {
    definitions: { it: definition },
    allowedLatenessMs: 30_000,
    idleTimeoutMs,
    maxShardBytes: maxBytes,
  };
  return planShards(shardPipeline({ windows }));
}

const bytesOf = ({ state = '' }: TestShard) => Buffer.byteLength(state);

/** A reading of each device, at a time of its own. */
function readings(devices: number, atSeconds: number, sequenceNumber: number): TestReading[] {
  return Array.from({ length: devices }, (_, device) => ({
    device: `dévice-${device}`,
    at: atSeconds + device,
    temperature: device + 0.1,
    sequenceNumber: sequenceNumber + device,
  }));
}

describe('the bytes that a shard reports', () => {
  it('are those of its state, whatever devices are called and whatever waits', () => {
    const shard = new TestShard();
    const names = ['a', 'Gerät "1"\\', '設備', '\u0001\t', '😀'.repeat(40), ''];
    const at = (step: number) => ({ nowMs: startMs + step * 60_000 });
    for (let step = 0; step < 60; step++) {
      const device = names[step % names.length]!;
      const reading = { device, at: step * 60 - (step % 7) * 50, temperature: step, sequenceNumber: step };
      shard.ingest([reading], at(step));
      shard.run('ingest', {
        ...signalOf([{ ...reading, sequenceNumber: 1_000 + step }]),
        values: [['x'], [1]],
      });
      const { stateBytes } = shard.describe();
      const realBytes = bytesOf(shard);
      // Commas: each list has one fewer than entries.
      assert.ok(Math.abs(stateBytes - realBytes) < 10, `${stateBytes}, ${realBytes}`);
      if (step % 10 === 5) shard.seal(at(step));
      if (step % 20 === 15) shard.drain(at(step));
    }
  });
});

describe('a shard with windows that overlap 288 times', () => {
  const devices = 8;

  /** Every row, and the most bytes that the state had. */
  function live(maxBytes: number) {
    const shard = new TestShard(planOf(sliding, maxBytes));
    let mostBytes = 0;
    const note = () => {
      mostBytes = Math.max(mostBytes, bytesOf(shard));
    };
    shard.ingest(readings(devices, 0, 0), { nowMs: startMs });
    note();
    // So much later that each reading makes 288 windows of its device due.
    shard.ingest(readings(devices, sizeMs / 1000 + 100, 100), { nowMs: startMs + sizeMs });
    note();
    const rows: string[] = [];
    // Later silence does the same once more.
    for (let nowMs = startMs + sizeMs; nowMs < startMs + 2 * sizeMs + 20 * minuteMs; nowMs += minuteMs) {
      for (let batch = shard.seal({ nowMs }); batch.number !== null; ) {
        note();
        rows.push(...described(batch));
        batch = shard.seal({ nowMs, acknowledge: batch.number });
      }
      note();
    }
    return { rows, mostBytes, shard };
  }

  it('closes as many at a time as there is room for, and all in the end, as one with much room does', () => {
    const narrow = live(maxShardBytes);
    const wide = live(64 * maxShardBytes);
    assert.ok(wide.mostBytes > 3 * maxShardBytes, `${wide.mostBytes} bytes: the windows do not fill it`);
    assert.ok(narrow.mostBytes < maxShardBytes, `${narrow.mostBytes} bytes`);
    assert.ok(wide.rows.length >= 2 * devices * (overlapping - 1));
    assert.deepEqual(narrow.rows.toSorted(), wide.rows.toSorted());
    assert.equal(narrow.shard.describe().openWindows, 0);
  });

  it('says of each that silence closed it, although most wait for room', () => {
    const shard = new TestShard(planOf(sliding, maxShardBytes, sizeMs + minuteMs));
    shard.ingest(readings(1, 0, 0), { nowMs: startMs });
    const batches = shard.drainFor(startMs, startMs + sizeMs + 2 * minuteMs);
    const closing = batches.filter(({ rows }) => rows.windows.length > 0);
    assert.ok(closing.length > 1, `${closing.length} batches`);
    const rows = closing.flatMap(described);
    assert.equal(rows.length, overlapping);
    for (const row of rows) assert.match(row, /^idle it/);
  });

  it('takes no reading that makes known devices too large, and takes them again when windows have closed', () => {
    const shard = new TestShard(planOf(sliding, maxShardBytes));
    let sequenceNumber = 0;
    let refused = 0;
    for (let minute = 0; minute < overlapping; minute++) {
      const nowMs = startMs + minute * minuteMs;
      shard.ingest(readings(devices, minute * 60, sequenceNumber), { nowMs });
      sequenceNumber += devices;
      const failed = shard.drain({ nowMs }).flatMap(({ rows }) => rows.failed.map(decodeFailedRow));
      for (const { reason, detail } of failed) {
        assert.equal(reason, 'shard_full');
        assert.match(detail, /^SHARD_FULL: the shard holds \d+ bytes for 8 devices, and takes no reading/);
      }
      refused += failed.length;
      assert.ok(bytesOf(shard) < maxShardBytes, `${bytesOf(shard)} bytes`);
    }
    const { refusedReadings, deviceBytes } = shard.describe();
    assert.ok(refused > 0 && refused === refusedReadings, `${refused}, ${refusedReadings}`);
    assert.ok(deviceBytes <= shard.plan.limits.maxGrownBytes);
    const laterMs = startMs + 2 * sizeMs + 20 * minuteMs;
    shard.drainFor(startMs + sizeMs, laterMs);
    assert.equal(shard.describe().openWindows, 0);
    shard.ingest(readings(devices, (laterMs - startMs) / 1000, sequenceNumber), { nowMs: laterMs });
    assert.equal(shard.describe().refusedReadings, refused);
    assert.ok(shard.describe().openWindows > 0);
  });
});
