// A batch of one partition -> rows in `readings` and `quarantine`, each exactly once (docs/architecture.md, "Exactly once").
import { type Clock, describeError, type Logger, retryHintOf } from '../base/index.js';
import type { AppendRequest, AppendResult, TransactionVersions } from '../delta/index.js';
import type { EventBatch, EventDecoder } from '../events/index.js';
import type { ColumnBatch } from '../parquet/index.js';
import { planAppend } from './appendPlan.js';
import { currentProgress, sourceName } from './sourceProgress.js';

/** The part of a table's writer that ingest needs. */
export interface RowAppender {
  append(request: AppendRequest): Promise<AppendResult>;
  /** What the table is known to have committed; may lag behind other writers. */
  committedTransactions(): Promise<TransactionVersions>;
}

export interface IngestorOptions {
  readonly decoder: EventDecoder;
  readonly readings: RowAppender;
  readonly quarantine: RowAppender;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Readings that are in their table now, whichever delivery of them committed which. */
export interface CommittedReadings {
  /** With the hub's incarnation, as in the rows' `_source`. */
  readonly source: string;
  readonly partition: string;
  /** Of the events they came from, with readings or without. */
  readonly firstSequenceNumber: number;
  readonly lastSequenceNumber: number;
  readonly readings: ColumnBatch;
}

/** Is told of all readings at least once. */
export type CommitObserver = (committed: CommittedReadings) => Promise<void>;

export interface IngestSummary {
  readonly eventCount: number;
  /** Rows that this call committed; rows that an earlier delivery committed are not counted. */
  readonly readingCount: number;
  readonly quarantineCount: number;
}

export class Ingestor {
  readonly #options: IngestorOptions;

  constructor(options: IngestorOptions) {
    this.#options = options;
  }

  /**
   * Commits every event of `batch`, in either table. Safe to call again with the same events, cut in any way.
   * Calls for one partition must not overlap in one process; rivals in other processes are handled.
   * @param observer hears of the readings after they are committed, also of those that an earlier delivery committed: it
   *   may have died in between. What it throws is thrown
   * @throws TributaryError that is `transient` or `operator`: call again with the same batch, nothing was lost
   */
  async ingest(batch: EventBatch, observer?: CommitObserver): Promise<IngestSummary> {
    const total = { eventCount: 0, readingCount: 0, quarantineCount: 0 };
    for (const run of ascendingRuns(batch)) {
      const summary = await this.#ingestRun(run, observer);
      total.eventCount += summary.eventCount;
      total.readingCount += summary.readingCount;
      total.quarantineCount += summary.quarantineCount;
    }
    return total;
  }

  async #ingestRun(batch: EventBatch, observer: CommitObserver | undefined): Promise<IngestSummary> {
    let committed: { readonly readings: ColumnBatch; readonly summary: IngestSummary };
    try {
      committed = await this.#commit(batch);
    } catch (error) {
      if (retryHintOf(error) !== 'permanent') throw error;
      return await this.#isolate(batch, error, observer);
    }
    // Not within the `try`: whatever fails here is no fault of the events.
    if (observer !== undefined) await observer(await this.#committedReadings(batch, committed.readings));
    return committed.summary;
  }

  /**
   * Readings go first: were quarantine first and the readings then failed for good, the event could no longer be put
   * into quarantine whole, because quarantine would already count it as committed.
   */
  async #commit(batch: EventBatch): Promise<{ readings: ColumnBatch; summary: IngestSummary }> {
    const { decoder, readings, quarantine, clock } = this.#options;
    const decoded = decoder.decode(batch, clock.nowMs());
    const readingCount = await this.#append(readings, quarantine, batch, decoded.readings);
    const quarantineCount = await this.#append(quarantine, readings, batch, decoded.quarantine);
    const summary = { eventCount: batch.bodies.length, readingCount, quarantineCount };
    return { readings: decoded.readings, summary };
  }

  async #committedReadings(batch: EventBatch, rows: ColumnBatch): Promise<CommittedReadings> {
    const { readings, quarantine } = this.#options;
    const committed = [await readings.committedTransactions(), await quarantine.committedTransactions()];
    // All of the batch is committed, so its incarnation is the newest one that the tables know.
    const { incarnation } = currentProgress(committed, { hub: batch.source, partition: batch.partition });
    return {
      source: sourceName(batch.source, incarnation),
      partition: batch.partition,
      firstSequenceNumber: batch.sequenceNumbers[0]!,
      lastSequenceNumber: batch.sequenceNumbers.at(-1)!,
      readings: rows,
    };
  }

  /** The same input fails every time: halve the batch, in order, until the offending event is alone. */
  async #isolate(
    batch: EventBatch,
    error: unknown,
    observer: CommitObserver | undefined,
  ): Promise<IngestSummary> {
    const eventCount = batch.bodies.length;
    if (eventCount === 1) return this.#quarantineWhole(batch, error);
    const middle = eventCount >>> 1;
    const first = await this.ingest(sliceEvents(batch, 0, middle), observer);
    const second = await this.ingest(sliceEvents(batch, middle, eventCount), observer);
    return {
      eventCount,
      readingCount: first.readingCount + second.readingCount,
      quarantineCount: first.quarantineCount + second.quarantineCount,
    };
  }

  async #quarantineWhole(batch: EventBatch, error: unknown): Promise<IngestSummary> {
    const { decoder, readings, quarantine, clock, logger } = this.#options;
    logger.log('error', 'An event fails every time; it goes to quarantine', {
      source: batch.source,
      partition: batch.partition,
      sequenceNumber: batch.sequenceNumbers[0],
      error: describeError(error),
    });
    const rows = decoder.reject(batch, 'processing_failed', describeError(error), clock.nowMs());
    const quarantineCount = await this.#append(quarantine, readings, batch, rows);
    return { eventCount: 1, readingCount: 0, quarantineCount };
  }

  /** @returns how many rows this call committed */
  async #append(
    table: RowAppender,
    other: RowAppender,
    events: EventBatch,
    rows: ColumnBatch,
  ): Promise<number> {
    if (rows.rowCount === 0) return 0;
    const { clock } = this.#options;
    const committedElsewhere = await other.committedTransactions();
    let plan: ReturnType<typeof planAppend>;
    const result = await table.append({
      prepare: (committed) => {
        plan = planAppend({ events, rows, committed, committedElsewhere, nowMs: clock.nowMs() });
        return plan;
      },
    });
    if (result.kind === 'alreadyCommitted') return 0;
    if (plan?.startsIncarnation === true) this.#reportIncarnation(events, plan.incarnation);
    return result.rowCount;
  }

  #reportIncarnation(events: EventBatch, incarnation: number): void {
    this.#options.logger.log(
      'warn',
      'The event hub was deleted and made again; its events are ingested as a new source',
      {
        hub: events.source,
        partition: events.partition,
        source: sourceName(events.source, incarnation),
      },
    );
  }
}

/** Sequence numbers ascend within a partition; a step back means that the hub was made again in mid-batch. */
function ascendingRuns(batch: EventBatch): EventBatch[] {
  const { sequenceNumbers } = batch;
  const runs: EventBatch[] = [];
  let start = 0;
  for (let index = 1; index <= sequenceNumbers.length; index++) {
    if (index < sequenceNumbers.length && sequenceNumbers[index]! > sequenceNumbers[index - 1]!) continue;
    runs.push(start === 0 && index === sequenceNumbers.length ? batch : sliceEvents(batch, start, index));
    start = index;
  }
  return sequenceNumbers.length === 0 ? [] : runs;
}

function sliceEvents(batch: EventBatch, start: number, end: number): EventBatch {
  return {
    source: batch.source,
    partition: batch.partition,
    bodies: batch.bodies.slice(start, end),
    sequenceNumbers: batch.sequenceNumbers.slice(start, end),
    enqueuedMs: batch.enqueuedMs.slice(start, end),
    systemProperties: batch.systemProperties.slice(start, end),
    properties: batch.properties.slice(start, end),
  };
}
