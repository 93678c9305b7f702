// `npm run history -- readings`: the commits of a table, newest first.
import { type HistoryEntry, readHistory } from '../shared/delta/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { locateUpkeepTable, tablePositional } from './lake/upkeepTable.js';
import {
  chooseStyle,
  formatCount,
  formatTimestamp,
  layoutTable,
  type TableColumn,
  terminalWidth,
  visibleText,
} from './terminal/index.js';

const historyCommand = {
  invocation: 'npm run history --',
  summary: 'Lists the commits of a Delta table of a running npm start, newest first.',
  positionals: tablePositional,
  options: {
    limit: { kind: 'integer', minimum: 1, maximum: 1_000_000, fallback: 20, description: 'commits to list' },
    json: jsonOption,
    state: stateOption,
  },
  examples: [
    ['npm run history -- readings', 'the latest 20 commits'],
    ['npm run --silent history -- readings --json --limit 1000', 'for programs'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

const columns: readonly TableColumn[] = [
  { title: 'version', align: 'right' },
  { title: 'time', align: 'left' },
  { title: 'operation', align: 'left' },
  { title: 'what it did', align: 'left', minimumWidth: 12 },
  { title: 'by', align: 'left', minimumWidth: 6, maximumWidth: 40 },
];

await runCommand(historyCommand, async (options, [name = '']) => {
  const table = await locateUpkeepTable(options.state, name);
  const history = await readHistory({ ...table, limit: options.limit });
  if (options.json) {
    console.log(JSON.stringify(history, null, 2));
    return exitCodes.done;
  }
  const isTerminal = process.stdout.isTTY === true;
  const layout = layoutTable(columns, history.map(cellsOf), {
    style: chooseStyle(isTerminal, process.env),
    width: isTerminal ? terminalWidth(process.stdout) : undefined,
  });
  console.log(layout.lines.join('\n'));
  return exitCodes.done;
});

function cellsOf(entry: HistoryEntry): string[] {
  return [
    formatCount(entry.version),
    formatTimestamp(BigInt(Math.floor(entry.timestampMs)) * 1000n),
    visibleText(entry.operation ?? '?'),
    visibleText(metricsText(entry)),
    visibleText(entry.engineInfo ?? ''),
  ];
}

/** `numOutputRows: 500` reads as `output rows 500`. */
function metricsText({ operationMetrics }: HistoryEntry): string {
  return Object.entries(operationMetrics)
    .filter(([key]) => key.startsWith('num'))
    .map(([key, value]) => `${wordsOf(key.slice(3))} ${countText(value)}`)
    .join(', ');
}

function wordsOf(key: string): string {
  return key.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

function countText(value: unknown): string {
  const count = Number(value);
  return Number.isFinite(count) ? formatCount(count) : String(value);
}
