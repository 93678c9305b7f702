// `npm run delete -- readings --where "device_id = 'meter-1'"`: takes rows out of a table.
import { systemClock, TributaryError } from '../shared/base/index.js';
import {
  type DeletePlan,
  type DeleteResult,
  deleteRows,
  openTable,
  parseRowPredicate,
  planDelete,
} from '../shared/delta/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { locateUpkeepTable, ProgressLine, tablePositional } from './lake/upkeepTable.js';
import { formatCount, formatCountOf, formatDuration } from './terminal/index.js';

const deleteCommand = {
  invocation: 'npm run delete --',
  summary:
    'Deletes the rows of a Delta table that meet a condition, as a new version; until npm run vacuum takes the old files, ' +
    'npm run restore brings them back. Without --yes it only says what would go. Events that were ingested do not come again.',
  positionals: tablePositional,
  options: {
    where: {
      kind: 'text',
      placeholder: 'CONDITION',
      description:
        "which rows, in SQL: comparisons of a column with a value, IS NULL, IN, BETWEEN, AND, OR, NOT; texts and times in 'quotes', fields of structs as a.b",
    },
    yes: { kind: 'flag', description: 'delete them; without it nothing is changed' },
    'dry-run': { kind: 'flag', description: 'only say what would go, even with --yes' },
    json: jsonOption,
    state: stateOption,
  },
  examples: [
    [`npm run delete -- readings --where "device_id = 'meter-1'"`, 'what would go'],
    [
      `npm run delete -- readings --where "event_time < '2026-01-01' AND site IN ('a', 'b')" --yes`,
      'deletes',
    ],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

await runCommand(deleteCommand, async (options, [name = '']) => {
  const { where } = options;
  if (where === undefined)
    throw new TributaryError(
      'INPUT_INVALID',
      `Which rows? --where takes a condition, such as --where "device_id = 'meter-1'".`,
    );
  const table = await locateUpkeepTable(options.state, name);
  const { snapshot } = await openTable(table);
  const progress = new ProgressLine();
  const request = {
    ...table,
    predicate: parseRowPredicate(where, snapshot),
    onProgress: (done: number, files: number) =>
      progress.show(`${formatCount(done)} of ${formatCountOf(files, 'file')} looked at`),
  };
  const startMs = systemClock.nowMs();
  if (options['dry-run'] || !options.yes) {
    const plan = await planDelete(request).finally(() => progress.clear());
    if (options.json) console.log(JSON.stringify(plan, null, 2));
    else console.log(planLines(name, plan, options['dry-run']).join('\n'));
    return exitCodes.done;
  }
  const result = await deleteRows(request).finally(() => progress.clear());
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else console.log(`${summaryOf(name, result)} Took ${formatDuration(systemClock.nowMs() - startMs)}.`);
  return result.kind === 'conflict' ? exitCodes.failed : exitCodes.done;
});

function planLines(name: string, plan: DeletePlan, isDryRun: boolean): string[] {
  const read = `${formatCount(plan.readFileCount)} of ${formatCountOf(plan.fileCount, 'file')} looked at; the others cannot hold such rows.`;
  if (plan.deletedRowCount === 0) return [`No row of ${name} meets the condition.`, read];
  return [
    `${formatCountOf(plan.deletedRowCount, 'row')} of ${name} would be deleted.`,
    `${formatCountOf(plan.removedFileCount, 'file')} would go, ${formatCount(plan.addedFileCount)} with the ${formatCountOf(plan.copiedRowCount, 'row')} beside them would be written.`,
    read,
    ...(isDryRun ? [] : ['Nothing was changed. Add --yes to delete them.']),
  ];
}

function summaryOf(name: string, result: DeleteResult): string {
  switch (result.kind) {
    case 'nothing':
      return `Nothing to do: no row of ${name} meets the condition.`;
    case 'conflict':
      return `Other writers changed ${name} each time, last with version ${formatCount(result.version)}. Nothing was deleted; run it again.`;
    case 'deleted':
      return (
        `${formatCountOf(result.deletedRowCount, 'row')} of ${name} deleted, as version ${formatCount(result.version)}: ${formatCountOf(result.removedFileCount, 'file')} went, ` +
        `${formatCount(result.addedFileCount)} with ${formatCountOf(result.copiedRowCount, 'row')} beside them were written. The old ones stay until npm run vacuum.`
      );
  }
}
