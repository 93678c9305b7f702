// Pure. One device in a shard's state: a short JSON text of numbers, so that only devices an operation touches are decoded.
//
// Version 1: [1, lastArrivalMs, wakeAtMs, latestDueMs, publishedMs, layout, [eventTime, values...], windows, alerts]
//   wakeAtMs     when a tick may have something to do; 0 for never
//   latestDueMs  when the latest state is to be published; 0 for unchanged since it was
//   layout       names the fields of the values (shardState.ts)
// No text is in it: its quotes would be escaped, and escaped again in the JSON around the state.
import { DeviceAlerts } from '../alerts/index.js';
import { TributaryError } from '../base/index.js';
import { DeviceWindows } from '../windows/index.js';
import type { ShardPlan } from './plan.js';

const version = 1;

/** What can be told of a device without decoding it. */
export interface DeviceTimers {
  readonly lastArrivalMs: number;
  readonly wakeAtMs: number;
  readonly latestDueMs: number;
}

type DeviceState = readonly [
  version: number,
  lastArrivalMs: number,
  wakeAtMs: number,
  latestDueMs: number,
  publishedMs: number,
  layout: number,
  latest: readonly (number | null)[],
  windows: unknown,
  alerts: unknown,
];

export class Device {
  lastArrivalMs = 0;
  #wakeAtMs = 0;
  latestDueMs = 0;
  publishedMs = 0;
  /** Of the newest reading; 0 before the first. */
  latestEventTimeMicros = 0;
  /** The last value of each field of the plan. */
  readonly latestValues: (number | null)[];

  private constructor(
    readonly id: string,
    readonly windows: DeviceWindows,
    readonly alerts: DeviceAlerts,
    fieldCount: number,
  ) {
    this.latestValues = new Array<number | null>(fieldCount).fill(null);
  }

  static fresh(id: string, plan: ShardPlan): Device {
    const { windows, alerts, fields } = plan;
    return new Device(id, DeviceWindows.fresh(windows), DeviceAlerts.fresh(alerts), fields.length);
  }

  /**
   * @param layouts field names by layout number
   * @throws TributaryError STATE_UNREADABLE
   */
  static decode(id: string, text: string, plan: ShardPlan, layouts: readonly (readonly string[])[]): Device {
    const state = JSON.parse(text) as DeviceState;
    if (!Array.isArray(state) || state[0] !== version) throw unreadable(id, text);
    const [, lastArrivalMs, wakeAtMs, latestDueMs, publishedMs, layout, latest, windows, alerts] = state;
    const device = new Device(
      id,
      DeviceWindows.decode(windows, plan.windows),
      DeviceAlerts.decode(alerts, plan.alerts),
      plan.fields.length,
    );
    device.lastArrivalMs = lastArrivalMs;
    device.#wakeAtMs = wakeAtMs;
    device.latestDueMs = latestDueMs;
    device.publishedMs = publishedMs;
    device.latestEventTimeMicros = latest[0] ?? 0;
    const names = layouts[layout] ?? [];
    plan.fields.forEach((name, index) => {
      const position = names[index] === name ? index : names.indexOf(name);
      if (position >= 0) device.latestValues[index] = latest[position + 1] ?? null;
    });
    return device;
  }

  encode(layout: number): string {
    const { lastArrivalMs, latestDueMs, publishedMs, latestEventTimeMicros, latestValues } = this;
    return JSON.stringify([
      ...[version, lastArrivalMs, this.#wakeAtMs, latestDueMs, publishedMs, layout],
      [latestEventTimeMicros, ...latestValues],
      this.windows.encode(),
      this.alerts.encode(),
    ]);
  }

  /** Values of an older reading do not replace those of a newer one. */
  keepLatest(eventTimeMicros: number, values: readonly (number | null)[]): void {
    if (eventTimeMicros < this.latestEventTimeMicros) return;
    this.latestEventTimeMicros = eventTimeMicros;
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (value !== null && value !== undefined) this.latestValues[index] = value + 0;
    }
  }

  /** The latest state has changed and is to be published, not more often than every `latestStateIntervalMs`. */
  markChanged(plan: ShardPlan, nowMs: number): void {
    if (plan.latestStateIntervalMs === 0 || this.latestDueMs > 0) return;
    this.latestDueMs = Math.max(nowMs, this.publishedMs + plan.latestStateIntervalMs);
  }

  /** A reading came: silence changes nothing before one of these times. */
  wakeAfterReading(plan: ShardPlan): void {
    const windowsMs = this.windows.isEmpty
      ? undefined
      : this.#windowsDueMs(this.lastArrivalMs + plan.idleTimeoutMs);
    this.#wakeAtMs = earliest(windowsMs, this.#silenceDueMs(plan, this.lastArrivalMs));
  }

  /** As `wakeAfterReading`, to the millisecond: takes longer, and ticks are rare. */
  wakeAfterTick(plan: ShardPlan, silentSinceMs: number): void {
    const { nextEndMicros, maxEventTimeMicros: newestMicros } = this.windows;
    if (nextEndMicros === undefined || newestMicros === undefined) {
      this.#wakeAtMs = earliest(undefined, this.#silenceDueMs(plan, silentSinceMs));
      return;
    }
    const untilEndMs = Math.ceil((nextEndMicros - newestMicros) / 1000) + plan.allowedLatenessMs;
    const windowsMs = this.#windowsDueMs(silentSinceMs + Math.max(plan.idleTimeoutMs, untilEndMs));
    this.#wakeAtMs = earliest(windowsMs, this.#silenceDueMs(plan, silentSinceMs));
  }

  /** At the next tick when there was no room for rows of windows that are due. */
  #windowsDueMs(laterMs: number): number {
    return this.windows.isBehind ? 1 : laterMs;
  }

  #silenceDueMs({ silence }: ShardPlan, silentSinceMs: number): number | undefined {
    if (silence === undefined) return undefined;
    const isRaised = this.alerts.openAlerts().some(({ rule }) => rule === silence.name);
    return isRaised ? undefined : silentSinceMs + silence.silentForMs;
  }
}

/** 0 for never. */
function earliest(one: number | undefined, other: number | undefined): number {
  if (one === undefined) return other ?? 0;
  return other === undefined ? one : Math.min(one, other);
}

/** Reads the numbers at the front only. Of a text that no version of ours wrote they are NaN, which is never due. */
export function timersOf(text: string): DeviceTimers {
  const numbers: number[] = [];
  let start = 1;
  for (let count = 0; count < 4; count++) {
    const end = text.indexOf(',', start);
    numbers.push(end < 0 ? Number.NaN : Number(text.slice(start, end)));
    start = end + 1;
  }
  const [, lastArrivalMs, wakeAtMs, latestDueMs] = numbers as [number, number, number, number];
  return { lastArrivalMs, wakeAtMs, latestDueMs };
}

function unreadable(id: string, text: string): TributaryError {
  return new TributaryError(
    'STATE_UNREADABLE',
    `The stored state of device ${JSON.stringify(id)} begins with ${JSON.stringify(text.slice(0, 20))}. Either a later version of this app wrote it, which must then run here, or it is damaged`,
  );
}
