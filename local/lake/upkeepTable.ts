// One table of the running stack, opened by a command that looks after it.
import { createApp } from '../../shared/app.js';
import { silentLogger } from '../../shared/base/index.js';
import type { UpkeepOptions } from '../../shared/delta/index.js';
import { StackState } from '../stack/stackState.js';
import { assertTable } from './lake.js';

export const tablePositional = {
  name: 'TABLE',
  minimum: 1,
  maximum: 1,
  description: 'e.g. readings or quarantine',
} as const;

/** @throws TributaryError LOCAL_NOT_RUNNING; INPUT_INVALID for a table that does not exist */
export async function locateUpkeepTable(state: string, table: string): Promise<UpkeepOptions> {
  const { storage } = new StackState(state).readEndpoints();
  const app = await createApp({ LakeStorage: storage }, silentLogger);
  assertTable(app, table);
  return app.upkeepOptions(table);
}

/** One line that is written over itself, on a terminal only. */
export class ProgressLine {
  readonly #isTerminal = process.stderr.isTTY === true;

  show(text: string): void {
    if (this.#isTerminal) process.stderr.write(`\r\x1b[K${text}`);
  }

  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\x1b[K');
  }
}
