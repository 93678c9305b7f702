// Pure. A rate over the last seconds, from samples of a counter.

interface Sample {
  readonly atMs: number;
  readonly total: number;
}

export class RateMeter {
  readonly #samples: Sample[] = [];

  constructor(private readonly windowMs: number) {}

  add(atMs: number, total: number): void {
    this.#samples.push({ atMs, total });
    // The newest sample that is older than the window stays: it marks where the window begins.
    while (this.#samples.length > 2 && this.#samples[1]!.atMs <= atMs - this.windowMs) this.#samples.shift();
  }

  /** Undefined before there are two samples. */
  perSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
    return (Math.max(0, last.total - first.total) * 1000) / (last.atMs - first.atMs);
  }
}
