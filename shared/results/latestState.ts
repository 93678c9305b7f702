// The latest state of devices in small tables, for pages that must answer at once. Rows of a shard are one partition:
//   device|<id>                      the newest values, watermark, open alerts, open windows
//   alerts|<id>                      the newest alerts of the device, as JSON
//   window|<id>|<definition>|<start> a closed window of a definition with output `complete`
// and, in the partition `shards`, one row per shard with what it says of itself. Everything here can be told again; the tables have
// the truth.
import { stableId } from '../alerts/index.js';
import {
  type AlertRow,
  decodeAlertRow,
  decodeWindowRow,
  type LatestDevice,
  type ShardSummary,
  type WindowRow,
} from '../shards/index.js';
import {
  type Ledger,
  type LedgerChange,
  type LedgerRow,
  type LedgerValues,
  maxLedgerChanges,
} from '../storage/index.js';
import type { NumberedBatch } from './resultTables.js';

export const recentAlertCount = 20;
const summaryPartition = 'shards';
/** A text in a table row has 32,768 characters at most. */
const maxText = 32_000;
const maxKey = 400;

export interface RecentAlert {
  readonly id: string;
  readonly transition: string;
  readonly rule: string;
  readonly group: string;
  readonly severity: string;
  readonly message: string;
  readonly value: number | null;
  readonly eventTimeMicros: number;
}

export class LatestState {
  constructor(
    private readonly ledger: Ledger,
    /** Definitions whose closed windows stay. */
    private readonly keptWindows: ReadonlySet<string>,
  ) {}

  async update(batch: NumberedBatch): Promise<void> {
    const partition = shardPartition(batch.shard);
    const changes = [
      ...batch.latest.map(deviceChange),
      ...batch.rows.windows.map(decodeWindowRow).flatMap((row) => this.#windowChange(row, batch)),
      ...(await this.#alertChanges(partition, batch.rows.alerts.map(decodeAlertRow))),
    ];
    await this.#put(partition, changes);
  }

  async summarize(shard: number, summary: ShardSummary): Promise<void> {
    const { watermarkMinMicros, watermarkMaxMicros, ...counts } = summary;
    const values: LedgerValues = {
      shard,
      ...counts,
      ...(watermarkMinMicros === null ? {} : { watermarkMinMicros }),
      ...(watermarkMaxMicros === null ? {} : { watermarkMaxMicros }),
    };
    await this.ledger.change(summaryPartition, [{ kind: 'put', row: shardPartition(shard), values }]);
  }

  /** What each shard last said of itself, ascending by shard. */
  async summaries(): Promise<(ShardSummary & { readonly shard: number })[]> {
    const summaries: (ShardSummary & { readonly shard: number })[] = [];
    for await (const { values } of this.ledger.list({ partition: summaryPartition })) {
      const { watermarkMinMicros = null, watermarkMaxMicros = null, ...counts } = values;
      summaries.push({ watermarkMinMicros, watermarkMaxMicros, ...counts } as ShardSummary & {
        shard: number;
      });
    }
    return summaries;
  }

  #windowChange({ device, window, closedAtMs, layout }: WindowRow, batch: NumberedBatch): LedgerChange[] {
    if (!this.keptWindows.has(window.definition)) return [];
    const row = `window|${deviceKey(device)}|${window.definition}|${timeKey(window.startMicros)}`;
    const fields = batch.layouts[layout] ?? [];
    const { definition, startMicros, endMicros, closedBy, messageCount, metrics } = window;
    const values = {
      ...{ device, definition, startMicros, endMicros, closedBy, messageCount, closedAtMs },
      metrics: jsonOf(Object.fromEntries(metrics.map((metric, index) => [fields[index] ?? '', metric]))),
    };
    return [{ kind: 'put', row, values }];
  }

  async #alertChanges(partition: string, rows: readonly AlertRow[]): Promise<LedgerChange[]> {
    const ofDevice = new Map<string, AlertRow[]>();
    for (const row of rows) ofDevice.set(row.device, [...(ofDevice.get(row.device) ?? []), row]);
    const changes: LedgerChange[] = [];
    // One read after the other: alerts are few, and the tables' rate is shared.
    for (const [device, added] of ofDevice) {
      const row = `alerts|${deviceKey(device)}`;
      const known = recentAlerts(await this.ledger.get({ partition, row }));
      const recent = newestAlerts([...added.map(recentAlert), ...known]);
      changes.push({ kind: 'put', row, values: { device, recent: jsonOf(recent) } });
    }
    return changes;
  }

  /** The last change of a row counts: a transaction may name a row once. */
  async #put(partition: string, changes: readonly LedgerChange[]): Promise<void> {
    const distinct = [...new Map(changes.map((change) => [change.row, change])).values()];
    for (let start = 0; start < distinct.length; start += maxLedgerChanges) {
      await this.ledger.change(partition, distinct.slice(start, start + maxLedgerChanges));
    }
  }
}

export function shardPartition(shard: number): string {
  return `shard-${String(shard).padStart(4, '0')}`;
}

/** Any id as a part of a row's key; a long one is cut and told from others by a hash. */
export function deviceKey(id: string): string {
  const key = encodeURIComponent(id.replace(/\p{Surrogate}/gu, '\ufffd'));
  return key.length <= maxKey ? key : `${key.slice(0, maxKey - 33)}~${stableId([id])}`;
}

export function recentAlerts(row: LedgerRow | undefined): readonly RecentAlert[] {
  const text = row?.values.recent;
  return typeof text === 'string' ? (JSON.parse(text) as readonly RecentAlert[]) : [];
}

function deviceChange(latest: LatestDevice): LedgerChange {
  const { device, lastArrivalMs, eventTimeMicros, watermarkMicros, values, openAlerts, openWindows } = latest;
  return {
    kind: 'put',
    row: `device|${deviceKey(device)}`,
    values: {
      ...{ device, lastArrivalMs, eventTimeMicros },
      ...(watermarkMicros === null ? {} : { watermarkMicros }),
      values: jsonOf(values),
      openAlerts: jsonOf(openAlerts),
      openWindows: fittingJson(openWindows),
    },
  };
}

function recentAlert({ alert }: AlertRow): RecentAlert {
  const { id, transition, rule, group, severity, message, value, eventTimeMicros } = alert;
  return { id, transition, rule, group, severity, message: message.slice(0, 500), value, eventTimeMicros };
}

function newestAlerts(alerts: readonly RecentAlert[]): readonly RecentAlert[] {
  const distinct = [...new Map(alerts.map((alert) => [alert.id, alert])).values()];
  return distinct
    .sort((one, other) => other.eventTimeMicros - one.eventTimeMicros)
    .slice(0, recentAlertCount);
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value);
}

/** As many of the last ones as a table's row can hold. */
function fittingJson(items: readonly unknown[]): string {
  let first = 0;
  let text = jsonOf(items);
  while (text.length > maxText && first < items.length) {
    first += Math.max(1, Math.ceil((items.length - first) / 4));
    text = jsonOf(items.slice(first));
  }
  return text;
}

/** Sorts as the times do, also before 1970: sixteen digits after an offset that makes all of them positive. */
function timeKey(micros: number): string {
  return String(micros + 4_000_000_000_000_000).padStart(17, '0');
}
