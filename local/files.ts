// `npm run files -- STREAM`: what became of each file, and how much waits.
import type { FileRow } from '../shared/autoloader/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { openStreamOfStack, streamPositional } from './lake/fileStream.js';
import {
  chooseStyle,
  formatBytes,
  formatCount,
  formatCountOf,
  formatTimestamp,
  layoutTable,
  type TableColumn,
  terminalWidth,
  visibleText,
} from './terminal/index.js';

const filesCommand = {
  invocation: 'npm run files --',
  summary:
    'Lists the files that a stream knows, newest first: which wait, which are in the table and since when, which could not be read.',
  positionals: streamPositional,
  options: {
    limit: {
      kind: 'integer',
      placeholder: 'N',
      minimum: 1,
      maximum: 1_000_000,
      fallback: 20,
      description: 'files to show',
    },
    json: jsonOption,
    state: stateOption,
  },
  examples: [
    ['npm run files -- landed', 'the last 20 files'],
    ['npm run --silent files -- landed --json --limit 1000000', 'all of them, for programs'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

const columns: readonly TableColumn[] = [
  { title: 'file', align: 'left', minimumWidth: 12 },
  { title: 'state', align: 'left' },
  { title: 'size', align: 'right' },
  { title: 'discovered', align: 'left' },
  { title: 'batch', align: 'right' },
  { title: 'rows', align: 'right' },
  { title: 'bad', align: 'right' },
  { title: 'moved to', align: 'left' },
];

await runCommand(filesCommand, async (options, [name = '']) => {
  const { ledger } = await openStreamOfStack(options.state, name);
  const newest: FileRow[] = [];
  let known = 0;
  for await (const file of ledger.files()) {
    known++;
    newest.push(file);
    if (newest.length >= 2 * options.limit + 1_000) keepNewest(newest, options.limit);
  }
  keepNewest(newest, options.limit);
  const { fileCount, byteCount } = await ledger.outstanding();
  const outstanding = { files: fileCount, bytes: byteCount };
  if (options.json) {
    console.log(JSON.stringify({ known, outstanding, files: newest }, null, 2));
    return exitCodes.done;
  }
  const isTerminal = process.stdout.isTTY === true;
  const layout = layoutTable(columns, newest.map(cellsOf), {
    style: chooseStyle(isTerminal, process.env),
    width: isTerminal ? terminalWidth(process.stdout) : undefined,
  });
  if (newest.length > 0) console.log(layout.lines.join('\n'));
  console.log(
    `${formatCountOf(known, 'file')} known, ${formatCount(fileCount)} of them wait (${formatBytes(byteCount)}).`,
  );
  return exitCodes.done;
});

function keepNewest(files: FileRow[], count: number): void {
  files.sort((left, right) => right.discoveredMs - left.discoveredMs);
  files.length = Math.min(files.length, count);
}

function cellsOf(file: FileRow): string[] {
  const count = (value: number | undefined) => (value === undefined ? '' : formatCount(value));
  return [
    visibleText(file.path),
    file.state,
    formatBytes(file.sizeBytes),
    formatTimestamp(BigInt(file.discoveredMs) * 1000n),
    count(file.batch),
    count(file.rowCount),
    count(file.badCount),
    file.archivedTo === '' ? '(deleted)' : visibleText(file.archivedTo ?? ''),
  ];
}
