// The Durable backend: orchestrations, entities, activities and timers over one store, and what clients may ask of it.
import { cpus } from 'node:os';
import {
  type Clock,
  describeError,
  type Logger,
  type Random,
  TributaryError,
} from '../../shared/base/index.js';
import { type FolderLock, lockFolder } from '../locks/index.js';
import { ActivityRunner } from './activities.js';
import type { DurableFunctions } from './durableFunctions.js';
import { EntityRunner } from './entities.js';
import { type DurableFaults, FaultSwitches } from './faults.js';
import { HubClient } from './hubClient.js';
import { type Change, taskKey } from './hubState.js';
import { HubStore } from './hubStore.js';
import { KeyedQueue } from './keyedQueue.js';
import { type LogDisk, openLogFolder } from './logDisk.js';
import { OrchestrationRunner } from './orchestrations.js';
import { Timers } from './timers.js';

export interface DurableHubOptions {
  /** A folder, or another place to keep the log. */
  readonly data: string | LogDisk;
  readonly functions: DurableFunctions;
  readonly faults?: DurableFaults;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly compactAboveBytes?: number;
}

export class DurableHub {
  readonly client: HubClient;
  readonly #queues: Readonly<Record<'orchestrations' | 'entities' | 'activities', KeyedQueue>>;
  readonly #timers: Timers;
  readonly #stopping = new AbortController();

  private constructor(
    private readonly options: DurableHubOptions,
    private readonly store: HubStore,
    private readonly lock: FolderLock | undefined,
  ) {
    const { functions, logger, clock, random } = options;
    const faults = new FaultSwitches(options.faults ?? {}, random);
    const shared = { store, functions, logger, clock, random };
    const orchestrations = new OrchestrationRunner(shared);
    const entities = new EntityRunner({ ...shared, faults, stopped: this.#stopping.signal });
    const activities = new ActivityRunner(shared);
    this.client = new HubClient({ ...shared, faults });
    this.#queues = {
      orchestrations: this.#queue((id) => orchestrations.run(id)),
      entities: this.#queue((id) => entities.run(id)),
      activities: this.#queue((key) => activities.run(key)),
    };
    this.#timers = new Timers(store, clock);
  }

  /**
   * Goes on where the last process ended, however it ended.
   * @throws TributaryError LOCAL_STATE_MISMATCH when the log is damaged, LOCAL_START_FAILED when another process holds the folder
   */
  static async start(options: DurableHubOptions): Promise<DurableHub> {
    const { data, compactAboveBytes } = options;
    const lock = typeof data === 'string' ? lockData(data) : undefined;
    try {
      const disk = typeof data === 'string' ? await openLogFolder(data) : data;
      const store = await HubStore.open({
        disk,
        ...(compactAboveBytes === undefined ? {} : { compactAboveBytes }),
      });
      const hub = new DurableHub(options, store, lock);
      hub.#resume();
      return hub;
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  /** What still runs when `drained` resolves comes again at the next start. Call once. */
  async stop(drained: (work: Promise<unknown>) => Promise<unknown>): Promise<void> {
    this.#stopping.abort();
    this.#timers.stop();
    await drained(Promise.all(Object.values(this.#queues).map((queue) => queue.stop())));
    await this.store.close();
    this.lock?.release();
  }

  #queue(run: (key: string) => Promise<void>): KeyedQueue {
    return new KeyedQueue({
      // The real host's default for each kind.
      maxConcurrentRuns: 10 * cpus().length,
      run: (key) => run(key).catch((error) => this.#report(error)),
    });
  }

  #report(error: unknown): void {
    // After the stop nothing can be committed any more, and nothing is lost.
    const level = this.#stopping.signal.aborted ? 'debug' : 'error';
    this.options.logger.log(level, `Durable backend: ${describeError(error)}`);
  }

  #resume(): void {
    const { hub } = this.store;
    this.store.onCommitted = (changes) => {
      for (const change of changes) this.#follow(change);
    };
    for (const id of hub.instances.keys()) this.#queues.orchestrations.enqueue(id);
    for (const id of hub.entities.keys()) this.#queues.entities.enqueue(id);
    for (const key of hub.activities.keys()) this.#queues.activities.enqueue(key);
    for (const timer of hub.timers.values()) this.#timers.add(timer);
    void this.#timers.run().catch((error) => this.#report(error));
  }

  /** Whoever received something gets a turn. */
  #follow(change: Change): void {
    switch (change.kind) {
      case 'instanceStarted':
        this.#queues.orchestrations.enqueue(change.seed.instanceId);
        break;
      case 'instanceTurn':
      case 'instanceContinued':
      case 'eventSent':
        this.#queues.orchestrations.enqueue(change.instanceId);
        break;
      case 'requestSent':
      case 'entityTurn':
        this.#queues.entities.enqueue(change.entityId);
        break;
      case 'activityScheduled':
        this.#queues.activities.enqueue(taskKey(change.activity, change.activity.taskId));
        break;
      case 'timerSet':
        this.#timers.add(change.timer);
        break;
      case 'timerRemoved':
        this.#timers.remove(change.key);
        break;
    }
  }
}

function lockData(folder: string): FolderLock {
  return lockFolder({
    folder,
    fileName: 'durable.lock',
    inUse: (processId) =>
      new TributaryError(
        'LOCAL_START_FAILED',
        `The Durable data folder ${folder} is in use by process ${processId}. Stop that host, or name another folder with --durable-data.`,
      ),
  });
}
