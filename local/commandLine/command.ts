// The frame around every command: arguments in, exit code out, errors as messages and not as stacks.
import { resolve } from 'node:path';
import { describeError, TributaryError } from '../../shared/base/index.js';
import { chooseStyle } from '../terminal/index.js';
import {
  type CommandDefinition,
  helpText,
  type OptionDefinitions,
  type OptionValues,
  optionKeptByNpm,
  parseCommand,
} from './arguments.js';

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs the command with this process's arguments and sets the exit code.
 * @param run resolves with the exit code
 */
export async function runCommand<D extends OptionDefinitions>(
  command: CommandDefinition<D>,
  run: (options: OptionValues<D>, positionals: readonly string[]) => Promise<number>,
  { readerLeaves = 'exit' }: { readonly readerLeaves?: 'exit' | 'handled' } = {},
): Promise<void> {
  if (readerLeaves === 'exit') exitQuietlyWhenReaderLeaves();
  const kept = optionKeptByNpm(command.options, process.env);
  if (kept !== undefined) {
    console.error(
      `npm kept --${kept} for itself. Options for the command come after two dashes: ${withDashes(command.invocation)} --${kept} ...`,
    );
    process.exitCode = exitCodes.usage;
    return;
  }
  const parsed = parseCommand(command, process.argv.slice(2));
  if (parsed.kind === 'help') {
    console.log(helpText(command));
    return;
  }
  if (parsed.kind === 'invalid') {
    console.error(parsed.message);
    process.exitCode = exitCodes.usage;
    return;
  }
  try {
    process.exitCode = await run(parsed.options, parsed.positionals);
  } catch (error) {
    reportFailure(error);
    process.exitCode = exitCodes.failed;
  }
}

/** npm runs commands in the project's folder and leaves the user's own in INIT_CWD. */
export function userPath(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

function withDashes(invocation: string): string {
  return invocation.endsWith(' --') ? invocation : `${invocation} --`;
}

/** An error with a code explains itself; anything else is a defect, and its stack is what helps to mend it. */
function reportFailure(error: unknown): void {
  const style = chooseStyle(process.stderr.isTTY === true, process.env);
  const known = error instanceof TributaryError;
  console.error(style.red(known ? `${error.message} (${error.code})` : describeError(error)));
  if (!known && error instanceof Error) console.error(error.stack);
}

/** `npm run show -- readings | head` closes the pipe early; that is not an error. */
function exitQuietlyWhenReaderLeaves(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(exitCodes.done);
    throw error;
  });
}
