// Pure. What `npm start` says apart from its status: where to send, and the summary at the end.
import type { SimulatorTally } from '../simulator/sender.js';
import { formatCount, formatElapsed } from '../terminal/quantities.js';

export interface BeforeAndAfter {
  readonly before: number | undefined;
  readonly after: number | undefined;
}

export interface RunSummary {
  readonly elapsedMs: number;
  /** Undefined with --no-simulate. */
  readonly tally: SimulatorTally | undefined;
  readonly readings: BeforeAndAfter;
  readonly quarantined: BeforeAndAfter;
  /** Events in the hub that no table has yet; undefined when not known. */
  readonly waitingEvents: number | undefined;
  readonly stateFolder: string;
  /** ` --state FOLDER` when it is not the usual one. */
  readonly stateOption: string;
  readonly readingsTable: string;
}

export function summaryLines(summary: RunSummary): string[] {
  const { elapsedMs, tally, readings, quarantined, stateOption, readingsTable } = summary;
  const start = (options: string) =>
    options + stateOption === '' ? 'npm start' : `npm start --${options}${stateOption}`;
  return [
    '',
    `Stopped after ${formatElapsed(elapsedMs)}.`,
    ...(tally === undefined ? [] : sentLines(tally)),
    fact('committed', rowsText(readings)),
    fact('quarantined', rowsText(quarantined)),
    fact('waiting', waitingText(summary.waitingEvents)),
    fact('state', summary.stateFolder),
    '',
    fact('go on', start('')),
    fact('look', `${start(' --no-simulate')}, then: npm run show -- ${readingsTable}${stateOption}`),
    fact('start afresh', start(' --reset')),
  ];
}

function fact(label: string, text: string): string {
  return `  ${label.padEnd(13)}${text}`;
}

function sentLines(tally: SimulatorTally): string[] {
  const { events, expectedReadings, expectedQuarantined, uncertainEvents } = tally;
  return [
    fact(
      'sent',
      `${formatCount(events)} events, which make ${formatCount(expectedReadings)} readings and ${formatCount(expectedQuarantined)} for quarantine`,
    ),
    ...(uncertainEvents === 0
      ? []
      : [fact('failed', `${formatCount(uncertainEvents)} events; the hub may have some of them`)]),
  ];
}

function rowsText({ before, after }: BeforeAndAfter): string {
  if (after === undefined) return 'not known: the last status could not be read';
  if (before === undefined) return `${formatCount(after)} rows in the table`;
  const total = before === 0 ? '' : ` (${formatCount(after)} in the table)`;
  return `${formatCount(after - before)} rows${total}`;
}

function waitingText(waitingEvents: number | undefined): string {
  if (waitingEvents === undefined) return 'not known';
  if (waitingEvents === 0) return 'no events: everything sent is in the tables';
  return `${formatCount(waitingEvents)} events in the hub; the next start takes them in`;
}

export interface WhereToSend {
  readonly eventHubs: string;
  readonly storage: string;
  readonly statusUrl: string;
}

export function whereToSendLines(where: WhereToSend, hub: string, stateOption: string): string[] {
  const reading = '{"deviceId":"device_1","ts":"2025-10-06T10:00:00Z","temperature":21.5,"battery":87}';
  return [
    '',
    `Event hub "${hub}", for any Event Hubs client:`,
    `  ${where.eventHubs}`,
    'Storage, for any Azure Storage client:',
    `  ${where.storage}`,
    'Status:',
    `  ${where.statusUrl}`,
    'Send from another terminal:',
    `  npm run send -- readings.json${stateOption}`,
    `  echo '${reading}' | npm run send -- -${stateOption}`,
    '',
  ];
}
