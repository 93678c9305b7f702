import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../shared/base/index.js';
import { BatchBuilder, type ColumnField } from '../../shared/parquet/index.js';
import { type AddressedSignal, buildSignals, parseSignal, shardOf } from '../../shared/shards/index.js';

const columns: readonly ColumnField[] = [
  { name: 'device_id', type: 'string', nullable: false },
  { name: 'event_time', type: 'timestamp', nullable: false },
  { name: 'status', type: 'string', nullable: true },
  { name: 'temperature', type: 'double', nullable: true },
  { name: 'count', type: 'long', nullable: true },
  { name: '_sequence_number', type: 'long', nullable: false },
  { name: '_index', type: 'integer', nullable: false },
];

interface Reading {
  readonly device: string;
  readonly sequenceNumber: number;
  readonly index?: number;
  readonly temperature?: number;
  readonly count?: bigint;
}

function batchOf(readings: readonly Reading[]) {
  const builder = new BatchBuilder(columns);
  for (const { device, sequenceNumber, index = 0, temperature, count } of readings) {
    builder.setText(0, device);
    builder.setNumber(1, 1_760_000_000_000_000 + sequenceNumber);
    builder.setText(2, 'OK');
    if (temperature !== undefined) builder.setNumber(3, temperature);
    if (count !== undefined) builder.setBigInteger(4, count);
    builder.setNumber(5, sequenceNumber);
    builder.setNumber(6, index);
    builder.endRow();
  }
  return builder.finish();
}

interface Options {
  readonly to?: number;
  readonly from?: (shard: number) => number;
  readonly shardCount?: number;
  readonly maxBytes?: number;
}

function signalsOf(readings: readonly Reading[], options: Options = {}): readonly AddressedSignal[] {
  return buildSignals({
    readings: batchOf(readings),
    source: 'sensor-data#1',
    partition: '3',
    to: options.to ?? readings.at(-1)!.sequenceNumber,
    firstUnsignalled: options.from ?? (() => 0),
    nowMs: 5,
    fields: ['temperature', 'count'],
    shardCount: options.shardCount ?? 1,
    ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
  });
}

describe('signals of a batch', () => {
  it('carry the readings as columns, nulls and all', () => {
    const signals = signalsOf(
      [
        { device: 'a', sequenceNumber: 7, temperature: 21.5 },
        { device: 'b', sequenceNumber: 7, index: 1, count: 12n },
        { device: 'a', sequenceNumber: 9, temperature: -0.25, count: 2n ** 60n },
      ],
      { from: () => 4, to: 12 },
    );
    assert.deepEqual(signals, [
      {
        shard: 0,
        signal: {
          v: 1,
          source: 'sensor-data#1',
          partition: '3',
          from: 4,
          to: 12,
          nowMs: 5,
          fields: ['temperature', 'count'],
          devices: ['a', 'b'],
          device: [0, 1, 0],
          sequenceNumber: [7, 7, 9],
          index: [0, 1, 0],
          eventTime: [1_760_000_000_000_007, 1_760_000_000_000_007, 1_760_000_000_000_009],
          values: [
            [21.5, null, -0.25],
            [null, 12, 2 ** 60],
          ],
        },
      },
    ]);
    const { signal } = signals[0]!;
    assert.deepEqual(parseSignal(JSON.parse(JSON.stringify(signal))), signal);
  });

  it('go to the shards of their devices, each reading once', () => {
    const random = seededRandom(3);
    const readings = Array.from({ length: 500 }, (_, sequenceNumber) => ({
      device: `sensor-${Math.floor(random.next() * 60)}`,
      sequenceNumber,
    }));
    const signals = signalsOf(readings, { shardCount: 16, from: (shard) => shard });
    const carried = signals.flatMap(({ shard, signal }) => {
      assert.ok(signal.devices.every((device) => shardOf(device, 16) === shard));
      assert.deepEqual([signal.from, signal.to], [shard, 499]);
      return signal.sequenceNumber;
    });
    assert.deepEqual(
      carried.sort((a, b) => a - b),
      readings.map(({ sequenceNumber }) => sequenceNumber),
    );
    assert.deepEqual(signalsOf([], { to: 3 }), []);
  });

  it('are cut between events where they would grow too large, their ranges joining', () => {
    // Events of three readings each.
    const readings = Array.from({ length: 300 }, (_, row) => ({
      device: 'a',
      sequenceNumber: Math.floor(row / 3),
      index: row % 3,
    }));
    const signals = signalsOf(readings, { maxBytes: 2_000, to: 150 });
    assert.ok(signals.length > 10, `${signals.length} signals`);
    let next = 0;
    for (const { signal } of signals) {
      assert.equal(signal.from, next);
      assert.ok(JSON.stringify(signal).length < 2_300);
      assert.ok(signal.sequenceNumber.every((number) => number >= signal.from && number <= signal.to));
      next = signal.to + 1;
    }
    assert.equal(next, 151);
    assert.equal(signals.flatMap(({ signal }) => signal.device).length, 300);
  });

  it('keep an event together that is too large for one signal', () => {
    const readings = Array.from({ length: 50 }, (_, index) => ({ device: 'a', sequenceNumber: 1, index }));
    assert.equal(signalsOf(readings, { maxBytes: 100 }).length, 1);
  });
});

describe('a signal that no version sent', () => {
  const valid = signalsOf([{ device: 'a', sequenceNumber: 1 }])[0]!.signal;
  const broken: readonly [name: string, input: unknown][] = [
    ['nothing', undefined],
    ['a text', 'x'],
    ['a later version', { ...valid, v: 2 }],
    ['a range that ends before it begins', { ...valid, from: 5, to: 4 }],
    ['columns of different lengths', { ...valid, index: [0, 1] }],
    ['values that lack a column', { ...valid, values: [[1]] }],
    ['texts for devices', { ...valid, device: ['a'] }],
    ['no source', { ...valid, source: undefined }],
    ['no time', { ...valid, nowMs: null }],
  ];
  for (const [name, input] of broken) {
    it(`is refused: ${name}`, () => {
      assert.throws(
        () => parseSignal(input),
        (error) => error instanceof TributaryError && error.code === 'INPUT_INVALID',
      );
    });
  }
});
