// Sealed batches -> tables, alert hub and latest state. Every step may come again: tables know the numbers that they have, alerts
// keep their ids, the latest state is overwritten.
import { type Clock, describeError, type Logger } from '../base/index.js';
import type { AppendRequest, AppendResult } from '../delta/index.js';
import type { ColumnBatch } from '../parquet/index.js';
import { type AlertRow, decodeAlertRow } from '../shards/index.js';
import type { LatestState } from './latestState.js';
import type { NumberedBatch, ResultTable, ResultTables, ShardBatch } from './resultTables.js';

/** The part of a table's writer that results need. */
export interface ResultAppender {
  append(request: AppendRequest): Promise<AppendResult>;
}

/** Resolves when those who wait for alerts can have these, whoever they are. At least once; ids tell repeated ones. */
export interface AlertSender {
  send(alerts: readonly AlertRow[]): Promise<void>;
}

export interface ResultPublisherOptions {
  readonly tables: ResultTables;
  readonly appenders: Readonly<Record<ResultTable, ResultAppender>>;
  readonly alerts: AlertSender;
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
    const { tables, alerts, latest } = this.options;
    // At once: appends to one table that wait together share a commit, also those of other shards.
    await Promise.all(tables.batchesOf(batch).map(([table, rows]) => this.#append(table, rows, batch)));
    const rows = batch.rows.alerts.map(decodeAlertRow);
    if (rows.length > 0) await alerts.send(rows);
    await latest.update(batch);
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
