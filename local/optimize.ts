// `npm run optimize -- readings`: makes few large files of many small ones, and keeps the log short.
import { systemClock } from '../shared/base/index.js';
import {
  cleanUpLog,
  openTable,
  optimizeTable,
  parseTableSchema,
  primitiveColumnsOf,
  type Snapshot,
  type UpkeepOptions,
  writeCheckpointIfDue,
} from '../shared/delta/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { locateUpkeepTable, ProgressLine, tablePositional } from './lake/upkeepTable.js';
import { formatBytes, formatCount, formatCountOf, formatDuration } from './terminal/index.js';

const optimizeCommand = {
  invocation: 'npm run optimize --',
  summary:
    'Rewrites the small files of a Delta table as few large ones, sorted so that queries can skip. The rows stay the same. ' +
    'Also writes a checkpoint when one is due, and deletes the part of the log that has expired.',
  positionals: tablePositional,
  options: {
    sort: {
      kind: 'list',
      description: 'columns to sort by (default device_id,event_time, where there are such)',
    },
    target: {
      kind: 'integer',
      placeholder: 'MB',
      minimum: 1,
      maximum: 1024,
      description:
        'size that files should have (default as the table says, or 128); those of three quarters of it are left alone',
    },
    json: jsonOption,
    state: stateOption,
  },
  examples: [
    ['npm run optimize -- readings', 'while npm start runs; appends go on meanwhile'],
    ['npm run optimize -- readings --target 32', 'for a small machine'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

const usualSort = ['device_id', 'event_time'];

await runCommand(optimizeCommand, async (options, [name = '']) => {
  const table = await locateUpkeepTable(options.state, name);
  const startMs = systemClock.nowMs();
  const progress = new ProgressLine();
  const { snapshot } = await openTable(table);
  const result = await optimizeTable({
    ...table,
    sortBy: options.sort ?? usualColumns(snapshot),
    ...(options.target === undefined ? {} : { limits: { targetBytes: options.target * 1_000_000 } }),
    onProgress: (done, bins) =>
      progress.show(`${formatCount(done)} of ${formatCount(bins)} new files written`),
  }).finally(() => progress.clear());
  const log = await tendLog(table);
  if (options.json) {
    console.log(JSON.stringify({ ...result, ...log }, null, 2));
  } else {
    console.log(summaryOf(name, result));
    for (const line of logLines(log)) console.log(line);
    console.log(`Took ${formatDuration(systemClock.nowMs() - startMs)}.`);
  }
  return result.kind === 'aborted' ? exitCodes.failed : exitCodes.done;
});

function usualColumns(snapshot: Snapshot): string[] {
  const columns = primitiveColumnsOf(parseTableSchema(snapshot.metadata.schemaString)).map(
    (field) => field.name,
  );
  return usualSort.filter((name) => columns.includes(name));
}

async function tendLog(table: UpkeepOptions) {
  const { snapshot } = await openTable(table);
  return { checkpoint: await writeCheckpointIfDue(snapshot, table), logCleanup: await cleanUpLog(table) };
}

function summaryOf(name: string, result: Awaited<ReturnType<typeof optimizeTable>>): string {
  switch (result.kind) {
    case 'nothing':
      return `Nothing to do: ${name} has no two small files that belong together.`;
    case 'aborted':
      return `Another writer changed ${name} at version ${formatCount(result.version)} (${result.conflict}). Nothing was changed; run it again.`;
    case 'optimized':
      return (
        `${name} is at version ${formatCount(result.version)}: ${formatCountOf(result.removedCount, 'file')} (${formatBytes(result.removedBytes)}) ` +
        `became ${formatCount(result.addedCount)} (${formatBytes(result.addedBytes)}) with the same ${formatCountOf(result.rowCount, 'row')}. ` +
        'The old ones stay until npm run vacuum.'
      );
  }
}

function logLines({ checkpoint, logCleanup }: Awaited<ReturnType<typeof tendLog>>): string[] {
  const lines: string[] = [];
  if (checkpoint.kind === 'written')
    lines.push(
      `Checkpoint of version ${formatCount(checkpoint.version)} written: ${formatCountOf(checkpoint.actionCount, 'action')}, ${formatBytes(checkpoint.sizeBytes)}.`,
    );
  if (logCleanup.kind === 'cleaned')
    lines.push(
      `${formatCountOf(logCleanup.deletedCount, 'expired log file')} deleted${logCleanup.checkpointVersion === undefined ? '' : `; the log starts at version ${formatCount(logCleanup.checkpointVersion)}`}.`,
    );
  return lines;
}
