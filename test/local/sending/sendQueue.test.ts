import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { partitionChooser } from '../../../local/sending/publisher.js';
import { SendQueue, type SendQueueOptions } from '../../../local/sending/sendQueue.js';
import { reportLines } from '../../../local/sending/sendReport.js';
import { ManualClock } from '../../../shared/base/index.js';

const partitionIds = ['0', '1', '2', '3'];

function recordingQueue(options: Partial<SendQueueOptions> = {}) {
  const sent: { partition: string; text: string }[] = [];
  const sends: number[] = [];
  const publisher = {
    partitionIds,
    async send(partition: string, bodies: readonly Uint8Array[]) {
      sends.push(bodies.length);
      for (const body of bodies) sent.push({ partition, text: Buffer.from(body).toString() });
    },
    async close() {},
  };
  const queue = new SendQueue({
    publisher,
    clock: new ManualClock(0),
    deviceKey: 'device.id',
    readingsPerEvent: 1,
    eventsPerSecond: undefined,
    ...options,
  });
  const add = async (id: unknown, value: number) => {
    const reading = { device: { id }, value };
    await queue.addReading(reading, JSON.stringify(reading));
  };
  return { queue, sent, sends, add };
}

describe('the send queue', () => {
  it('sends each reading once, as written, a device always to its partition and in order', async () => {
    const { queue, sent, add } = recordingQueue();
    for (let value = 0; value < 5000; value++) await add(`device_${value % 13}`, value);
    await queue.finish();
    assert.equal(sent.length, 5000);
    const choose = partitionChooser(partitionIds);
    const lastValue = new Map<string, number>();
    for (const { partition, text } of sent) {
      const { device, value } = JSON.parse(text);
      assert.equal(partition, choose(device.id));
      assert.ok(value > (lastValue.get(device.id) ?? -1), text);
      lastValue.set(device.id, value);
    }
    assert.equal(queue.counts.readings, 5000);
    assert.equal(queue.counts.events, 5000);
  });

  it('makes arrays of readings of one partition, the last one shorter', async () => {
    const { queue, sent, add } = recordingQueue({ readingsPerEvent: 4 });
    for (let value = 0; value < 10; value++) await add('device_1', value);
    await queue.finish();
    assert.deepEqual(
      sent.map(({ text }) => JSON.parse(text).map(({ value }: { value: number }) => value)),
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
      ],
    );
    assert.deepEqual([queue.counts.events, queue.counts.readings], [3, 10]);
  });

  it('spreads and counts readings that name no device', async () => {
    const { queue, sent, add } = recordingQueue();
    for (const id of [undefined, null, { nested: 1 }, []]) await add(id, 0);
    await add(17, 0);
    await queue.finish();
    assert.equal(queue.counts.withoutDevice, 4);
    const spread = sent.filter(({ text }) => JSON.parse(text).device.id !== 17);
    assert.deepEqual(spread.map(({ partition }) => partition).sort(), partitionIds);
  });

  it('sends in large pieces when nobody waits, and at once when flushed', async () => {
    const { queue, sends, add } = recordingQueue();
    for (let value = 0; value < 2500; value++) await add('device_1', value);
    assert.deepEqual(sends, [1000, 1000]);
    await queue.flush();
    await queue.finish();
    assert.deepEqual(sends, [1000, 1000, 500]);
  });

  it('keeps to the rate asked for', async () => {
    const clock = new ManualClock(0);
    const { queue, sent, add } = recordingQueue({ clock, eventsPerSecond: 100 });
    const adding = (async () => {
      for (let value = 0; value < 300; value++) await add('device_1', value);
      await queue.finish();
    })();
    const sentBy: number[] = [];
    for (let ms = 0; ms <= 3000; ms += 10) {
      await new Promise((resolve) => setImmediate(resolve));
      if (ms % 1000 === 0) sentBy.push(sent.length);
      clock.advance(10);
    }
    await adding;
    assert.equal(sent.length, 300);
    for (const [second, count] of sentBy.entries())
      assert.ok(Math.abs(count - second * 100) <= 2, `${count} after ${second} s`);
  });

  it('stops with the error of the first send that fails', async () => {
    const publisher = {
      partitionIds,
      send: () => Promise.reject(new Error('hub is gone')),
      close: () => Promise.resolve(),
    };
    const { queue, add } = recordingQueue({ publisher });
    await assert.rejects(async () => {
      for (let value = 0; value < 5000; value++) await add('device_1', value);
    }, /hub is gone/);
    await assert.rejects(queue.finish(), /hub is gone/);
    assert.equal(queue.counts.events, 0);
  });
});

describe('the report of send', () => {
  it('counts what was sent and what was not', () => {
    const report = {
      events: 1,
      readings: 1200,
      bytes: 4200,
      eventsByPartition: new Map([
        ['10', 1],
        ['2', 5],
      ]),
      withoutDevice: 1,
      hub: 'sensor-data',
      badLines: 2,
      elapsedMs: 1500,
    };
    assert.deepEqual(reportLines(report), [
      'Sent 1,200 readings in 1 event (4.2 kB) to "sensor-data" in 1.5 s.',
      'Events by partition: 2: 5, 10: 1.',
      '1 reading had no device id; name its place with --device-key.',
      'Not sent: 2 bad readings.',
    ]);
  });
});
