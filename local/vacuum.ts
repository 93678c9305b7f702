// `npm run vacuum -- readings`: deletes files that no version within the retention refers to.
import { TributaryError } from '../shared/base/index.js';
import { executeVacuum, planVacuum, type VacuumPlan, type VacuumResult } from '../shared/delta/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { locateUpkeepTable, ProgressLine, tablePositional } from './lake/upkeepTable.js';
import { formatBytes, formatCount, formatCountOf, formatDuration } from './terminal/index.js';

const vacuumCommand = {
  invocation: 'npm run vacuum --',
  summary:
    'Deletes files of a Delta table that no version within the retention refers to: those replaced by npm run optimize, and ' +
    'leftovers of writers that died. Older versions can then no longer be read or restored.',
  positionals: tablePositional,
  options: {
    'dry-run': { kind: 'flag', description: 'only say what would be deleted' },
    retention: {
      kind: 'duration',
      minimumMs: 0,
      maximumMs: 10 * 365 * 86_400_000,
      description: 'keep what was removed since, e.g. 240h (default 168h, or as the table says)',
    },
    'allow-short-retention': {
      kind: 'flag',
      description: 'take a --retention below that of the table; only while nothing writes to it',
    },
    json: jsonOption,
    state: stateOption,
  },
  examples: [
    ['npm run vacuum -- readings --dry-run', 'what would go'],
    ['npm run vacuum -- readings', 'deletes what is older than the retention of the table'],
    [
      'npm run vacuum -- readings --retention 0s --allow-short-retention',
      'everything, while no npm start sends',
    ],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

const shownPaths = 20;

await runCommand(vacuumCommand, async (options, [name = '']) => {
  const table = await locateUpkeepTable(options.state, name);
  const progress = new ProgressLine();
  const vacuum = {
    ...table,
    allowShortRetention: options['allow-short-retention'],
    ...(options.retention === undefined ? {} : { retentionMs: options.retention }),
    onProgress: (done: number, files: number) =>
      progress.show(`${formatCount(done)} of ${formatCountOf(files, 'file')} deleted`),
  };
  const plan = await planVacuum(vacuum).catch((error: unknown) => {
    const isTooShort = error instanceof TributaryError && error.code === 'INPUT_INVALID';
    throw isTooShort ? withOption(error) : error;
  });
  if (options['dry-run']) {
    if (options.json) console.log(JSON.stringify(plan, null, 2));
    else console.log(planLines(plan).join('\n'));
    return exitCodes.done;
  }
  const result = await executeVacuum(plan, vacuum).finally(() => progress.clear());
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else console.log(summaryLines(name, plan, result).join('\n'));
  return result.kind === 'aborted' ? exitCodes.failed : exitCodes.done;
});

/** The check is overridden by an option here. */
function withOption({ code, message }: TributaryError): TributaryError {
  return new TributaryError(
    code,
    message.replace('override the check', 'override the check with --allow-short-retention'),
  );
}

function planLines({ paths, bytes, retentionMs }: VacuumPlan): string[] {
  if (paths.length === 0) return [`Nothing is older than ${formatDuration(retentionMs)} and left over.`];
  const more = paths.length - shownPaths;
  return [
    ...paths.slice(0, shownPaths),
    ...(more > 0 ? [`... and ${formatCount(more)} more (--json shows all)`] : []),
    '',
    `${formatCountOf(paths.length, 'file')} with ${formatBytes(bytes)} would be deleted.`,
  ];
}

function summaryLines(name: string, plan: VacuumPlan, result: VacuumResult): string[] {
  switch (result.kind) {
    case 'nothing':
      return [
        `Nothing to do: no file of ${name} is older than ${formatDuration(plan.retentionMs)} and left over.`,
      ];
    case 'aborted':
      return [
        `The table ${name} was changed by another writer meanwhile. ${formatCountOf(result.deletedCount, 'file')} deleted so far; run it again for the rest.`,
      ];
    case 'vacuumed':
      return [
        `${formatCountOf(result.deletedCount, 'file')} of ${name} with ${formatBytes(result.bytes)} deleted.`,
        ...result.refused.slice(0, shownPaths).map(({ path, reason }) => `Not deleted: ${path} (${reason})`),
      ];
  }
}
