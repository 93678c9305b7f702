// `npm run restore -- readings --to 12`: makes a table hold again what it held at an older version.
import { TributaryError } from '../shared/base/index.js';
import { restoreTable } from '../shared/delta/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { locateUpkeepTable, tablePositional } from './lake/upkeepTable.js';
import { formatCount } from './terminal/index.js';

const restoreCommand = {
  invocation: 'npm run restore --',
  summary:
    'Makes a Delta table hold again what it held at an older version, as a new version; so it can be undone in the same way. ' +
    'Events that were ingested since do not come again.',
  positionals: tablePositional,
  options: {
    to: {
      kind: 'integer',
      placeholder: 'VERSION',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'the version to go back to; npm run history lists them',
    },
    json: jsonOption,
    state: stateOption,
  },
  examples: [['npm run restore -- readings --to 12', 'undoes what came after version 12']],
} as const satisfies CommandDefinition<OptionDefinitions>;

await runCommand(restoreCommand, async (options, [name = '']) => {
  const { to } = options;
  if (to === undefined)
    throw new TributaryError(
      'INPUT_INVALID',
      `Which version? npm run history -- ${name} lists them; then --to VERSION.`,
    );
  const table = await locateUpkeepTable(options.state, name);
  const result = await restoreTable({ ...table, version: to });
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else console.log(summaryOf(name, to, result));
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
        `${formatCount(result.restoredFileCount)} files came back, ${formatCount(result.removedFileCount)} went.`
      );
  }
}
