// Event hubs by name, with their partitions and consumer groups.
import { type Clock, type Logger, TributaryError } from '../../shared/base/index.js';
import type { DataFolder, HubRecord } from './dataFolder.js';
import { PartitionLog } from './partitionLog.js';

export interface HubOptions {
  readonly name: string;
  /** From 1 to 1,024. May grow from one start to the next, never shrink. */
  readonly partitionCount: number;
  /** Beside `$Default`, which is always there. */
  readonly consumerGroups?: readonly string[];
}

export interface Hub {
  readonly name: string;
  readonly createdAtMs: number;
  /** Lower case. */
  readonly consumerGroups: ReadonlySet<string>;
  readonly partitions: readonly PartitionLog[];
  /** Where the next batch without a key or partition goes. */
  nextPartition: number;
}

export interface HubStoreOptions {
  readonly folder: DataFolder | undefined;
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const validName = /^[a-z0-9](?:[a-z0-9._-]{0,254}[a-z0-9])?$/i;
const maxPartitions = 1_024;

export class HubStore {
  readonly #hubs = new Map<string, Hub>();
  readonly #options: HubStoreOptions;

  constructor(options: HubStoreOptions) {
    this.#options = options;
  }

  get(hubName: string): Hub | undefined {
    return this.#hubs.get(hubName.toLowerCase());
  }

  /**
   * Opens what the data folder holds of this hub, or begins an empty one.
   * @throws TributaryError CONFIG_INVALID, LOCAL_STATE_MISMATCH (fewer partitions than kept, damaged files)
   */
  create(options: HubOptions): Hub {
    const key = options.name.toLowerCase();
    checkHubOptions(options);
    if (this.#hubs.has(key)) {
      throw new TributaryError(
        'CONFIG_INVALID',
        `The event hub "${options.name}" exists already. Name each hub once.`,
      );
    }
    const record = this.#record(options);
    const groups = ['$Default', ...(options.consumerGroups ?? [])];
    const hub: Hub = {
      name: options.name,
      createdAtMs: record.createdAtMs,
      consumerGroups: new Set(groups.map((group) => group.toLowerCase())),
      partitions: this.#openPartitions(options),
      nextPartition: 0,
    };
    this.#hubs.set(key, hub);
    return hub;
  }

  /** Also from disk. @returns undefined when there is none of this name */
  delete(hubName: string): Hub | undefined {
    const hub = this.get(hubName);
    if (hub === undefined) return undefined;
    this.#hubs.delete(hubName.toLowerCase());
    for (const partition of hub.partitions) partition.close();
    this.#options.folder?.deleteHub(hubName);
    return hub;
  }

  deleteExpired(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const hub of this.#hubs.values()) {
      for (const partition of hub.partitions) partition.deleteExpired(nowMs);
    }
  }

  close(): void {
    for (const hub of this.#hubs.values()) {
      for (const partition of hub.partitions) partition.close();
    }
    this.#hubs.clear();
  }

  #record(options: HubOptions): HubRecord {
    const { name, partitionCount } = options;
    const { folder, clock } = this.#options;
    const kept = folder?.readHub(name);
    if (kept !== undefined && kept.partitionCount > partitionCount) {
      throw new TributaryError(
        'LOCAL_STATE_MISMATCH',
        `The event hub "${name}" has ${kept.partitionCount} partitions on disk, but ${partitionCount} were asked for. ` +
          `A hub may grow but never shrink: ask for at least ${kept.partitionCount}, or delete the hub's folder in the data folder.`,
      );
    }
    const record: HubRecord = { name, partitionCount, createdAtMs: kept?.createdAtMs ?? clock.nowMs() };
    if (kept?.partitionCount !== partitionCount) folder?.writeHub(record);
    return record;
  }

  #openPartitions(options: HubOptions): readonly PartitionLog[] {
    const opened: PartitionLog[] = [];
    try {
      while (opened.length < options.partitionCount)
        opened.push(this.#openPartition(options.name, opened.length));
      return opened;
    } catch (error) {
      for (const partition of opened) partition.close();
      throw error;
    }
  }

  #openPartition(hubName: string, id: number): PartitionLog {
    const { folder, retentionMs, logger, clock } = this.#options;
    const log = new PartitionLog({
      retentionMs,
      ...(folder === undefined ? {} : { folder: folder.partitionFolder(hubName, id) }),
    });
    log.deleteExpired(clock.nowMs());
    if (log.truncatedBytes > 0) {
      logger.log(
        'warn',
        'Cut off a batch that was being written when the emulator was killed; it was never acknowledged.',
        {
          hub: hubName,
          partition: id,
          bytes: log.truncatedBytes,
        },
      );
    }
    return log;
  }
}

/** @returns the partition of this id; undefined when the hub has none such */
export function partitionById(hub: Hub, partitionId: string): PartitionLog | undefined {
  return /^(?:0|[1-9]\d{0,3})$/.test(partitionId) ? hub.partitions[Number(partitionId)] : undefined;
}

function checkHubOptions(options: HubOptions): void {
  const { name, partitionCount, consumerGroups = [] } = options;
  for (const [what, text] of [['hub', name], ...consumerGroups.map((group) => ['consumer group', group])]) {
    if (text !== undefined && (validName.test(text) || (what !== 'hub' && text.toLowerCase() === '$default')))
      continue;
    throw new TributaryError(
      'CONFIG_INVALID',
      `"${text}" cannot be the name of an event ${what}: use letters, digits, '.', '-' and '_', beginning and ending with a letter or digit.`,
    );
  }
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > maxPartitions) {
    throw new TributaryError(
      'CONFIG_INVALID',
      `The event hub "${name}" cannot have ${partitionCount} partitions. Choose a whole number from 1 to ${maxPartitions}.`,
    );
  }
}
