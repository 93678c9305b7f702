// Asks the running stack how far it is: tables through the app's status function, the hub's ends through its own client.
import { EventHubConsumerClient } from '@azure/event-hubs';
import { type Clock, describeError } from '../../shared/base/index.js';
import { currentProgress } from '../../shared/ingest/index.js';
import type { PartitionLag, TableStatus } from '../terminal/index.js';
import { RateMeter } from './rateMeter.js';

export interface MonitoredTable extends TableStatus {
  readonly transactions: Readonly<Record<string, number>>;
}

/** Undefined stands for not known (yet, or any more). */
export interface StackReading {
  readonly tables: readonly MonitoredTable[] | undefined;
  readonly lag: readonly PartitionLag[];
  /** Readings committed per second. */
  readonly rowsPerSecond: number | undefined;
  /** Why `tables` or `lag` are not up to date. */
  readonly problem: string | undefined;
}

export interface StatusMonitorOptions {
  readonly statusUrl: string;
  readonly eventHubs: string;
  readonly hub: string;
  readonly readingsTable: string;
  readonly clock: Clock;
}

const requestTimeoutMs = 3000;
const rateWindowMs = 10_000;

export class StatusMonitor {
  readonly #options: StatusMonitorOptions;
  readonly #hubClient: EventHubConsumerClient;
  readonly #rows = new RateMeter(rateWindowMs);
  #partitionIds: readonly string[] | undefined;
  #reading: StackReading = { tables: undefined, lag: [], rowsPerSecond: undefined, problem: undefined };

  constructor(options: StatusMonitorOptions) {
    this.#options = options;
    this.#hubClient = new EventHubConsumerClient('$Default', options.eventHubs, options.hub, {
      retryOptions: { maxRetries: 1, retryDelayInMs: 200, timeoutInMs: requestTimeoutMs },
    });
  }

  /** What is known from the latest `refresh`. */
  get reading(): StackReading {
    return this.#reading;
  }

  /** Never rejects: what cannot be found out is unknown, and `problem` says why. */
  async refresh(): Promise<StackReading> {
    // One after the other: ends that are older than the tables' state would seem to lie behind it.
    const [tables] = await Promise.allSettled([this.#fetchTables()]);
    const [ends] = await Promise.allSettled([this.#fetchLastSequenceNumbers()]);
    const problems = [
      ...(tables.status === 'rejected'
        ? [`the tables' state is unknown: ${describeError(tables.reason)}`]
        : []),
      ...(ends.status === 'rejected' ? [`the hub's end is unknown: ${describeError(ends.reason)}`] : []),
    ];
    const known = tables.status === 'fulfilled' ? tables.value : undefined;
    const readings = known?.find(({ name }) => name === this.#options.readingsTable);
    if (readings !== undefined && readings.rows !== null)
      this.#rows.add(this.#options.clock.nowMs(), readings.rows);
    this.#reading = {
      tables: known,
      lag: this.#lagOf(known, ends.status === 'fulfilled' ? ends.value : undefined),
      rowsPerSecond: known === undefined ? undefined : this.#rows.perSecond(),
      problem: problems.length === 0 ? undefined : problems.join('; '),
    };
    return this.#reading;
  }

  close(): Promise<void> {
    return this.#hubClient.close();
  }

  #lagOf(
    tables: readonly MonitoredTable[] | undefined,
    ends: ReadonlyMap<string, number> | undefined,
  ): PartitionLag[] {
    const committed = tables?.map(({ transactions }) => new Map(Object.entries(transactions)));
    return (this.#partitionIds ?? []).map((partition) => {
      const end = ends?.get(partition);
      if (end === undefined || committed === undefined) return { partition, events: undefined };
      const { lastSequenceNumber } = currentProgress(committed, { hub: this.#options.hub, partition });
      // Committed beyond the hub's end: a hub made again, of which nothing has been ingested yet.
      return { partition, events: lastSequenceNumber > end ? undefined : end - lastSequenceNumber };
    });
  }

  async #fetchTables(): Promise<readonly MonitoredTable[]> {
    const response = await fetch(this.#options.statusUrl, { signal: AbortSignal.timeout(requestTimeoutMs) });
    if (!response.ok) throw new Error(`${this.#options.statusUrl} answered ${response.status}`);
    const status = (await response.json()) as { readonly tables: readonly MonitoredTable[] };
    return status.tables;
  }

  /** @returns last enqueued sequence number per partition, -1 for an empty one */
  async #fetchLastSequenceNumbers(): Promise<ReadonlyMap<string, number>> {
    this.#partitionIds ??= await this.#hubClient.getPartitionIds();
    const ends = await Promise.all(
      this.#partitionIds.map(async (partition) => {
        const { lastEnqueuedSequenceNumber } = await this.#hubClient.getPartitionProperties(partition);
        return [partition, lastEnqueuedSequenceNumber] as const;
      }),
    );
    return new Map(ends);
  }
}
