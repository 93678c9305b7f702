// The state of a device's windows between two runs of the app, which may have been deployed anew in between.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import type { WindowsDefinition } from '../../shared/pipeline/index.js';
import { DeviceWindows, planWindows } from '../../shared/windows/index.js';
import { minuteMs, planOf, summary, throughJson, windowsOf } from './plans.js';

const five = { kind: 'tumbling', sizeMs: 5 * minuteMs } as const;
const hop = { kind: 'sliding', sizeMs: 10 * minuteMs, slideMs: 5 * minuteMs } as const;
const visit = { kind: 'session', gapMs: minuteMs, maxSizeMs: 60 * minuteMs } as const;

/** Readings at 10 s (t 1, b 10), 20 s (t 2, b null), 130 s (t 4, b 20). */
function filled(windows: WindowsDefinition): DeviceWindows {
  const device = DeviceWindows.fresh(planOf(windows));
  device.add(10e6, [1, 10]);
  device.add(20e6, [2, null]);
  device.add(130e6, [4, 20]);
  return device;
}

/** The app is deployed with other windows. */
function redeployed(device: DeviceWindows, windows: WindowsDefinition): DeviceWindows {
  return throughJson(device, planOf(windows));
}

describe('the state of a device', () => {
  it('holds nothing but numbers, nulls and arrays', () => {
    const check = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(check);
      else assert.ok(value === null || (Number.isFinite(value) && !Object.is(value, -0)), `${value}`);
    };
    check(filled({ definitions: { five, hop, visit } }).encode());
    check(DeviceWindows.fresh(planOf({})).encode());
  });

  it('is short: below 320 bytes for three open windows of two metrics with many readings', () => {
    const device = DeviceWindows.fresh(planOf({ definitions: { five_minutes: five } }));
    for (let second = 0; second < 600; second += 5) {
      device.add((1_759_744_800 + second) * 1e6 + 123_456, [20 + (second % 130) / 10, 90 - second / 50]);
    }
    device.add((1_759_744_800 + 600) * 1e6, [21.5, 78]);
    assert.equal(device.openWindows().length, 3);
    const { length } = JSON.stringify(device.encode());
    assert.ok(length < 320, `${length} bytes`);
  });

  it('is a few numbers when no window is open', () => {
    const device = filled({ definitions: { five } });
    device.advanceIdle(0, 10 * minuteMs);
    device.closeDue('idle');
    assert.deepEqual(device.encode(), [1, 130e6, -300e6, 0]);
  });

  it('that version 1 wrote is read', () => {
    const plan = planOf({ definitions: { five, hop, visit } });
    const version1 =
      '[1,130000000,300000000,null,[4044111267,3876335077],' +
      '[[0,300000,300000,0,8939026],[-120000000,120000000,3,[3,1,4,1,4,0,0,7],[2,10,20,10,20,0,0,30]]],' +
      '[[0,600000,300000,0,146357],[-120000000,120000000,3,[3,1,4,1,4,0,0,7],[2,10,20,10,20,0,0,30]]],' +
      '[[1,60000,3600000,866634321],[-120000000,10000000,2,[2,1,2,1,2,0,0,3],[1,10,10,10,10,0,10000000,10]],[0,0,1,4,20]]]';
    const device = DeviceWindows.decode(JSON.parse(version1), plan);
    assert.deepEqual(device.openWindows(), filled({ definitions: { five, hop, visit } }).openWindows());
    assert.equal(JSON.stringify(device.encode()), version1);
    assert.equal(DeviceWindows.decode([1], plan).watermarkMicros, undefined);
  });

  it('of a later version, or damaged, is refused', () => {
    const plan = planOf({ definitions: { five } });
    const damaged: readonly unknown[] = [
      undefined,
      null,
      {},
      [],
      [2, 0, 0, 0],
      [1, null, 0, 0],
      [1, 0, 0, '0'],
      [1, 0, 0, 0, null],
      [1, 0, 0, 0, [1], 7],
      [1, 0, 0, 0, [1], [[0, null]]],
      [1, 0, 0, 0, [1], [[0, 1000, 0, 0, 1]]],
      [1, 0, 0, 0, [1], [[1, 1000, 1000]]],
      [1, 0, 0, 0, [1], [[2, 1000, 1000, 0, 1]]],
      [
        1,
        0,
        0,
        0,
        [1],
        [
          [0, 1000, 1000, 0],
          [0, 0],
        ],
      ],
      [
        1,
        0,
        0,
        0,
        plan.metricKeys,
        [
          [0, 1000, 1000, 0],
          [0, 0, 2, [1, 2], null],
        ],
      ],
    ];
    for (const state of damaged) {
      assert.throws(
        () => DeviceWindows.decode(state, plan),
        (error) => error instanceof TributaryError && error.code === 'STATE_UNREADABLE',
        JSON.stringify(state),
      );
    }
  });
});

describe('after a change of pipeline.ts', () => {
  const before = { definitions: { five, hop, visit } };

  it('the open windows of a definition that is gone are emitted by the next closing, as far as they got', () => {
    const device = redeployed(filled(before), { definitions: { five } });
    assert.deepEqual(summary(device.openWindows()), [
      'visit 10..80: 2',
      'visit 130..190: 1',
      'five 0..300: 3',
      'hop -300..300: 3',
      'hop 0..600: 3',
    ]);
    assert.deepEqual(summary(device.closeDue('watermark')), [
      'visit 10..80: 2',
      'visit 130..190: 1',
      'hop -300..300: 3',
      'hop 0..600: 3',
    ]);
    assert.deepEqual(device.closeDue('watermark'), []);
    assert.deepEqual(summary(device.openWindows()), ['five 0..300: 3']);
  });

  it('they wait for that closing through any number of restarts, and take no readings', () => {
    let device = redeployed(filled(before), {});
    device = redeployed(device, {});
    device.add(140e6, [9, 9]);
    assert.ok(!device.isEmpty);
    const closed = device.closeDue('idle');
    assert.deepEqual(
      closed.map(({ messageCount }) => messageCount),
      [2, 1, 3, 3, 3],
    );
    assert.ok(device.isEmpty);
  });

  it('a window of another size, slide, offset, gap or name is a new one, and the old one is emitted', () => {
    const changes: readonly WindowsDefinition['definitions'][] = [
      { five: { ...five, sizeMs: 6 * minuteMs } },
      { five: { ...five, offsetMs: 1 } },
      { five: { ...hop } },
      { five: visit },
      { minutes: five },
    ];
    for (const definitions of changes) {
      const device = redeployed(filled({ definitions: { five } }), { definitions: definitions! });
      device.add(131e6, [1, 1]);
      const [first, ...others] = device.closeDue('watermark');
      assert.deepEqual([summary([first!]), others], [['five 0..300: 3'], []]);
      assert.equal(device.openWindows()[0]!.messageCount, 1);
    }
  });

  it('a window with another output, or another place in the file, goes on', () => {
    const device = redeployed(filled(before), {
      definitions: { added: hop, visit, hop: { ...hop, output: 'update' }, five },
    });
    assert.deepEqual(device.closeDue('watermark'), []);
    assert.equal(device.openWindows().length, filled(before).openWindows().length);
  });

  it('metrics are found again by name: one that is gone is left out, a new one has no values so far', () => {
    const onlyB = redeployed(filled({ definitions: { five } }), { definitions: { five }, metrics: ['b'] });
    assert.deepEqual(
      onlyB.openWindows()[0]!.metrics.map(({ sum }) => sum),
      [30],
    );
    const swapped = redeployed(onlyB, { definitions: { five }, metrics: ['b', 't'] });
    swapped.add(140e6, [1, 7]);
    assert.deepEqual(
      swapped.openWindows()[0]!.metrics.map(({ count, sum }) => [count, sum]),
      [
        [3, 31],
        [1, 7],
      ],
    );
  });

  it('a greater lateness does not take the watermark back, a smaller one counts from the next reading on', () => {
    const device = filled({ definitions: { five } });
    const greater = redeployed(device, { definitions: { five }, allowedLatenessMs: 10 * minuteMs });
    greater.add(140e6, [0, 0]);
    assert.equal(greater.watermarkMicros, -170e6);
    const smaller = redeployed(greater, { definitions: { five }, allowedLatenessMs: 0 });
    assert.equal(smaller.watermarkMicros, -170e6);
    smaller.add(141e6, [0, 0]);
    assert.equal(smaller.watermarkMicros, 141e6);
  });

  it('could not tell metrics apart whose names have one hash, so these are refused', () => {
    const windows = { ...windowsOf({}), metrics: ['liquid', 'level', 'costarring'] };
    assert.throws(
      () => planWindows(windows),
      /windows\.metrics: "costarring" and "liquid" have the same hash.*rename one/,
    );
  });

  it('names of any allowed length and characters come back', () => {
    const names = ['a', 'five_min', 'five_minutes', 'Z-9_', 'x'.repeat(64)];
    const device = filled({ definitions: Object.fromEntries(names.map((name) => [name, five])) });
    const closed = redeployed(device, {}).closeDue('watermark');
    assert.deepEqual(
      closed.map(({ definition }) => definition),
      names,
    );
  });
});
