// Pure. One simulated device: values that wander as real ones do, in the schema of the seed.
import type { Random } from '../../shared/base/index.js';

export interface Device {
  readonly id: string;
  /** `sensor-NNN` devices report the battery as a fraction and whole seconds, `device_N` percent and milliseconds. */
  readonly style: 'percent' | 'fraction';
  /** How far the device's clock is ahead. */
  readonly clockAheadMs: number;
  readonly lat: number;
  readonly lon: number;
  readonly homeTemperature: number;
  temperature: number;
  humidity: number;
  pressure: number;
  /** Percent. */
  battery: number;
}

export interface Reading {
  readonly deviceId: string;
  readonly ts: string;
  readonly temperature: number;
  readonly humidity: number;
  readonly pressure: number;
  readonly battery: number;
  readonly lat: number;
  readonly lon: number;
  readonly status: 'OK' | 'WARN' | 'FAIL';
}

export interface DeviceIdentity {
  readonly id: string;
  readonly style: 'percent' | 'fraction';
  readonly clockAheadMs: number;
}

export function createDevice(identity: DeviceIdentity, random: Random): Device {
  // One device in twelve stands somewhere warm, one battery in eight is low from the start: there is something to alert on.
  const homeTemperature = random.next() < 1 / 12 ? 30 + random.next() * 6 : 17 + random.next() * 9;
  return {
    ...identity,
    lat: round(49.28 + (random.next() - 0.5) * 0.4, 4),
    lon: round(-123.12 + (random.next() - 0.5) * 0.6, 4),
    homeTemperature,
    temperature: homeTemperature,
    humidity: 35 + random.next() * 25,
    pressure: 1005 + random.next() * 15,
    battery: random.next() < 1 / 8 ? 6 + random.next() * 16 : 40 + random.next() * 59,
  };
}

/** Moves the device's values on by one reading. */
export function advance(device: Device, random: Random): void {
  const pull = (device.homeTemperature - device.temperature) * 0.02;
  // Now and then something heats up quickly; the pull towards home cools it down again.
  const burst = random.next() < 0.0005 ? 8 + random.next() * 6 : 0;
  device.temperature = within(device.temperature + pull + burst + step(random, 0.3), -20, 60);
  device.humidity = within(device.humidity + (48 - device.humidity) * 0.01 + step(random, 0.6), 5, 98);
  device.pressure = within(device.pressure + (1013 - device.pressure) * 0.01 + step(random, 0.2), 960, 1050);
  device.battery -= random.next() * 0.02;
  if (device.battery < 2) device.battery = 100; // replaced
}

export function read(device: Device, eventTimeMs: number): Reading {
  const { style, temperature, battery } = device;
  const iso = new Date(eventTimeMs).toISOString();
  return {
    deviceId: device.id,
    ts: style === 'fraction' ? `${iso.slice(0, 19)}Z` : iso,
    temperature: round(temperature, 1),
    humidity: round(device.humidity, 1),
    pressure: round(device.pressure, 1),
    battery: style === 'fraction' ? round(battery / 100, 3) : round(battery, 1),
    lat: device.lat,
    lon: device.lon,
    status: statusOf(temperature, battery),
  };
}

function statusOf(temperature: number, battery: number): Reading['status'] {
  if (temperature > 35 || battery < 10) return 'FAIL';
  return temperature > 30 || battery < 20 ? 'WARN' : 'OK';
}

function step(random: Random, size: number): number {
  return (random.next() + random.next() - 1) * size;
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
