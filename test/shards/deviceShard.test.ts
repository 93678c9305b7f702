import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import {
  decodeAlertRow,
  decodeFailedRow,
  decodeLateRow,
  decodeWindowRow,
  planShards,
  type SealedBatch,
  ShardSession,
  sizeWarning,
} from '../../shared/shards/index.js';
import {
  described,
  minuteMs,
  shardPipeline,
  signalOf,
  startMs,
  type TestReading,
  TestShard,
} from '../support/shardHarness.js';

const { limits } = planShards(shardPipeline());

/** One of each, in windows of the first minute. */
function readingsOfDevices(count: number, from: number): TestReading[] {
  return Array.from({ length: count }, (_, index) => ({
    device: `device-${from + index}`,
    at: index % 60,
    temperature: 20.25 + (index % 9),
    sequenceNumber: from + index,
  }));
}

/** Closes the windows of `device` up to `at` seconds. */
const closer = (device: string, at: number, sequenceNumber: number): TestReading => ({
  device,
  at: at + 30,
  sequenceNumber,
});

describe('a shard', () => {
  it('turns readings into windows, late readings and alerts', () => {
    const shard = new TestShard();
    shard.ingest([
      { device: 'a', at: 0, temperature: 20, sequenceNumber: 1 },
      { device: 'b', at: 1, temperature: 36, sequenceNumber: 2 },
      { device: 'a', at: 59, temperature: 31, sequenceNumber: 3 },
      { device: 'a', at: 90, temperature: 10, sequenceNumber: 4 },
      { device: 'a', at: 59, temperature: 33, sequenceNumber: 5 },
    ]);
    const batch = shard.seal();
    assert.equal(batch.number, 0);
    assert.deepEqual(described(batch), [
      'breach WARM a',
      'breach WARM a',
      'breach HOT b',
      'late a 5',
      'watermark minutes a 0: 2 (2, 51)',
    ]);
  });

  it('takes each reading once, however signals come: doubled, reordered, cut otherwise', () => {
    const random = seededRandom(5);
    // Minutes apart in event time would make lateness depend on the order; within one minute it cannot.
    const readings = Array.from({ length: 120 }, (_, sequenceNumber) => ({
      device: `d${Math.floor(random.next() * 5)}`,
      at: Math.floor(random.next() * 30),
      temperature: Math.round(random.next() * 400) / 10,
      sequenceNumber,
    }));
    const expected = new TestShard();
    expected.ingest(readings);
    const truth = results(expected);
    assert.ok(truth.length > 20);

    for (let round = 0; round < 50; round++) {
      const shard = new TestShard();
      const ranges = Array.from({ length: 12 }, () => {
        const from = Math.floor(random.next() * 115);
        return [from, Math.min(119, from + Math.floor(random.next() * 40))] as const;
      });
      ranges.push([0, 40], [41, 80], [81, 119]);
      for (const [from, to] of shuffled(ranges, random)) {
        shard.ingest(readings.slice(from, to + 1), { from, to });
      }
      assert.deepEqual(results(shard), truth);
    }

    function results(shard: TestShard): string[] {
      for (let device = 0; device < 5; device++) shard.ingest([closer(`d${device}`, 60, 1_000 + device)]);
      return shard.drain().flatMap(described).sort();
    }
  });

  it('tells partitions, sources and incarnations apart', () => {
    const shard = new TestShard();
    const reading = { device: 'a', at: 0, temperature: 40, sequenceNumber: 7 };
    shard.ingest([reading]);
    shard.ingest([reading], { partition: '1' });
    shard.ingest([reading], { source: 'sensor-data#1' });
    shard.ingest([reading]);
    assert.equal(shard.seal().rows.alerts.length, 3);
  });

  it('takes several signals in one operation, and those beside one that cannot be read', () => {
    const shard = new TestShard();
    const hot = (sequenceNumber: number) => ({ device: 'a', at: 0, temperature: 40, sequenceNumber });
    shard.run('ingest', [
      signalOf([hot(1)]),
      { v: 99 },
      signalOf([hot(1), hot(2)]),
      signalOf([hot(2)], { partition: '1' }),
    ]);
    const { rows } = shard.seal();
    assert.equal(rows.alerts.length, 3);
    assert.equal(rows.failed.length, 1);
  });

  it('knows that what lies in a signal without its readings needs no second look', () => {
    const shard = new TestShard();
    shard.ingest([{ device: 'a', at: 0, temperature: 40, sequenceNumber: 7 }], { from: 1, to: 9 });
    shard.ingest([{ device: 'a', at: 0, temperature: 40, sequenceNumber: 3 }], { from: 3, to: 3 });
    assert.equal(shard.seal().rows.alerts.length, 1);
  });
});

describe('sealing', () => {
  const hot = (sequenceNumber: number): TestReading => ({
    device: `d${sequenceNumber % 3}`,
    at: sequenceNumber,
    temperature: 40,
    sequenceNumber,
  });

  it('tells nothing of a batch that the stored state does not have yet', () => {
    const shard = new TestShard();
    shard.ingest([hot(1)]);
    const before = shard.state;
    const { number, rows, isUnstored, hasMore } = shard.sealOnce();
    assert.deepEqual([number, Object.values(rows).flat(), isUnstored, hasMore], [null, [], true, false]);
    // The answer has left, the state was not stored: the operation runs again, behind another signal.
    shard.state = before;
    shard.ingest([{ ...hot(2), temperature: 41 }]);
    assert.equal(shard.sealOnce().isUnstored, true);
    const stored = shard.sealOnce();
    assert.deepEqual([stored.number, stored.rows.alerts.length, stored.isUnstored], [0, 2, undefined]);
    assert.deepEqual(shard.sealOnce(), stored);
  });

  it('tells nothing of it in the same batch of operations either', () => {
    const shard = new TestShard();
    shard.ingest([hot(1)]);
    const session = new ShardSession(JSON.parse(shard.state!), shard.plan);
    for (let seal = 0; seal < 2; seal++) {
      assert.equal((session.run('seal', { nowMs: startMs }).answer as SealedBatch).isUnstored, true);
    }
  });

  it('gives the same rows under the same number until they are acknowledged', () => {
    const shard = new TestShard();
    shard.ingest([hot(1), hot(2)]);
    const first = shard.seal();
    shard.ingest([hot(3)]);
    const { rows, number } = shard.seal({ maxRows: 1 });
    assert.deepEqual([number, rows], [first.number, first.rows]);
    assert.equal(shard.seal().hasMore, true);
    shard.acknowledge(5);
    assert.equal(shard.seal().number, 0);
    const second = shard.seal({ acknowledge: 0 });
    assert.equal(second.number, 1);
    assert.deepEqual(described(second), ['breach HOT d0']);
    assert.equal(second.hasMore, false);
    shard.acknowledge(0);
    shard.acknowledge(1);
    assert.equal(shard.seal().number, null);
  });

  it('is bounded in rows and in bytes, and leaves nothing behind', () => {
    const all = Array.from({ length: 50 }, (_, index) => hot(index));
    const shard = new TestShard();
    shard.ingest(all);
    const rowBytes = shard.seal().rows.alerts[0]!.length;
    const full = shard.state;
    const byRows = new TestShard(shard.plan);
    byRows.ingest(all);
    const batches = byRows.drain({ maxRows: 7 });
    assert.deepEqual(
      batches.map(({ rows }) => rows.alerts.length),
      [7, 7, 7, 7, 7, 7, 7, 1],
    );
    assert.equal(byRows.seal().number, null);

    const byBytes = new TestShard(shard.plan);
    byBytes.ingest(all);
    const small = byBytes.drain({ maxBytes: 4 * rowBytes });
    assert.ok(small.length >= 12, `${small.length} batches`);
    assert.deepEqual(small.flatMap(described), batches.flatMap(described));

    const sealedWhole = new TestShard(shard.plan, full);
    assert.equal(sealedWhole.seal({ maxRows: 1 }).rows.alerts.length, 50, 'what is sealed stays as it is');
  });

  it('can be for alerts only, when they must not wait', () => {
    const shard = new TestShard();
    shard.ingest([{ device: 'a', at: 0, temperature: 40, sequenceNumber: 0 }, closer('a', 60, 1)]);
    const alerts = shard.seal({ onlyAlerts: true });
    assert.deepEqual(described(alerts), ['breach HOT a']);
    assert.deepEqual([alerts.latest, alerts.hasMore], [[], true]);
    const rest = shard.seal({ acknowledge: 0 });
    assert.deepEqual(described(rest), ['watermark minutes a 0: 1 (1, 40)']);
    assert.equal(rest.latest.length, 1);
  });

  it('changes no state when there is nothing to do', () => {
    const shard = new TestShard();
    shard.ingest([{ device: 'a', at: 0, temperature: 20, sequenceNumber: 0 }]);
    shard.drain();
    const before = shard.state;
    shard.seal({ nowMs: startMs + 1_000 });
    assert.equal(shard.state, before);
  });
});

describe('silence', () => {
  it('closes the windows of a quiet device at the idle timeout, not before', () => {
    const shard = new TestShard();
    shard.ingest([{ device: 'a', at: 5, temperature: 20, sequenceNumber: 0 }]);
    assert.deepEqual(described(shard.seal({ nowMs: startMs + 10 * minuteMs - 1 })), []);
    const closed = shard.drain({ nowMs: startMs + 10 * minuteMs }).flatMap(described);
    assert.deepEqual(closed, ['idle minutes a 0: 1 (1, 20)']);
    assert.deepEqual(shard.drain({ nowMs: startMs + 60 * minuteMs }).flatMap(described), []);
  });

  it('waits beyond the timeout for windows that end later', () => {
    const base = shardPipeline();
    const plan = planShards({
      ...base,
      windows: {
        ...base.windows,
        definitions: [
          { kind: 'tumbling', name: 'hours', sizeMs: 60 * minuteMs, offsetMs: 0, output: 'append' },
        ],
      },
    });
    const shard = new TestShard(plan);
    shard.ingest([{ device: 'a', at: 600, temperature: 20, sequenceNumber: 0 }]);
    // The hour ends 50 minutes of silence after the reading, and half a minute of lateness.
    const closesMs = startMs + 50 * minuteMs + 30_000;
    for (let nowMs = startMs; nowMs < closesMs; nowMs += minuteMs) {
      assert.deepEqual(described(shard.seal({ nowMs })), []);
      shard.acknowledge(shard.seal({ nowMs }).number);
    }
    assert.deepEqual(shard.drain({ nowMs: closesMs - 1 }).flatMap(described), []);
    assert.deepEqual(shard.drain({ nowMs: closesMs }).flatMap(described), ['idle hours a 0: 1 (1, 20)']);
  });

  it('raises the silence rule once, and resolves it with the next reading', () => {
    const silence = {
      name: 'SILENT',
      silentForMs: 5 * minuteMs,
      severity: 'WARNING',
      message: '{device} is silent',
    } as const;
    const shard = new TestShard(planShards(shardPipeline({ alerts: { silence } })));
    shard.ingest([{ device: 'a', at: 0, temperature: 20, sequenceNumber: 0 }]);
    const after = (minutes: number) => ({ nowMs: startMs + minutes * minuteMs });
    assert.deepEqual(shard.drain(after(4)).flatMap(described), []);
    assert.deepEqual(shard.drain(after(5)).flatMap(described), ['raised SILENT a']);
    assert.deepEqual(shard.drainFor(after(6).nowMs, after(30).nowMs).flatMap(described), [
      'idle minutes a 0: 1 (1, 20)',
    ]);
    shard.ingest([{ device: 'a', at: 1_900, temperature: 20, sequenceNumber: 1 }], after(31));
    assert.deepEqual(shard.drain(after(31)).flatMap(described), ['resolved SILENT a']);
    assert.deepEqual(shard.drainFor(after(32).nowMs, after(36).nowMs).flatMap(described), [
      'raised SILENT a',
    ]);
  });
});

describe('while the pipeline itself stands still', () => {
  const silence = {
    name: 'SILENT',
    silentForMs: 20 * minuteMs,
    severity: 'WARNING',
    message: '{device} is silent',
  } as const;
  const plan = planShards(shardPipeline({ alerts: { silence } }));
  const at = (minutes: number) => startMs + minutes * minuteMs;
  const reading = (minutes: number): TestReading => ({
    device: 'a',
    at: minutes * 60,
    temperature: 20,
    sequenceNumber: minutes,
  });

  it('no device falls silent: what waited in the hub is counted in its windows when the app comes back', () => {
    const shard = new TestShard(plan);
    shard.ingest([reading(0)], { nowMs: at(0) });
    assert.deepEqual(shard.drainFor(at(0), at(3)).flatMap(described), []);
    // Down for an hour, in which the device went on; publication comes back before ingest does.
    assert.deepEqual(shard.drain({ nowMs: at(63), onlyAlerts: true }).flatMap(described), []);
    assert.deepEqual(shard.drainFor(at(63), at(64)).flatMap(described), []);
    for (let minutes = 1; minutes <= 63; minutes++) shard.ingest([reading(minutes)], { nowMs: at(64) });
    const rows = shard.drainFor(at(64), at(73)).flatMap(described);
    assert.deepEqual(
      rows,
      Array.from({ length: 62 }, (_, minute) => `watermark minutes a ${60 * minute}: 1 (1, 20)`),
    );
  });

  it('and one that has fallen silent is found later by the length of the pause', () => {
    const shard = new TestShard(plan);
    shard.ingest([reading(0)], { nowMs: at(0) });
    shard.drainFor(at(0), at(3));
    assert.deepEqual(shard.drainFor(at(63), at(72)).flatMap(described), []);
    assert.deepEqual(shard.drainFor(at(73), at(82)).flatMap(described), ['idle minutes a 0: 1 (1, 20)']);
    assert.deepEqual(shard.drainFor(at(83), at(84)).flatMap(described), ['raised SILENT a']);
    assert.deepEqual(shard.drainFor(at(85), at(200)).flatMap(described), []);
  });

  it('neither while results cannot leave, for which ingest waits', () => {
    const shard = new TestShard(plan);
    shard.ingest([reading(0), { ...reading(2), device: 'b' }], { nowMs: at(0) });
    shard.drain({ nowMs: at(0) });
    shard.ingest([reading(3)], { nowMs: at(1) });
    const waiting = shard.seal({ nowMs: at(1) });
    assert.equal(waiting.rows.windows.length, 1);
    for (let minutes = 2; minutes <= 60; minutes++) {
      assert.deepEqual(shard.seal({ nowMs: at(minutes) }).rows, waiting.rows);
    }
    shard.acknowledge(waiting.number);
    assert.deepEqual(shard.drainFor(at(60), at(69)).flatMap(described), []);
    assert.deepEqual(shard.drainFor(at(70), at(71)).flatMap(described), [
      'idle minutes a 180: 1 (1, 20)',
      'idle minutes b 120: 1 (1, 20)',
    ]);
  });

  it('neither while ingest holds back what they sent, because another shard is full', () => {
    const shard = new TestShard(plan);
    shard.ingest([reading(0)], { nowMs: at(0) });
    for (let minutes = 1; minutes <= 60; minutes++) {
      shard.run('hold', { nowMs: at(minutes) });
      assert.deepEqual(shard.drain({ nowMs: at(minutes) }).flatMap(described), []);
    }
    assert.deepEqual(shard.drainFor(at(61), at(70)).flatMap(described), ['idle minutes a 0: 1 (1, 20)']);
  });

  it('but a slow schedule is no pause: silence is seen once it is known', () => {
    const shard = new TestShard(plan);
    const hours = (from: number, to: number) => shard.drainFor(at(60 * from), at(60 * to), 60 * minuteMs);
    shard.ingest([reading(0)], { nowMs: at(0) });
    hours(0, 12);
    shard.ingest([{ ...reading(0), at: 12 * 3_600, sequenceNumber: 5 }], { nowMs: at(12 * 60) });
    assert.deepEqual(hours(12, 13).flatMap(described), [
      'resolved SILENT a',
      'raised SILENT a',
      'idle minutes a 43200: 1 (1, 20)',
    ]);
  });
});

describe('input that cannot be worked with', () => {
  const good = (sequenceNumber: number): TestReading => ({
    device: 'a',
    at: sequenceNumber,
    temperature: 40,
    sequenceNumber,
  });

  it('leaves alone: the other readings of the signal and the device go on', () => {
    const shard = new TestShard();
    const signal = signalOf([good(0), good(1), good(2)]);
    shard.run('ingest', { ...signal, values: [[40, 'hot', 40], signal.values[1]] });
    const batch = shard.seal();
    assert.deepEqual(described(batch), ['breach HOT a', 'breach HOT a', 'failed a 1']);
    const failed = decodeFailedRow(batch.rows.failed[0]!);
    assert.match(failed.detail, /no usable number/);
    assert.deepEqual(JSON.parse(failed.input), {
      eventTimeMicros: (startMs + 1_000) * 1000,
      temperature: 'hot',
      humidity: null,
    });
    shard.run('ingest', signal);
    assert.equal(described(shard.seal({ acknowledge: 0 })).length, 0, 'it came already');
  });

  it('leaves as a whole when it is no signal', () => {
    const shard = new TestShard();
    for (const input of [null, 'nonsense', { v: 99 }, [[]]]) shard.run('ingest', input);
    shard.ingest([good(0)]);
    const batch = shard.seal();
    assert.deepEqual(described(batch), ['breach HOT a', ...new Array<string>(4).fill('failed  -1')]);
    assert.deepEqual(
      batch.rows.failed.map((row) => decodeFailedRow(row).input),
      ['null', '"nonsense"', '{"v":99}', '[]'],
    );
  });

  it('does not destroy the state of a device that a later version wrote', () => {
    const shard = new TestShard();
    shard.ingest([good(0), { ...good(1), device: 'b' }]);
    shard.drain();
    const text = JSON.parse(shard.state!) as { devices: string[] };
    text.devices[1] = text.devices[1]!.replace('[1,', '[99,');
    const changed = new TestShard(shard.plan, JSON.stringify(text));
    changed.ingest([good(2), { ...good(3), device: 'b' }]);
    assert.deepEqual(described(changed.seal()), ['breach HOT b', 'failed a 2']);
    assert.equal((JSON.parse(changed.state!) as { devices: string[] }).devices[1], text.devices[1]);
    assert.equal(changed.describe().unreadableDevices, 1);
  });

  it('does not destroy a state that a later version wrote, and keeps the signals for it', () => {
    const later = JSON.stringify({ v: 99, secret: 'x' });
    const shard = new TestShard(undefined, later);
    shard.ingest([good(0)]);
    shard.ingest([good(1)]);
    assert.equal(shard.run('seal', { nowMs: startMs }), undefined);
    assert.equal(shard.problems.length, 3);
    assert.match(shard.problems[0]!, /STATE_UNREADABLE/);
    const kept = JSON.parse(shard.state!) as { v: number; secret: string; unread: unknown[] };
    assert.deepEqual([kept.v, kept.secret, kept.unread.length], [99, 'x', 2]);
    const { state } = new TestShard();
    const old = state === undefined ? {} : JSON.parse(state);
    const readable = new TestShard(undefined, undefined);
    readable.ingest([good(5)]);
    const back = { ...JSON.parse(readable.state!), ...old, unread: kept.unread };
    const again = new TestShard(undefined, JSON.stringify(back));
    assert.equal(again.seal().rows.alerts.length, 3);
    assert.equal('unread' in JSON.parse(again.state!), false);
  });

  it('is an operation that does not exist', () => {
    const shard = new TestShard();
    assert.equal(shard.run('explode', {}), undefined);
    assert.match(shard.problems[0]!, /no operation "explode"/);
    assert.equal(shard.state, undefined);
  });
});

describe('the state', () => {
  it('is the same after a round trip through JSON, at every step', () => {
    const random = seededRandom(9);
    const silence = { name: 'S', silentForMs: 60_000, severity: 'INFO', message: 'x' } as const;
    const plan = planShards(shardPipeline({ alerts: { silence, rules: [...shardPipeline().alerts.rules] } }));
    const shard = new TestShard(plan);
    for (let step = 0; step < 200; step++) {
      const at = step * 7;
      shard.ingest(
        [
          {
            device: ['a', 'b', '__proto__', 'Gerät "1"\\', ''][Math.floor(random.next() * 5)]!,
            at: at - Math.floor(random.next() * 60),
            temperature: random.next() < 0.2 ? null : Math.round(random.next() * 4_000) / 100 - 0,
            sequenceNumber: step,
          },
        ],
        { nowMs: startMs + at * 1000 },
      );
      if (step % 20 === 10) shard.drain({ nowMs: startMs + at * 1000 });
      const again = new TestShard(plan, shard.state);
      again.run('ack', { number: -1 });
      assert.equal(again.state, shard.state);
      assert.doesNotMatch(shard.state!, /NaN|Infinity|-0[,\]]|null,"/);
    }
    assert.deepEqual(
      (JSON.parse(shard.state!) as { devices: string[] }).devices
        .filter((_, index) => index % 2 === 0)
        .sort(),
      ['', 'Gerät "1"\\', '__proto__', 'a', 'b'],
    );
  });

  it('survives a pipeline whose fields changed: values are found by name', () => {
    const before = new TestShard(planShards(shardPipeline()));
    before.ingest([{ device: 'a', at: 0, temperature: 40, sequenceNumber: 0 }, closer('a', 60, 1)]);
    const changed = planShards(
      shardPipeline({
        fields: { pressure: { type: 'double' }, temperature: { type: 'double' } },
      }),
    );
    const after = new TestShard(changed, before.state);
    after.run('ingest', signalOf([{ device: 'a', at: 100, temperature: 41, sequenceNumber: 2 }]));
    const batch = after.seal();
    assert.deepEqual(batch.layouts, [
      ['temperature', 'humidity'],
      ['pressure', 'temperature'],
    ]);
    assert.deepEqual(
      batch.rows.alerts.map(decodeAlertRow).map(({ layout, alert }) => [layout, alert.values]),
      [
        [0, [40, null]],
        [1, [null, 41]],
      ],
    );
    assert.equal(decodeWindowRow(batch.rows.windows[0]!).layout, 0);
    assert.deepEqual(batch.latest[0]?.values, { temperature: 41 });
  });

  it('reports its size, and warns before it is full', () => {
    const shard = new TestShard();
    shard.ingest(readingsOfDevices(500, 0));
    const small = shard.describe();
    assert.equal(small.devices, 500);
    assert.equal(small.openWindows, 500);
    assert.equal(sizeWarning('3', small, limits), undefined);
    shard.ingest(readingsOfDevices(1_900, 500));
    const large = shard.describe();
    const realBytes = shard.state!.length;
    assert.ok(Math.abs(large.stateBytes - realBytes) < 0.05 * realBytes, `${large.stateBytes}, ${realBytes}`);
    assert.ok(large.deviceBytes > 0.8 * limits.maxDeviceBytes);
    assert.match(
      sizeWarning('3', large, limits) ?? '',
      /Shard 3 holds \d+ of 1048576 bytes, .* for 2400 devices/,
    );
  });

  it('takes no new device when it is full: what these send goes to quarantine, and devices that are known go on', () => {
    const shard = new TestShard();
    for (let from = 0; from < 20_000; from += 1_000) shard.ingest(readingsOfDevices(1_000, from));
    const full = shard.describe();
    assert.ok(full.deviceBytes >= limits.maxDeviceBytes && full.deviceBytes < 1.01 * limits.maxDeviceBytes);
    assert.equal(full.devices + full.refusedReadings, 20_000);
    assert.match(
      sizeWarning('3', full, limits) ?? '',
      new RegExp(`turned away ${full.refusedReadings} readings`),
    );
    const failed = shard.drain().flatMap(({ rows }) => rows.failed.map(decodeFailedRow));
    assert.equal(failed.length, full.refusedReadings);
    const { device, reason, detail, sequenceNumber, source, partition, index } = failed[0]!;
    assert.deepEqual(
      { device, reason, sequenceNumber, source, partition, index },
      {
        device: `device-${full.devices}`,
        reason: 'shard_full',
        sequenceNumber: full.devices,
        ...{ source: 'sensor-data', partition: '0', index: 0 },
      },
    );
    assert.match(detail, /^SHARD_FULL: the shard holds \d+ bytes for \d+ devices/);

    shard.ingest([{ device: 'device-0', at: 200, temperature: 36, sequenceNumber: 20_000 }]);
    assert.deepEqual(described(shard.seal()).slice(0, 1), ['breach HOT device-0']);
    assert.equal(shard.describe().refusedReadings, full.refusedReadings);
  });

  it('has room again when devices are forgotten', () => {
    const shard = new TestShard();
    for (let from = 0; from < 10_000; from += 1_000) shard.ingest(readingsOfDevices(1_000, from));
    const { refusedReadings } = shard.describe();
    assert.ok(refusedReadings > 0);
    const muchLaterMs = startMs + 8 * 24 * 60 * minuteMs;
    shard.drain({ nowMs: startMs + 20 * minuteMs });
    shard.drainFor(muchLaterMs, muchLaterMs + 61 * minuteMs);
    assert.equal(shard.describe().deviceBytes, 0);
    shard.ingest(readingsOfDevices(10, 50_000), { nowMs: muchLaterMs + 61 * minuteMs });
    assert.equal(shard.describe().devices, 10);
    assert.equal(shard.describe().refusedReadings, refusedReadings);
  });

  it('forgets devices that sent nothing for a week, unless something of them is open', () => {
    const shard = new TestShard();
    shard.ingest([{ device: 'gone', at: 0, temperature: 20, sequenceNumber: 0 }]);
    const weekMs = 7 * 24 * 60 * minuteMs;
    shard.drain({ nowMs: startMs + 20 * minuteMs });
    // The pipeline was down for a week: what the device sent meanwhile may still come.
    shard.drainFor(startMs + weekMs, startMs + weekMs + 60 * minuteMs);
    assert.equal(shard.describe().devices, 1);
    shard.drainFor(startMs + weekMs + 61 * minuteMs, startMs + weekMs + 63 * minuteMs);
    assert.equal(shard.describe().devices, 0);
  });

  it('forgets devices that are gone for good whatever is open, and resolves it', () => {
    const silence = {
      name: 'SILENT',
      silentForMs: 60 * minuteMs,
      severity: 'INFO',
      message: 'Silent',
    } as const;
    const rules = [
      {
        name: 'HOT',
        when: { field: 'temperature', is: '>', threshold: 35 },
        severity: 'CRITICAL',
        message: 'Hot',
      },
    ] as const;
    const shard = new TestShard(planShards(shardPipeline({ alerts: { rules, silence } })));
    shard.ingest([{ device: 'gone', at: 0, temperature: 40, sequenceNumber: 0 }]);
    const dayMs = 24 * 60 * minuteMs;
    assert.deepEqual(shard.drainFor(startMs, startMs + dayMs).flatMap(described), [
      'raised HOT gone',
      'idle minutes gone 0: 1 (1, 40)',
      'raised SILENT gone',
    ]);
    shard.drainFor(startMs + dayMs, startMs + 30 * dayMs, 6 * 60 * minuteMs);
    assert.equal(shard.describe().devices, 1);
    const resolved = shard.drainFor(startMs + 30 * dayMs, startMs + 32 * dayMs, 6 * 60 * minuteMs);
    assert.equal(shard.describe().devices, 0);
    assert.deepEqual(resolved.flatMap(described), ['resolved HOT gone', 'resolved SILENT gone']);
  });
});

describe('the latest state of devices', () => {
  it('goes out when it has changed, once an interval', () => {
    const shard = new TestShard();
    const at = (seconds: number) => ({ nowMs: startMs + seconds * 1000 });
    const reading = (seconds: number): TestReading => ({
      device: 'a',
      at: seconds,
      temperature: seconds,
      sequenceNumber: seconds,
    });
    const published = (seconds: number) =>
      shard.drain(at(seconds)).flatMap(({ latest }) => latest.map(({ values }) => values.temperature));
    shard.ingest([reading(1)], at(1));
    assert.deepEqual(published(2), [1]);
    assert.deepEqual(published(3), []);
    shard.ingest([reading(10)], at(10));
    assert.deepEqual(published(20), []);
    shard.ingest([reading(30)], at(30));
    assert.deepEqual(published(62), [30]);
    assert.deepEqual(published(200), []);
  });

  it('is told again, as it is then, until the batch is acknowledged', () => {
    const shard = new TestShard();
    shard.ingest([{ device: 'a', at: 1, temperature: 1, sequenceNumber: 1 }]);
    assert.deepEqual(shard.seal().latest[0]?.values, { temperature: 1 });
    shard.ingest([{ device: 'a', at: 2, temperature: 2, sequenceNumber: 2 }]);
    const { latest, number } = shard.seal();
    assert.deepEqual([number, latest[0]?.values], [0, { temperature: 2 }]);
    assert.deepEqual(shard.seal({ acknowledge: 0 }).latest, []);
    const later = shard.seal({ nowMs: startMs + minuteMs });
    assert.deepEqual(later.latest[0]?.values, { temperature: 2 });
  });

  it('is bounded, and reaches every device in the end', () => {
    const shard = new TestShard();
    shard.ingest(
      Array.from({ length: 25 }, (_, index) => ({ device: `d${index}`, at: 0, sequenceNumber: index })),
    );
    const batches = shard.drain({ maxDevices: 10 });
    assert.deepEqual(
      batches.map(({ latest }) => latest.length),
      [10, 10, 5],
    );
    assert.equal(new Set(batches.flatMap(({ latest }) => latest.map(({ device }) => device))).size, 25);
  });

  it('shows open windows of definitions that say so', () => {
    const plan = planShards(
      shardPipeline({
        windows: {
          definitions: {
            minutes: { kind: 'tumbling', sizeMs: minuteMs },
            hours: { kind: 'tumbling', sizeMs: 60 * minuteMs, output: 'update' },
          },
        },
      }),
    );
    const shard = new TestShard(plan);
    shard.ingest([{ device: 'a', at: 1, temperature: 12, sequenceNumber: 1 }]);
    const [latest] = shard.seal().latest;
    assert.deepEqual(
      latest?.openWindows.map(({ definition, messageCount }) => [definition, messageCount]),
      [['hours', 1]],
    );
  });
});

describe('late rows', () => {
  it('carry the reading, its watermark and where it came from', () => {
    const shard = new TestShard();
    shard.ingest(
      [
        { device: 'a', at: 100, temperature: 1, sequenceNumber: 1 },
        { device: 'a', at: 69, temperature: 2, sequenceNumber: 2, index: 4 },
      ],
      { partition: '7', nowMs: 99 },
    );
    assert.deepEqual(shard.seal().rows.late.map(decodeLateRow), [
      {
        device: 'a',
        atMs: 99,
        layout: 0,
        eventTimeMicros: (startMs + 69_000) * 1000,
        watermarkMicros: (startMs + 70_000) * 1000,
        values: [2, null],
        source: 'sensor-data',
        partition: '7',
        sequenceNumber: 2,
        index: 4,
      },
    ]);
  });
});

function shuffled<T>(items: readonly T[], random: { next(): number }): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(random.next() * (index + 1));
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}
