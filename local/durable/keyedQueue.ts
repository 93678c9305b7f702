// Work by key: one run at a time for each key, a limited number over all, and again when there was more meanwhile.

export interface KeyedQueueOptions {
  readonly maxConcurrentRuns: number;
  /** Must not reject. */
  readonly run: (key: string) => Promise<void>;
}

export class KeyedQueue {
  /** In the order they were asked for. */
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  #isStopped = false;

  constructor(private readonly options: KeyedQueueOptions) {}

  enqueue(key: string): void {
    if (this.#isStopped) return;
    if (this.#running.has(key)) this.#again.add(key);
    else {
      this.#waiting.add(key);
      this.#startRuns();
    }
  }

  /** Starts nothing more. Resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.clear();
    this.#again.clear();
    await Promise.all(this.#running.values());
  }

  #startRuns(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.options.maxConcurrentRuns) return;
      this.#waiting.delete(key);
      this.#running.set(key, this.#run(key));
    }
  }

  async #run(key: string): Promise<void> {
    // Not within `enqueue`: its caller goes on first.
    await Promise.resolve();
    await this.options.run(key);
    this.#running.delete(key);
    if (this.#again.delete(key)) this.enqueue(key);
    this.#startRuns();
  }
}
