// Pure. When versions were committed (PROTOCOL.md "In-Commit Timestamps"), and which version a time means.
import type { Metadata } from './types.js';

export interface CommitTime {
  readonly version: number;
  readonly timestampMs: number;
}

/**
 * Storage times of commits made strictly increasing, as Spark does: clocks step back, and some storages count whole seconds.
 * @param times by ascending version
 */
export function monotoneTimes(times: readonly CommitTime[]): CommitTime[] {
  let last = Number.NEGATIVE_INFINITY;
  return times.map(({ version, timestampMs }) => {
    last = Math.max(timestampMs, last + 1);
    return { version, timestampMs: last };
  });
}

/** The last version that was there at the time; undefined when the first came later. @param times strictly increasing */
export function versionAt(times: readonly CommitTime[], timestampMs: number): number | undefined {
  return times.findLast((time) => time.timestampMs <= timestampMs)?.version;
}

/** From which version on commits carry their own timestamps; undefined when they do not. */
export interface InCommitTimestamps {
  readonly fromVersion: number;
  /** Of that version; undefined when all versions have one. */
  readonly fromTimestampMs: number | undefined;
}

/** The properties had another name before the feature was released (`inCommitTimestamp-preview`). */
export function inCommitTimestampsOf({ configuration }: Metadata): InCommitTimestamps | undefined {
  const property = (name: string) => configuration[`delta.${name}`] ?? configuration[`delta.${name}-preview`];
  if (property('enableInCommitTimestamps')?.toLowerCase() !== 'true') return undefined;
  const version = Number(property('inCommitTimestampEnablementVersion') ?? Number.NaN);
  const timestamp = Number(property('inCommitTimestampEnablementTimestamp') ?? Number.NaN);
  if (!Number.isSafeInteger(version) || !Number.isSafeInteger(timestamp)) {
    return { fromVersion: 0, fromTimestampMs: undefined };
  }
  return { fromVersion: version, fromTimestampMs: timestamp };
}
