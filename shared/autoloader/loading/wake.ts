// Sees to it that a loader looks at the ledger after a file was entered, without a request for every file.
import type { Clock } from '../../base/index.js';

export interface LoadStarter {
  /** @returns false when a loader of the stream is at work */
  start(): Promise<boolean>;
  /** What the loader at work does: it may be in the middle of what was its last look, or is sure to look once more. */
  phase(): Promise<'none' | 'looking' | 'busy'>;
}

/** Between two starts in one process. */
const intervalMs = 1_000;
const lookAgainMs = 250;

/** One per stream and process. */
export class LoadWaker {
  readonly #clock: Clock;
  #waiting: Promise<void> | undefined;
  #current: Promise<void> = Promise.resolve();
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns at once when another call is about to start a loader, which then serves this one too; otherwise when one is at work or
   * sure to look again. Should the process end in between, the next file or the next listing wakes the loader.
   */
  async wake(starter: LoadStarter): Promise<void> {
    if (this.#waiting !== undefined) return;
    this.#waiting = this.#wait();
    await this.#waiting;
    this.#current = this.#start(starter);
    await this.#current;
  }

  /** Until the last start is over and long enough ago. */
  async #wait(): Promise<void> {
    await this.#current.catch(() => {}); // whoever made that call has its error
    const restMs = this.#lastMs + intervalMs - this.#clock.nowMs();
    if (restMs > 0) await this.#clock.sleep(restMs);
    this.#lastMs = this.#clock.nowMs();
    this.#waiting = undefined;
  }

  async #start(starter: LoadStarter): Promise<void> {
    while (!(await starter.start())) {
      const phase = await starter.phase();
      if (phase === 'busy') return;
      if (phase === 'looking') await this.#clock.sleep(lookAgainMs);
    }
  }
}
