// Pure. One reading of a signal: whether it can be worked with, and what is told of it when not.
import { TributaryError } from '../base/index.js';
import type { ShardPlan } from './plan.js';
import type { FailedRow } from './rows.js';
import type { ShardSignal } from './signal.js';

export interface ReadingSource {
  readonly signal: ShardSignal;
  /** Of the plan's fields; empty where the signal has none. */
  readonly columns: readonly (readonly (number | null)[])[];
}

export type FailedFacts = Omit<FailedRow, 'detail' | 'input'>;

export const noFacts: FailedFacts = {
  ...{ device: '', atMs: 0, source: '', partition: '' },
  sequenceNumber: -1,
  index: -1,
};

/**
 * JSON can say what no decoder of ours does, and it would spoil the device's state.
 * @throws TributaryError INPUT_INVALID
 */
export function checkNumbers(eventTimeMicros: number, values: readonly unknown[]): void {
  const isUsable = (value: unknown) => value === null || Number.isFinite(value);
  if (Number.isSafeInteger(eventTimeMicros) && values.every(isUsable)) return;
  throw new TributaryError(
    'INPUT_INVALID',
    'A reading has an event time or a value that is no usable number.',
  );
}

export function failedFacts(device: string, row: number, { signal }: ReadingSource): FailedFacts {
  const { source, partition, nowMs, sequenceNumber, index } = signal;
  return {
    ...{ device, atMs: nowMs, source, partition },
    sequenceNumber: sequenceNumber[row]!,
    index: index[row]!,
  };
}

/** For people: what the reading said. */
export function readingOf(row: number, { signal, columns }: ReadingSource, { fields }: ShardPlan): unknown {
  const values = Object.fromEntries(fields.map((name, index) => [name, columns[index]?.[row] ?? null]));
  return { eventTimeMicros: signal.eventTime[row], ...values };
}
