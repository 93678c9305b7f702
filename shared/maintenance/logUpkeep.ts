// Keeps a table's log short: a checkpoint when one is due, then what lies behind the retention goes.
import { cleanUpLog, openTable, type UpkeepOptions, writeCheckpointIfDue } from '../delta/index.js';

export interface LogUpkeepResult {
  /** Version of the checkpoint that was written; null when none was due. */
  readonly checkpointVersion: number | null;
  readonly deletedLogFileCount: number;
}

export async function tendLog(table: UpkeepOptions): Promise<LogUpkeepResult> {
  const { snapshot } = await openTable(table);
  const checkpoint = await writeCheckpointIfDue(snapshot, table);
  const cleanup = await cleanUpLog(table);
  return {
    checkpointVersion: checkpoint.kind === 'written' ? checkpoint.version : null,
    deletedLogFileCount: cleanup.kind === 'cleaned' ? cleanup.deletedCount : 0,
  };
}
