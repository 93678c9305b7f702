// `npm run tables`: what the tables of the running stack hold.

import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { noPositionals } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { type LakeTable, openLake } from './lake/lake.js';
import { StackState } from './stack/stackState.js';
import {
  chooseStyle,
  formatBytes,
  formatCount,
  formatTimestamp,
  layoutTable,
  type TableColumn,
  terminalWidth,
} from './terminal/index.js';

const tablesCommand = {
  invocation: 'npm run tables --',
  summary: 'Lists the Delta tables of a running npm start.',
  positionals: noPositionals,
  options: {
    json: jsonOption,
    state: stateOption,
  },
  examples: [
    ['npm run tables', 'version, rows, files, size, progress'],
    ['npm run --silent tables -- --json', 'the same for programs'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

const columns: readonly TableColumn[] = [
  { title: 'table', align: 'left', minimumWidth: 8 },
  { title: 'version', align: 'right' },
  { title: 'rows', align: 'right' },
  { title: 'files', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'last commit', align: 'left' },
  { title: 'ingested up to (partition: sequence number)', align: 'left', minimumWidth: 12 },
];

await runCommand(tablesCommand, async (options) => {
  const endpoints = new StackState(options.state).readEndpoints();
  const lake = await openLake(endpoints.storage);
  const tables = await lake.listTables();
  if (options.json) {
    console.log(JSON.stringify(tables, null, 2));
    return exitCodes.done;
  }
  const isTerminal = process.stdout.isTTY === true;
  const layout = layoutTable(columns, tables.map(cellsOf), {
    style: chooseStyle(isTerminal, process.env),
    width: isTerminal ? terminalWidth(process.stdout) : undefined,
  });
  console.log(layout.lines.join('\n'));
  return exitCodes.done;
});

function cellsOf(table: LakeTable): string[] {
  return [
    table.name,
    formatCount(table.version),
    table.rows === null ? '?' : formatCount(table.rows),
    formatCount(table.files),
    formatBytes(table.bytes),
    table.lastCommitMs === null ? '?' : formatTimestamp(BigInt(table.lastCommitMs) * 1000n),
    progressText(table.transactions),
  ];
}

/** `ingest/<source>/<partition>` -> sequence number; one source is not named again for each partition. */
function progressText(transactions: Readonly<Record<string, number>>): string {
  const bySource = new Map<string, string[]>();
  for (const [appId, version] of Object.entries(transactions)) {
    const match = /^ingest\/(.+)\/(\d+)$/.exec(appId);
    if (match === null) continue;
    const [, source = '', partition = ''] = match;
    bySource.set(source, [...(bySource.get(source) ?? []), `${partition}: ${formatCount(version)}`]);
  }
  return [...bySource].map(([source, partitions]) => `${source} ${partitions.join(', ')}`).join('; ');
}
