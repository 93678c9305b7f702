// Pure. The event-time windows of one device: readings in, closed windows out, JSON state between. docs/windows.md has the
// semantics. Event times are microseconds UTC, processing times milliseconds.
import { metricValues } from './metricAggregate.js';
import type { Piece } from './piece.js';
import type { PlannedWindow, WindowPlan } from './plan.js';
import type { Series, Span } from './series.js';
import { SessionSeries } from './sessionSeries.js';
import { SlidingSeries } from './slidingSeries.js';
import type { ClosedBy, ClosedWindow, WindowValues } from './values.js';
import { decodeWindows, encodeWindows, type WindowsState } from './windowsState.js';

interface OrderedSpan extends Span {
  readonly window: PlannedWindow;
}

const noWindows: readonly never[] = [];

export class DeviceWindows {
  readonly #plan: WindowPlan;
  /** One per window of the plan, in its order. */
  readonly #series: readonly Series[];
  /** Open windows of definitions that pipeline.ts no longer has. They take no readings, and the next `closeDue` ends them. */
  #retired: readonly Series[];
  #maxEventTimeMicros = Number.NEGATIVE_INFINITY;
  #watermarkMicros = Number.NEGATIVE_INFINITY;
  #closedThroughMicros = Number.NEGATIVE_INFINITY;

  private constructor(plan: WindowPlan, state: WindowsState | undefined) {
    this.#plan = plan;
    const stored = state?.series ?? [];
    const metricCount = plan.metrics.length;
    this.#series = plan.windows.map((window) => {
      const pieces = stored.find((series) => series.window === window)?.pieces ?? [];
      return seriesOf(window, pieces, metricCount);
    });
    this.#retired = stored
      .filter((series) => !plan.windows.includes(series.window))
      .map((series) => seriesOf(series.window, series.pieces, metricCount));
    if (state === undefined) return;
    this.#maxEventTimeMicros = state.maxEventTimeMicros;
    this.#watermarkMicros = state.watermarkMicros;
    this.#closedThroughMicros = state.closedThroughMicros;
  }

  static fresh(plan: WindowPlan): DeviceWindows {
    return new DeviceWindows(plan, undefined);
  }

  /**
   * The plan may be another than the one that encoded. Windows of definitions that are gone or have changed come out of the
   * next `closeDue`, with what they hold; metrics are found again by name.
   * @throws TributaryError STATE_UNREADABLE when `state` is nothing that `encode` of this or an earlier version wrote
   */
  static decode(state: unknown, plan: WindowPlan): DeviceWindows {
    return new DeviceWindows(plan, decodeWindows(state, plan));
  }

  /** JSON of numbers, nulls and arrays only. */
  encode(): readonly unknown[] {
    if (this.maxEventTimeMicros === undefined) return encodeWindows(undefined, this.#plan);
    return encodeWindows(
      {
        maxEventTimeMicros: this.#maxEventTimeMicros,
        watermarkMicros: this.#watermarkMicros,
        closedThroughMicros: this.#closedThroughMicros,
        series: [...this.#series, ...this.#retired].filter((series) => series.pieces.length > 0),
      },
      this.#plan,
    );
  }

  /** Undefined before the first reading. */
  get watermarkMicros(): number | undefined {
    return this.maxEventTimeMicros === undefined ? undefined : this.#watermarkMicros;
  }

  /** Undefined before the first reading. */
  get maxEventTimeMicros(): number | undefined {
    return Number.isFinite(this.#maxEventTimeMicros) ? this.#maxEventTimeMicros : undefined;
  }

  /** No open window. */
  get isEmpty(): boolean {
    for (const series of this.#series) if (series.pieces.length > 0) return false;
    return this.#retired.length === 0;
  }

  /**
   * @param values one per metric of the plan; null for none
   * @returns `late` when the reading is older than the watermark; then nothing has changed
   */
  add(eventTimeMicros: number, values: readonly (number | null)[]): 'windowed' | 'late' {
    if (eventTimeMicros < this.#watermarkMicros) return 'late';
    if (eventTimeMicros > this.#maxEventTimeMicros) {
      this.#maxEventTimeMicros = eventTimeMicros;
      this.#raiseWatermark(eventTimeMicros - this.#plan.allowedLatenessMicros);
    }
    for (const series of this.#series) series.add(eventTimeMicros, values, this.#watermarkMicros);
    return 'windowed';
  }

  /**
   * The event time of a device that has been silent for `idleTimeoutMs` goes on with the clock. Call `closeDue('idle')` then.
   * @returns whether the watermark moved
   */
  advanceIdle(lastArrivalMs: number, nowMs: number): boolean {
    const silentMs = nowMs - lastArrivalMs;
    if (this.maxEventTimeMicros === undefined || silentMs < this.#plan.idleTimeoutMs) return false;
    const aheadMicros = Math.floor(silentMs) * 1000 - this.#plan.allowedLatenessMicros;
    return this.#raiseWatermark(this.#maxEventTimeMicros + aheadMicros);
  }

  /** Windows that the watermark has reached may be open still: `closeDue` has not been called since, or was cut short. */
  get isBehind(): boolean {
    return this.#closedThroughMicros < this.#watermarkMicros || this.#retired.length > 0;
  }

  /** Silence has moved the watermark, and no reading has caught up with it: what is due is so because the device is idle. */
  get isIdle(): boolean {
    return this.#watermarkMicros > this.#maxEventTimeMicros - this.#plan.allowedLatenessMicros;
  }

  /**
   * Removes and returns the windows whose end the watermark has reached, ascending by end, then as in pipeline.ts.
   * @param most after so many no other end begins; call it again while `isBehind`
   */
  closeDue(closedBy: ClosedBy, most = Number.POSITIVE_INFINITY): readonly ClosedWindow[] {
    const due: OrderedSpan[] = [];
    for (const series of this.#series) {
      if (series.pieces.length > 0) this.#collect(series, this.#watermarkMicros, due, most);
    }
    due.sort(byEnd);
    const throughMicros = due.length < most ? this.#watermarkMicros : due[most - 1]!.endMicros;
    const spans = due.filter(({ endMicros }) => endMicros <= throughMicros);
    for (const series of this.#retired) this.#collect(series, Number.POSITIVE_INFINITY, spans);
    if (this.#retired.length > 0) spans.sort(byEnd);
    const closed = spans.length === 0 ? noWindows : spans.map((span) => ({ ...valuesOf(span), closedBy }));
    for (const series of this.#series) series.drop(throughMicros);
    this.#retired = noWindows;
    this.#closedThroughMicros = throughMicros;
    return closed;
  }

  /** When the first open window ends; undefined for none. */
  get nextEndMicros(): number | undefined {
    return this.#openSpans(1).sort(byEnd)[0]?.endMicros;
  }

  get openWindowCount(): number {
    return this.#openSpans().length;
  }

  /** What the open windows hold so far, ascending by end, then as in pipeline.ts. */
  openWindows(): readonly WindowValues[] {
    return this.#openSpans().sort(byEnd).map(valuesOf);
  }

  #openSpans(most = Number.POSITIVE_INFINITY): OrderedSpan[] {
    const open: OrderedSpan[] = [];
    for (const series of [...this.#series, ...this.#retired]) {
      this.#collect(series, Number.POSITIVE_INFINITY, open, most);
    }
    return open;
  }

  #collect(
    series: Series,
    throughMicros: number,
    into: OrderedSpan[],
    most = Number.POSITIVE_INFINITY,
  ): void {
    for (const span of series.spans(this.#closedThroughMicros, throughMicros, most))
      into.push({ ...span, window: series.window });
  }

  #raiseWatermark(toMicros: number): boolean {
    if (toMicros <= this.#watermarkMicros) return false;
    this.#watermarkMicros = toMicros;
    return true;
  }
}

/** Equal ends stay in the order of the definitions: sorting is stable. */
function byEnd(one: OrderedSpan, other: OrderedSpan): number {
  return one.endMicros - other.endMicros;
}

function seriesOf(window: PlannedWindow, pieces: readonly Piece[], metricCount: number): Series {
  const { shape } = window;
  return shape.kind === 'session'
    ? new SessionSeries(window, shape, pieces, metricCount)
    : new SlidingSeries(window, shape, pieces, metricCount);
}

function valuesOf({ window, startMicros, endMicros, join }: OrderedSpan): WindowValues {
  const { messageCount, metrics: aggregates } = join();
  const metrics = aggregates.map(metricValues);
  return { definition: window.name, startMicros, endMicros, messageCount, metrics };
}
