// `npm run show -- readings`: rows of a table of the running stack.

import type { DataBatch, DataField } from '../shared/parquet/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { stateOption } from './commandLine/commonOptions.js';
import { openLake, type RowReading } from './lake/lake.js';
import { parseMoment } from './lake/moment.js';
import { StackState } from './stack/stackState.js';
import {
  chooseStyle,
  formatCell,
  formatCount,
  isNumeric,
  jsonRow,
  layoutTable,
  type TableColumn,
  terminalWidth,
} from './terminal/index.js';

const showCommand = {
  invocation: 'npm run show --',
  summary: 'Prints rows of a Delta table of a running npm start.',
  positionals: { name: 'TABLE', minimum: 1, maximum: 1, description: 'e.g. readings or quarantine' },
  options: {
    limit: {
      kind: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      fallback: 20,
      description: 'rows to print',
    },
    columns: { kind: 'list', description: 'columns to print, in this order (default as many as fit)' },
    newest: { kind: 'flag', description: 'the rows committed last, newest first' },
    'as-of': {
      kind: 'text',
      placeholder: 'VERSION',
      description: 'as the table was: a version, or a time such as 2026-01-31T12:30:00Z (default now)',
    },
    json: { kind: 'flag', description: 'one JSON object a line, for programs' },
    state: stateOption,
  },
  examples: [
    ['npm run show -- readings --newest', 'the latest 20 rows'],
    ['npm run show -- quarantine --columns reason,body --limit 5', 'why, and what'],
    ['npm run show -- readings --as-of 12', 'as version 12 had them'],
    ['npm run --silent show -- readings --json --limit 1000 > rows.ndjson', 'for programs'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

await runCommand(showCommand, async (options, [table = '']) => {
  const { limit, columns, newest } = options;
  const asOf = options['as-of'];
  const moment = asOf === undefined ? undefined : parseMoment(asOf, '--as-of');
  const endpoints = new StackState(options.state).readEndpoints();
  const lake = await openLake(endpoints.storage);
  const reading = await lake.readRows(table, { limit, columns, newest, moment });
  if (options.json) await printJson(reading);
  else await printTable(table, reading, limit);
  return exitCodes.done;
});

async function printJson(reading: RowReading): Promise<void> {
  for await (const batch of reading.batches) {
    for (let row = 0; row < batch.rowCount; row++) console.log(JSON.stringify(jsonRow(batch, row)));
  }
}

async function printTable(table: string, reading: RowReading, limit: number): Promise<void> {
  const cells: string[][] = [];
  for await (const batch of reading.batches) cells.push(...cellsOf(batch));
  const isTerminal = process.stdout.isTTY === true;
  const style = chooseStyle(isTerminal, process.env);
  const layout = layoutTable(reading.fields.map(columnOf), cells, {
    style,
    width: isTerminal ? terminalWidth(process.stdout) : undefined,
  });
  console.log(layout.lines.join('\n'));
  console.log(`\n${style.dim(footer(table, reading.version, cells.length, limit))}`);
  if (layout.omitted.length > 0)
    console.log(style.dim(`No room for: ${layout.omitted.join(', ')}. Choose with --columns A,B.`));
}

function footer(table: string, version: number, rowCount: number, limit: number): string {
  const more = rowCount === limit ? ` (--limit ${limit})` : '';
  return `${formatCount(rowCount)} ${rowCount === 1 ? 'row' : 'rows'} of ${table}, version ${version}${more}`;
}

function cellsOf(batch: DataBatch): string[][] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.fields.map((field, index) => formatCell(field.type, batch.columns[index]!, row)),
  );
}

/** Text, and what is shown as JSON, may be cut to fit; numbers and times never. */
function columnOf(field: DataField): TableColumn {
  const { name: title, type } = field;
  const isText = typeof type === 'string' ? type === 'string' || type === 'binary' : type.kind !== 'decimal';
  if (isText) return { title, align: 'left', minimumWidth: 10, maximumWidth: 60 };
  return { title, align: isNumeric(type) ? 'right' : 'left' };
}
