// Are windows and alerts what the readings say? Computed anew from the readings table, in a few lines that share no code with ours.
import type { App } from '../../shared/app.js';
import { queryTable, type Row } from './duckdb.js';

export interface ShardOracle {
  readonly windowMs: number;
  /** Readings above it breach. */
  readonly threshold: number;
}

export interface ShardAccount {
  readonly readings: number;
  readonly late: number;
  readonly windows: number;
  readonly alerts: number;
  /** Empty when all is well. */
  readonly faults: readonly string[];
}

interface Reading {
  readonly device: string;
  readonly us: number;
  readonly temperature: number | null;
  readonly identity: string;
}

/** Rows of the tables; columns are named as in the SQL below. */
export interface ShardRows {
  readonly readings: readonly Row[];
  readonly late: readonly Row[];
  readonly windows: readonly Row[];
  readonly alerts: readonly Row[];
}

/** Every reading is in its window or late, once; every window has a row and every breach an alert, once. */
export async function accountShards(app: App, oracle: ShardOracle): Promise<ShardAccount> {
  const { tables } = app.pipeline;
  const [readings, late, windows, alerts] = [
    await rowsOf(app, tables.readings, readingsSql),
    await rowsOf(app, tables.lateReadings, `select ${identityColumns} from {files}`),
    await rowsOf(app, tables.windows, windowsSql),
    await rowsOf(app, tables.alerts, `select alert_id, ${identityColumns} from {files}`),
  ];
  return accountRows({ readings, late, windows, alerts }, oracle);
}

export function accountRows(rows: ShardRows, oracle: ShardOracle): ShardAccount {
  const readings = rows.readings.map(readingOf);
  const late = rows.late.map(identityOf);
  const identities = new Set(readings.map(({ identity }) => identity));
  const ids = rows.alerts.map(({ alert_id }) => String(alert_id));
  const faults = [
    ...difference(
      'reading',
      [...identities],
      readings.map(({ identity }) => identity),
    ),
    ...difference(
      'late reading',
      late,
      [...new Set(late)].filter((identity) => identities.has(identity)),
    ),
    ...difference('window', rows.windows.map(windowText), expectedWindows(readings, new Set(late), oracle)),
    ...difference(
      'alert',
      rows.alerts.map(identityOf),
      readings.filter((reading) => breaches(reading, oracle)).map(({ identity }) => identity),
    ),
    ...difference('alert id', ids, [...new Set(ids)]),
  ];
  return {
    readings: readings.length,
    late: late.length,
    windows: rows.windows.length,
    alerts: rows.alerts.length,
    faults,
  };
}

function breaches({ temperature }: Reading, { threshold }: ShardOracle): boolean {
  return temperature !== null && temperature > threshold;
}

const identityColumns =
  '_source as source, _partition as partition, _sequence_number::double as sequence, _index::double as index';
const readingsSql = `select device_id, epoch_us(event_time)::double as us, temperature, ${identityColumns} from {files}`;
const windowsSql = `select device_id, epoch_us(window_start)::double as us, message_count::double as n, count_temperature::double as c,
  sum_temperature as s, min_temperature as lo, max_temperature as hi from {files}`;

function readingOf(row: Row): Reading {
  return {
    device: String(row.device_id),
    us: Number(row.us),
    temperature: row.temperature === null ? null : Number(row.temperature),
    identity: identityOf(row),
  };
}

export async function rowsOf(app: App, table: string, sql: string): Promise<Row[]> {
  const { store, snapshot } = await app.loadTable(table);
  return snapshot.files.size === 0 ? [] : queryTable(store, snapshot, sql);
}

function identityOf({ source, partition, sequence, index }: Row): string {
  return `${source}/${partition}/${sequence}/${index}`;
}

function expectedWindows(
  readings: readonly Reading[],
  late: ReadonlySet<string>,
  { windowMs }: ShardOracle,
): string[] {
  const groups = new Map<string, Reading[]>();
  for (const reading of readings) {
    if (late.has(reading.identity)) continue;
    const us = Math.floor(reading.us / (windowMs * 1000)) * windowMs * 1000;
    const key = JSON.stringify([reading.device, us]);
    groups.set(key, [...(groups.get(key) ?? []), reading]);
  }
  return [...groups].map(([key, members]) => {
    const [device_id, us] = JSON.parse(key) as [string, number];
    const values = members.flatMap(({ temperature }) => temperature ?? []);
    const has = values.length > 0;
    return windowText({
      ...{ device_id, us, n: members.length, c: values.length },
      s: has ? values.reduce((sum, value) => sum + value, 0) : null,
      lo: has ? Math.min(...values) : null,
      hi: has ? Math.max(...values) : null,
    });
  });
}

/** Sums are rounded: ours do not depend on the order of the readings, these do. */
function windowText({ device_id, us, n, c, s, lo, hi }: Row): string {
  const sum = s === null || s === undefined ? 'null' : Number(s).toFixed(6);
  return `${device_id} ${us}: ${n} (${c}, ${sum}, ${lo}, ${hi})`;
}

function difference(what: string, found: readonly string[], expected: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const item of found) counts.set(item, (counts.get(item) ?? 0) + 1);
  for (const item of expected) counts.set(item, (counts.get(item) ?? 0) - 1);
  return [...counts].flatMap(([item, count]) =>
    count === 0 ? [] : [`${what} ${item}: ${count > 0 ? `${count} too many` : `${-count} missing`}`],
  );
}
