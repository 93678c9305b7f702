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

/** Every reading is in its window or late, once; every window has a row and every breach an alert, once. */
export async function accountShards(app: App, oracle: ShardOracle): Promise<ShardAccount> {
  const readings = await readingsIn(app);
  const late = new Set((await rowsOf(app, app.pipeline.tables.lateReadings, identitySql)).map(identityOf));
  const windows = await rowsOf(
    app,
    app.pipeline.tables.windows,
    `select device_id, epoch_us(window_start)::double as us, message_count::double as n, count_temperature::double as c,
       sum_temperature as s, min_temperature as lo, max_temperature as hi from {files}`,
  );
  const alerts = await rowsOf(
    app,
    app.pipeline.tables.alerts,
    `select alert_id, ${identityColumns} from {files}`,
  );
  const faults = [
    ...difference('window', windows.map(windowText), expectedWindows(readings, late, oracle)),
    ...difference(
      'alert',
      alerts.map(identityOf),
      readings
        .filter(({ temperature }) => temperature !== null && temperature > oracle.threshold)
        .map(({ identity }) => identity),
    ),
    ...difference(
      'alert id',
      [...new Set(alerts.map(({ alert_id }) => String(alert_id)))],
      alerts.map(({ alert_id }) => String(alert_id)),
    ),
    ...[...late]
      .filter((identity) => !readings.some((reading) => reading.identity === identity))
      .map((identity) => `late ${identity} is no reading`),
  ];
  return {
    readings: readings.length,
    late: late.size,
    windows: windows.length,
    alerts: alerts.length,
    faults,
  };
}

const identityColumns =
  '_source as source, _partition as partition, _sequence_number::double as sequence, _index::double as index';
const identitySql = `select ${identityColumns} from {files}`;

async function readingsIn(app: App): Promise<Reading[]> {
  const rows = await rowsOf(
    app,
    app.pipeline.tables.readings,
    `select device_id, epoch_us(event_time)::double as us, temperature, ${identityColumns} from {files}`,
  );
  return rows.map((row) => ({
    device: String(row.device_id),
    us: Number(row.us),
    temperature: row.temperature === null ? null : Number(row.temperature),
    identity: identityOf(row),
  }));
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
