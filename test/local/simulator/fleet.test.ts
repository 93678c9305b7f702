import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  compressText,
  createFleet,
  defaultMix,
  type EventKind,
  eventKinds,
  type FleetMix,
  type FleetOptions,
  type SimulatedEvent,
} from '../../../local/simulator/index.js';

const startMs = Date.UTC(2025, 9, 6, 10);
const usual: FleetOptions = {
  deviceCount: 50,
  seed: 7,
  mix: defaultMix,
  fastClocks: 0.02,
  fractionBatteries: 0.2,
  compress: compressText,
};

function simulate(count: number, options: Partial<FleetOptions> = {}): SimulatedEvent[] {
  const fleet = createFleet({ ...usual, ...options });
  return Array.from({ length: count }, (_, index) => fleet.next(startMs + index));
}

function ofKind(events: readonly SimulatedEvent[], kind: EventKind): SimulatedEvent[] {
  const found = events.filter((event) => event.kind === kind);
  assert.ok(found.length > 0, `no event of kind ${kind}`);
  return found;
}

const parse = (event: SimulatedEvent) => JSON.parse(Buffer.from(event.body).toString('utf8'));
const ageMs = (event: SimulatedEvent) => startMs - Date.parse(parse(event).ts);

describe('a simulated fleet', () => {
  it('sends the same bytes in the same order for the same seed, and others for another', () => {
    const first = simulate(3000);
    assert.deepEqual(simulate(3000), first);
    assert.notDeepEqual(simulate(3000, { seed: 8 }), first);
  });

  it('keeps to the shares asked for', () => {
    const mix = { ...defaultMix, duplicates: 0.1, malformed: 0.05, late: 0.03, nested: 0.2 };
    const events = simulate(40_000, { mix, fastClocks: 0 });
    const shareOf = (...kinds: EventKind[]) =>
      events.filter(({ kind }) => kinds.includes(kind)).length / events.length;
    const near = (share: number, wanted: number) =>
      assert.ok(Math.abs(share - wanted) < 0.1 * wanted + 0.001, `${share} is not near ${wanted}`);
    near(shareOf('duplicate'), 0.1);
    near(shareOf('late'), 0.03);
    near(shareOf('nested'), 0.2);
    near(
      shareOf(
        'wrongType',
        'notJson',
        'truncated',
        'emptyBody',
        'brokenGzip',
        'missingDeviceId',
        'badTimestamp',
      ),
      0.05,
    );
    near(shareOf('array'), defaultMix.arrays);
    near(shareOf('outOfOrder'), defaultMix.outOfOrder);
  });

  it('sends every kind of event there is', () => {
    const kinds = new Set(
      simulate(20_000, { mix: { ...defaultMix, malformed: 0.05 } }).map(({ kind }) => kind),
    );
    assert.deepEqual([...kinds].sort(), [...eventKinds].sort());
  });

  it('sends nothing but flat readings when no share is asked for', () => {
    const none: FleetMix = {
      duplicates: 0,
      malformed: 0,
      late: 0,
      outOfOrder: 0,
      nested: 0,
      arrays: 0,
      gzip: 0,
      unknownFields: 0,
    };
    const kinds = new Set(simulate(1000, { mix: none, fastClocks: 0 }).map(({ kind }) => kind));
    assert.deepEqual([...kinds], ['flat']);
  });

  it('has exactly the devices asked for, in the two styles of the seed', () => {
    const events = simulate(10_000, { deviceCount: 40 });
    const ids = new Set(events.map(({ deviceId }) => deviceId));
    assert.equal(ids.size, 40);
    assert.equal([...ids].filter((id) => /^sensor-\d{3}$/.test(id)).length, 8);
    assert.equal([...ids].filter((id) => /^device_\d+$/.test(id)).length, 32);
    for (const event of ofKind(events, 'flat')) {
      const { battery, ts } = parse(event);
      const isFraction = event.deviceId.startsWith('sensor-');
      assert.ok(battery >= 0 && battery <= (isFraction ? 1 : 100), `${event.deviceId}: ${battery}`);
      assert.match(ts, isFraction ? /:\d\dZ$/ : /\.\d{3}Z$/);
    }
  });

  it('keeps every value within what the sample pipeline takes', () => {
    for (const event of simulate(30_000, { deviceCount: 5 })) {
      if (event.kind !== 'flat') continue;
      const { temperature, humidity, pressure, lat, lon, status } = parse(event);
      assert.ok(temperature >= -90 && temperature <= 150, `temperature ${temperature}`);
      assert.ok(humidity >= 0 && humidity <= 100, `humidity ${humidity}`);
      assert.ok(pressure >= 300 && pressure <= 1200, `pressure ${pressure}`);
      assert.ok(Math.abs(lat) <= 90 && Math.abs(lon) <= 180);
      assert.match(status, /^(OK|WARN|FAIL)$/);
    }
  });
});

describe('an event', () => {
  const events = simulate(20_000, { mix: { ...defaultMix, malformed: 0.05 } });

  it('that is nested has its values in objects', () => {
    const reading = parse(ofKind(events, 'nested')[0]!);
    assert.deepEqual(Object.keys(reading), ['deviceId', 'ts', 'measurements', 'location', 'power', 'state']);
    assert.deepEqual(Object.keys(reading.measurements), ['temperature', 'humidity', 'pressure']);
  });

  it('that is an array says how many readings it holds', () => {
    for (const event of ofKind(events, 'array')) {
      const readings = parse(event) as { deviceId: string }[];
      assert.equal(readings.length, event.outcome.readings);
      assert.ok(readings.length >= 2);
      assert.ok(readings.every(({ deviceId }) => deviceId === event.deviceId));
    }
  });

  it('that is compressed holds one reading', () => {
    const [event] = ofKind(events, 'gzip');
    assert.equal(JSON.parse(gunzipSync(event!.body).toString()).deviceId, event!.deviceId);
  });

  it('that is late is at least 20 minutes behind, one out of order less than a minute', () => {
    const lateMinutes = ofKind(simulate(5000), 'late').map((event) => (ageMs(event) + 5000) / 60_000);
    assert.ok(Math.min(...lateMinutes) >= 20, `${Math.min(...lateMinutes)} min`);
    for (const event of ofKind(events, 'outOfOrder')) assert.ok(ageMs(event) < 61_000);
  });

  it('from a fast clock is more than 5 minutes ahead, for exactly the share of devices asked for', () => {
    const fast = ofKind(events, 'fastClock');
    assert.equal(new Set(fast.map(({ deviceId }) => deviceId)).size, 1);
    for (const event of fast) assert.ok(ageMs(event) < -5 * 60_000 - 20_000, parse(event).ts);
    const sane = events.filter(({ kind }) => kind === 'flat').map(({ deviceId }) => deviceId);
    assert.ok(!sane.includes(fast[0]!.deviceId));
  });

  it('that repeats another has its bytes and its outcome', () => {
    for (const [index, event] of events.entries()) {
      if (event.kind !== 'duplicate') continue;
      const earlier = events
        .slice(Math.max(0, index - 64), index)
        .find(({ body, deviceId }) => Buffer.compare(body, event.body) === 0 && deviceId === event.deviceId);
      assert.ok(earlier !== undefined);
      assert.deepEqual(event.outcome, earlier.outcome);
    }
  });

  it('that is malformed expects one row of quarantine, with its reason', () => {
    const reasonOf = (kind: EventKind) => ofKind(events, kind)[0]!.outcome.reason;
    assert.deepEqual(
      (['notJson', 'truncated', 'emptyBody', 'brokenGzip', 'missingDeviceId', 'badTimestamp'] as const).map(
        reasonOf,
      ),
      [
        'invalid_json',
        'invalid_json',
        'empty_body',
        'invalid_gzip',
        'missing_device_id',
        'invalid_event_time',
      ],
    );
    for (const kind of ['notJson', 'truncated'] as const) {
      for (const event of ofKind(events, kind)) assert.throws(() => parse(event), SyntaxError);
    }
    for (const event of ofKind(events, 'brokenGzip')) assert.throws(() => gunzipSync(event.body));
    assert.ok(!('deviceId' in parse(ofKind(events, 'missingDeviceId')[0]!)));
  });

  it('with a value of the wrong type or an unknown field is kept as a reading, and rescued', () => {
    for (const kind of ['wrongType', 'unknownFields'] as const) {
      const [event] = ofKind(events, kind);
      assert.deepEqual(event!.outcome, { readings: 1, quarantined: 0, rescued: 1, reason: undefined });
    }
    assert.equal(typeof parse(ofKind(events, 'wrongType')[0]!).temperature, 'string');
  });
});
