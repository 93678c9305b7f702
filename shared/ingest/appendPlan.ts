// Pure. Which of a batch's rows a table still lacks, and the transactions that will say that it has them.
import type { PreparedAppend, TransactionVersions } from '../delta/index.js';
import type { EventBatch } from '../events/index.js';
import { type ColumnBatch, type ColumnValues, sliceBatch } from '../parquet/index.js';
import {
  currentProgress,
  enqueuedAppId,
  firstEventOfNextIncarnation,
  type PartitionKey,
  progressIn,
  sequenceAppId,
  sourceName,
} from './sourceProgress.js';

export interface AppendPlanInput {
  /** The events that `rows` were decoded from. Never empty. */
  readonly events: EventBatch;
  /** Readings or quarantine rows, ascending by `_sequence_number`. */
  readonly rows: ColumnBatch;
  /** Transactions of the table that gets the rows. */
  readonly committed: TransactionVersions;
  /** Transactions of the other table of this ingest, so that both agree on the hub's incarnation. */
  readonly committedElsewhere: TransactionVersions;
  readonly nowMs: number;
}

export interface AppendPlan extends PreparedAppend {
  readonly batch: ColumnBatch;
  /** True when the batch holds the first events seen of a hub that was made again. */
  readonly startsIncarnation: boolean;
  readonly incarnation: number;
}

/**
 * Cuts off what the table has committed. A redelivered batch is trimmed by sequence number and never skipped whole,
 * because batches are cut at other places when they come again.
 * @returns undefined when nothing is left to append
 */
export function planAppend(input: AppendPlanInput): AppendPlan | undefined {
  const { events, rows, committed, committedElsewhere } = input;
  const key: PartitionKey = { hub: events.source, partition: events.partition };
  const known = currentProgress([committed, committedElsewhere], key);
  const boundary = firstEventOfNextIncarnation(events, known);
  const startsIncarnation = boundary < events.sequenceNumbers.length;
  // Before the boundary lie redelivered events of the hub that is gone; their rows are committed already.
  const incarnation = startsIncarnation ? known.incarnation + 1 : known.incarnation;
  const firstEvent = startsIncarnation ? boundary : 0;
  const progress = progressIn([committed], key, incarnation);

  const sequenceNumbers = longColumn(rows, '_sequence_number');
  const start = firstRowAbove(
    sequenceNumbers,
    rows.rowCount,
    Math.max(progress.lastSequenceNumber, events.sequenceNumbers[firstEvent]! - 1),
  );
  if (start === rows.rowCount) return undefined;

  const appId = sequenceAppId(key, incarnation);
  return {
    batch: withSource(sliceBatch(rows, start, rows.rowCount), sourceName(key.hub, incarnation)),
    transactions: [
      { appId, version: events.sequenceNumbers.at(-1)!, lastUpdated: input.nowMs },
      {
        appId: enqueuedAppId(key, incarnation),
        version: maximum(events.enqueuedMs, firstEvent, progress.lastEnqueuedMs),
        lastUpdated: input.nowMs,
      },
    ],
    readAppIds: [appId, sequenceAppId(key, incarnation + 1)],
    startsIncarnation,
    incarnation,
  };
}

function longColumn(rows: ColumnBatch, name: string): Float64Array {
  const column = rows.columns[rows.fields.findIndex((field) => field.name === name)];
  if (column?.kind !== 'numbers' || !(column.values instanceof Float64Array)) {
    throw new TypeError(`The rows have no numeric column "${name}".`);
  }
  return column.values;
}

/** First row whose sequence number is greater than `sequenceNumber`; the rows ascend, so halving finds it. */
function firstRowAbove(sequenceNumbers: Float64Array, rowCount: number, sequenceNumber: number): number {
  let low = 0;
  let high = rowCount;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sequenceNumbers[middle]! > sequenceNumber) high = middle;
    else low = middle + 1;
  }
  return low;
}

function maximum(values: readonly number[], start: number, least: number): number {
  let greatest = least;
  for (let index = start; index < values.length; index++) greatest = Math.max(greatest, values[index]!);
  return greatest;
}

function withSource(rows: ColumnBatch, source: string): ColumnBatch {
  const position = rows.fields.findIndex((field) => field.name === '_source');
  const columns: ColumnValues[] = [...rows.columns];
  columns[position] = { kind: 'text', values: new Array<string>(rows.rowCount).fill(source) };
  return { ...rows, columns };
}
