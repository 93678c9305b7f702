// Windows of one device computed at once from all of its readings, straight from the definitions in docs/windows.md:
// the yardstick for shared/windows, with which it shares nothing.
import type { Window } from '../../shared/pipeline/index.js';
import type { MetricValues, WindowValues } from '../../shared/windows/index.js';
import { exactSum } from './exactNumbers.js';

export interface TimedReading {
  readonly eventTimeMicros: number;
  readonly values: readonly (number | null)[];
}

interface Bounds {
  readonly startMicros: number;
  readonly endMicros: number;
}

/** Ascending by end, then in the order of the definitions. */
export function batchWindows(
  readings: readonly TimedReading[],
  definitions: readonly Window[],
): readonly WindowValues[] {
  const sorted = readings.toSorted((one, other) => one.eventTimeMicros - other.eventTimeMicros);
  const windows = definitions.flatMap((definition) =>
    boundsOf(sorted, definition).map((bounds) => windowOf(definition.name, bounds, sorted)),
  );
  return windows.toSorted((one, other) => one.endMicros - other.endMicros);
}

function boundsOf(sorted: readonly TimedReading[], definition: Window): readonly Bounds[] {
  switch (definition.kind) {
    case 'tumbling':
      return aligned(sorted, definition.sizeMs, definition.sizeMs, definition.offsetMs);
    case 'sliding':
      return aligned(sorted, definition.sizeMs, definition.slideMs, definition.offsetMs);
    case 'session':
      return sessions(sorted, definition.gapMs * 1000, definition.maxSizeMs * 1000);
  }
}

function aligned(
  sorted: readonly TimedReading[],
  sizeMs: number,
  slideMs: number,
  offsetMs: number,
): Bounds[] {
  const found = new Map<number, Bounds>();
  for (const { eventTimeMicros } of sorted) {
    const latest = Math.floor((eventTimeMicros / 1000 - offsetMs) / slideMs);
    for (let number = latest; ; number--) {
      const startMicros = (number * slideMs + offsetMs) * 1000;
      const endMicros = startMicros + sizeMs * 1000;
      if (endMicros <= eventTimeMicros) break;
      found.set(startMicros, { startMicros, endMicros });
    }
  }
  return [...found.values()].toSorted((one, other) => one.startMicros - other.startMicros);
}

function sessions(sorted: readonly TimedReading[], gapMicros: number, maxSizeMicros: number): Bounds[] {
  const found: Bounds[] = [];
  let startMicros = Number.NEGATIVE_INFINITY;
  let lastMicros = Number.NEGATIVE_INFINITY;
  for (const { eventTimeMicros } of sorted) {
    const isSame = eventTimeMicros - lastMicros < gapMicros && eventTimeMicros - startMicros < maxSizeMicros;
    if (isSame) found.pop();
    else startMicros = eventTimeMicros;
    lastMicros = eventTimeMicros;
    found.push({ startMicros, endMicros: Math.min(lastMicros + gapMicros, startMicros + maxSizeMicros) });
  }
  return found;
}

function windowOf(definition: string, bounds: Bounds, sorted: readonly TimedReading[]): WindowValues {
  const { startMicros, endMicros } = bounds;
  const readings = sorted.filter(
    ({ eventTimeMicros }) => eventTimeMicros >= startMicros && eventTimeMicros < endMicros,
  );
  const metricCount = readings[0]?.values.length ?? 0;
  const metrics = Array.from({ length: metricCount }, (_, index) => metricOf(readings, index));
  return { definition, startMicros, endMicros, messageCount: readings.length, metrics };
}

function metricOf(readings: readonly TimedReading[], index: number): MetricValues {
  const found = readings
    .map(({ eventTimeMicros, values }) => ({ at: eventTimeMicros, value: values[index] ?? null }))
    .filter((entry): entry is { at: number; value: number } => entry.value !== null)
    .toSorted((one, other) => one.at - other.at || one.value - other.value);
  const [first] = found;
  const last = found.at(-1);
  if (first === undefined || last === undefined) {
    return { count: 0, sum: null, avg: null, min: null, max: null, first: null, last: null, range: null };
  }
  const values = found.map(({ value }) => value);
  const count = values.length;
  const sum = exactSum(values);
  const min = Math.min(...values) + 0;
  const max = Math.max(...values) + 0;
  const range = max - min;
  return { count, sum, avg: sum / count, min, max, first: first.value + 0, last: last.value + 0, range };
}
