// Pure. The status of `npm start`: a frame for a terminal that is redrawn, a line where output is only appended.
import { formatBytes, formatCount, formatElapsed, formatRate } from './quantities.js';
import { plainStyle, type Style } from './style.js';
import { layoutTable } from './table.js';
import { cutToWidth, visibleText } from './text.js';

export interface TableStatus {
  readonly name: string;
  readonly version: number;
  readonly rows: number | null;
  readonly files: number;
  readonly bytes: number;
}

export interface SendingStatus {
  readonly state: 'sending' | 'stopped';
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly targetPerSecond: number;
  /** Events whose sending failed; the hub may have some of them. */
  readonly failedEvents: number;
  readonly lastError: string | undefined;
}

export interface PartitionLag {
  readonly partition: string;
  /** Events in the hub that no table has yet; undefined while one of the two sides is unknown. */
  readonly events: number | undefined;
}

export interface HostNotice {
  readonly level: 'warning' | 'error';
  readonly text: string;
  readonly ageMs: number;
}

/** Undefined stands for unknown everywhere, and is shown as such. */
export interface LiveStatus {
  readonly uptimeMs: number;
  /** Undefined with --no-simulate. */
  readonly sending: SendingStatus | undefined;
  readonly rows: number | undefined;
  readonly rowsThisRun: number | undefined;
  readonly rowsPerSecond: number | undefined;
  readonly quarantined: number | undefined;
  readonly lag: readonly PartitionLag[];
  readonly tables: readonly TableStatus[];
  /** Why the tables' state is not known, when it is not. */
  readonly statusProblem: string | undefined;
  readonly notice: HostNotice | undefined;
}

const unknown = '?';
const labelWidth = 11;

/** Lines no wider than `width`, so that the terminal never wraps them. */
export function layoutLiveFrame(status: LiveStatus, width: number, style: Style = plainStyle): string[] {
  const fact = (label: string, text: string, paint: (text: string) => string = (plain) => plain) =>
    `${style.dim(label.padEnd(labelWidth))}${paint(cutToWidth(text, Math.max(1, width - labelWidth)))}`;
  const lines = [
    fact('running', `${formatElapsed(status.uptimeMs)}   (Ctrl-C stops)`),
    fact('sent', sentText(status.sending)),
    fact('committed', committedText(status)),
    fact('quarantine', rowsText(status.quarantined)),
    fact('lag', lagText(status.lag)),
    '',
    ...tableLines(status.tables, width, style),
  ];
  if (status.statusProblem !== undefined) lines.push('', fact('status', status.statusProblem, style.yellow));
  if (status.sending?.lastError !== undefined)
    lines.push('', fact('sending', visibleText(status.sending.lastError), style.red));
  if (status.notice !== undefined) {
    const { level, text, ageMs } = status.notice;
    const paint = level === 'error' ? style.red : style.yellow;
    lines.push('', fact('host', `${formatElapsed(ageMs)} ago: ${visibleText(text)}`, paint));
  }
  return lines;
}

function sentText(sending: SendingStatus | undefined): string {
  if (sending === undefined) return 'nothing (--no-simulate)';
  const parts = [`${formatCount(sending.events)} events`];
  if (sending.state === 'stopped') parts.push('stopped');
  else parts.push(`${formatRate(sending.eventsPerSecond)} of ${formatRate(sending.targetPerSecond)} wanted`);
  if (sending.failedEvents > 0) parts.push(`${formatCount(sending.failedEvents)} failed`);
  return parts.join('   ');
}

function committedText(status: LiveStatus): string {
  const parts = [rowsText(status.rows)];
  if (status.rowsPerSecond !== undefined) parts.push(formatRate(status.rowsPerSecond));
  if (status.rowsThisRun !== undefined && status.rowsThisRun !== status.rows)
    parts.push(`${formatCount(status.rowsThisRun)} in this run`);
  return parts.join('   ');
}

function lagText(lag: readonly PartitionLag[]): string {
  if (lag.length === 0) return unknown;
  const total = totalLag(lag);
  const sum = total === undefined ? unknown : formatCount(total);
  const each = lag.map(({ partition, events }) => `${partition}: ${countOrUnknown(events)}`).join('   ');
  return `${sum} events   (partition ${each})`;
}

export function totalLag(lag: readonly PartitionLag[]): number | undefined {
  let total = 0;
  for (const { events } of lag) {
    if (events === undefined) return undefined;
    total += events;
  }
  return lag.length === 0 ? undefined : total;
}

export function tableLines(tables: readonly TableStatus[], width: number, style: Style): string[] {
  if (tables.length === 0) return [style.dim('no tables yet')];
  const rows = tables.map((table) => [
    visibleText(table.name),
    formatCount(table.version),
    table.rows === null ? unknown : formatCount(table.rows),
    formatCount(table.files),
    formatBytes(table.bytes),
  ]);
  const columns = [
    { title: 'table', align: 'left', minimumWidth: 8 },
    { title: 'version', align: 'right' },
    { title: 'rows', align: 'right' },
    { title: 'files', align: 'right' },
    { title: 'size', align: 'right' },
  ] as const;
  return [...layoutTable(columns, rows, { width, style }).lines];
}

/** One line of at most about 200 characters, for logs and pipes. */
export function layoutStatusLine(status: LiveStatus): string {
  const parts = [formatElapsed(status.uptimeMs)];
  const { sending } = status;
  if (sending !== undefined) {
    parts.push(`sent ${formatCount(sending.events)} events (${formatRate(sending.eventsPerSecond)})`);
    if (sending.failedEvents > 0) parts.push(`failed ${formatCount(sending.failedEvents)}`);
  }
  const rate = status.rowsPerSecond === undefined ? '' : ` (${formatRate(status.rowsPerSecond)})`;
  parts.push(`committed ${countOrUnknown(status.rows)} rows${rate}`);
  parts.push(`quarantined ${countOrUnknown(status.quarantined)}`);
  parts.push(`lag ${countOrUnknown(totalLag(status.lag))}`);
  if (status.statusProblem !== undefined) parts.push(status.statusProblem);
  return parts.join(' | ');
}

function rowsText(rows: number | undefined): string {
  return `${countOrUnknown(rows)} ${rows === 1 ? 'row' : 'rows'}`;
}

function countOrUnknown(count: number | undefined): string {
  return count === undefined ? unknown : formatCount(count);
}
