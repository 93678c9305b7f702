// Timer trigger: runs its function on schedule, once for runs missed while no host was up, never twice at a time.
// (Functions host contract, "Timer rules".)
import type { ContainerClient } from '@azure/storage-blob';
import { describeError } from '../../shared/base/index.js';
import { requiredText } from './bindingOptions.js';
import { parseSchedule, type Schedule } from './ncrontab.js';
import { invokeWithRetries, retryRunner } from './retries.js';
import { whileHoldingLock } from './singletonLock.js';
import { hostContainerName, openContainer } from './storageAccount.js';
import {
  readTimerStatus,
  type TimerStatus,
  timerStatusJson,
  timerStatusName,
  writeTimerStatus,
} from './timerStatus.js';
import type { HostServices, TriggerListener, TriggerSource } from './triggerListener.js';
import { waitAtMost } from './waitAtMost.js';

/** Timers that run more often are not monitored: their status would be written all the time, and missing one run is nothing. */
const monitoredFromMs = 60_000;

/** Node's timers end at 24.8 days; a shorter sleep also notices when the machine's clock was set or it was asleep. */
const longestSleepMs = 60_000;

/** The next run of a schedule without a further occurrence: .NET's last time. */
const neverMs = Date.UTC(9999, 11, 31, 23, 59, 59);

export function createTimerListener(source: TriggerSource, services: HostServices): TriggerListener {
  const { name, binding } = source;
  const text = services.settings.resolve(requiredText(name, binding, 'schedule'), `Function "${name}"`);
  return new TimerListener(source, services, parseSchedule(text));
}

class TimerListener implements TriggerListener {
  readonly #stopping = new AbortController();
  readonly #manualRuns = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();
  /** Undefined when the timer is not monitored. */
  #statusContainer: ContainerClient | undefined;

  constructor(
    private readonly source: TriggerSource,
    private readonly services: HostServices,
    private readonly schedule: Schedule,
  ) {}

  async start(): Promise<void> {
    const { hostId, instance, logger, clock } = this.services;
    const { name } = this.source;
    const container = await openContainer(this.services.hostStorage(), hostContainerName);
    if (this.#isMonitored()) this.#statusContainer = container;
    const blobName = `locks/${hostId}/Host.Functions.${name}.Listener`;
    const lock = { container, blobName, instance, logger, clock };
    this.#loop = whileHoldingLock(lock, this.#stopping.signal, (held) => this.#tick(held));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const running = Promise.all([this.#loop, ...this.#manualRuns]);
    await waitAtMost(running, this.services.drainTimeoutMs, this.services.clock);
  }

  /** Beside the schedule, as the real host's admin endpoint does; the status is left as it is. */
  async runNow(): Promise<void> {
    const run = this.#invoke(undefined, false).finally(() => this.#manualRuns.delete(run));
    this.#manualRuns.add(run);
    await run;
  }

  #isMonitored(): boolean {
    if (this.source.binding.useMonitor === false) return false;
    const firstMs = this.#nextAfter(this.services.clock.nowMs());
    return this.#nextAfter(firstMs) - firstMs >= monitoredFromMs;
  }

  #nextAfter(ms: number): number {
    return this.schedule.next(ms) ?? neverMs;
  }

  async #tick(held: AbortSignal): Promise<void> {
    let status = await this.#openStatus();
    const isPastDue = this.#statusContainer !== undefined && status.nextMs < this.services.clock.nowMs();
    if (isPastDue) status = await this.#runOccurrence(status, true, held);
    else if (this.source.binding.runOnStartup === true)
      status = await this.#runOccurrence(status, false, held);
    while (!held.aborted) {
      await this.#sleepUntil(status.nextMs, held);
      if (!held.aborted) status = await this.#runOccurrence(status, false, held);
    }
  }

  async #sleepUntil(targetMs: number, held: AbortSignal): Promise<void> {
    const { clock } = this.services;
    for (;;) {
      const remainingMs = targetMs - clock.nowMs();
      if (remainingMs <= 0 || held.aborted) return;
      await clock.sleep(Math.min(remainingMs, longestSleepMs), held);
    }
  }

  async #openStatus(): Promise<TimerStatus> {
    const nowMs = this.services.clock.nowMs();
    const stored = this.#statusContainer && (await readTimerStatus(this.#statusContainer, this.#statusName));
    if (stored === undefined) {
      return this.#save({ lastMs: undefined, nextMs: this.#nextAfter(nowMs), lastUpdatedMs: nowMs });
    }
    // Computed anew, in case the schedule is another one by now.
    const nextMs = this.#nextAfter(stored.lastUpdatedMs);
    return nextMs === stored.nextMs ? stored : this.#save({ ...stored, nextMs });
  }

  /** @returns the status afterwards: after a run that outlasted its interval, the next one is due at once */
  async #runOccurrence(status: TimerStatus, isPastDue: boolean, held: AbortSignal): Promise<TimerStatus> {
    const lastMs = this.services.clock.nowMs();
    await this.#invoke(status, isPastDue);
    // A run that was cut short counts as not done: the next host finds it past due.
    if (held.aborted) return status;
    return this.#save({ lastMs, nextMs: this.#nextAfter(lastMs), lastUpdatedMs: lastMs });
  }

  async #invoke(status: TimerStatus | undefined, isPastDue: boolean): Promise<void> {
    const input = {
      Schedule: { AdjustForDST: true },
      ScheduleStatus:
        this.#statusContainer === undefined || status === undefined ? null : timerStatusJson(status),
      IsPastDue: isPastDue,
    };
    await invokeWithRetries(
      retryRunner(this.source, this.services),
      () => ({ input: { json: JSON.stringify(input) }, metadata: {} }),
      this.#stopping.signal,
    );
  }

  get #statusName(): string {
    return timerStatusName(this.services.hostId, this.source.name);
  }

  async #save(status: TimerStatus): Promise<TimerStatus> {
    if (this.#statusContainer === undefined) return status;
    try {
      await writeTimerStatus(this.#statusContainer, this.#statusName, status);
    } catch (error) {
      this.services.logger.log(
        'error',
        `[${this.source.name}] The status was not saved: ${describeError(error)}`,
      );
    }
    return status;
  }
}
