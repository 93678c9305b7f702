// Fires timers when they are due; after a restart those at once that became due meanwhile.
import type { Clock } from '../../shared/base/index.js';
import { DueList } from './dueList.js';
import { historyEvent, isoTime } from './historyEvents.js';
import type { Change, PendingTimer } from './hubState.js';
import type { HubStore } from './hubStore.js';

/** setTimeout takes no more than 24 days. */
const maxSleepMs = 60 * 60_000;

export class Timers {
  readonly #due = new DueList();
  #wake = new AbortController();
  #isStopped = false;

  constructor(
    private readonly store: HubStore,
    private readonly clock: Clock,
  ) {}

  add({ key, dueMs }: PendingTimer): void {
    const earliestMs = this.#due.earliestMs ?? Number.POSITIVE_INFINITY;
    this.#due.add({ key, dueMs });
    if (dueMs < earliestMs) this.#wake.abort();
  }

  remove(key: string): void {
    this.#due.remove(key);
  }

  /** Ends after `stop`. @throws TributaryError LOCAL_SERVICE_ENDED when the log fails */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      this.#wake = new AbortController();
      const nowMs = this.clock.nowMs();
      const sleepMs = Math.min(
        Math.max((this.#due.earliestMs ?? Number.POSITIVE_INFINITY) - nowMs, 0),
        maxSleepMs,
      );
      if (sleepMs > 0) await this.clock.sleep(sleepMs, this.#wake.signal);
      if (this.#isStopped) return;
      await this.#fire(this.#due.takeDue(this.clock.nowMs()));
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake.abort();
  }

  async #fire(keys: readonly string[]): Promise<void> {
    const changes: Change[] = [];
    for (const key of keys) {
      const timer = this.store.hub.timers.get(key);
      if (timer !== undefined) changes.push({ kind: 'timerRemoved', key }, this.#firing(timer));
    }
    await this.store.commit(changes);
  }

  #firing({ target, dueMs }: PendingTimer): Change {
    if (target.kind === 'request') {
      return { kind: 'requestSent', entityId: target.entityId, request: target.request };
    }
    const { instanceId, executionId, taskId } = target;
    const fields = { TimerId: taskId, FireAt: isoTime(dueMs) };
    const event = historyEvent('timerFired', this.clock.nowMs(), fields);
    return { kind: 'eventSent', instanceId, executionId, event };
  }
}
