// The one place that reads the clock and waits. Everything else takes a Clock, or a time, as an argument.

export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. */
  nowMs(): number;
  /** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep(delayMs, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, delayMs);
      signal?.addEventListener('abort', finish, { once: true });
    });
  },
};

/** A clock moved by hand, for tests: `sleep` resolves when `advance` passes its deadline. */
export class ManualClock implements Clock {
  readonly #sleepers = new Set<{ wakeAtMs: number; wake: () => void }>();

  constructor(private currentMs: number) {}

  nowMs(): number {
    return this.currentMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { wakeAtMs: this.currentMs + delayMs, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  advance(byMs: number): void {
    this.currentMs += byMs;
    for (const sleeper of this.#sleepers) {
      if (sleeper.wakeAtMs <= this.currentMs) sleeper.wake();
    }
  }
}
