// Pure. The wire form of a signal: the readings of one shard in one batch of a partition, as columns of compact JSON.
import { mayBreach } from '../alerts/index.js';
import { TributaryError } from '../base/index.js';
import type { ShardPlan } from './plan.js';

/** Readings in the order of their sequence numbers; the arrays over readings are index-aligned. */
export interface ShardSignal {
  readonly v: 1;
  /** With the hub's incarnation, e.g. `sensor-data#1`. */
  readonly source: string;
  readonly partition: string;
  /** Every reading of the shard with a sequence number in `[from, to]` is in this signal. */
  readonly from: number;
  readonly to: number;
  /** When the readings arrived, milliseconds. */
  readonly nowMs: number;
  /** Names of the columns in `values`. */
  readonly fields: readonly string[];
  readonly devices: readonly string[];
  /** Positions in `devices`, one for each reading. */
  readonly device: readonly number[];
  readonly sequenceNumber: readonly number[];
  readonly index: readonly number[];
  /** Microseconds UTC. */
  readonly eventTime: readonly number[];
  /** `values[i]` belongs to `fields[i]`. */
  readonly values: readonly (readonly (number | null)[])[];
}

/** @throws TributaryError INPUT_INVALID for what no version of ours sends */
export function parseSignal(input: unknown): ShardSignal {
  const signal = input as Partial<ShardSignal> | null | undefined;
  const problem = problemOf(signal);
  if (problem !== undefined)
    throw new TributaryError('INPUT_INVALID', `A signal cannot be read: ${problem}.`);
  return signal as ShardSignal;
}

/** Whether a reading of the signal could raise an alert, as far as can be told without the device's state. */
export function signalBreaches(signal: ShardSignal, { alerts, fields }: ShardPlan): boolean {
  const columns = fields.map((name) => signal.values[signal.fields.indexOf(name)]);
  return signal.device.some((_, row) =>
    mayBreach(
      alerts,
      columns.map((column) => column?.[row] ?? null),
    ),
  );
}

/** What a late reading leaves. */
const lateRowBytes = 256;
const alertRowBytes = 640;

/** What the readings of a signal may leave in the outbox, roughly; windows that they close wait in the devices' state. */
export function resultBytesOf(signal: ShardSignal, { alerts, fields }: ShardPlan): number {
  const columns = fields.map((name) => signal.values[signal.fields.indexOf(name)]);
  const breaches = signal.device.filter((_, row) =>
    mayBreach(
      alerts,
      columns.map((column) => column?.[row] ?? null),
    ),
  );
  return signal.device.length * lateRowBytes + breaches.length * alerts.groups.length * alertRowBytes;
}

function problemOf(signal: Partial<ShardSignal> | null | undefined): string | undefined {
  if (typeof signal !== 'object' || signal === null) return 'it is no object';
  if (signal.v !== 1) return `its version is ${JSON.stringify(signal.v)}, this app reads version 1`;
  const { source, partition, from, to, nowMs, fields, devices, device, sequenceNumber, index } = signal;
  const { eventTime, values } = signal;
  if (typeof source !== 'string' || typeof partition !== 'string')
    return 'it does not say where it comes from';
  if (!isCount(from) || !isCount(to) || from > to) return 'its range of sequence numbers is none';
  if (!Number.isFinite(nowMs)) return 'it has no time';
  if (!isArrayOf(fields, 'string') || !isArrayOf(devices, 'string')) return 'it lacks names';
  if (!isArrayOf(device, 'number')) return 'it lacks readings';
  const columns = [sequenceNumber, index, eventTime];
  if (!columns.every((column) => isArrayOf(column, 'number') && column.length === device.length)) {
    return 'its columns differ in length';
  }
  if (!Array.isArray(values) || values.length !== fields.length) return 'it lacks values';
  if (!values.every((column) => Array.isArray(column) && column.length === device.length)) {
    return 'its columns of values differ in length';
  }
  return undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isArrayOf(value: unknown, type: 'string' | 'number'): value is readonly unknown[] {
  return Array.isArray(value) && value.every((element) => typeof element === type);
}
