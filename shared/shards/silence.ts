// Pure. Since when a device counts as silent. A device is silent when it sends nothing, not when nobody listens: while the pipeline
// itself stands still, its readings wait in the event hub, and were its windows closed they would all be late.

export interface SilenceState {
  /** Silence counts from here at the earliest, milliseconds; 0 for as far back as it goes. */
  readonly resumedMs: number;
  /** Between the last two looks. */
  readonly gapMs: number;
}

/** Shards are looked at about once a minute, or as often as their results are published when that is less often. */
const usualGapMs = 60_000;
/** A batch of results that has waited for so long waits for something that is down, for which ingest waits as well. */
const blockedAfterMs = 60_000;

export class Silence {
  #resumedMs: number;
  #gapMs: number;

  constructor(state?: SilenceState) {
    this.#resumedMs = state?.resumedMs ?? 0;
    this.#gapMs = state?.gapMs ?? usualGapMs;
  }

  encode(): SilenceState {
    return { resumedMs: this.#resumedMs, gapMs: this.#gapMs };
  }

  /** From when on a device that was heard of then has been silent. */
  since(lastArrivalMs: number): number {
    return Math.max(lastArrivalMs, this.#resumedMs);
  }

  /** Readings that were to come wait: silence counts from now on. */
  hold(nowMs: number): void {
    this.#resumedMs = Math.max(this.#resumedMs, nowMs);
  }

  /**
   * Whether the pipeline has stood still; then silence counts from now on.
   * @param lastLookMs 0 before the first
   * @param sealedMs since when a batch of results waits to be published; undefined for none
   */
  restartsAt(nowMs: number, lastLookMs: number, sealedMs: number | undefined): boolean {
    const hasPaused = lastLookMs > 0 && nowMs - lastLookMs > 2 * this.#gapMs;
    const isBlocked = sealedMs !== undefined && nowMs - sealedMs > blockedAfterMs;
    if (!hasPaused && !isBlocked) return false;
    this.hold(nowMs);
    return true;
  }

  /** Gaps may grow with the schedule of publications: one that is twice as long is a pause, the next like it is not. */
  looked(nowMs: number, lastLookMs: number): void {
    const gapMs = lastLookMs === 0 ? usualGapMs : Math.min(nowMs - lastLookMs, 2 * this.#gapMs);
    this.#gapMs = Math.max(usualGapMs, gapMs);
  }
}
