// Pure. The open windows of a device as JSON: arrays of numbers and nulls only, short, and with a version.
//
// Version 1:
//   state   [1]                                                              before the first reading
//           [1, maxEventTime, lag, closedLag]                                no open window
//           [1, maxEventTime, lag, closedLag, [metricKey...], series...]
//   lag     maxEventTime - watermark; negative once the device was idle
//   closedLag  watermark - end of what closeDue went through; null when it never ran
//   series  [key, piece...]      key: see PlannedWindow
//   piece   [first - maxEventTime, last - first, messageCount, metric...]    times in microseconds
//   metric  null                 no value
//           value                the value of the piece's only reading
//           [count, min, max, first, last, firstMicros - the piece's first, the piece's last - lastMicros, partial sum...]
//
// Series and metrics are found again by their keys, so pipeline.ts may change between two runs: values of a metric that
// is gone are left out, a new metric has none so far, and the series of a definition that is gone or changed is retired.
import { MetricAggregate } from './metricAggregate.js';
import { Piece } from './piece.js';
import { type PlannedWindow, type WindowPlan, windowOfKey } from './plan.js';
import { arrayOf, numberOf, numbersOf, unreadable } from './stateReader.js';

const version = 1;
const what = "a device's windows";

export interface SeriesState {
  readonly window: PlannedWindow;
  readonly pieces: readonly Piece[];
}

export interface WindowsState {
  readonly maxEventTimeMicros: number;
  readonly watermarkMicros: number;
  /** Windows that end at or before this are closed and gone. -Infinity at first. */
  readonly closedThroughMicros: number;
  /** Those that have pieces. */
  readonly series: readonly SeriesState[];
}

/** @param state undefined before the first reading */
export function encodeWindows(state: WindowsState | undefined, plan: WindowPlan): readonly unknown[] {
  if (state === undefined) return [version];
  const { maxEventTimeMicros, watermarkMicros, closedThroughMicros, series } = state;
  const closedLag = Number.isFinite(closedThroughMicros) ? watermarkMicros - closedThroughMicros : null;
  const encoded: unknown[] = [version, maxEventTimeMicros, maxEventTimeMicros - watermarkMicros, closedLag];
  if (series.length === 0) return encoded;
  encoded.push(plan.metricKeys);
  for (const { window, pieces } of series) {
    const list: unknown[] = [window.key];
    for (const piece of pieces) list.push(encodePiece(piece, maxEventTimeMicros));
    encoded.push(list);
  }
  return encoded;
}

/**
 * @returns undefined for the state before the first reading
 * @throws TributaryError STATE_UNREADABLE
 */
export function decodeWindows(state: unknown, plan: WindowPlan): WindowsState | undefined {
  const list = arrayOf(state, what);
  if (list[0] !== version) throw unreadable(what, `version ${JSON.stringify(list[0])}`);
  return decodeVersion1(list, plan);
}

function decodeVersion1(list: readonly unknown[], plan: WindowPlan): WindowsState | undefined {
  if (list.length === 1) return undefined;
  const maxEventTimeMicros = numberOf(list[1], what);
  const watermarkMicros = maxEventTimeMicros - numberOf(list[2], what);
  const closedThroughMicros =
    list[3] === null ? Number.NEGATIVE_INFINITY : watermarkMicros - numberOf(list[3], what);
  const series: SeriesState[] = [];
  if (list.length > 4) {
    const positions = positionsOf(numbersOf(list[4], what), plan);
    for (const entry of list.slice(5)) series.push(decodeSeries(entry, maxEventTimeMicros, positions, plan));
  }
  return { maxEventTimeMicros, watermarkMicros, closedThroughMicros, series };
}

/** Where each metric of the state is in the plan; -1 for one that is gone. */
function positionsOf(metricKeys: readonly number[], plan: WindowPlan): readonly number[] {
  return metricKeys.map((key) => plan.metricKeys.indexOf(key));
}

function decodeSeries(
  value: unknown,
  maxEventTimeMicros: number,
  positions: readonly number[],
  plan: WindowPlan,
): SeriesState {
  const [keyValue, ...pieces] = arrayOf(value, what);
  const key = numbersOf(keyValue, what);
  const isThis = (window: PlannedWindow) =>
    window.key.length === key.length && window.key.every((number, index) => number === key[index]);
  return {
    window: plan.windows.find(isThis) ?? retiredWindow(key),
    pieces: pieces.map((piece) => decodePiece(piece, maxEventTimeMicros, positions, plan.metrics.length)),
  };
}

function retiredWindow(key: readonly number[]): PlannedWindow {
  const [kind, ...lengths] = key;
  const isKnown = (kind === 0 && lengths.length > 3) || (kind === 1 && lengths.length > 2);
  if (!isKnown || !lengths.slice(0, 2).every((lengthMs) => lengthMs > 0)) {
    throw unreadable(what, `the key ${JSON.stringify(key)}`);
  }
  return windowOfKey(key);
}

function encodePiece(piece: Piece, maxEventTimeMicros: number): readonly unknown[] {
  const { firstMicros, lastMicros, messageCount } = piece;
  const encoded: unknown[] = [firstMicros - maxEventTimeMicros, lastMicros - firstMicros, messageCount];
  for (const metric of piece.metrics) encoded.push(encodeMetric(metric, piece));
  return encoded;
}

function encodeMetric(metric: MetricAggregate | undefined, piece: Piece): unknown {
  if (metric === undefined) return null;
  if (piece.messageCount === 1) return metric.first;
  const { count, min, max, first, last, partials } = metric;
  const fromFirst = metric.firstMicros - piece.firstMicros;
  const toLast = piece.lastMicros - metric.lastMicros;
  return [count, min, max, first, last, fromFirst, toLast, ...partials];
}

function decodePiece(
  value: unknown,
  maxEventTimeMicros: number,
  positions: readonly number[],
  metricCount: number,
): Piece {
  const list = arrayOf(value, what);
  const piece = new Piece(maxEventTimeMicros + numberOf(list[0], what), metricCount);
  piece.lastMicros = piece.firstMicros + numberOf(list[1], what);
  piece.messageCount = numberOf(list[2], what);
  for (let index = 0; index < positions.length; index++) {
    const position = positions[index]!;
    if (position >= 0) piece.metrics[position] = decodeMetric(list[3 + index], piece);
  }
  return piece;
}

function decodeMetric(value: unknown, piece: Piece): MetricAggregate | undefined {
  if (value === null) return undefined;
  if (typeof value === 'number') return new MetricAggregate(piece.firstMicros, value);
  const list = numbersOf(value, what);
  if (list.length < 7) throw unreadable(what, `${list.length} numbers for a metric`);
  const metric = new MetricAggregate(piece.firstMicros + list[5]!, list[3]!);
  metric.count = list[0]!;
  metric.min = list[1]!;
  metric.max = list[2]!;
  metric.last = list[4]!;
  metric.lastMicros = piece.lastMicros - list[6]!;
  metric.partials.length = 0;
  for (let index = 7; index < list.length; index++) metric.partials.push(list[index]!);
  return metric;
}
