// `npm run restore -- readings --to 12`: makes a table hold again what it held at an older version.
import { TributaryError } from '../shared/base/index.js';
import { findVersionAt, restoreTable } from '../shared/delta/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { parseMoment } from './lake/moment.js';
import { locateUpkeepTable, tablePositional } from './lake/upkeepTable.js';
import { formatCount, formatCountOf } from './terminal/index.js';

const restoreCommand = {
  invocation: 'npm run restore --',
  summary:
    'Makes a Delta table hold again what it held at an older version, as a new version; so it can be undone in the same way. ' +
    'Events that were ingested since do not come again.',
  positionals: tablePositional,
  options: {
    to: {
      kind: 'text',
      placeholder: 'VERSION',
      description:
        'the version to go back to, or a time at which the table held it; npm run history lists both',
    },
    json: jsonOption,
    state: stateOption,
  },
  examples: [
    ['npm run restore -- readings --to 12', 'undoes what came after version 12'],
    ['npm run restore -- readings --to 2026-01-31T12:30:00Z', 'undoes what came after that time'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

await runCommand(restoreCommand, async (options, [name = '']) => {
  const { to } = options;
  if (to === undefined)
    throw new TributaryError(
      'INPUT_INVALID',
      `Which version? npm run history -- ${name} lists them; then --to VERSION.`,
    );
  const moment = parseMoment(to, '--to');
  const table = await locateUpkeepTable(options.state, name);
  const version = 'version' in moment ? moment.version : await findVersionAt(table, moment.timestampMs);
  const result = await restoreTable({ ...table, version });
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else console.log(summaryOf(name, version, result));
  return result.kind === 'conflict' || result.kind === 'vacuumAtWork' ? exitCodes.failed : exitCodes.done;
});

function summaryOf(name: string, to: number, result: Awaited<ReturnType<typeof restoreTable>>): string {
  switch (result.kind) {
    case 'nothing':
      return `Nothing to do: ${name} holds what version ${formatCount(to)} held.`;
    case 'conflict':
      return `Another writer committed version ${formatCount(result.version)} of ${name} meanwhile. Nothing was changed; run it again.`;
    case 'vacuumAtWork':
      return (
        `A vacuum of ${name} that started with version ${formatCount(result.version)} has not ended, and may delete the files that would come back. ` +
        'Nothing was changed; run it again when it has. One that died stops counting about an hour after it started.'
      );
    case 'restored':
      return (
        `${name} holds what version ${formatCount(to)} held, as version ${formatCount(result.version)}: ` +
        `${formatCountOf(result.restoredFileCount, 'file')} came back, ${formatCount(result.removedFileCount)} went.`
      );
  }
}
