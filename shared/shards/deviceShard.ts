// Pure. The state machine of one shard: readings of its devices in, rows for the tables out. Nothing here throws on account of an
// input: what cannot be worked with leaves as a `failed` row, because an entity has nobody to tell and does not roll back.
import { describeError, TributaryError } from '../base/index.js';
import { IntervalSet } from '../windows/index.js';
import { Device, timersOf } from './device.js';
import { Emission } from './emission.js';
import { jsonBytesOf } from './limits.js';
import { Outbox } from './outbox.js';
import type { ShardPlan } from './plan.js';
import {
  checkNumbers,
  type FailedFacts,
  failedFacts,
  noFacts,
  type ReadingSource,
  readingOf,
} from './readingSource.js';
import type { LatestDevice, SealedBatch, SealInput, ShardSummary } from './results.js';
import { encodeFailedRow } from './rows.js';
import { checkedState, type ShardCounts, type ShardState, stateVersion } from './shardState.js';
import { parseSignal, type ShardSignal } from './signal.js';
import { Silence } from './silence.js';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** A device that has sent nothing for so long is forgotten once nothing of it is open. */
const forgetAfterMs = 7 * dayMs;
/** And so much later whatever is open: devices that are gone for good must not fill the shard. */
const giveUpAfterMs = 30 * dayMs;
/** Nor is one forgotten right after the pipeline stood still: readings of it may wait in the hub. */
const catchUpMs = 60 * minuteMs;
/** Of an input that goes to quarantine. */
const maxFailedInput = 16_384;

/** Of the latest states in a batch, as JSON. Each goes through an orchestration's history, for which some providers have limits. */
const maxLatestCharacters = 128 * 1024;
const maxOpenWindowCharacters = 30_000;

const encoder = new TextEncoder();

const nothing = {
  number: null,
  rows: { alerts: [], failed: [], late: [], windows: [] },
  layouts: [],
  latest: [],
  hasMore: false,
};

export class DeviceShard {
  readonly #plan: ShardPlan;
  /** As in the state, so that it need not be built anew for each of a batch's operations. */
  #devices: string[];
  /** Positions of the ids in it. */
  #positions = new Map<string, number>();
  /** Of the state's JSON, for devices. */
  #deviceBytes = 0;
  readonly #processed: { source: string; partition: string; intervals: IntervalSet }[];
  readonly #layouts: (readonly string[])[];
  /** Of the plan's fields, in `layouts`. */
  readonly #layout: number;
  readonly #outbox: Outbox;
  /** Of the batch that was sealed in the state as it was stored. */
  readonly #storedNumber: number | undefined;
  #bornMs: number;
  #summarizedMs: number;
  readonly #silence: Silence;
  readonly #counts: { -readonly [Name in keyof ShardCounts]: number };
  #isChanged = false;

  /**
   * @param state as `encode` gave it, or undefined
   * @throws TributaryError STATE_UNREADABLE
   */
  constructor(state: unknown, plan: ShardPlan) {
    const {
      bornMs,
      devices,
      processed,
      layouts,
      outbox,
      summarizedMs,
      silence,
      counts,
      unread = [],
    } = checkedState(state);
    this.#counts = { ...counts, refusedReadings: counts.refusedReadings ?? 0 };
    this.#plan = plan;
    this.#bornMs = bornMs;
    this.#devices = [...devices];
    for (let at = 0; at < devices.length; at += 2) {
      this.#positions.set(devices[at]!, at);
      this.#deviceBytes += deviceBytes(devices[at]!, devices[at + 1]!);
    }
    this.#processed = processed.map(([source, partition, intervals]) => {
      return { source, partition, intervals: IntervalSet.decode(intervals) };
    });
    this.#layouts = [...layouts];
    this.#layout = this.#layoutOf(plan.fields);
    this.#outbox = new Outbox(outbox);
    this.#storedNumber = this.#outbox.sealed?.number;
    this.#summarizedMs = summarizedMs;
    this.#silence = new Silence(silence);
    for (const signal of unread) this.ingest(signal);
  }

  /** Whether the state is another than the one that was decoded. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  encode(): ShardState {
    return {
      v: stateVersion,
      bornMs: this.#bornMs,
      devices: this.#devices,
      processed: this.#processed.map(({ source, partition, intervals }) => [
        source,
        partition,
        intervals.encode(),
      ]),
      layouts: this.#layouts,
      outbox: this.#outbox.encode(),
      summarizedMs: this.#summarizedMs,
      silence: this.#silence.encode(),
      counts: { ...this.#counts },
    };
  }

  /** @param input ShardSignals, or one of them; readings that came before are left out */
  ingest(input: unknown): void {
    this.#isChanged = true;
    this.#counts.signals++;
    for (const signal of Array.isArray(input) ? (input as readonly unknown[]) : [input]) {
      try {
        this.#ingestSignal(parseSignal(signal));
      } catch (error) {
        this.#addFailed(noFacts, error, signal);
      }
    }
  }

  /**
   * Lets silence have its effects, then seals. Until the batch is acknowledged the same rows come again; the first time they are
   * not told (`isUnstored`).
   */
  seal(input: SealInput): SealedBatch {
    const { nowMs, maxRows = 2_000, maxBytes = 256 * 1024, maxDevices = 300, onlyAlerts = false } = input;
    if (input.acknowledge !== undefined) this.acknowledge(input.acknowledge);
    if (this.#silence.restartsAt(nowMs, this.#summarizedMs, this.#outbox.sealed?.atMs))
      this.#isChanged = true;
    else this.#tick(nowMs);
    const isNew = this.#outbox.sealed === null;
    this.#outbox.seal({ nowMs, maxRows, maxBytes, onlyAlerts }, () =>
      onlyAlerts ? [] : this.#takeChangedDevices(nowMs, maxDevices),
    );
    const { sealed } = this.#outbox;
    if (sealed !== null && isNew) this.#isChanged = true;
    this.#bornMs ||= nowMs;
    const answer = {
      ...nothing,
      bornMs: this.#bornMs,
      summary: onlyAlerts ? null : this.#summaryIfDue(nowMs),
    };
    if (sealed === null) return answer;
    if (sealed.number !== this.#storedNumber) return { ...answer, isUnstored: true };
    return {
      ...answer,
      number: sealed.number,
      rows: this.#outbox.sealedRows(),
      layouts: this.#layouts,
      latest: sealed.devices.flatMap((id) => this.#latestOf(id) ?? []),
      hasMore: this.#outbox.hasMore,
    };
  }

  /** Ingest has readings for the shard, and holds them back for the sake of another one. */
  hold(nowMs: number): void {
    this.#silence.hold(nowMs);
    this.#isChanged = true;
  }

  /** Forgets the rows of a sealed batch. Other numbers change nothing. */
  acknowledge(number: number): void {
    if (this.#outbox.acknowledge(number)) this.#isChanged = true;
  }

  describe(nowMs: number): ShardSummary {
    let openWindows = 0;
    let openAlerts = 0;
    let unreadableDevices = 0;
    let least = Number.POSITIVE_INFINITY;
    let greatest = Number.NEGATIVE_INFINITY;
    for (const [id] of this.#texts()) {
      const device = this.#tryDecode(id);
      if (device === undefined) {
        unreadableDevices++;
        continue;
      }
      openWindows += device.windows.openWindowCount;
      openAlerts += device.alerts.openAlerts().length;
      least = Math.min(least, device.windows.watermarkMicros ?? least);
      greatest = Math.max(greatest, device.windows.watermarkMicros ?? greatest);
    }
    const outboxBytes = this.#outbox.byteCount;
    return {
      atMs: nowMs,
      ...this.#counts,
      devices: this.#positions.size,
      ...{ openWindows, openAlerts, unreadableDevices },
      watermarkMinMicros: Number.isFinite(least) ? least : null,
      watermarkMaxMicros: Number.isFinite(greatest) ? greatest : null,
      stateBytes: this.#deviceBytes + outboxBytes + this.#sizeOfRest(),
      deviceBytes: this.#deviceBytes,
      outboxRows: this.#outbox.rowCount,
      outboxBytes,
      closedGaps: this.#processed.reduce((sum, { intervals }) => sum + intervals.closedGaps, 0),
    };
  }

  /** All but devices and rows. */
  #sizeOfRest(): number {
    const { outbox, ...state } = this.encode();
    const rest = { ...state, devices: [], outbox: { ...outbox, rows: nothing.rows } };
    return encoder.encode(JSON.stringify(rest)).byteLength;
  }

  #ingestSignal(signal: ShardSignal): void {
    this.#bornMs ||= signal.nowMs;
    const processed = this.#processedOf(signal);
    const rowsOfDevice = new Map<number, number[]>();
    signal.device.forEach((device, row) => {
      if (processed.has(signal.sequenceNumber[row]!)) {
        this.#counts.duplicates++;
        return;
      }
      const rows = rowsOfDevice.get(device);
      if (rows === undefined) rowsOfDevice.set(device, [row]);
      else rows.push(row);
    });
    const columns = this.#plan.fields.map((name) => signal.values[signal.fields.indexOf(name)] ?? []);
    for (const [device, rows] of rowsOfDevice) {
      this.#addReadings(signal.devices[device] ?? '', rows, { signal, columns });
    }
    processed.add(signal.from, signal.to);
    this.#counts.readings += signal.device.length;
  }

  /** All or nothing; where one reading cannot be worked with, the others are tried one by one. */
  #addReadings(id: string, rows: readonly number[], source: ReadingSource): void {
    try {
      const device = this.#decode(id) ?? this.#takeIn(id);
      const emit = new Emission(this.#layout, source.signal.nowMs);
      for (const row of rows) this.#addReading(device, row, source, emit);
      emit.windows(device, 'watermark', this.#roomBytes);
      device.wakeAfterReading(this.#plan);
      device.markChanged(this.#plan, source.signal.nowMs);
      const text = device.encode(this.#layout);
      this.#checkGrowth(id, text);
      this.#store(id, text);
      emit.to(this.#outbox);
      this.#counts.late += emit.lateCount;
    } catch (error) {
      if (isFull(error)) this.#refuse(id, rows, source, error);
      else if (rows.length > 1) for (const row of rows) this.#addReadings(id, [row], source);
      else this.#addFailed(failedFacts(id, rows[0]!, source), error, readingOf(rows[0]!, source, this.#plan));
    }
  }

  /** @throws TributaryError SHARD_FULL */
  #takeIn(id: string): Device {
    const { maxDeviceBytes } = this.#plan.limits;
    if (this.#deviceBytes < maxDeviceBytes) return Device.fresh(id, this.#plan);
    throw new TributaryError(
      'SHARD_FULL',
      `the shard holds ${this.#deviceBytes} bytes for ${this.#positions.size} devices, and takes no new one from ${maxDeviceBytes} on. ` +
        'The lake needs more shards (docs/shards.md)',
    );
  }

  /** @throws TributaryError SHARD_FULL */
  #checkGrowth(id: string, text: string): void {
    const { maxGrownBytes } = this.#plan.limits;
    const growth = this.#growthOf(id, text);
    if (growth <= 0 || this.#deviceBytes + growth <= maxGrownBytes) return;
    throw new TributaryError(
      'SHARD_FULL',
      `the shard holds ${this.#deviceBytes} bytes for ${this.#positions.size} devices, and takes no reading that needs more from ` +
        `${maxGrownBytes} on. The lake needs more shards (docs/shards.md)`,
    );
  }

  /** For rows of windows; they stay in the devices' state, which is smaller, until they fit. */
  get #roomBytes(): number {
    return this.#plan.limits.maxOutboxBytes - this.#outbox.byteCount;
  }

  /** Devices that are known go on; of others the readings are in their table, and here is told what they miss. */
  #refuse(id: string, rows: readonly number[], source: ReadingSource, error: unknown): void {
    for (const row of rows) {
      const facts = { ...failedFacts(id, row, source), reason: 'shard_full' } as const;
      this.#addFailed(facts, error, readingOf(row, source, this.#plan));
    }
    this.#counts.refusedReadings += rows.length;
  }

  #addReading(device: Device, row: number, { signal, columns }: ReadingSource, emit: Emission): void {
    const { source, partition, nowMs } = signal;
    const eventTimeMicros = signal.eventTime[row]!;
    const values = columns.map((column) => column[row] ?? null);
    checkNumbers(eventTimeMicros, values);
    const sequenceNumber = signal.sequenceNumber[row]!;
    const coordinates = { source, partition, sequenceNumber, index: signal.index[row]! };
    device.lastArrivalMs = Math.max(device.lastArrivalMs, nowMs);
    if (device.windows.add(eventTimeMicros, values) === 'late') {
      emit.late(device, { ...coordinates, eventTimeMicros, values });
    }
    device.keepLatest(eventTimeMicros, values);
    emit.alerts(device, device.alerts.evaluate(device.id, { eventTimeMicros, values, ...coordinates }));
  }

  /** What silence does: windows of idle devices close, and devices that fell silent are reported. */
  #tick(nowMs: number): void {
    for (const [id, text] of this.#texts()) {
      const { wakeAtMs } = timersOf(text);
      if (!(wakeAtMs > 0 && wakeAtMs <= nowMs)) continue;
      if (this.#roomBytes <= 0) return;
      const device = this.#tryDecode(id);
      if (device === undefined) continue;
      const emit = new Emission(this.#layout, nowMs);
      const silentSinceMs = this.#silence.since(device.lastArrivalMs);
      // What the last tick, or the last reading, had no room for.
      const closedBy = device.windows.isIdle ? 'idle' : 'watermark';
      const hasCaughtUp = emit.windows(device, closedBy, this.#roomBytes);
      if (hasCaughtUp && device.windows.advanceIdle(silentSinceMs, nowMs))
        emit.windows(device, 'idle', this.#roomBytes);
      emit.alerts(device, device.alerts.tick(id, device.lastArrivalMs, nowMs, silentSinceMs));
      device.wakeAfterTick(this.#plan, silentSinceMs);
      if (!emit.isEmpty) device.markChanged(this.#plan, nowMs);
      this.#store(id, device.encode(this.#layout));
      emit.to(this.#outbox);
      this.#isChanged = true;
    }
  }

  /** Devices whose latest state is due, marked as published. */
  #takeChangedDevices(nowMs: number, maxDevices: number): readonly string[] {
    const ids: string[] = [];
    let characters = 0;
    for (const [id, text] of this.#texts()) {
      if (ids.length === maxDevices || characters > maxLatestCharacters) break;
      const { latestDueMs } = timersOf(text);
      if (!(latestDueMs > 0 && latestDueMs <= nowMs)) continue;
      const device = this.#tryDecode(id);
      if (device === undefined) continue;
      device.latestDueMs = 0;
      device.publishedMs = nowMs;
      this.#store(id, device.encode(this.#layout));
      ids.push(id);
      characters += JSON.stringify(this.#latestOf(id)).length;
    }
    return ids;
  }

  #latestOf(id: string): LatestDevice | undefined {
    const device = this.#tryDecode(id);
    if (device === undefined) return undefined;
    const { fields, updatedWindows } = this.#plan;
    return {
      device: id,
      lastArrivalMs: device.lastArrivalMs,
      eventTimeMicros: device.latestEventTimeMicros,
      watermarkMicros: device.windows.watermarkMicros ?? null,
      values: Object.fromEntries(
        fields.flatMap((name, index) => {
          const value = device.latestValues[index];
          return value === null || value === undefined ? [] : [[name, value]];
        }),
      ),
      openAlerts: device.alerts.openAlerts(),
      openWindows:
        updatedWindows.size === 0
          ? []
          : lastFitting(
              device.windows.openWindows().filter(({ definition }) => updatedWindows.has(definition)),
            ),
    };
  }

  #summaryIfDue(nowMs: number): ShardSummary | null {
    if (nowMs - this.#summarizedMs < minuteMs) return null;
    this.#silence.looked(nowMs, this.#summarizedMs);
    this.#summarizedMs = nowMs;
    this.#isChanged = true;
    this.#forgetOldDevices(nowMs);
    return this.describe(nowMs);
  }

  #forgetOldDevices(nowMs: number): void {
    const silentForMs = this.#plan.silence?.silentForMs ?? 0;
    const isForgotten = (id: string, text: string) => {
      const { lastArrivalMs } = timersOf(text);
      if (!(lastArrivalMs < nowMs - forgetAfterMs)) return false;
      if (this.#silence.since(lastArrivalMs) >= nowMs - catchUpMs) return false;
      const device = this.#tryDecode(id);
      if (device?.windows.isEmpty !== true) return false;
      if (device.alerts.isQuiet) return true;
      if (lastArrivalMs >= nowMs - silentForMs - giveUpAfterMs) return false;
      this.#giveUp(device, nowMs);
      return true;
    };
    const kept = [...this.#texts()].filter(([id, text]) => !isForgotten(id, text));
    if (kept.length === this.#positions.size) return;
    this.#devices = kept.flat();
    this.#positions = new Map(kept.map(([id], index) => [id, 2 * index]));
    this.#deviceBytes = kept.reduce((sum, [id, text]) => sum + deviceBytes(id, text), 0);
  }

  #giveUp(device: Device, nowMs: number): void {
    const emit = new Emission(this.#layout, nowMs);
    emit.alerts(device, device.alerts.giveUp(device.id, device.lastArrivalMs));
    emit.to(this.#outbox);
  }

  *#texts(): Generator<readonly [id: string, text: string]> {
    for (let at = 0; at < this.#devices.length; at += 2) yield [this.#devices[at]!, this.#devices[at + 1]!];
  }

  /** What the state's devices grow by when `text` is stored. */
  #growthOf(id: string, text: string): number {
    const position = this.#positions.get(id);
    return position === undefined ? deviceBytes(id, text) : text.length - this.#devices[position + 1]!.length;
  }

  #store(id: string, text: string): void {
    this.#deviceBytes += this.#growthOf(id, text);
    const position = this.#positions.get(id);
    if (position === undefined) this.#positions.set(id, this.#devices.push(id, text) - 2);
    else this.#devices[position + 1] = text;
  }

  #decode(id: string): Device | undefined {
    const position = this.#positions.get(id);
    if (position === undefined) return undefined;
    return Device.decode(id, this.#devices[position + 1]!, this.#plan, this.#layouts);
  }

  /** A text that cannot be read stays as it is, for the version that can read it. */
  #tryDecode(id: string): Device | undefined {
    try {
      return this.#decode(id);
    } catch {
      return undefined; // counted by `describe`
    }
  }

  #addFailed(facts: FailedFacts, error: unknown, input: unknown): void {
    const text = JSON.stringify(input) ?? 'undefined';
    this.#outbox.add(
      'failed',
      encodeFailedRow({ ...facts, detail: describeError(error), input: text.slice(0, maxFailedInput) }),
    );
  }

  #processedOf({ source, partition }: ShardSignal): IntervalSet {
    const known = this.#processed.find((entry) => entry.source === source && entry.partition === partition);
    if (known !== undefined) return known.intervals;
    const intervals = new IntervalSet();
    this.#processed.push({ source, partition, intervals });
    return intervals;
  }

  #layoutOf(fields: readonly string[]): number {
    const known = this.#layouts.findIndex((names) => names.join('\n') === fields.join('\n'));
    return known >= 0 ? known : this.#layouts.push(fields) - 1;
  }
}

/** The latest state has no place for more of one device. */
function lastFitting(windows: LatestDevice['openWindows']): LatestDevice['openWindows'] {
  let from = windows.length;
  let characters = 0;
  while (from > 0) {
    characters += JSON.stringify(windows[from - 1]).length + 1;
    if (characters > maxOpenWindowCharacters) break;
    from--;
  }
  return windows.slice(from);
}

function deviceBytes(id: string, text: string): number {
  return jsonBytesOf(id) + jsonBytesOf(text);
}

function isFull(error: unknown): boolean {
  return error instanceof TributaryError && error.code === 'SHARD_FULL';
}
