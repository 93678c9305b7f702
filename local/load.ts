// `npm run load -- STREAM`: loads the files that are there now.
import { loadFiles } from '../shared/autoloader/index.js';
import { systemClock } from '../shared/base/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { openStreamOfStack, streamPositional } from './lake/fileStream.js';
import { ProgressLine } from './lake/upkeepTable.js';
import { formatCount, formatCountOf, formatDuration } from './terminal/index.js';

const loadCommand = {
  invocation: 'npm run load --',
  summary:
    'Lists the container of a stream of files and loads what is there into its table, each file once. ' +
    'The app does the same by itself; both may be at work at the same time.',
  positionals: streamPositional,
  options: { json: jsonOption, state: stateOption },
  examples: [['npm run load -- landed', 'while npm start runs']],
} as const satisfies CommandDefinition<OptionDefinitions>;

await runCommand(loadCommand, async (options, [name = '']) => {
  const startMs = systemClock.nowMs();
  const { stream, discovery, loader } = await openStreamOfStack(options.state, name);
  const { fileCount, newCount } = await discovery.list();
  const progress = new ProgressLine();
  let files = 0;
  const batches = await loadFiles(loader, {
    discoveredBeforeMs: systemClock.nowMs() + 1,
    onBatch: (batch) => {
      files += batch.fileCount;
      progress.show(`${formatCountOf(files, 'file')} loaded`);
    },
  }).finally(() => progress.clear());
  const sum = (count: 'rowCount' | 'badCount') => batches.reduce((total, batch) => total + batch[count], 0);
  const summary = {
    ...{ listed: fileCount, discovered: newCount, batches: batches.length, files },
    ...{ rows: sum('rowCount'), badRecords: sum('badCount') },
  };
  if (options.json) console.log(JSON.stringify(summary, null, 2));
  else {
    console.log(
      `${formatCountOf(fileCount, 'file')} in ${stream.container}, ${formatCount(newCount)} of them new.`,
    );
    console.log(
      `${formatCountOf(files, 'file')} in ${formatCountOf(batches.length, 'commit')}: ${formatCountOf(summary.rows, 'row')} in ${stream.table}, ` +
        `${formatCount(summary.badRecords)} records in quarantine.`,
    );
    console.log(`Took ${formatDuration(systemClock.nowMs() - startMs)}.`);
  }
  return exitCodes.done;
});
