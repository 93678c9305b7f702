// Sealed batches -> tables, alert hub and latest state. Every step may come again: tables know the numbers that they have, alerts
// keep their ids, the latest state is overwritten.
import { type Clock, describeError, type Logger } from '../base/index.js';
import type { AppendRequest, AppendResult } from '../delta/index.js';
import type { EventSender } from '../messaging/index.js';
import type { ColumnBatch } from '../parquet/index.js';
import { decodeAlertRow } from '../shards/index.js';
import { toCloudEvent } from './cloudEvents.js';
import type { LatestState } from './latestState.js';
import type { NumberedBatch, ResultTable, ResultTables, ShardBatch } from './resultTables.js';

/** The part of a table's writer that results need. */
export interface ResultAppender {
  append(request: AppendRequest): Promise<AppendResult>;
}

export interface ResultPublisherOptions {
  readonly tables: ResultTables;
  readonly appenders: Readonly<Record<ResultTable, ResultAppender>>;
  /** At least once; subscribers tell repeated alerts by their ids. Undefined for a pipeline without alerts. */
  readonly alerts: Pick<EventSender, 'send'> | undefined;
  /** Attribute of the events, as `cloudEventSource` makes it. */
  readonly alertSource: string;
  readonly latest: LatestState;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type PublishOutcome =
  | { readonly kind: 'published'; readonly shard: number; readonly number: number | null }
  /** The shard keeps the batch; it comes again. */
  | { readonly kind: 'failed'; readonly shard: number; readonly error: string };

export class ResultPublisher {
  constructor(private readonly options: ResultPublisherOptions) {}

  /**
   * Never rejects: the shards of an orchestration must not wait for one whose results fail. The shard may forget the batch when
   * it is `published`.
   */
  async publish(batch: ShardBatch): Promise<PublishOutcome> {
    const { shard, number, summary } = batch;
    try {
      if (number !== null) await this.#publish({ ...batch, number });
      if (summary !== null) await this.options.latest.summarize(shard, summary);
      return { kind: 'published', shard, number };
    } catch (error) {
      const message = describeError(error);
      this.options.logger.log('error', 'Results of a shard wait: they could not be published', {
        ...{ shard, number },
        error: message,
      });
      return { kind: 'failed', shard, error: message };
    }
  }

  /** Alerts leave after the commit: whoever gets one finds it in the table. */
  async #publish(batch: NumberedBatch): Promise<void> {
    const { tables, latest } = this.options;
    // At once: appends to one table that wait together share a commit, also those of other shards.
    await Promise.all(tables.batchesOf(batch).map(([table, rows]) => this.#append(table, rows, batch)));
    await this.#sendAlerts(batch);
    await latest.update(batch);
  }

  async #sendAlerts({ rows, layouts }: NumberedBatch): Promise<void> {
    const { alerts, alertSource: source } = this.options;
    if (alerts === undefined || rows.alerts.length === 0) return;
    await alerts.send(
      rows.alerts.map(decodeAlertRow).map(({ alert, device, layout }) => {
        return toCloudEvent(alert, device, { source, fieldNames: layouts[layout] ?? [] });
      }),
    );
  }

  async #append(table: ResultTable, batch: ColumnBatch, sealed: NumberedBatch): Promise<void> {
    const { appenders, clock } = this.options;
    const appId = resultsAppId(sealed);
    const { number: version } = sealed;
    await appenders[table].append({
      prepare: (committed) => {
        if ((committed.get(appId) ?? -1) >= version) return undefined;
        return { batch, transactions: [{ appId, version, lastUpdated: clock.nowMs() }], readAppIds: [appId] };
      },
    });
  }
}

/** A shard whose state was lost counts its batches from 0 again: it must not look like one that repeats itself. */
export function resultsAppId({ shard, bornMs }: Pick<ShardBatch, 'shard' | 'bornMs'>): string {
  return `results/${shard}/${bornMs}`;
}
