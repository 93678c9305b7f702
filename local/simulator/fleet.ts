// Pure. A fleet of devices that can be had again: same seed, same options, same times -> the same bytes in the same order.
import { type Random, seededRandom } from '../../shared/base/index.js';
import { advance, createDevice, type Device, type Reading, read } from './device.js';
import { type EventKind, expectedOutcome, malformedKinds, type SimulatedEvent } from './events.js';

/** Shares of all events, from 0 to 1; what is left over are flat single readings. */
export interface FleetMix {
  readonly duplicates: number;
  readonly malformed: number;
  readonly late: number;
  readonly outOfOrder: number;
  readonly nested: number;
  readonly arrays: number;
  readonly gzip: number;
  readonly unknownFields: number;
}

export const defaultMix: FleetMix = {
  duplicates: 0.005,
  malformed: 0.002,
  late: 0.005,
  outOfOrder: 0.03,
  nested: 0.1,
  arrays: 0.02,
  gzip: 0.02,
  unknownFields: 0.01,
};

export interface FleetOptions {
  readonly deviceCount: number;
  readonly seed: number;
  readonly mix: FleetMix;
  /** Share of the devices (not of the events) whose clock runs 10 to 60 minutes ahead. */
  readonly fastClocks: number;
  /** Share of the devices that are `sensor-NNN`. */
  readonly fractionBatteries: number;
  /** gzip; an argument because this module knows nothing of Node. Must give the same bytes for the same text. */
  readonly compress: (text: string) => Uint8Array;
}

export interface Fleet {
  /** @param nowMs when the event is sent; must not go backwards */
  next(nowMs: number): SimulatedEvent;
}

const encoder = new TextEncoder();
const minuteMs = 60_000;
/** A duplicate repeats one of this many latest events. */
const rememberedEvents = 64;
const maximumArrayLength = 8;

export function createFleet(options: FleetOptions): Fleet {
  const random = seededRandom(options.seed);
  const devices = createDevices(options, random);
  const recent: SimulatedEvent[] = [];
  const drawKind = kindDrawer(options.mix, random);
  let count = 0;

  const draw = (nowMs: number): SimulatedEvent => {
    const kind = drawKind();
    const repeated = recent[Math.floor(random.next() * recent.length)];
    if (kind === 'duplicate' && repeated !== undefined) return { ...repeated, kind };
    const device = devices[Math.floor(random.next() * devices.length)]!;
    advance(device, random);
    return compose(device, kind === 'duplicate' ? 'flat' : kind, nowMs, random, options.compress);
  };

  return {
    next(nowMs) {
      const event = draw(nowMs);
      recent[count % rememberedEvents] = event;
      count += 1;
      return event;
    },
  };
}

function createDevices(options: FleetOptions, random: Random): Device[] {
  const { deviceCount, fastClocks, fractionBatteries } = options;
  const fast = chooseIndexes(deviceCount, fastClocks, random);
  const fraction = chooseIndexes(deviceCount, fractionBatteries, random);
  return Array.from({ length: deviceCount }, (_, index) => {
    const usesFraction = fraction.has(index);
    const number = index + 1;
    return createDevice(
      {
        id: usesFraction ? `sensor-${String(number).padStart(3, '0')}` : `device_${number}`,
        style: usesFraction ? 'fraction' : 'percent',
        clockAheadMs: fast.has(index) ? (10 + random.next() * 50) * minuteMs : 0,
      },
      random,
    );
  });
}

/** Exactly the rounded share of 0..count-1, chosen by a partial shuffle. */
function chooseIndexes(count: number, share: number, random: Random): ReadonlySet<number> {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const wanted = Math.round(count * share);
  for (let index = 0; index < wanted; index++) {
    const other = index + Math.floor(random.next() * (count - index));
    [indexes[index], indexes[other]] = [indexes[other]!, indexes[index]!];
  }
  return new Set(indexes.slice(0, wanted));
}

function kindDrawer(mix: FleetMix, random: Random): () => EventKind {
  const shares: readonly (readonly [EventKind | 'malformed', number])[] = [
    ['duplicate', mix.duplicates],
    ['malformed', mix.malformed],
    ['late', mix.late],
    ['outOfOrder', mix.outOfOrder],
    ['nested', mix.nested],
    ['array', mix.arrays],
    ['gzip', mix.gzip],
    ['unknownFields', mix.unknownFields],
  ];
  return () => {
    let point = random.next();
    for (const [kind, share] of shares) {
      point -= share;
      if (point >= 0) continue;
      if (kind !== 'malformed') return kind;
      return malformedKinds[Math.floor(random.next() * malformedKinds.length)]!;
    }
    return 'flat';
  };
}

function compose(
  device: Device,
  drawn: Exclude<EventKind, 'duplicate'>,
  nowMs: number,
  random: Random,
  compress: FleetOptions['compress'],
): SimulatedEvent {
  // A clock that is ahead spoils every good reading; a malformed body stays malformed whatever the clock says.
  const isMalformed = malformedKinds.some((kind) => kind === drawn) && drawn !== 'wrongType';
  const kind = device.clockAheadMs > 0 && !isMalformed ? 'fastClock' : drawn;
  const eventTimeMs = nowMs + device.clockAheadMs - delayMs(kind, random);
  const readingCount = kind === 'array' ? 2 + Math.floor(random.next() * (maximumArrayLength - 1)) : 1;
  const body = bodyOf(kind, device, eventTimeMs, readingCount, random, compress);
  return { deviceId: device.id, kind, body, outcome: expectedOutcome(kind, readingCount) };
}

/** How long before it was sent the reading was taken. */
function delayMs(kind: EventKind, random: Random): number {
  if (kind === 'late') return (20 + random.next() * 100) * minuteMs;
  if (kind === 'outOfOrder') return 2000 + random.next() * 58_000;
  return random.next() * 1000;
}

function bodyOf(
  kind: Exclude<EventKind, 'duplicate'>,
  device: Device,
  eventTimeMs: number,
  readingCount: number,
  random: Random,
  compress: FleetOptions['compress'],
): Uint8Array {
  const reading = read(device, eventTimeMs);
  switch (kind) {
    case 'nested':
      return encoder.encode(nestedJson(reading));
    case 'array':
      return encoder.encode(arrayJson(device, eventTimeMs, readingCount, random));
    case 'gzip':
      return compress(JSON.stringify(reading));
    case 'unknownFields':
      return encoder.encode(JSON.stringify({ ...reading, firmware: '2.4.1', signal: { rssi: -61 } }));
    case 'wrongType':
      return encoder.encode(JSON.stringify({ ...reading, temperature: 'hot' }));
    case 'notJson':
      return encoder.encode(`${reading.deviceId};${reading.ts};${reading.temperature}`);
    case 'truncated': {
      const text = JSON.stringify(reading);
      return encoder.encode(text.slice(0, 1 + Math.floor(random.next() * (text.length - 1))));
    }
    case 'emptyBody':
      return new Uint8Array();
    case 'brokenGzip':
      return compress(JSON.stringify(reading)).slice(0, 24);
    case 'missingDeviceId': {
      const { deviceId: _, ...rest } = reading;
      return encoder.encode(JSON.stringify(rest));
    }
    case 'badTimestamp':
      return encoder.encode(JSON.stringify({ ...reading, ts: 'yesterday, after lunch' }));
    default:
      return encoder.encode(JSON.stringify(reading));
  }
}

function nestedJson(reading: Reading): string {
  const { deviceId, ts, temperature, humidity, pressure, battery, lat, lon, status } = reading;
  return JSON.stringify({
    deviceId,
    ts,
    measurements: { temperature, humidity, pressure },
    location: { lat, lon },
    power: { battery },
    state: { status },
  });
}

/** Readings that the device kept back, one second apart, the newest last. */
function arrayJson(device: Device, eventTimeMs: number, readingCount: number, random: Random): string {
  const readings: Reading[] = [];
  for (let index = readingCount - 1; index >= 0; index--) {
    advance(device, random);
    readings.push(read(device, eventTimeMs - index * 1000));
  }
  return JSON.stringify(readings);
}
