// Pure. When the files that wait are a batch: files come in swarms, and a commit for every few of them would be a version of the table
// for each.
import type { WaitingFile } from './fileRows.js';

export interface GatheringLimits {
  /** No file came for so long: there are no more. */
  readonly quietMs: number;
  /** So many files are a swarm, whose events may pause: it is over after a longer silence. */
  readonly swarmFiles: number;
  readonly swarmQuietMs: number;
  /** No file waits longer than that for others to come, as they do all the time in a trickle. */
  readonly longestMs: number;
}

/** @param files oldest first, at least one @returns 0 when it is time */
export function restOfGathering(
  files: readonly WaitingFile[],
  limits: GatheringLimits,
  nowMs: number,
): number {
  const quietMs = files.length < limits.swarmFiles ? limits.quietMs : limits.swarmQuietMs;
  const oldestMs = files[0]?.discoveredMs ?? 0;
  const newestMs = files.at(-1)?.discoveredMs ?? 0;
  // Clocks of several instances differ; one that is far ahead must not hold the files up.
  if (newestMs > nowMs + quietMs) return 0;
  return Math.max(0, Math.min(newestMs + quietMs, oldestMs + limits.longestMs) - nowMs);
}
