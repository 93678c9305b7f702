// Pure. Which vacuums are at work, by what they wrote into the log: until its end, a vacuum may delete any file that its plan found unused,
// so a restore must not bring such files back.
import { isJsonObject, type JsonObject } from '../json.js';

/** A start counts for so long; a vacuum that takes longer starts again in good time, and one that died stops counting. */
export const vacuumLeaseMs = 3_600_000;

/** Key in `commitInfo.tags` by which the end of a run is told from that of another. */
const runTag = 'tributary.vacuumRun';

export function vacuumTags(runId: string): JsonObject {
  return { [runTag]: runId };
}

export interface CommitRecord {
  readonly version: number;
  readonly timestampMs: number;
  readonly commitInfo: JsonObject;
}

/**
 * @param commits those of the last lease at least, ascending
 * @returns version of the oldest start within the lease that has no end. Other engines do not say which start an end belongs to: theirs
 *   are matched in the order of the log.
 */
export function findVacuumAtWork(commits: readonly CommitRecord[], nowMs: number): number | undefined {
  const open: { version: number; timestampMs: number; run: unknown }[] = [];
  for (const { version, timestampMs, commitInfo } of commits) {
    const run = isJsonObject(commitInfo.tags) ? commitInfo.tags[runTag] : undefined;
    if (commitInfo.operation === 'VACUUM START') open.push({ version, timestampMs, run });
    if (commitInfo.operation !== 'VACUUM END') continue;
    const ended = run === undefined ? open.filter((start) => start.run === undefined).slice(0, 1) : [];
    for (const start of [...open]) {
      if (ended.includes(start) || (run !== undefined && start.run === run))
        open.splice(open.indexOf(start), 1);
    }
  }
  return open.find(({ timestampMs }) => nowMs - timestampMs < vacuumLeaseMs)?.version;
}
